"""Pages of a directory that no real server sends on demand."""

from __future__ import annotations

import pytest

pytest.importorskip('ldap', reason='python-ldap is not installed')

import pathlib
from typing import Any

from ldap import controls

from keymw import conf
from keymw.storage.ldap import settings
from keymw.storage.ldap.session import Session

PAST_THE_END = b'\xff' * 8


class Directory:
    """Sends one page after another, and repeats the last one."""

    def __init__(self, *pages: tuple[list[str | None], bytes]) -> None:
        self.pages = list(pages)

    def search_ext(self, *_args: Any, **_kwargs: Any) -> int:
        return 1

    def result3(self, number: int) -> tuple[Any, ...]:
        found, cookie = self.pages[0]
        self.pages = self.pages[1:] or self.pages
        page = controls.SimplePagedResultsControl(True, 0, cookie)
        return 101, [(dn, {}) for dn in found], number, [page]


@pytest.mark.parametrize(
    'pages',
    [
        [(['cn=1'], b'1'), (['cn=2'], b'')],
        # Cookies are opaque: 389 Directory Server repeats them.
        [(['cn=1'], b'0'), (['cn=2'], b'0'), ([], b'')],
        [(['cn=1'], b'1'), ([], b'2'), (['cn=2'], b'1'), ([], b'1')],
        # A page may hold nothing but references to other servers.
        [(['cn=1'], b'0'), ([None], b'0'), (['cn=2'], b'')],
        # OpenLDAP, where entries are changed between two pages.
        [(['cn=1'], b'1'), (['cn=2'], PAST_THE_END), ([], PAST_THE_END)],
    ],
)
def test_pages_come_to_an_end(
    pages: list[tuple[list[str | None], bytes]], tmp_path: pathlib.Path
) -> None:
    file = tmp_path / 'keymw.conf'
    file.write_text(
        '[ldap]\nurl = ldap://localhost\nuser_tree_dn = o=x\n'
        'user = cn=x\npassword = x\n'
    )
    options = settings.read(conf.load(str(file)))
    session = Session(Directory(*pages), options)
    found = [entry.dn for entry in session.search('(cn=*)', [])]
    assert found == ['cn=1', 'cn=2']
