"""Options of [ldap] that cannot work are one clear line at start."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import pytest

from keymw.conf import ConfigError
from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('url', ' '),
        ('url', ','),
        ('url', 'localhost'),
        ('url', 'http://localhost'),
        ('url', 'ldap:/localhost'),
        ('url', 'ldap://localhost:99999'),
        ('url', 'ldap://localhost:port'),
        ('url', 'ldap://[::1'),
        ('url', 'ldap://localhost/dc=example,dc=com'),
        ('url', 'ldap://localhost, nonsense'),
        ('user', ''),
        ('user', ' '),
        ('password', ''),
        ('password', ' '),
        ('user_tree_dn', ''),
        ('user_tree_dn', ' '),
        ('user_tree_dn', 'people'),
        ('query_scope', 'base'),
        ('user_objectclass', ' '),
        ('user_objectclass', 'person)(cn=*'),
        ('user_filter', 'uid=ann'),
        ('user_filter', '(uid=ann'),
        ('user_filter', '(uid=ann))('),
        ('user_id_attribute', 'no attribute'),
        ('user_name_attribute', 'uid*'),
        ('credential_objectclass', 'ä'),
        ('credential_secret_attribute', ' '),
        ('page_size', '-1'),
        ('pool_size', '0'),
        ('connection_timeout', '0'),
        ('operation_timeout', 'soon'),
        ('tls_req_cert', 'maybe'),
        ('tls_cacertfile', '/nowhere/ca.crt'),
    ],
)
def test_option_that_cannot_be_is_one_line(
    connect: Connect, option: str, value: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        connect(**{option: value})
    assert option in str(refused.value)
    assert '\n' not in str(refused.value)


def test_start_tls_is_not_for_tls_from_the_start(connect: Connect) -> None:
    with pytest.raises(ConfigError, match='use_tls: is for ldap:// and not'):
        connect(use_tls='true', url='ldap://localhost,ldaps://localhost')


def test_password_may_hold_anything(connect: Connect) -> None:
    with pytest.raises(Outage, match=r'^\[ldap\] password: '):
        connect(password='"*(),%s\\ ü').check()


@pytest.mark.parametrize('page_size', ['0', '1', '2', '1000'])
def test_page_size(connect: Connect, page_size: str) -> None:
    assert connect(page_size=page_size).page('', 10) == []


def test_names_of_attributes_are_options(connect: Connect) -> None:
    store: CredentialStore = connect(
        credential_objectclass='KEYMWCREDENTIAL',
        credential_user_id_attribute='KeymwUserID',
        credential_secret_attribute='keymwsecret',
    )
    store.check()


def test_file_without_a_certificate_is_one_line(
    connect: Connect, tmp_path: pathlib.Path
) -> None:
    ca_file = tmp_path / 'ca.crt'
    ca_file.write_text('no certificate')
    store = connect(tls_cacertfile=str(ca_file), use_tls='true')
    with pytest.raises(Outage, match=r'^\[ldap\] tls_cacertfile: '):
        store.get('ann')
