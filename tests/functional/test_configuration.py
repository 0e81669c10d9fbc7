"""keymw.conf: its files, its values, and the messages for mistakes."""

from collections.abc import Iterable
import logging
import pathlib
import sys

from paste import deploy as paste
import pytest
import webtest

from keymw import conf
from keymw import families
from keymw.conf import ConfigError
from keymw.policy import files
from tests.support import manage
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.pipeline_v2 import PipelineV2

OTHER = {
    f'OS_{group}__{name}'.upper(): value
    for group, opts in conf.list_opts()
    for opt in opts
    for name in {opt.name, opt.dest}
    for value in ['sqlite:////nowhere/other.db']
} | {
    'OS_AUTH_URL': 'http://127.0.0.1:1/v3',
    'OS_CLOUD': 'other',
    'OS_DEFAULT__LOG_FILE': '/nowhere/other.log',
    'OS_KEYMW_CONFIG_FILE': '/nowhere/keymw.conf',
    'OS_OSLO_POLICY__POLICY_FILE': '/nowhere/policy.yaml',
    'OS_PASSWORD': 'other',
    'OS_USERNAME': 'other',
}


def read(*names: str | pathlib.Path) -> int:
    """The value of one option, read from files of these names."""
    return int(conf.load([str(n) for n in names]).limits.max_body_size)


def limit(file: pathlib.Path, size: int) -> pathlib.Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'[limits]\nmax_body_size = {size}\n')
    return file


def said_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.getMessage().startswith('keymw.conf: ')
    ]


