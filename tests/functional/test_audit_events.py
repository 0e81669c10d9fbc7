"""Audit events: their shape, their places, and what a flood leaves out."""

from collections.abc import Callable
import json
import logging
import os
import pathlib
import re
import stat
import threading
from typing import Any

from oslo_config import cfg
from pycadf import attachment
from pycadf import event
from pycadf import host
from pycadf import reason
from pycadf import resource
import pytest

from keymw.observe import outlets
from tests.support import digest
from tests.support import manage
from tests.support import servers
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import OWNER
from tests.support.admin import Office
from tests.support.clock import Clock
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.login import V1_1
from tests.support.login import WAYS
from tests.support.login import Desk
from tests.support.pass_through import Wrapped

WRONG_KEY = 'no-key-of-anybody'
MINUTE = 60

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / 'audit.jsonl'


@pytest.fixture
def events(file: pathlib.Path) -> Read:
    """The events in the file so far; each is one that pycadf accepts."""

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in file.read_text().splitlines()]
        for one in found:
            check_shape(one)
        return found

    return read


def check_shape(one: dict[str, Any]) -> None:
    """Whether the classes of pycadf take an event, part by part."""
    initiator = dict(one['initiator'])
    address = initiator.pop('host', None)
    made = event.Event(
        eventType=one['eventType'],
        id=one['id'],
        eventTime=one['eventTime'],
        action=one['action'],
        outcome=one['outcome'],
        name=one['name'],
        initiator=resource.Resource(
            **initiator, host=host.Host(**address) if address else None
        ),
        target=resource.Resource(**one['target']),
        observer=resource.Resource(**one['observer']),
        reason=reason.Reason(**one['reason']) if 'reason' in one else None,
    )
    for tag in one['tags']:
        made.add_tag(tag)
    for more in one.get('attachments', ()):
        made.add_attachment(attachment.Attachment(**more))
    assert made.is_valid()
    assert made.as_dict() == one


def fields(one: dict[str, Any]) -> dict[str, str]:
    """The attachments of an event by name."""
    attached = one.get('attachments', ())
    return {more['name']: more['content'] for more in attached}


def options(file: pathlib.Path, **audit: str) -> Options:
    return {**V1_1, 'audit': {'file': str(file), **audit}}


def test_every_operation_on_a_key_is_an_event(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    bob: Person,
    file: pathlib.Path,
    events: Read,
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud, options(file))
    key = desk.key_of(bob)
    desk.admin('GET', wires.key(bob.id))
    for way in WAYS:
        desk.by(way, bob.name, key)
    desk.by('v3', bob.name, WRONG_KEY)
    desk.admin('DELETE', wires.key(bob.id))
    manage.run(desk.home / 'keymw.conf', 'credential', 'delete', bob.id)
    found = events()
    assert [(one['action'], one['name']) for one in found] == [
        ('update', 'credential:reset'),
        ('read', 'credential:get'),
        *[('authenticate', 'login')] * (len(WAYS) + 1),
        ('delete', 'credential:delete'),
        ('delete', 'credential:delete'),
    ]
    right, wrong, by_hand = found[2], found[-3], found[-1]
    assert right['target']['id'] == right['initiator']['id'] == bob.id
    assert right['initiator']['host'] == {'address': '127.0.0.1'}
    (tag,) = right['tags']
    assert re.fullmatch(r'request_id\?value=req-[0-9a-f-]{36}', tag)
    assert fields(right)['kind'] == 'v2.0'
    assert (wrong['outcome'], wrong['reason']['reasonCode']) == (
        'failure',
        '401',
    )
    assert fields(wrong)['reason'] == 'wrong key'
    assert by_hand['outcome'] == 'failure'
    assert by_hand['initiator']['id'].startswith('keymw-manage/')
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for secret in (key, WRONG_KEY):
        assert secret not in file.read_text()


@pytest.mark.parametrize('way', WAYS)
def test_hash_of_a_wrong_key_tells_an_old_key_from_guesses(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    bob: Person,
    file: pathlib.Path,
    events: Read,
    way: str,
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud, options(file))
    old, key = desk.key_of(bob), desk.key_of(bob)
    for secret in (old, old, 'guess-1', 'guess-2', key):
        desk.by(way, bob.name, secret)
    found = [fields(one) for one in events()[2:]]
    hashes = [one.get('key', '') for one in found]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
    assert hashes[-1] == ''
    assert all(re.fullmatch('[0-9a-f]{12}', text) for text in hashes[:4])
    counts = [one.get('failuresOfName') for one in found]
    assert counts == ['1', '2', '3', '4', None]


def test_log_has_the_event_in_place_of_the_line(
    tmp_path: pathlib.Path, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'keymw.observe.audit')
    made = {'audit': {'format': 'cadf', 'login_names': 'clear'}}
    desk = Desk(tmp_path / 'keymw', cloud, made)
    name = 'a\u2028\x1b[2Jü'
    desk.v3({'name': name, 'domain': {'id': 'default'}}, WRONG_KEY)
    (line,) = [m for m in caplog.messages if m.startswith('{')]
    assert line.isascii()
    assert line.isprintable()
    check_shape(json.loads(line))
    assert fields(json.loads(line))['name'] == name


