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
    told = OPTION + r'there is no driver .*: write mysql\+pymysql://$'
    with pytest.raises(ConfigError, match=told):
        engine.url('mysql+nonsense://host/keymw')


@pytest.mark.parametrize(
    ('driver', 'usual'),
    [
        ('mysql+mysqldb', r'mysql\+pymysql'),
        ('postgresql+psycopg2', r'postgresql\+psycopg'),
        ('postgresql+pg8000', r'postgresql\+psycopg'),
    ],
)
def test_driver_of_no_extra_is_told_the_one_that_keymw_brings(
    driver: str, usual: str
) -> None:
    told = OPTION + f'it needs .*, which is not installed: write {usual}://$'
    with pytest.raises(ConfigError, match=told):
        engine.url(f'{driver}://host/keymw')


@pytest.mark.parametrize(
    ('database', 'driver'),
    [('mysql', 'pymysql'), ('postgresql', 'psycopg')],
)
def test_driver_that_is_not_installed_is_named(
    database: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    told = OPTION + rf"it needs {driver}, .* install 'keymw\[{database}\]'$"
    with pytest.raises(ConfigError, match=told):
        engine.url(f'{database}://host/keymw')
