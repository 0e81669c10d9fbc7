"""The numbers that egg:keymw#metrics shows, and that off means nothing."""

import datetime
import pathlib
import re
import sys
from typing import Any

from paste import deploy as paste
import prometheus_client as client
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families
import pytest
import webtest

from keymw import conf
from keymw.conf import ConfigError
from keymw.observe import batch
from keymw.observe import metrics_prometheus
from keymw.observe.metrics_prometheus import DIRECTORY
from keymw.storage import load
from keymw.storage.base import Outage
from keymw.storage.sql.api_keys import SqlApiKeys
from keymw.storage.sql.credentials import SqlCredentials
from keymw.web.faults import Fault
from tests.contract import api_keys
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pass_through import Wrapped

ON = {
    'metrics': {'enabled': 'true'},
    'identity': {'token_cache_ttl': '60'},
    'limits': {'max_body_size': '2048'},
}
KEYS_ON = {'enabled': 'true'}
JSON = wires.Json()
GET = 'credential:get'
Sample = tuple[str, frozenset[tuple[str, str]]]


class Page:
    """A page of metrics, read twice to see what a test added."""

    def __init__(self, home: pathlib.Path, conf_file: pathlib.Path) -> None:
        ini = home / 'metrics.ini'
        ini.write_text(
            f'[app:main]\nuse = egg:keymw#metrics\nconfig_file = {conf_file}\n'
        )
        self.web = webtest.TestApp(paste.loadapp(f'config:{ini}'))
        self._before = self._samples()

    def _samples(self) -> dict[Sample, float]:
        text = self.web.get('/metrics').text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def added(self, name: str, **labels: str) -> float:
        """How much samples with these labels have grown, together."""
        wanted = labels.items()
        return sum(
            value - self._before.get((found, told), 0)
            for (found, told), value in self._samples().items()
            if found == name and wanted <= told
        )


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    found = Deployment(tmp_path / 'keymw', ON)
    found.set_up()
    return found


@pytest.fixture
def web(made: Deployment, cloud: Cloud) -> webtest.TestApp:
    return made.web(cloud.app)


@pytest.fixture
def page(
    tmp_path: pathlib.Path, made: Deployment, web: webtest.TestApp
) -> Page:
    assert web
    return Page(tmp_path, made.conf_file)


def _sign_in(web: webtest.TestApp, name: str, key: str) -> Any:
    body = JSON.auth(wires.ROOT, {'username': name, 'apiKey': key})
    return web.post(
        '/v2.0/tokens', body, {'Content-Type': 'application/json'}, status='*'
    )


def test_request_is_counted_by_family_operation_and_status(
    page: Page, web: webtest.TestApp, cloud: Cloud, bob: Person
) -> None:
    headers = {'X-Auth-Token': cloud.admin}
    made = web.post(wires.reset(bob.id), headers=headers)
    web.get(wires.key(bob.id), headers=headers)
    web.get(wires.key(bob.id), headers=headers)
    web.get(wires.key('nobody'), headers=headers, status=404)
    _sign_in(web, bob.name, JSON.key(made)[1])
    web.get('/v3/users', headers=headers)

    def requests(**labels: str) -> float:
        return page.added('keymw_requests_total', **labels)

    of_keys = {'family': 'credentials', 'operation': GET}
    assert requests(**of_keys, status='200') == 2
    assert requests(**of_keys, status='404') == 1
    login = {'family': 'login', 'operation': 'POST /v2.0/tokens'}
    assert requests(**login, status='200') == 1
    assert page.added('keymw_request_seconds_count', **of_keys) == 3
    # Requests that pass through are not counted.
    assert requests() == 5
    callers = page.added
    hits = callers('keymw_cache_lookups_total', cache='callers', result='hit')
    assert hits == 3


def test_time_in_the_store_the_vault_and_the_identity_service(
    page: Page, web: webtest.TestApp, cloud: Cloud, bob: Person
) -> None:
    headers = {'X-Auth-Token': cloud.admin}
    web.post(wires.reset(bob.id), headers=headers)
    web.get(wires.key(bob.id), headers=headers)
    for part, call in (
        ('store', 'credentials.put'),
        ('store', 'credentials.get'),
        ('vault', 'seal'),
        ('vault', 'open'),
        ('identity', 'caller'),
        ('identity', 'user'),
    ):
        count = page.added('keymw_part_seconds_count', part=part, call=call)
        assert count >= 1, (part, call)
        assert page.added('keymw_part_failures_total', part=part) == 0


