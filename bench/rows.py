"""Rows of the table that need no Keystone: an identity service in no time."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import datetime
import io
import json
import pathlib
from typing import Any

import bcrypt
from keystonemiddleware import auth_token
from lxml import etree
from oslo_middleware import request_id
import sqlalchemy as sa
import webob

from bench import drf
from bench import identity
from bench import paths
from bench.measure import LIMIT
from bench.measure import OURS
from bench.measure import Row
from keymw import conf
from keymw import vault
from keymw.login import access_body
from keymw.storage.base import Credential
from keymw.storage.sql import tables
from keymw.storage.sql.credentials import SqlCredentials
from keymw.web.negotiate import Format

# Microseconds that a request passed on may take more than the bare one.
_PASSED = (
    ('plain', 'GET', f'/v3/projects/{"0" * 32}/users/{"1" * 32}', 0.4),
    ('dotted', 'GET', '/v3/regions/eu.west/image.v2/file.tar.gz', 0.8),
    ('percent', 'GET', '/v3/users/50%25', 1.2),
    ('v3 login of others', 'POST', '/v3/auth/tokens', 3.0),
)
_KIND = 'credential'
_USERS = 3000
_MEDIA_TYPE = 'application/json'


def rows(home: pathlib.Path) -> Iterator[Row]:
    """Yield the rows; files are kept in a folder."""
    yield from _passed(home)
    app = paths.made(home / 'few')
    for number in (1, 2):
        paths.add(app, number)
    bare = Bare(home / 'bare')
    yield from _got(app, bare, home)
    yield Row(
        'reset by owner',
        {OURS: lambda: paths.reset(app, 2), LIMIT: bare.insert},
        calls=50,
        over={LIMIT: 1.6},
    )
    yield Row(
        'add by admin',
        {OURS: lambda: paths.add(app, 2), LIMIT: bare.look_up_and_insert},
        calls=50,
        over={LIMIT: 1.3},
    )
    yield from _observed(app, home)
    yield _verified(bare, home)
    yield from _xml()


def _passed(home: pathlib.Path) -> Iterator[Row]:
    wrapped = paths.before(paths.nothing, home / 'passed')
    peer = request_id.RequestId(paths.nothing)
    checked = _checked()
    for name, method, path, most in _PASSED:
        yield Row(
            f'pass-through, {name}',
            {
                OURS: paths.passing(wrapped, method, path),
                'bare': paths.passing(paths.nothing, method, path),
                'oslo.middleware RequestId': paths.passing(peer, method, path),
                'keystonemiddleware hit': paths.passing(
                    checked, method, path, HTTP_X_AUTH_TOKEN=_TOKEN
                ),
            },
            calls=3000,
            most=most,
            base='bare',
            slow={
                'oslo.middleware RequestId': 500,
                'keystonemiddleware hit': 100,
            },
        )


def _checked() -> Any:
    """Return auth_token before the application, with the token cached."""
    options = {'auth_type': 'none', 'memcached_servers': ''}
    made = auth_token.AuthProtocol(paths.nothing, options)
    made._token_cache.initialize({})
    made._token_cache.set(_TOKEN, identity.token_of('1' * 32))
    return made


_TOKEN = 'gAAAAA' + 't' * 180


def _got(app: Any, bare: Bare, home: pathlib.Path) -> Iterator[Row]:
    one = paths.getting(app, [1], '')
    many = paths.made(home / 'many')
    for number in range(_USERS):
        paths.add(many, number)
    in_turn = paths.getting(many, [*range(_USERS)], '')
    for _ in range(_USERS):
        in_turn()
    yield Row(
        'GET credential, warm',
        {OURS: one, LIMIT: bare.read},
        calls=200,
        most=130,
        # The goal over the limit, as machines are not as fast as each other.
        over={LIMIT: 1.9},
    )
    yield Row(
        'GET credential, 3,000 users in turn',
        {OURS: in_turn, 'one user': one},
        calls=200,
        most=130,
        over={'one user': 1.1},
    )
    yield Row(
        'GET credential, token bought with a key',
        {OURS: paths.getting(app, [1], 'key-'), 'other token': one},
        calls=200,
        over={'other token': 1.4},
    )


def _observed(app: Any, home: pathlib.Path) -> Iterator[Row]:
    """Limits, audit events in a file and shared metrics, on against off."""
    seen = paths.observed(home / 'seen')
    for number in (1, 2):
        paths.add(seen, number)
    yield Row(
        'GET credential, observed',
        {
            OURS: paths.getting(seen, [1], ''),
            'unobserved': paths.getting(app, [1], ''),
        },
        calls=100,
        over={'unobserved': 1.1},
        repeats=25,
    )
    yield Row(
        'login v2.0, observed',
        {
            OURS: lambda: paths.login(seen, 2, _MEDIA_TYPE),
            'unobserved': lambda: paths.login(app, 2, _MEDIA_TYPE),
        },
        calls=40,
        over={'unobserved': 1.1},
        repeats=25,
    )


class Bare:
    """The least that a read, a write and a check of a key can be."""

    def __init__(self, home: pathlib.Path) -> None:
        self.made = paths.deployed(home)
        options = conf.load(str(self.made.conf_file))
        self.vault = vault.load(options.vault.key_repository)
        self.store = SqlCredentials(options)
        self.id = identity.user_id(1)
        now = datetime.datetime.now(datetime.UTC)
        secret = self.vault.seal(_KIND, self.id, paths.KEY)
        self._row = Credential(self.id, 'default', 'n', secret, now, now)
        self.store.put(self._row)
        self._engine = sa.create_engine(options.database.connection)
        self._numbers = iter(range(10**9))
        self._instant = identity.Instant()

    def read(self) -> object:
        """SELECT by SQLAlchemy, open, and a response of WebOb."""
        request = webob.Request.blank('/')
        with self._engine.connect() as on:
            row = on.execute(_ONE, {'of_user': self.id}).one()
        key = self.vault.open(_KIND, self.id, row.secret)
        body = json.dumps({'apiKey': key}).encode()
        return request.send(webob.Response(body=body))

    def insert(self) -> None:
        """One committed INSERT."""
        number = next(self._numbers)
        row = {**vars(self._row), 'user_id': f'{number:x}', 'username': None}
        row['created_at'] = row['updated_at'] = row['created_at'].replace(
            tzinfo=None
        )
        with self._engine.begin() as on:
            on.execute(_INSERT, row)

    def look_up_and_insert(self) -> None:
        """One request for a user to the identity service, and insert."""
        path = f'/v3/users/{self.id}'
        request = webob.Request.blank(path)
        json.loads(request.send(self._instant).body)
        self.insert()

    def check(self) -> None:
        """SELECT and open."""
        with self._engine.connect() as on:
            row = on.execute(_ONE, {'of_user': self.id}).one()
        self.vault.open(_KIND, self.id, row.secret)

    def verify(self) -> None:
        """The steps of a login that check its key."""
        found = self.store.find('default', 'n')
        assert found is not None
        self.vault.open(_KIND, found.user_id, found.secret)


_ONE = sa.select(tables.CREDENTIAL).where(
    tables.CREDENTIAL.c.user_id == sa.bindparam('of_user')
)
_INSERT = sa.insert(tables.CREDENTIAL)


def _verified(bare: Bare, home: pathlib.Path) -> Row:
    hashed = bcrypt.hashpw(paths.KEY.encode(), bcrypt.gensalt(12))
    kinds: dict[str, Callable[[], object]] = {
        OURS: bare.verify,
        LIMIT: bare.check,
        'bcrypt-12': lambda: bcrypt.checkpw(paths.KEY.encode(), hashed),
    }
    absent = {}
    try:
        kinds['DRF API key'] = drf.checking(home / 'drf.db')
    except ImportError as error:
        absent['DRF API key'] = str(error)
    return Row(
        'verify',
        kinds,
        calls=200,
        most=60,
        under={'bcrypt-12': 3000},
        slow={'bcrypt-12': 1, 'DRF API key': 5},
        repeats=5,
        absent=absent,
    )


def _xml() -> Iterator[Row]:
    access = _access()
    fresh = iter(range(10**9))

    def anew() -> bytes:
        # Another project has other URLs.
        name = f'service-{next(fresh)}'
        service = {**access['serviceCatalog'][0], 'name': name}
        catalogue = [service, *access['serviceCatalog'][1:]]
        changed: Any = {**access, 'serviceCatalog': catalogue}
        return access_body.write(changed, Format.XML)

    def again() -> bytes:
        return access_body.write(access, Format.XML)

    limit = _build_by_lxml(again())
    kinds: dict[str, Callable[[], object]] = {OURS: again, LIMIT: limit}
    yield Row('XML of a login, written before', kinds, calls=100, most=150)
    yield Row(
        'XML of a login, new catalogue',
        {**kinds, OURS: anew},
        calls=50,
        over={LIMIT: 1.3},
    )


def _access() -> Any:
    endpoints = (
        (n, f'http://service-{n}.example/v1/{identity.PROJECT["id"]}')
        for n in range(25)
    )
    return {
        'token': {'id': 't' * 32, 'expires': identity.EXPIRES},
        'user': {'id': 'u' * 32, 'name': 'name', 'roles': []},
        'serviceCatalog': [
            {
                'type': f'kind-{n}',
                'name': f'service-{n}',
                'endpoints': [
                    {
                        'region': 'RegionOne',
                        'publicURL': url,
                        'internalURL': url,
                        'adminURL': url,
                    }
                ],
            }
            for n, url in endpoints
        ],
    }


def _build_by_lxml(written: bytes) -> Callable[[], bytes]:
    """Return the least work by lxml that writes the same document."""
    source = etree.parse(io.BytesIO(written)).getroot()

    def plan(element: Any) -> Any:
        return element.tag, dict(element.attrib), [*map(plan, element)]

    tag, attributes, children = plan(source)

    def fill(parent: Any, rows: Any) -> None:
        for name, found, below in rows:
            fill(etree.SubElement(parent, name, found), below)

    def build() -> bytes:
        root = etree.Element(tag, attributes, nsmap=source.nsmap)
        fill(root, children)
        return etree.tostring(root, encoding='UTF-8', xml_declaration=True)

    return build
