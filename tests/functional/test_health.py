"""Whether a process lives, and whether it can answer."""

from collections.abc import Callable
from collections.abc import Iterator
import pathlib
import threading
from typing import Any

from oslo_middleware import healthcheck
from paste import deploy as paste
import pytest
import webtest

from keymw.conf import ConfigError
from keymw.storage.base import Outage
from keymw.storage.sql.api_keys import SqlApiKeys
from keymw.storage.sql.credentials import SqlCredentials
from tests.support.between import Between
from tests.support.between import broken
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment


@pytest.fixture(scope='module')
def between(cloud: Cloud) -> Between:
    return Between(cloud.app)


@pytest.fixture(scope='module')
def made(
    tmp_path_factory: pytest.TempPathFactory, between: Between
) -> Iterator[Deployment]:
    """keymw, whose checks are there as long as its filter is."""
    options = {'api_keys': {'enabled': 'true'}}
    found = Deployment(tmp_path_factory.mktemp('health') / 'keymw', options)
    found.set_up()
    served = found.load(between)
    yield found
    del served


@pytest.fixture(autouse=True)
def restored(made: Deployment, between: Between) -> Iterator[None]:
    """Everything is there again after a test."""
    yield
    between.step_aside()
    if (made.home / 'away').exists():
        (made.home / 'away').rename(made.home / 'vault')
    assert probe(made).get('/readyz')


def probe(made: Deployment, kind: str = 'app', **options: str) -> Any:
    """The health checks of the filter of a deployment, by a paste ini."""
    options = {'config_file': str(made.conf_file), 'deadline': '30'} | options
    lines = ''.join(f'{name} = {value}\n' for name, value in options.items())
    ini = made.home / 'health.ini'
    ini.write_text(
        '[pipeline:filter]\npipeline = health other\n'
        f'[filter:health]\nuse = egg:keymw#health\n{lines}'
        f'[app:app]\nuse = egg:keymw#health\n{lines}'
        '[app:other]\npaste.app_factory = tests.functional.test_health:other\n'
    )
    return webtest.TestApp(paste.loadapp(f'config:{ini}', name=kind))


def other(_global_conf: Any) -> Any:
    """An application that answers everything."""

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'other']

    return app


@pytest.mark.parametrize('kind', ['app', 'filter'])
def test_good_health(made: Deployment, kind: str) -> None:
    web = probe(made, kind)
    for path, method in (
        ('/healthz', 'GET'),
        ('/readyz', 'GET'),
        ('/readyz', 'HEAD'),
        ('/readyz', 'OPTIONS'),
    ):
        answer = web.request(path, method=method)
        assert answer.status_int == 200
        assert answer.headers['Cache-Control'] == 'no-store'
        assert answer.text == ('' if method == 'HEAD' else 'ok\n')
    mounted = web.get(
        '/', extra_environ={'SCRIPT_NAME': '/readyz'}, status='*'
    )
    assert mounted.status_int == (404 if kind == 'app' else 200)
    rest = web.get('/v3', status='*')
    assert rest.status_int == (404 if kind == 'app' else 200)


def no_store(patch: pytest.MonkeyPatch, *_: Any) -> None:
    def fail(*_: Any) -> Any:
        raise Outage('postgresql://keymw:hunter2@db/keymw')

    patch.setattr(SqlCredentials, 'get', fail)


def no_api_keys(patch: pytest.MonkeyPatch, *_: Any) -> None:
    def fail(*_: Any) -> Any:
        raise Outage('postgresql://keymw:hunter2@db/keymw')

    patch.setattr(SqlApiKeys, 'get', fail)


def no_vault(_: Any, made: Deployment, _between: Any) -> None:
    (made.home / 'vault').rename(made.home / 'away')


def no_identity(_: Any, _made: Any, between: Between) -> None:
    between.instead('.*', iter([broken] * 9))


@pytest.mark.parametrize(
    ('name', 'fail'),
    [
        ('store', no_store),
        ('store', no_api_keys),
        ('vault', no_vault),
        ('identity', no_identity),
    ],
)
def test_what_is_away_is_named_and_no_more(
    made: Deployment,
    between: Between,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    fail: Callable[..., None],
) -> None:
    plain, detailed = probe(made), probe(made, detailed='true')
    good = dict.fromkeys(('identity', 'store', 'vault'), 'ok')
    assert detailed.get('/readyz').json == {'ready': True, 'checks': good}
    fail(monkeypatch, made, between)
    assert plain.get('/readyz', status=503).text == 'not ready\n'
    answer = detailed.get('/readyz', status=503)
    assert answer.json == {'ready': False, 'checks': good | {name: 'fails'}}
    assert plain.get('/healthz').status_int == 200
    # Probes come every second, and a line for each would be a flood.
    lines = [r for r in caplog.records if r.name == 'keymw.observe.health']
    assert len(lines) == 1
    assert name in lines[0].getMessage()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A store that hangs until the end of the test; each call is noted."""
    opened, calls = threading.Event(), [0]

    def hang(*_: Any) -> None:
        calls[0] += 1
        opened.wait()

    monkeypatch.setattr(SqlCredentials, 'get', hang)
    yield calls
    opened.set()


def test_a_check_that_hangs_meets_its_deadline_and_takes_one_thread(
    made: Deployment, gate: list[int]
) -> None:
    web = probe(made, detailed='true', deadline='0.05')
    for _ in range(3):
        checks = web.get('/readyz', status=503).json['checks']
        assert checks['store'] == 'no answer within 0.05 s'
    assert gate == [1]


@pytest.mark.parametrize('detailed', [False, True])
def test_backend_of_oslo_middleware(
    made: Deployment, monkeypatch: pytest.MonkeyPatch, *, detailed: bool
) -> None:
    local = {
        'oslo_config_project': 'keymw-test',
        'backends': 'keymw',
        'detailed': str(detailed),
        'keymw_config_file': str(made.conf_file),
        'keymw_deadline': '30',
    }
    web = webtest.TestApp(healthcheck.Healthcheck.app_factory({}, **local))
    json = {'Accept': 'application/json'}
    (good,) = web.get('/', headers=json).json['reasons']
    assert (good['reason'] if detailed else good) == 'OK'
    no_store(monkeypatch)
    answer = web.get('/', headers=json, status=503)
    (bad,) = answer.json['reasons']
    assert (bad['reason'] if detailed else bad) == 'keymw: store: fails'
    if detailed:
        assert bad['details'] == 'identity: ok; store: fails; vault: ok'
    assert 'hunter2' not in answer.text


def test_process_without_a_filter_is_not_ready(tmp_path: pathlib.Path) -> None:
    nobody = Deployment(tmp_path / 'nobody')
    assert probe(nobody).get('/readyz', status=503)
    assert probe(nobody).get('/healthz').status_int == 200


@pytest.mark.parametrize(
    'wrong',
    [{'deadline': 'soon'}, {'deadline': '0'}, {'detailed': 'x'}, {'x': '1'}],
)
def test_wrong_option_is_one_line(
    made: Deployment, wrong: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match='egg:keymw#health: '):
        probe(made, **wrong)


def test_without_service_user_the_version_is_asked(
    tmp_path: pathlib.Path, between: Between
) -> None:
    options = {'service_user': '', 'service_project': ''}
    made = Deployment(tmp_path / 'plain', {'identity': options})
    made.set_up()
    kept = made.load(between)
    web = probe(made)
    assert web.get('/readyz').status_int == 200
    before = between.count('GET /v3')
    assert web.get('/readyz').status_int == 200
    assert between.count('GET /v3') == before + 1
    assert kept