def test_environment_of_a_service_configures_nothing(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = conf.load(str(made.conf_file))
    for name, value in OTHER.items():
        monkeypatch.setenv(name, value)
    found = conf.load(str(made.conf_file))
    for group, opts in conf.list_opts():
        for opt in opts:
            assert found[group][opt.dest] == plain[group][opt.dest]
    assert made.load(PipelineV2())


def test_environment_of_a_service_moves_no_database(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Deployment(tmp_path / 'keymw')
    other = tmp_path / 'other.db'
    more = {'OS_DATABASE__CONNECTION': f'sqlite:///{other}'}
    for name, value in (OTHER | more).items():
        monkeypatch.setenv(name, value)
    for words in (('vault', 'setup'), ('db', 'sync'), ('doctor',)):
        assert manage.run(made.conf_file, *words).code == 0
    assert not other.exists()
    assert (made.home / 'keymw.db').exists()
    assert (made.home / 'vault' / '1').exists()


def test_environment_may_name_the_file(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('KEYMW_CONFIG_FILE', str(made.conf_file))
    assert manage.run_plain('db', 'version').code == 0
    ini = made.home / 'plain.ini'
    ini.write_text(ini_with(defaults='', options=''))
    assert paste.loadapp(f'config:{ini}')


def ini_with(defaults: str, options: str) -> str:
    return (
        f'[DEFAULT]\n{defaults}\n[pipeline:main]\npipeline = keymw wrapped\n'
        f'[filter:keymw]\nuse = egg:keymw#keymw\n{options}\n'
        '[app:wrapped]\n'
        'paste.app_factory = tests.support.pipeline_v2:factory\n'
    )


@pytest.mark.parametrize(
    ('defaults', 'options'),
    [
        ('config_file = {file}', ''),
        ('', 'set config_file = {file}'),
        ('config_file = /nowhere', 'set config_file = {file}'),
    ],
)
def test_paste_may_name_the_file_for_all(
    made: Deployment, defaults: str, options: str
) -> None:
    ini = made.home / 'plain.ini'
    text = ini_with(defaults, options).format(file=made.conf_file)
    ini.write_text(text)
    web = webtest.TestApp(paste.loadapp(f'config:{ini}'))
    assert web.get('/v2.0/extensions').status_int == 200


def test_later_files_win(tmp_path: pathlib.Path) -> None:
    one, two = limit(tmp_path / 'a.conf', 1111), limit(tmp_path / 'b', 2222)
    three = limit(tmp_path / 'd' / '10.conf', 3333)
    limit(tmp_path / 'd' / '20.conf', 4444)
    limit(tmp_path / 'd' / 'no-configuration', 5555)
    assert read(one, two) == 2222
    assert read(two, one) == 1111
    assert read(f'{one};{two}') == 2222
    assert read(one, three.parent) == 4444
    assert read(three.parent, one) == 1111


def test_directory_beside_the_file_follows_it(tmp_path: pathlib.Path) -> None:
    file = limit(tmp_path / 'keymw.conf', 1111)
    limit(tmp_path / 'keymw.conf.d' / 'more.conf', 2222)
    assert read(file) == 2222


def test_keymw_manage_merges_in_order(made: Deployment) -> None:
    other = made.home / 'other.conf'
    other.write_text('[vault]\nkey_repository = /nowhere\n')
    more = made.home / 'more'
    more.mkdir()
    words = ('vault', 'status', '-f', 'json')
    file, directory = (
        ('--config-file', str(other)),
        ('--config-dir', str(more)),
    )
    assert '/nowhere' in manage.run(made.conf_file, *file, *words).failure
    (more / 'x.conf').write_text(
        f'[vault]\nkey_repository = {made.home}/vault'
    )
    ran = manage.run(made.conf_file, *file, *directory, *words)
    assert ran.data
    ran = manage.run(made.conf_file, *directory, *file, *words)
    assert '/nowhere' in ran.failure


@pytest.mark.parametrize(
    ('text', 'lines'),
    [
        ('[kskey]\nserv_v2 = false', ['[kskey] serv_v2']),
        ('[kksey]\nserve_v2 = false\nenabled = 1', ['[kksey]']),
        ('[DEFAULT]\ndebgu = true', ['[DEFAULT] debgu']),
        ('[database]\nconnection m://u:hunter2@h', ['[database] connection']),
        ('[ldap]\nUser = x\n[x]\n', ['[ldap] User', '[x]']),
        ('[oslo_policy]\npolicy_fil = x', ['[oslo_policy] policy_fil']),
        ('[kskey]\nself_service = 1\n[kskey]\nenabled = 1', []),
        ('[DEFAULT]\ndebug = true\nlog-file = x\nuse_json = true', []),
        ('[oslo_policy]\npolicy_dirs = x', []),
        ('[identity]\nauth_type = password\npassword = x\nuser_id = x', []),
    ],
)
def test_what_nothing_reads_is_named(
    made: Deployment,
    text: str,
    lines: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    more = made.home / 'keymw.conf.d' / 'more.conf'
    more.parent.mkdir()
    more.write_text(f'{text}\n')
    made.load(PipelineV2())
    assert begin_with(said_of(caplog), [f'keymw.conf: {x}' for x in lines])
    assert 'hunter2' not in caplog.text
    report = manage.run(made.conf_file, 'doctor')
    (line,) = [x for x in report.out.splitlines() if 'options: ' in x]
    assert line.startswith('FAILED' if lines else 'ok')
    assert all(text in line for text in lines)


def test_a_service_logs_where_it_says_itself(
    made: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    log = made.home / 'keymw.log'
    made.write_conf({'DEFAULT': {'log_file': str(log), 'debug': 'true'}})
    caplog.set_level(logging.INFO, 'keymw')
    made.load(PipelineV2())
    said = [x for x in caplog.messages if '[DEFAULT] ' in x]
    assert len(said) == 1
    assert 'log_file' in said[0]
    assert 'for keymw-manage alone' in said[0]
    assert not log.exists()


def begin_with(found: list[str], wanted: Iterable[str]) -> bool:
    pairs = zip(found, wanted, strict=True)
    return all(text.startswith(start) for text, start in pairs)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        (
            '[limits]\nmax_body_size = many',
            '[limits] max_body_size = many: is no whole number',
        ),
        (
            '[identity]\ntimeout = soon',
            '[identity] timeout = soon: is no number',
        ),
        ('[limits]\nmax_body_size = 1', '[limits] max_body_size = 1: '),
        (
            '[kskey]\nenabled = perhaps',
            '[kskey] enabled = perhaps: is neither true nor false',
        ),
        ('[identity]\napi_version = v4', '[identity] api_version = v4: '),
        ('[DEFAULT]\nuse_json = maybe', '[DEFAULT] use_json = maybe: '),
        ('[database]\nconnection = p://u:hun$ter2@h', '[database] connection'),
        (
            '[database]\nconnection = p://ter2$max_pool_size'
            '\nmax_pool_size = many',
            '[database] connection: its value does not fit',
        ),
        ('[database]\nconnection = p://u:x\n  y\nhunter2', 'line 4: '),
        ('[ldap]\npassword hunter2', 'line 2: '),
    ],
)
def test_a_bad_value_is_one_line_without_a_password(
    made: Deployment, text: str, words: str
) -> None:
    more = made.home / 'more.conf'
    more.write_text(f'{text}\n')
    failure = manage.run(
        made.conf_file, '--config-file', str(more), 'db', 'version'
    ).failure
    with pytest.raises(ConfigError) as refusal:
        conf.load([str(made.conf_file), str(more)])
    for said in (failure, str(refusal.value)):
        assert words in said
        assert str(more) in said
        assert 'LocationInfo' not in said
        assert 'ter2' not in said


MYSQL = 'mysql+pymysql://keymw'


@pytest.mark.parametrize(
    ('connection', 'words'),
    [
        ('sqlite:///var/lib/keymw.db', 'sqlite:////var/lib/keymw.db'),
        ('sqlite:///keymw.db', 'four slashes'),
        (f'{MYSQL}:hun@hunter2@127.0.0.1:1/keymw', '%40'),
        (f'{MYSQL}:hun@hunter2:3@127.0.0.1:1/keymw', 'no URL'),
        (f'{MYSQL}:hun@hunter2/3@127.0.0.1:1/keymw', '%40'),
        (f'{MYSQL}:hun@hunter2?x=@127.0.0.1:1/keymw', '%40'),
        ('postgresql://keymw:hun@hunter2@127.0.0.1:1/keymw', '%40'),
        (f'{MYSQL}@127.0.0.1:1/keymw?ssl_ca=/no/ca', 'ssl_ca: there is no'),
        (f'{MYSQL}@127.0.0.1:1/keymw?ssl_key=/no/key', '/no/key'),
        ('postgresql://x@127.0.0.1:1/y?sslrootcert=/no/ca', 'sslrootcert'),
    ],
)
def test_a_connection_that_was_not_meant(
    made: Deployment, connection: str, words: str
) -> None:
    made.write_conf({'database': {'connection': connection}})
    report = manage.run(made.conf_file, 'doctor').out
    failures = [
        manage.run(made.conf_file, *command).failure
        for command in (('db', 'sync'), ('credential', 'list'))
    ]
    for said in (report, *failures):
        assert '[database] connection' in said
        assert words in said
        assert 'hunter2' not in said
        assert '"keymw-manage db sync"' not in said


@pytest.mark.parametrize(
    ('options', 'missing', 'extra'),
    [
        ({'storage': {'credentials': 'ldap'}}, 'ldap', 'ldap'),
        ({'database': {'connection': f'{MYSQL}@h/k'}}, 'pymysql', 'mysql'),
        (
            {'database': {'connection': 'postgresql://h/k'}},
            'psycopg',
            'postgresql',
        ),
    ],
)
def test_a_driver_that_is_missing_names_what_to_install(
    made: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    options: Options,
    missing: str,
    extra: str,
) -> None:
    # The import here puts an incomplete package in this place.
    monkeypatch.setattr('keymw.storage.ldap', None, raising=False)
    for name in [n for n in sys.modules if n.startswith('keymw.storage.ldap')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    made.write_conf(options)
    failure = manage.run(made.conf_file, 'credential', 'list').failure
    report = manage.run(made.conf_file, 'doctor').out
    (line,) = [x for x in report.splitlines() if x.startswith('FAILED')]
    for said in (failure, line):
        assert f'needs {missing}, which is not installed' in said
        assert f"pip install 'keymw[{extra}]'" in said


def test_rule_that_is_unknown_is_named_when_its_file_changes(
    made: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    file, moments = made.home / 'policy.yaml', iter(range(0, 100, 2))
    file.write_text('"credential:list": "!"')
    found = files.RuleFiles(
        conf.load(str(made.conf_file)),
        families.list_rules(),
        lambda: next(moments),
    )
    assert caplog.messages == []
    file.write_text('"credential:list": "!"\n"credential:lst": "!"')
    assert found.follow()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        '[oslo_policy] policy_file: there is no rule "credential:lst"; is '
        'credential:list meant?'
    )


@pytest.mark.parametrize('content', [b'', b'x', b'A' * 43 + b'='])
def test_advice_on_a_damaged_key_does_not_lead_in_a_circle(
    made: Deployment, content: bytes
) -> None:
    (made.home / 'vault' / '1').write_bytes(content)
    for words in (
        ('vault', 'setup'),
        ('vault', 'status'),
        ('vault', 'rotate'),
    ):
        failure = manage.run(made.conf_file, *words).failure
        assert '/vault/1 ' in failure
        assert 'backup' in failure
        assert 'vault setup' not in failure