def test_wrong_digest_is_an_event(
    tmp_path: pathlib.Path, file: pathlib.Path, events: Read
) -> None:
    office = Office(tmp_path / 'office', options=options(file))
    wrong = digest.Client(office.web, office.owner.user, 'x' * 36)
    for _ in range(2):
        wrong.ask('GET', KEYS)
    made = office.owner.ask('POST', KEYS, {'desc': 'new', 'roles': [OWNER]})
    found = events()
    assert [fields(one).get('failuresOfName') for one in found[1::2]] == [
        *('1', '2'),
        None,
    ]
    assert found[-1]['target']['id'] == made.json['id']
    assert made.json['privateKey'] not in file.read_text()


def test_flood_is_sampled_and_counted(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    file: pathlib.Path,
    events: Read,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, 'keymw.observe.audit')
    clock = Clock()
    made = options(file, refusals_per_minute='3')
    desk = Desk(tmp_path / 'keymw', cloud, made, clock=clock)
    ann = cloud.person()
    key = desk.key_of(ann)
    for _ in range(10):
        desk.by('v2.0', 'nobody', WRONG_KEY)
    # What succeeds, and refusals of another kind, are not left out.
    desk.by('v2.0', ann.name, key)
    desk.admin('GET', wires.key('0' * 32))
    found = events()[1:]
    assert [one['outcome'] for one in found] == [
        *['failure'] * 3,
        'success',
        'failure',
    ]
    clock.advance(MINUTE)
    desk.by('v2.0', ann.name, key)
    summary, last = events()[6:]
    assert fields(summary)['leftOut'] == '7'
    assert last['outcome'] == 'success'
    said = '7 refusals with 401 unauthorized in a minute are left out'
    assert sum(said in line for line in caplog.messages) == 1


def test_file_may_be_moved_and_may_fail(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    file: pathlib.Path,
    events: Read,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    desk = Desk(tmp_path / 'keymw', cloud, options(file), clock=clock)
    desk.by('v2.0', 'nobody', WRONG_KEY)
    file.rename(tmp_path / 'audit.jsonl.1')
    clock.advance(1)
    desk.by('v2.0', 'nobody', WRONG_KEY)
    assert len(events()) == 1
    file.unlink()
    file.mkdir()
    clock.advance(1)
    assert desk.by('v2.0', 'nobody', WRONG_KEY).status_int == 401
    said = [r for r in caplog.records if '[audit] file' in r.getMessage()]
    assert {r.levelname for r in said} == {'ERROR'}


def test_event_cut_by_a_full_disk_spoils_no_other(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    file: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud, options(file))
    write, ends = os.write, iter([None, 40, None])

    def cut(handle: int, data: bytes) -> int:
        is_event = data.endswith(b'}\n')
        return write(handle, data[: next(ends)] if is_event else data)

    monkeypatch.setattr(os, 'write', cut)
    for _ in range(3):
        assert desk.by('v2.0', 'nobody', WRONG_KEY).status_int == 401
    first, second, third = file.read_text().splitlines()
    assert len(second) == 40
    assert json.loads(first)['name'] == json.loads(third)['name'] == 'login'
    assert 'No space left' in caplog.text


@pytest.mark.parametrize(
    ('audit', 'words'),
    [
        ({'file': '/no/such/folder/x'}, r'\[audit\] file: /no/such/folder/x'),
        ({'notification_url': 'nothing://u:hunter2@h'}, 'not usable'),
    ],
)
def test_place_that_is_none_stops_the_start(
    tmp_path: pathlib.Path, audit: dict[str, str], words: str
) -> None:
    made = Deployment(tmp_path / 'keymw', {'audit': audit})
    made.set_up()
    with pytest.raises(Exception, match=words) as refusal:
        made.load(Wrapped())
    assert 'hunter2' not in str(refusal.value)


def test_events_are_sent_as_notifications(
    tmp_path: pathlib.Path, cloud: Cloud, file: pathlib.Path, events: Read
) -> None:
    messaging = pytest.importorskip('oslo_messaging')
    sent: list[tuple[str, Any]] = []

    class Endpoint:
        """What listens to the broker."""

        def info(
            self, _: Any, __: Any, name: str, body: Any, *_m: Any
        ) -> None:
            sent.append((name, body))

    listener = messaging.get_notification_listener(
        messaging.get_notification_transport(cfg.ConfigOpts(), 'fake://'),
        [messaging.Target(topic='notifications')],
        [Endpoint()],
        executor='threading',
    )
    listener.start()
    try:
        made = options(file, notification_url='fake://')
        desk = Desk(tmp_path / 'keymw', cloud, made)
        for _ in range(3):
            desk.by('v2.0', 'nobody', WRONG_KEY)
        servers.until(lambda: len(sent) == 3, lambda: str(sent))
    finally:
        listener.stop()
        listener.wait()
    assert [name for name, _ in sent] == ['keymw.login'] * 3
    assert [body for _, body in sent] == events()


def test_broker_that_hangs_delays_no_login(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events wait in a queue that is bounded."""
    notifier = pytest.importorskip('oslo_messaging').Notifier
    goes_on = threading.Event()
    monkeypatch.setattr(notifier, 'info', lambda *_: goes_on.wait(60))
    monkeypatch.setattr(outlets, 'WAITING', 2)
    made: Options = {'audit': {'notification_url': 'fake://'}}
    desk = Desk(tmp_path / 'keymw', cloud, made)
    for _ in range(6):
        assert desk.by('v2.0', 'nobody', WRONG_KEY).status_int == 401
    goes_on.set()
    said = [r for r in caplog.records if 'is dropped' in r.getMessage()]
    assert 3 <= len(said) <= 4
    assert {r.levelname for r in said} == {'WARNING'}
