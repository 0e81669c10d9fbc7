"""The cached responses of Keystone, and their lifetimes."""

from collections.abc import Callable
import dataclasses
import pathlib
from typing import Any

import cachetools
import pytest

from keymw import conf as configuration
from keymw.storage import load as storage
from keymw.storage.base import CredentialStore
from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import reply
from tests.support.clock import Clock
from tests.support.pipeline_v2 import Account
from tests.support.pipeline_v2 import PipelineV2
from tests.support.pipeline_v2 import fault

VALIDATE = 'GET /v2.0/tokens/.*'
USER = 'GET /v2.0/users/[^/]*'
JSON = wires.Json()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pipeline(clock: Clock) -> PipelineV2:
    return PipelineV2(clock)


@pytest.fixture
def between(pipeline: PipelineV2) -> Between:
    return Between(pipeline)


@pytest.fixture
def bob(pipeline: PipelineV2) -> Account:
    return pipeline.account('bob')


@pytest.fixture
def admin(pipeline: PipelineV2) -> str:
    """The token of an administrator."""
    return pipeline.token(pipeline.account('root', 'admin'), life=10**6)


Listing = Callable[[Account, str], int]
Fronts = Callable[..., Listing]


@pytest.fixture
def caching(tmp_path: pathlib.Path, between: Between, clock: Clock) -> Fronts:
    """The status of a list, with these options."""

    def make(**options: str) -> Listing:
        identity = {'api_version': 'v2.0'} | options
        web = front.front(
            tmp_path / 'keymw', between, {'identity': identity}, clock
        )

        def listing(account: Account, token: str) -> int:
            path = wires.base(account.id)
            answer: Any = front.ask(web, JSON, 'GET', path, token)
            return int(answer.status_int)

        return listing

    return make


def test_token_is_asked_for_once_within_its_ttl(
    caching: Fronts,
    pipeline: PipelineV2,
    between: Between,
    clock: Clock,
    bob: Account,
) -> None:
    listing, token = caching(token_cache_ttl='7'), pipeline.token(bob)
    for passed, asked in ((0, 1), (6, 1), (1, 2), (6, 2), (1, 3)):
        clock.advance(passed)
        assert listing(bob, token) == 200
        assert between.count(VALIDATE) == asked


def test_user_is_asked_for_once_within_its_ttl(
    caching: Fronts, between: Between, clock: Clock, bob: Account, admin: str
) -> None:
    listing = caching(user_cache_ttl='7')
    for passed, asked in ((0, 1), (6, 1), (1, 2), (6, 2), (1, 3)):
        clock.advance(passed)
        assert listing(bob, admin) == 200
        assert between.count(USER) == asked


def test_both_are_remembered_for_five_seconds_by_default(
    caching: Fronts, between: Between, clock: Clock, bob: Account, admin: str
) -> None:
    listing = caching(token_cache_ttl='', user_cache_ttl='')
    for passed, asked in ((0, 1), (4, 1), (1, 2)):
        clock.advance(passed)
        assert listing(bob, admin) == 200
        assert between.count(VALIDATE) == between.count(USER) == asked


def test_zero_turns_both_off(
    caching: Fronts, between: Between, bob: Account, admin: str
) -> None:
    listing = caching(token_cache_ttl='0', user_cache_ttl='0')
    for asked in (1, 2, 3):
        assert listing(bob, admin) == 200
        assert between.count(VALIDATE) == between.count(USER) == asked


def test_write_for_another_looks_the_user_up_once(
    tmp_path: pathlib.Path, between: Between, bob: Account, admin: str
) -> None:
    options = {'identity': {'api_version': 'v2.0'}}
    web = front.front(tmp_path / 'keymw', between, options)
    for asked in (1, 2):
        made: Any = front.ask(web, JSON, 'POST', wires.reset(bob.id), admin)
        assert made.status_int == 200
        assert between.count(USER) == asked


def test_own_reset_asks_for_the_name_where_the_store_has_another(
    tmp_path: pathlib.Path,
    pipeline: PipelineV2,
    between: Between,
    bob: Account,
) -> None:
    options = {
        'identity': {'api_version': 'v2.0'},
        # No token of v2.0 says how it was got.
        'kskey': {'stale_tokens': 'allow'},
    }
    web = front.front(tmp_path / 'keymw', between, options)
    token = pipeline.token(bob)

    def reset(token: str) -> Any:
        return front.ask(web, JSON, 'POST', wires.reset(bob.id), token)

    made = [JSON.key(reset(token)) for _ in range(3)]
    assert len(set(made)) == 3
    assert between.count(USER) == 1
    kept = of(tmp_path / 'keymw')
    row = kept.get(bob.id)
    assert row is not None
    kept.put(dataclasses.replace(row, domain_id='of another service'))
    assert reset(token).status_int == 200
    found = kept.get(bob.id)
    assert found is not None
    assert (found.domain_id, between.count(USER)) == ('', 2)
    bob.name = 'robert'
    token = pipeline.token(bob)
    name, _ = JSON.key(reset(token))
    assert (name, between.count(USER)) == ('robert', 3)
    shown: Any = front.ask(web, JSON, 'GET', wires.key(bob.id), token)
    assert JSON.key(shown)[0] == 'robert'


