"""The settings of [ldap], checked at start."""

import dataclasses
import pathlib
import re
from typing import Any
from urllib import parse

import ldap
import ldap.dn
from oslo_config import cfg

from keymw.conf import ConfigError

_SCHEMES = ('ldap', 'ldaps', 'ldapi')
_SCOPES = {'one': ldap.SCOPE_ONELEVEL, 'sub': ldap.SCOPE_SUBTREE}
_CHECKS = {
    'demand': ldap.OPT_X_TLS_DEMAND,
    'allow': ldap.OPT_X_TLS_ALLOW,
    'never': ldap.OPT_X_TLS_NEVER,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings for connections and searches; times are in seconds."""

    urls: list[str]
    user: str
    password: str = dataclasses.field(repr=False)
    base: str
    scope: int
    page_size: int
    use_tls: bool
    ca_file: str | None
    check: int
    connection_timeout: int
    operation_timeout: int
    pool_size: int
    lifetime: int


def read(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings of [ldap].

    :raises ConfigError: an option is missing or invalid.
    """
    group = conf.ldap
    return Settings(
        urls=_urls(group.url, group.use_tls),
        user=_required(group, 'user'),
        password=_required(group, 'password'),
        base=_dn(group, 'user_tree_dn'),
        scope=_SCOPES[group.query_scope],
        page_size=group.page_size,
        use_tls=group.use_tls,
        ca_file=_readable(group.tls_cacertfile),
        check=_CHECKS[group.tls_req_cert],
        connection_timeout=group.connection_timeout,
        operation_timeout=group.operation_timeout,
        pool_size=group.pool_size,
        lifetime=group.pool_connection_lifetime,
    )


def _required(group: Any, option: str) -> str:
    value: str | None = group[option]
    if not value:
        raise ConfigError(f'[ldap] {option}: the ldap driver needs it')
    return value


def _urls(text: str, use_tls: bool) -> list[str]:
    urls = [url for url in re.split(r'[\s,]+', text) if url]
    if not urls:
        raise ConfigError('[ldap] url: the ldap driver needs it')
    for url in urls:
        if not _is_url(url):
            raise ConfigError(
                f'[ldap] url: "{url}" is none; a directory has '
                'ldap://host:port, ldaps://host:port or ldapi://%2Fsocket'
            )
        if use_tls and not url.lower().startswith('ldap:'):
            raise ConfigError(f'[ldap] use_tls: is for ldap:// and not {url}')
    return urls


def _is_url(url: str) -> bool:
    try:
        parts = parse.urlsplit(url)
        _ = parts.port
        ldap.initialize(url)
    except (ValueError, ldap.LDAPError):
        return False
    ends = (parts.path.strip('/'), parts.query, parts.fragment)
    return parts.scheme in _SCHEMES and not any(ends)


def _dn(group: Any, option: str) -> str:
    value = _required(group, option)
    try:
        ldap.dn.str2dn(value)
    except ldap.DECODING_ERROR:
        raise ConfigError(f'[ldap] {option}: "{value}" is no DN') from None
    return value


def _readable(file: str | None) -> str | None:
    if file is not None:
        try:
            pathlib.Path(file).open('rb').close()
        except OSError as error:
            raise ConfigError(f'[ldap] tls_cacertfile: {error}') from None
    return file
