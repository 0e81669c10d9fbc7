"""The table of spellings and attacks against servers, as a page."""

from collections.abc import Iterable
import pathlib

from tests.live.gate_servers import COMMANDS
from tests.live.gate_servers import ROOT

PAGE = ROOT / 'doc' / 'gate.md'
# Set to write the page at the end of the tests.
SWITCH = 'KEYMW_WRITE_GATE_TABLE'
INTRODUCTION = """\
# The gate on servers

`tests/live/test_gate_servers.py` sends each spelling of guarded paths over
raw sockets to keymw on five servers. Behind keymw are applications by Paste
urlmap, Flask, Routes and WebOb, which accept the guarded routes themselves.
Each spelling is sent to these applications without keymw too. A cell has the
outcomes of five paths. `make gate-table` writes this page.

| cell | means |
|---|---|
| refused | keymw answered 400, for the spelling or for the body of a login |
| keymw | keymw answered as for the plain path: 401, 404 |
| server | the server refused the request itself |
| passed | keymw passed it on, and no application took it for a guarded route |
| * | without keymw, an application took it for a guarded route |
| **REACHED** | a guarded route was reached past keymw: there is none |

"""
# A row's name, its server, and what came of it.
Cells = dict[str, dict[str, set[str]]]


def write(
    groups: Iterable[tuple[str, Cells]], path: pathlib.Path = PAGE
) -> None:
    """Write the page; groups are a title and rows of cells by server."""
    parts = [INTRODUCTION]
    for title, rows in groups:
        parts += [f'## {title}\n\n', _head()]
        for name, cells in rows.items():
            shown = (_cell(cells.get(server, ())) for server in COMMANDS)
            parts.append(f'| `{_quoted(name)}` | {" | ".join(shown)} |\n')
        parts.append('\n')
    path.write_text(''.join(parts).rstrip('\n') + '\n')


def _head() -> str:
    names = ' | '.join(COMMANDS)
    return f'| | {names} |\n{"|---" * (len(COMMANDS) + 1)}|\n'


def _cell(found: Iterable[str]) -> str:
    return ', '.join(sorted(found)) or 'not run'


def _quoted(name: str) -> str:
    return name.replace('|', '\\|')
