"""A catalogue in XML is written once, and never for another login."""

from typing import Any

from keymw.login import access_body
from keymw.web.negotiate import Format


def _access(user: str, *urls: str) -> Any:
    endpoints = [{'region': 'R', 'publicURL': url} for url in urls]
    return {
        'token': {'id': f'token of {user}', 'expires': '2099'},
        'user': {'id': user, 'name': user},
        'serviceCatalog': [{'type': 'x', 'endpoints': endpoints}],
    }


def test_logins_share_the_catalogue_and_nothing_else() -> None:
    accesses = [
        _access('bob', 'http://a/<serviceCatalog>'),
        _access('eve', 'http://a/<serviceCatalog>'),
        _access('eve', 'http://b/'),
        _access('bob'),
        _access('bob', 'http://a/</access>', 'http://c/'),
    ]
    alone = []
    for access in accesses:
        access_body._catalogue_xml.cache_clear()
        alone.append(access_body.write(access, Format.XML))
    access_body._catalogue_xml.cache_clear()
    for _ in range(2):
        together = [access_body.write(a, Format.XML) for a in accesses]
        assert together == alone
    assert access_body._catalogue_xml.cache_info().misses == 4
