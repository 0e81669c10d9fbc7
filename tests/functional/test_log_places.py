"""Where keymw and keymw-manage log, as the options of oslo.log say."""

from collections.abc import Iterator
import logging
import pathlib

import pytest

from keymw.conf import ConfigError
from tests.support import logs
from tests.support import manage
from tests.support.deployment import Deployment
from tests.support.far import remote
from tests.support.pass_through import Wrapped

HANDLERS = """
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys =
[logger_root]
level = INFO
handlers = file
[handler_file]
class = FileHandler
args = ('{log}',)
"""


@pytest.fixture
def made(made: Deployment) -> Deployment:
    manage.give_key(made.conf_file, 'u1')
    return made


@pytest.fixture
def keeps_logging() -> Iterator[None]:
    """Logging is as before when a command has set it up."""
    with logs.kept():
        yield


def audit_lines(log: pathlib.Path) -> list[str]:
    lines = log.read_text().splitlines()
    return [line for line in lines if ', outcome ' in line]


def with_keystone(made: Deployment, options: str) -> None:
    """A Keystone that keymw stands before, by its options."""
    file = made.home / 'keystone.conf'
    file.write_text(f'[DEFAULT]\n{options}')
    (made.home / 'keymw-paste.ini').write_text(
        f'[app:keystone]\nuse = egg:keymw#keystone\nconfig_file = {file}\n'
    )


@pytest.mark.parametrize('options', ['debug = true\n', '', 'nonsense\n', None])
def test_keystone_that_sets_no_log_leaves_the_line_to_the_console(
    made: Deployment, options: str | None
) -> None:
    with_keystone(made, options or '')
    if options is None:
        (made.home / 'keystone.conf').unlink()
    done = manage.run(made.conf_file, 'credential', 'delete', 'u1')
    assert (done.code, done.err, len(done.audit)) == (0, '', 1)


@pytest.mark.usefixtures('keeps_logging')
def test_log_by_a_file_of_handlers_needs_no_log_file(
    made: Deployment,
) -> None:
    log, handlers = made.home / 'own.log', made.home / 'logging.ini'
    handlers.write_text(HANDLERS.format(log=log))
    made.write_conf({'DEFAULT': {'log_config_append': str(handlers)}})
    assert manage.run(made.conf_file, 'credential', 'delete', 'u1').code == 0
    assert len(audit_lines(log)) == 1


@pytest.mark.usefixtures('keeps_logging')
def test_verbose_has_the_line_on_the_console_too(made: Deployment) -> None:
    log = made.home / 'keymw.log'
    made.write_conf({'DEFAULT': {'log_file': str(log)}})
    root = logging.getLogger()
    root.handlers[:] = []
    done = manage.run(made.conf_file, '-v', 'credential', 'delete', 'u1')
    assert (done.code, len(done.audit)) == (0, 1)
    assert len(audit_lines(log)) == 1


@pytest.mark.usefixtures('keeps_logging')
def test_keymw_before_no_keystone_logs_where_its_file_says(
    made: Deployment,
) -> None:
    log = made.home / 'keymw.log'
    default = {'log_file': str(log), 'debug': 'true'}
    away = remote(auth_url='http://127.0.0.1:1')
    made.write_conf({**away, 'DEFAULT': default, 'kskey': {'serv_v2': '1'}})
    made.load(Wrapped())
    assert 'WARNING keymw' in log.read_text()
    assert 'keymw.conf: [kskey] serv_v2' in log.read_text()


@pytest.mark.usefixtures('keeps_logging')
@pytest.mark.parametrize('name', ['log_file', 'log_config_append'])
def test_place_that_is_none_refuses_the_start(
    made: Deployment, name: str
) -> None:
    away = remote(auth_url='http://127.0.0.1:1')
    made.write_conf({**away, 'DEFAULT': {name: f'{made.home}/no/log'}})
    with pytest.raises(ConfigError, match=rf'^\[DEFAULT\] {name}: '):
        made.load(Wrapped())


@pytest.mark.parametrize('options', [{}, {'log_file': '{home}/keymw.log'}])
@pytest.mark.usefixtures('keeps_logging')
def test_handlers_stay_where_no_option_says_otherwise(
    made: Deployment, options: dict[str, str]
) -> None:
    log = {k: v.format(home=made.home) for k, v in options.items()}
    made.write_conf({**remote(auth_url='http://127.0.0.1:1'), 'DEFAULT': log})
    mine = logging.NullHandler()
    logging.getLogger().handlers[:] = [mine]
    made.load(Wrapped())
    assert (mine in logging.getLogger().handlers) == (not options)
