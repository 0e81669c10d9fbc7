"""A database URL that cannot be used is one line that names the option."""

import sys

import pytest

from keymw.conf import ConfigError
from keymw.storage.sql import engine

OPTION = r'^\[database\] connection: '


@pytest.mark.parametrize('text', ['', 'keymw.db', 'mysql://host:x/keymw'])
def test_what_is_no_url_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=OPTION + 'it is no URL such as'):
        engine.url(text)


@pytest.mark.parametrize('name', ['mssql', 'oracle+oracledb', 'nonsense'])
def test_database_that_keymw_does_not_know_is_told(name: str) -> None:
    with pytest.raises(ConfigError, match=OPTION + 'keymw keeps keys in'):
        engine.url(f'{name}://host/keymw')


def test_driver_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConfigError, match=OPTION + 'there is no driver'):
        engine.url('mysql+nonsense://host/keymw')


@pytest.mark.parametrize(
    ('text', 'driver'),
    [('mysql://host/keymw', 'pymysql'), ('postgresql://host/k', 'psycopg')],
)
def test_driver_that_is_not_installed_is_named(
    text: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigError, match=OPTION + f'it needs {driver}, '):
        engine.url(text)