def of(home: pathlib.Path) -> CredentialStore:
    """The store of the keymw in a folder."""
    return storage.credentials(configuration.load(str(home / 'keymw.conf')))


def test_token_is_never_remembered_past_its_end(
    caching: Fronts, pipeline: PipelineV2, clock: Clock, bob: Account
) -> None:
    listing = caching(token_cache_ttl='1000')
    token = pipeline.token(bob, life=60)
    assert listing(bob, token) == 200
    clock.advance(59)
    assert listing(bob, token) == 200
    clock.advance(1)
    assert listing(bob, token) == 401


def test_revoked_token_is_refused_after_the_ttl(
    caching: Fronts, pipeline: PipelineV2, clock: Clock, bob: Account
) -> None:
    listing, token = caching(token_cache_ttl='7'), pipeline.token(bob)
    assert listing(bob, token) == 200
    del pipeline.tokens[token]
    assert listing(bob, token) == 200
    clock.advance(7)
    assert listing(bob, token) == 401


@pytest.mark.parametrize(
    ('answer', 'status'),
    [
        (fault(404, 'itemNotFound'), 401),
        (fault(403, 'userDisabled'), 403),
        (reply(500), 503),
        (reply(200, {'access': {}}), 503),
    ],
)
def test_bad_answer_about_a_token_is_not_remembered(
    caching: Fronts,
    pipeline: PipelineV2,
    between: Between,
    bob: Account,
    answer: Any,
    status: int,
) -> None:
    listing, token = caching(token_cache_ttl='7'), pipeline.token(bob)
    between.instead(VALIDATE, [answer])
    assert [listing(bob, token), listing(bob, token)] == [status, 200]


@pytest.mark.parametrize(
    ('answer', 'status'),
    [
        (fault(404, 'itemNotFound'), 404),
        (reply(500), 503),
        (reply(200, {'user': {'id': 'another', 'name': 'bob'}}), 503),
    ],
)
def test_bad_answer_about_a_user_is_not_remembered(
    caching: Fronts,
    between: Between,
    bob: Account,
    admin: str,
    answer: Any,
    status: int,
) -> None:
    listing = caching(user_cache_ttl='7')
    between.instead(USER, [answer])
    assert [listing(bob, admin), listing(bob, admin)] == [status, 200]


def test_one_token_is_not_taken_for_another(
    caching: Fronts, pipeline: PipelineV2, bob: Account
) -> None:
    listing, eve = caching(token_cache_ttl='7'), pipeline.account('eve')
    assert listing(bob, pipeline.token(bob)) == 200
    assert listing(bob, pipeline.token(eve)) == 403
    assert listing(bob, 'nonsense') == 401


def test_no_more_tokens_are_remembered_than_told(
    caching: Fronts, pipeline: PipelineV2, between: Between, bob: Account
) -> None:
    listing = caching(token_cache_ttl='7', cache_size='2')
    first, *others = (pipeline.token(bob) for _ in range(3))
    for token in (first, *others):
        listing(bob, token)
    for token in others:
        listing(bob, token)
    assert between.count(VALIDATE) == 3
    listing(bob, first)
    assert between.count(VALIDATE) == 4


def test_no_more_users_are_remembered_than_told(
    caching: Fronts, pipeline: PipelineV2, between: Between, admin: str
) -> None:
    listing = caching(user_cache_ttl='7', cache_size='2')
    first, *others = (pipeline.account(name) for name in 'abc')
    for account in (first, *others, *others):
        listing(account, admin)
    assert between.count(USER) == 3
    listing(first, admin)
    assert between.count(USER) == 4


def test_user_that_one_caller_may_see_is_not_shown_to_another(
    caching: Fronts,
    pipeline: PipelineV2,
    between: Between,
    bob: Account,
    admin: str,
) -> None:
    listing = caching(user_cache_ttl='1000', service_user='')
    another = pipeline.token(pipeline.account('another', 'admin'))
    for asked, token in ((1, admin), (2, another)):
        assert listing(bob, token) == 200
        assert between.count(USER) == asked


def test_token_is_kept_under_its_hash(
    caching: Fronts,
    pipeline: PipelineV2,
    bob: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys: list[object] = []
    keep = cachetools.TLRUCache.__setitem__

    def noting(cache: Any, key: object, value: object) -> None:
        keys.append(key)
        keep(cache, key, value)

    monkeypatch.setattr(cachetools.TLRUCache, '__setitem__', noting)
    listing, token = caching(token_cache_ttl='7'), pipeline.token(bob)
    assert listing(bob, token) == 200
    assert len(keys) == 1
    assert token not in str(keys)
