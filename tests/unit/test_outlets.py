"""Notifications of audit events: their thread, its failures and its end."""

from collections.abc import Iterator
import json
import logging
import queue
import sys
import threading
from typing import Any

import pytest

from keymw.conf import ConfigError
from keymw.observe import outlets
from keymw.observe.outlets import Notifications


class Broker:
    """Notes the events that reach it; it may hang, or refuse some."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.goes_on.set()

    def info(self, _context: Any, name: str, event: Any) -> None:
        self.begun.set()
        self.goes_on.wait(60)
        if event.get('bad'):
            raise RuntimeError('of the driver')
        self.names.append(name)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    messaging = pytest.importorskip('oslo_messaging')
    found = Broker()
    monkeypatch.setattr(outlets, '_PATIENCE', 60)
    monkeypatch.setattr(
        messaging.Notifier, 'info', lambda _, *about: found.info(*about)
    )
    yield found
    found.goes_on.set()


@pytest.fixture
def sent(broker: Broker) -> Notifications:
    """Notifications whose first event is with the broker."""
    made = Notifications('fake://')
    made.send(event('first'))
    assert broker.begun.wait(60)
    return made


def event(name: str, **more: bool) -> str:
    return json.dumps({'name': name, **more})


def thread_of(made: Notifications) -> threading.Thread:
    assert made._thread is not None
    return made._thread


def test_all_events_are_sent_before_the_process_ends(
    broker: Broker, sent: Notifications
) -> None:
    for name in ('second', 'third'):
        sent.send(event(name))
    sent._finish()
    assert broker.names == ['keymw.first', 'keymw.second', 'keymw.third']
    assert not thread_of(sent).is_alive()


def test_event_that_is_refused_is_logged_and_the_next_is_sent(
    broker: Broker, sent: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    sent.send(event('second', bad=True))
    sent.send(event('third'))
    sent._finish()
    assert broker.names == ['keymw.first', 'keymw.third']
    (record,) = [r for r in caplog.records if r.name == outlets.LOG.name]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        '[audit] notification_url: an event is lost'
    )


def test_end_of_the_process_waits_for_no_broker_that_hangs(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, 'WAITING', 1)
    broker.goes_on.clear()
    made = Notifications('fake://')
    made.send(event('first'))
    assert broker.begun.wait(60)
    made.send(event('second'))
    with monkeypatch.context() as waits:
        waits.setattr(threading.Thread, 'join', pytest.fail)
        made._finish()
    assert thread_of(made).is_alive()
    broker.goes_on.set()
    made._waiting.put(None, timeout=60)
    thread_of(made).join(60)
    assert broker.names == ['keymw.first', 'keymw.second']


def test_end_of_a_process_that_sent_nothing(broker: Broker) -> None:
    made = Notifications('fake://')
    made._finish()
    assert made._thread is None
    assert broker.names == []


def test_forked_worker_ends_no_thread_of_its_parent(
    broker: Broker, sent: Notifications
) -> None:
    mine, sent._pid = sent._pid, 0
    sent._finish()
    assert thread_of(sent).is_alive()
    assert sent._waiting.empty()
    sent._pid = mine
    sent._finish()
    assert broker.names == ['keymw.first']


def test_forked_worker_starts_a_thread_of_its_own(
    broker: Broker, sent: Notifications
) -> None:
    former, sent._pid = thread_of(sent), 0
    sent.send(event('second'))
    sent._finish()
    assert broker.names == ['keymw.first', 'keymw.second']
    assert thread_of(sent) is not former


def test_threads_that_start_at_once_share_one(sent: Notifications) -> None:
    """The second finds it made when it has waited for the first."""
    before: tuple[threading.Thread, queue.Queue[str | None]]
    before = thread_of(sent), sent._waiting
    sent._start()
    assert (thread_of(sent), sent._waiting) == before


def test_library_that_is_missing_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, 'oslo_messaging', None)
    with pytest.raises(ConfigError) as refusal:
        Notifications('rabbit://u:hunter2@h')
    assert str(refusal.value) == (
        '[audit] notification_url: it needs oslo_messaging, which is not '
        "installed: pip install 'keymw[notifications]'"
    )