def test_failure_is_counted_by_its_internal_reason(
    page: Page,
    made: Deployment,
    web: webtest.TestApp,
    cloud: Cloud,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = {'X-Auth-Token': cloud.admin}
    web.post(wires.reset(bob.id), headers=headers)
    assert _sign_in(web, bob.name, 'wrong').status_int == 401
    assert _sign_in(web, 'nobody', 'wrong').status_int == 401
    assert _sign_in(web, 'x' * 3000, 'long').status_int == 413
    (made.home / 'vault' / '1').unlink()
    web.get(wires.key(bob.id), headers=headers, status=503)

    def fail(*_: object) -> None:
        raise Outage('away')

    monkeypatch.setattr(SqlCredentials, 'find', fail)
    down = made.web(cloud.app)
    assert _sign_in(down, bob.name, 'wrong').status_int == 503

    def failures(status: str, reason: str) -> float:
        return page.added('keymw_failures_total', status=status, reason=reason)

    assert failures('401', 'wrong key') == 1
    assert failures('401', 'unknown name or no key') == 1
    assert failures('413', 'the body is too long') == 1
    assert failures('503', 'the stored key cannot be opened') == 1
    assert failures('503', 'the key store failed') == 1
    parts = 'keymw_part_failures_total'
    assert page.added(parts, part='vault', call='open') == 1
    assert page.added(parts, part='store', call='credentials.find') == 1


def test_reasons_have_an_end(web: webtest.TestApp) -> None:
    assert web
    counted = metrics_prometheus.Prometheus(client.CollectorRegistry())
    for number in range(1000):
        fault = Fault('')
        fault.reason = f'user {number}'
        counted.failure(fault)
    (family,) = counted._failures.collect()
    assert len({s.labels['reason'] for s in family.samples}) <= 101


def test_sealing_key_has_a_time_and_other_registries_are_left_alone(
    page: Page, made: Deployment
) -> None:
    text = page.web.get('/metrics').text
    (found,) = re.findall(r'^keymw_vault_key_\w+ (\S+)$', text, flags=re.M)
    assert float(found) == (made.home / 'vault' / '1').stat().st_mtime
    names = set(re.findall(r'^# TYPE (\w+)', text, flags=re.M))
    assert all(name.startswith('keymw_') for name in names)
    theirs = client.generate_latest(client.REGISTRY)
    assert b'keymw_' not in theirs


def test_several_workers_without_a_shared_directory_are_one_clear_line(
    page: Page,
    web: webtest.TestApp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics_prometheus.metrics()._is_checked = False
    several = {'wsgi.multiprocess': True}
    for _ in range(2):
        web.get('/v2.0/extensions', extra_environ=several)
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if DIRECTORY in record.getMessage()
    ]
    answer = page.web.get('/metrics', extra_environ=several, status=503)
    assert answer.text == f'{line}\n'


def test_api_keys_are_counted_by_state_once_a_minute(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Deployment(tmp_path / 'keymw', {**ON, 'api_keys': KEYS_ON})
    made.set_up()
    store = load.api_keys(conf.load(str(made.conf_file)))
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    api_keys.added(store, 'k1', 'k2', 'k3', expires_at=None)
    api_keys.added(store, 'k4', expires_at=None, enabled=False)
    api_keys.added(store, 'k5', expires_at=now - day)
    api_keys.added(store, 'k6', expires_at=now + 6 * day)
    api_keys.added(store, 'k7', expires_at=now + 8 * day)
    shown = {'active': 5, 'disabled': 1, 'expired': 1, 'expiring': 1}
    page = Page(tmp_path, made.conf_file)

    def counted() -> dict[str, float]:
        found = re.findall(
            r'^keymw_api_keys{state="(\w+)"} (\S+)$',
            page.web.get('/metrics').text,
            flags=re.M,
        )
        return {state: float(number) for state, number in found}

    assert counted() == shown
    api_keys.added(store, 'k8', expires_at=None)
    assert counted() == shown
    # A store that is away costs the page this metric alone.
    monkeypatch.setattr(SqlApiKeys, 'count', _away)
    page = Page(tmp_path, made.conf_file)
    assert counted() == {}
    monkeypatch.undo()
    page = Page(tmp_path, made.conf_file)
    assert counted() == {**shown, 'active': 6}


def _away(*_: object) -> int:
    raise Outage('away')


def test_age_of_a_sealing_key_that_is_not_there_costs_that_metric_alone(
    page: Page, made: Deployment
) -> None:
    assert 'keymw_vault_key_made' in page.web.get('/metrics').text
    (made.home / 'vault').rename(made.home / 'away')
    text = page.web.get('/metrics').text
    assert 'keymw_vault_key_made' not in text
    assert 'keymw_requests_total{' in text


def test_shared_directory_has_the_numbers_of_all_workers_and_no_others(
    tmp_path: pathlib.Path,
    made: Deployment,
    web: webtest.TestApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert web
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    monkeypatch.setattr(batch, 'SECONDS', 0)
    # The library's function has no types.
    value_of: Any = values.MultiProcessValue
    for worker in (1001, 1002):
        count = value_of(lambda worker=worker: worker)
        for name in ('keymw_requests', 'http_requests'):
            about = ('counter', name, f'{name}_total', (), (), 'of a worker')
            count(*about).inc(7)
    several = {'wsgi.multiprocess': True}
    answer = Page(tmp_path, made.conf_file).web.get('/', extra_environ=several)
    assert '\nkeymw_requests_total 14.0\n' in answer.text
    assert 'http_requests' not in answer.text


def test_library_that_is_missing_names_what_to_install(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr('keymw.observe.metrics_prometheus')
    monkeypatch.delitem(sys.modules, 'keymw.observe.metrics_prometheus')
    monkeypatch.setitem(sys.modules, 'prometheus_client', None)
    with pytest.raises(ConfigError) as refusal:
        made.load(Wrapped())
    assert str(refusal.value) == (
        '[metrics] enabled: it needs prometheus_client, which is not '
        "installed: pip install 'keymw[metrics]'"
    )


def test_page_without_metrics_names_the_option(
    tmp_path: pathlib.Path,
) -> None:
    made = Deployment(tmp_path / 'off', {})
    with pytest.raises(ConfigError, match=r'\[metrics\] enabled = true'):
        Page(tmp_path, made.conf_file)
    assert not conf.load(str(made.conf_file)).metrics.enabled
