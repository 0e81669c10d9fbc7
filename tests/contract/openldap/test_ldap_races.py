"""Another node that writes between two modifications of ours."""

from __future__ import annotations

from collections.abc import Callable
import datetime
from typing import TYPE_CHECKING
from typing import Any

import pytest

from keymw.storage.base import CredentialStore
from tests.contract.credentials import LATER
from tests.contract.credentials import changed
from tests.contract.credentials import credential

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect

Meanwhile = Callable[..., None]

KEY = credential('1', username='1')
NEW = credential('1', username='1', secret=b'new', updated_at=LATER)
THEIRS = credential('1', username='1', secret=b'theirs', updated_at=LATER)


@pytest.fixture
def store(connect: Connect, person: Callable[..., str]) -> CredentialStore:
    """A store for the users 1 and 2."""
    person('1')
    person('2')
    return connect(user_id_attribute='uid')


@pytest.fixture
def other(connect: Connect) -> CredentialStore:
    """The store of another node."""
    return connect(user_id_attribute='uid')


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Act once, before the next modification: meanwhile(action, after=0)."""
    from keymw.storage.ldap.session import Session

    send, left = Session.send, list[Callable[[], object]]()

    def sending(*args: Any) -> int:
        if left:
            left.pop()()
        return send(*args)

    def plan(action: Callable[[], object], after: int = 0) -> None:
        left.extend([action, *[lambda: None] * after])

    monkeypatch.setattr(Session, 'send', sending)
    return plan


@pytest.mark.parametrize('together', [False, True])
def test_the_key_that_is_written_last_is_the_key(
    store: CredentialStore,
    other: CredentialStore,
    meanwhile: Meanwhile,
    together: bool,
) -> None:
    meanwhile(lambda: other.put(KEY))
    if together:
        store.put_all([NEW])
    else:
        store.put(NEW)
    assert store.page('', 10) == [NEW]


@pytest.mark.parametrize('together', [False, True])
def test_one_of_two_users_keeps_a_name(
    store: CredentialStore,
    other: CredentialStore,
    meanwhile: Meanwhile,
    together: bool,
) -> None:
    mine = credential('1', username='ann')
    meanwhile(lambda: other.put(credential('2', username='ann')))
    if together:
        store.put_all([mine])
    else:
        store.put(mine)
    holders = [key for key in store.page('', 10) if key.username == 'ann']
    assert len(store.page('', 10)) == 2
    assert [store.find('default', 'ann')] == holders


def test_only_one_node_deletes_a_key(
    store: CredentialStore, other: CredentialStore, meanwhile: Meanwhile
) -> None:
    store.put(KEY)
    meanwhile(lambda: other.delete('1'))
    assert not store.delete('1')
    assert store.page('', 10) == []


def test_a_key_that_was_replaced_is_not_sealed_anew(
    store: CredentialStore, other: CredentialStore, meanwhile: Meanwhile
) -> None:
    store.put(KEY)
    meanwhile(lambda: other.put(THEIRS))
    assert not store.reseal('1', KEY.secret, b'sealed anew')
    assert store.get('1') == THEIRS


def test_a_key_that_was_replaced_is_not_renamed(
    store: CredentialStore, other: CredentialStore, meanwhile: Meanwhile
) -> None:
    store.put(KEY)
    meanwhile(lambda: other.put(THEIRS))
    store.rename(KEY, 'ann')
    assert store.get('1') == THEIRS


def test_a_change_that_was_replaced_is_remembered(
    store: CredentialStore, other: CredentialStore, meanwhile: Meanwhile
) -> None:
    store.put(KEY)
    store.delete('1')
    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    meanwhile(lambda: other.put(THEIRS, chain='theirs'))
    assert store.forget_changes(late) == 0
    assert changed(store, '1').chain == 'theirs'


def test_the_time_of_another_nodes_change_stays(
    store: CredentialStore,
    other: CredentialStore,
    meanwhile: Meanwhile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    wrong = iter([now - datetime.timedelta(hours=1)])
    monkeypatch.setattr(
        'keymw.storage.ldap.writing._now',
        lambda: next(wrong, datetime.datetime.now(datetime.UTC)),
    )
    meanwhile(lambda: other.put(THEIRS, chain='theirs'), after=1)
    store.put(KEY)
    assert store.get('1') == THEIRS
    assert changed(store, '1').chain == 'theirs'
    assert changed(store, '1').at >= now
