"""The commands and settings of the operator guide, as its pages have them."""

import ast
from collections.abc import Iterator
import configparser
import pathlib
import re
import shlex
import textwrap

import pytest

from keymw import conf
from keymw.manage import doctor
from tests.support import manage
from tests.support.deployment import Deployment

PAGES = pathlib.Path(__file__).parents[2] / 'doc' / 'operator'
# In the order of the guide; each finds what the ones before it left.
READ = ('install', 'global-keys', 'vault', 'monitoring', 'troubleshooting')
# A message of these levels is for the operator.
SERIOUS = {'warning', 'error', 'critical', 'exception'}
# They look for users in the Keystone of a paste pipeline.
ELSEWHERE = {'credential purge', 'api-key purge'}
# It shows a secret to a terminal alone, unless a format is named.
NO_TERMINAL = {'global-key create': ('-f', 'json')}
BLOCK = re.compile(r'(?:^|\n\n)((?: {4,}\S.*(?:\n|$)|\n(?= {4}))+)')


def blocks(page: str) -> list[str]:
    """The literal blocks of a page."""
    text = (PAGES / f'{page}.md').read_text()
    return [textwrap.dedent(block) for block in BLOCK.findall(text)]


def commands(page: str) -> list[list[str]]:
    """The arguments of each command of keymw-manage on a page."""
    lines = [line for block in blocks(page) for line in block.splitlines()]
    return [
        shlex.split(line.removeprefix('$ '), comments=True)[1:]
        for line in lines
        if line.startswith('keymw-manage ')
    ]


def test_commands_of_the_guide_run_in_their_order(
    tmp_path: pathlib.Path,
) -> None:
    made = Deployment(tmp_path / 'keymw')
    ran = 0
    for page in READ:
        for words in commands(page):
            if words[0] == '--config-file':
                assert words[1].endswith('keymw.conf')
                words = words[2:]
            name = ' '.join(words[:2])
            if name not in ELSEWHERE:
                more = NO_TERMINAL.get(name, ())
                result = manage.run(made.conf_file, *words, *more)
                assert (result.code, words) == (0, words), result
                ran += 1
    assert ran >= 10


@pytest.mark.parametrize(
    'page', sorted(file.stem for file in PAGES.glob('*.md'))
)
def test_settings_of_the_guide_are_options(
    tmp_path: pathlib.Path, page: str
) -> None:
    known = {group for group, _ in conf.list_opts()}
    for block in blocks(page):
        if not re.match(r'\[\w+\]\n', block):
            continue
        file = tmp_path / 'keymw.conf'
        file.write_text(block)
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string(block)
        if set(parsed.sections()) <= known:
            assert conf.unknown(conf.load(str(file))) == []


def test_messages_of_the_troubleshooting_page_are_those_of_keymw() -> None:
    """A line of a log is looked up as it is printed."""
    page = (PAGES / 'troubleshooting.md').read_text()
    cells = re.findall(r'^\| `([^`]+)` \|', page, flags=re.MULTILINE)
    assert len(cells) > 8
    files = pathlib.Path(conf.__file__).parents[1].rglob('*.py')
    # A message may be written as several literals.
    code = re.sub(r"'\s*\n\s*f?'", '', ' '.join(f.read_text() for f in files))
    parts = [part.strip() for cell in cells for part in cell.split('…')]
    assert [part for part in parts if part and part not in code] == []


def serious_messages() -> Iterator[str]:
    """The literal parts of each WARNING, ERROR and CRITICAL of keymw."""
    for file in pathlib.Path(conf.__file__).parents[1].rglob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id='LOG'), attr=level),
                    args=[ast.Constant(value=str(template)), *_],
                ) if level in SERIOUS:
                    parts = re.split(r'%[.\d]*[a-z]', template)
                    yield from (part.strip(' :') for part in parts)


def test_serious_messages_are_on_the_troubleshooting_page() -> None:
    page = (PAGES / 'troubleshooting.md').read_text()
    found = set(serious_messages())
    assert len(found) > 20
    assert {message for message in found if message not in page} == set()


def test_checks_of_doctor_are_on_the_troubleshooting_page() -> None:
    page = (PAGES / 'troubleshooting.md').read_text()
    table = page[page.index('## A check of doctor') :]
    named = re.findall(r'^\| ([^|`]+) \|', table.split('\n## ')[0], re.M)
    checks = {check.name for check in doctor.CHECKS}
    assert checks <= {name for cell in named for name in cell.split(', ')}
