"""Documents name files that exist."""

import pathlib
import re

import pytest

import keymw

ROOT = pathlib.Path(__file__).parents[2]
# Beside the tests, or where the wheel was installed.
PACKAGE = pathlib.Path(keymw.__file__).parent
DOCUMENTS = sorted(
    [*ROOT.glob('*.md'), *ROOT.glob('doc/**/*.md'), *ROOT.glob('doc/**/*.rst')]
)
# A path of this repository, in a link or in code.
PATH = re.compile(
    r'(?:\]\(|`)((?:keymw|tests|etc|doc|demo|bench|\.ci)/[\w./-]*\w)[)`#]'
)


@pytest.mark.parametrize(
    'document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_document_names_files_that_exist(document: pathlib.Path) -> None:
    named = PATH.findall(document.read_text())
    assert [name for name in named if not place(name).exists()] == []


def place(name: str) -> pathlib.Path:
    """Where a path of the repository is."""
    return (PACKAGE.parent if name.startswith('keymw/') else ROOT) / name


def test_the_map_names_every_folder_of_keymw() -> None:
    text = (ROOT / 'doc' / 'architecture.md').read_text()
    folders = {path.parent.name for path in PACKAGE.glob('*/__init__.py')}
    assert len(folders) > 10
    assert {name for name in folders if f'keymw/{name}' not in text} == set()
