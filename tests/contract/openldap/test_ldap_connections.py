"""The directory comes and goes; connections are safe and few."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import functools
import itertools
import logging
import os
import pathlib
import time
import traceback
from typing import TYPE_CHECKING
from typing import Any

import pytest

from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage
from tests.contract.credentials import THREADS
from tests.contract.credentials import at_once
from tests.contract.credentials import credential
from tests.support.servers import ports
from tests.support.servers.authority import Authority

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect
    from tests.support.servers.slapd import Slapd


def named(name: str, **more: Any) -> Credential:
    """The key of a user who has one name everywhere."""
    return credential(name, username=name, **more)


def calls(store: CredentialStore) -> list[Callable[[], Any]]:
    """Every method of a store."""
    return [
        store.check,
        functools.partial(store.get, 'ann'),
        functools.partial(store.find, 'default', 'ann'),
        functools.partial(store.put, named('ann', secret=b'visible')),
        functools.partial(store.delete, 'ann'),
        functools.partial(store.page, '', 10),
    ]


@pytest.fixture
def fragile(slapd: Slapd) -> Iterator[Slapd]:
    """The server, for a test that stops it; up again afterwards."""
    yield slapd
    if not slapd.is_up():
        slapd.start()


def test_nothing_connects_before_it_is_needed(
    connect: Connect, fragile: Slapd
) -> None:
    fragile.stop()
    store = connect()
    fragile.start()
    assert store.get('ann') is None


def test_outage_in_every_method_and_back(
    store: CredentialStore, person: Callable[..., str], fragile: Slapd
) -> None:
    person('ann')
    store.put(named('ann'))
    for call in calls(store):
        fragile.stop()
        with pytest.raises(Outage, match="url: Can't contact LDAP server"):
            call()
        fragile.start()
        assert store.get('ann') == named('ann')


def test_restart_between_two_calls_is_not_noticed(
    store: CredentialStore, person: Callable[..., str], fragile: Slapd
) -> None:
    person('ann')
    for call in reversed(calls(store)):
        store.put(named('ann'))
        fragile.kill()
        fragile.start()
        call()


def test_directory_that_hangs_is_an_outage_in_time(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    person('ann')
    store.put(named('ann'))
    for call in calls(store):
        slapd.freeze()
        try:
            with pytest.raises(Outage, match=r'\[ldap\] url: no response in'):
                call()
        finally:
            slapd.thaw()
        store.get('ann')
        store.put(named('ann'))


@pytest.mark.parametrize('tls', ['ldaps', 'StartTLS'])
@pytest.mark.parametrize('connected', [False, True])
def test_directory_that_hangs_under_tls_is_an_outage_in_time(
    connect: Connect,
    slapd: Slapd,
    secure: dict[str, dict[str, str]],
    tls: str,
    connected: bool,
) -> None:
    store = connect(**secure[tls])
    if connected:
        store.check()
    slapd.freeze()
    try:
        with pytest.raises(Outage):
            store.get('ann')
    finally:
        slapd.thaw()
    assert store.get('ann') is None


def test_every_acknowledged_write_is_whole_after_kill_9(
    store: CredentialStore, person: Callable[..., str], fragile: Slapd
) -> None:
    names = [f'user-{number}' for number in range(THREADS)]
    for name in names:
        person(name)
    for _ in range(3):
        written = at_once(
            *(functools.partial(_write_on, store, name) for name in names),
            functools.partial(_kill_soon, fragile),
        )[:-1]
        fragile.start()
        for acknowledged, tried in written:
            found = store.get(tried.user_id)
            assert found in (acknowledged, tried)
        assert len(store.page('', 100)) == THREADS


def _write_on(
    store: CredentialStore, name: str
) -> tuple[Credential | None, Credential]:
    """Write until an outage: the last key that stood, and the one that did
    not."""
    stood = None
    for number in itertools.count(time.time_ns()):
        key = named(name, secret=b'%d' % number)
        try:
            store.put(key)
        except Outage:
            return stood, key
        stood = key
    raise AssertionError


def _kill_soon(slapd: Slapd) -> None:
    time.sleep(0.5)
    slapd.kill()


def test_more_callers_than_connections_wait(
    connect: Connect, person: Callable[..., str], slapd: Slapd
) -> None:
    store = connect(pool_size='2', operation_timeout='10')
    names = [f'user-{number}' for number in range(THREADS)]
    for name in names:
        person(name)

    before = slapd.connections()

    def work(name: str) -> int:
        for _ in range(20):
            store.put(named(name))
            assert store.get(name) == named(name)
        return len(slapd.connections() - before)

    assert max(at_once(*(functools.partial(work, n) for n in names))) == 2


def test_no_connection_that_comes_free_is_an_outage(
    connect: Connect, slapd: Slapd
) -> None:
    store = connect(pool_size='1')
    slapd.freeze()
    try:
        told = at_once(*[functools.partial(_told, store)] * 4)
    finally:
        slapd.thaw()
    assert '[ldap] pool_size: no connection came free' in told
    assert store.get('ann') is None


def _told(store: CredentialStore) -> str:
    with pytest.raises(Outage) as outage:
        store.get('ann')
    return str(outage.value)


def test_connections_are_kept_and_replaced(
    connect: Connect, slapd: Slapd
) -> None:
    store = connect(pool_connection_lifetime='1')
    before = slapd.connections()
    for _ in range(5):
        store.get('ann')
    (first,) = slapd.connections() - before
    time.sleep(1.1)
    store.get('ann')
    (second,) = slapd.connections() - before
    assert first != second


def test_processes_do_not_share_a_connection(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    store.put(named('ann'))
    children = [_child(store) for _ in range(4)]
    for _ in range(100):
        assert store.get('ann') == named('ann')
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert store.get('ann') == named('ann')


def _child(store: CredentialStore) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        for _ in range(100):
            assert store.get('ann') == named('ann')
    except BaseException:
        os._exit(1)
    os._exit(0)


def test_second_url_serves_when_the_first_does_not(
    connect: Connect,
    slapd: Slapd,
    secure: dict[str, dict[str, str]],
) -> None:
    dead = f'ldap://127.0.0.1:{ports.free()}'
    assert connect(url=f'{dead}, {slapd.url}').get('ann') is None
    options = secure['StartTLS'] | {'url': f'{dead} {slapd.url}'}
    assert connect(**options).get('ann') is None
    options = secure['ldaps'] | {
        'url': f'{dead.replace("ldap", "ldaps")},{slapd.tls_url}'
    }
    assert connect(**options).get('ann') is None


@pytest.fixture
def secure(slapd: Slapd, tmp_path: pathlib.Path) -> dict[str, dict[str, str]]:
    """The options of both kinds of TLS."""
    ca_file = tmp_path / 'ca.crt'
    ca_file.write_text(slapd.authority.certificate)
    return {
        'ldaps': {'url': slapd.tls_url, 'tls_cacertfile': str(ca_file)},
        'StartTLS': {'use_tls': 'true', 'tls_cacertfile': str(ca_file)},
    }


@pytest.mark.parametrize('tls', ['ldaps', 'StartTLS'])
class TestTls:
    def test_serves(
        self,
        connect: Connect,
        person: Callable[..., str],
        slapd: Slapd,
        secure: dict[str, dict[str, str]],
        tls: str,
    ) -> None:
        person('ann')
        slapd.configure(olcSecurity='tls=128')
        try:
            with pytest.raises(Outage, match='use_tls: Confidentiality'):
                connect().get('ann')
            store = connect(**secure[tls])
            store.put(named('ann'))
            assert store.get('ann') == named('ann')
        finally:
            slapd.configure(olcSecurity='tls=0')

    def test_restart_is_not_noticed(
        self,
        connect: Connect,
        fragile: Slapd,
        secure: dict[str, dict[str, str]],
        tls: str,
    ) -> None:
        store = connect(**secure[tls])
        store.check()
        fragile.stop()
        fragile.start()
        store.check()

    def test_certificate_of_another_authority_is_refused(
        self,
        connect: Connect,
        secure: dict[str, dict[str, str]],
        tls: str,
    ) -> None:
        ca_file = pathlib.Path(secure[tls]['tls_cacertfile'])
        ca_file.write_text(Authority('another').certificate)
        with pytest.raises(Outage, match='certificate') as outage:
            connect(**secure[tls]).check()
        assert '\n' not in str(outage.value)
        assert connect(**secure[tls], tls_req_cert='never').get('a') is None

    def test_certificate_of_another_host_is_refused(
        self,
        connect: Connect,
        secure: dict[str, dict[str, str]],
        slapd: Slapd,
        tls: str,
    ) -> None:
        scheme = 'ldaps' if tls == 'ldaps' else 'ldap'
        port = slapd.tls_port if tls == 'ldaps' else slapd.port
        options = secure[tls] | {'url': f'{scheme}://localhost:{port}'}
        with pytest.raises(Outage, match='certificate'):
            connect(**options).check()

    def test_file_that_went_away_is_one_line(
        self,
        connect: Connect,
        secure: dict[str, dict[str, str]],
        tls: str,
    ) -> None:
        store = connect(**secure[tls])
        pathlib.Path(secure[tls]['tls_cacertfile']).unlink()
        with pytest.raises(Outage, match=r'^\[ldap\] tls_cacertfile: [^\n]*$'):
            store.get('ann')


def test_tls_where_there_is_none_is_an_outage(
    connect: Connect, slapd: Slapd
) -> None:
    with pytest.raises(Outage, match=r'^\[ldap\] '):
        connect(url=f'ldaps://127.0.0.1:{slapd.port}').check()


class TestSecrets:
    """The password goes to the directory only."""

    def test_wrong_password_is_one_line(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        password = 'very'.upper()
        with pytest.raises(Outage) as outage:
            connect(password=password).check()
        assert str(outage.value) == '[ldap] password: Invalid credentials'
        told = ''.join(traceback.format_exception(outage.value))
        assert password not in told + caplog.text

    def test_outage_logs_no_traceback(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = connect(url=f'ldap://127.0.0.1:{ports.free()}')
        with pytest.raises(Outage):
            store.get('ann')
        assert [r for r in caplog.records if r.levelno > logging.INFO] == []

    def test_password_is_not_shown(
        self, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        from tests.support.servers.slapd import PASSWORD

        caplog.set_level(logging.DEBUG)
        store = connect()
        store.check()
        shown = [repr(store), *(repr(v) for v in vars(store).values())]
        shown += [repr(v) for o in vars(store).values() for v in _members(o)]
        assert PASSWORD not in caplog.text + ''.join(shown)


def _members(held: Any) -> list[Any]:
    return list(getattr(held, '__dict__', {}).values())
