"""Sampling, the context of log lines, and audit lines that are off."""

import json
import logging
import pathlib

from oslo_context import context as oslo
import pytest

from keymw import conf
from keymw.observe import audit
from keymw.observe import context
from keymw.observe.sampling import Sampler
from tests.support.deployment import Deployment


def test_sampler_of_none_admits_all_and_keeps_nothing() -> None:
    sampler = Sampler(0, lambda: 0)
    assert all(sampler.admits(('login', '401')) for _ in range(1000))
    assert list(sampler.ended()) == []


def now() -> tuple[str, str | None, str | None]:
    found = oslo.get_current()
    assert found is not None
    return found.request_id, found.user_id, found.global_request_id


@pytest.mark.parametrize(
    ('inner', 'given', 'shown'),
    [
        ('req-1', None, 'req-global'),
        ('req-1', 'req-other', 'req-other'),
        ('req-2', None, None),
    ],
)
def test_global_id_is_kept_within_one_request(
    inner: str, given: str | None, shown: str | None
) -> None:
    with context.of('req-1', None, 'req-global'):
        with context.of(inner, 'bob', given):
            assert now() == (inner, 'bob', shown)
            assert context.id_to_pass(inner) == (shown or inner)
        assert now() == ('req-1', None, 'req-global')
        assert context.id_to_pass('req-1') == 'req-global'


@pytest.mark.parametrize('level', [logging.INFO, logging.WARNING])
@pytest.mark.parametrize('form', ['line', 'cadf'])
def test_event_is_in_its_file_whatever_is_logged(
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    level: int,
    form: str,
) -> None:
    caplog.set_level(level, audit.LOG.name)
    file = tmp_path / 'events'
    made = Deployment(tmp_path, {'audit': {'file': str(file), 'format': form}})
    audits = audit.Audit(conf.load(str(made.conf_file)))
    with audits.operation('vault:rotate', 'x', 'req-1'):
        pass
    assert json.loads(file.read_text())['name'] == 'vault:rotate'
    assert len(caplog.messages) == int(level == logging.INFO)
