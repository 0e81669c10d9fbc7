"""The literal blocks of the documentation, as its pages have them."""

import pathlib
import re
import textwrap

DOC = pathlib.Path(__file__).parents[2] / 'doc'
_BLOCK = re.compile(r'(?:^|\n\n)((?: {4,}\S.*(?:\n|$)|\n(?= {4}))+)')


def blocks(page: str) -> list[str]:
    """The literal blocks of a page, for example "user/clients"."""
    text = (DOC / f'{page}.md').read_text()
    return [textwrap.dedent(block) for block in _BLOCK.findall(text)]


def block(page: str, start: str) -> str:
    """The first literal block of a page that starts like this."""
    return next(b for b in blocks(page) if b.startswith(start))
