"""Which format is read and which is written."""

from collections.abc import Callable
from typing import Any

import pytest
import webtest

from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

JSON = 'application/json'
XML = 'application/xml'
VENDOR = 'application/vnd.openstack.identity'

# An Accept header, and the format of the response.
ACCEPTED = [
    (None, JSON),
    ('', JSON),
    ('*/*', JSON),
    ('application/*', JSON),
    (JSON, JSON),
    (XML, XML),
    ('Application/XML', XML),
    ('APPLICATION/JSON', JSON),
    # Quality decides, then JSON.
    (f'{JSON}, {XML}', JSON),
    (f'{XML}, {JSON}', JSON),
    (f'{XML}, {JSON};q=0.9', XML),
    (f'{XML};q=0.9, {JSON}', JSON),
    (f'{XML};q=0.2, {JSON};q=0.1', XML),
    (f'{XML};q=0.5, */*;q=0.4', XML),
    (f'{XML};q=0.4, */*;q=0.5', JSON),
    (f'{JSON};q=0, */*', XML),
    (f'{JSON};q=0', JSON),
    (f'{XML};q=0', JSON),
    (f'{XML};q=0, */*', JSON),
    ('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', XML),
    # What fits nothing gets JSON.
    ('text/html', JSON),
    ('image/*', JSON),
    ('text/xml', JSON),
    ('text/plain;q=0.5, image/png', JSON),
    ('garbage', JSON),
    ('application/xml;q=high', JSON),
    (',,;', JSON),
    ('\t', JSON),
    # Media types of version 2.0 count, others do not.
    (f'{VENDOR}+json;version=2.0', JSON),
    (f'{VENDOR}+xml;version=2.0', XML),
    (f'{VENDOR}+xml; version=2.0', XML),
    (f'{VENDOR}+xml;version="2.0"', XML),
    (f'{VENDOR}-v2.0+json', JSON),
    (f'{VENDOR}-v2.0+xml', XML),
    (f'{VENDOR}+xml;version=2.0, {JSON};q=0.5', XML),
    (f'{VENDOR}+xml;version=2.0;q=0.5, {JSON}', JSON),
    (f'{VENDOR}+xml;version=1.1', JSON),
    (f'{VENDOR}+xml;version=1.1, {XML};q=0.1', XML),
    (f'{XML};charset=utf-8', XML),
    (f'{XML}; charset=UTF-8', XML),
]

# Path of the operation, its method, and whether it takes a key.
OPERATIONS: dict[str, tuple[Callable[[str], str], str, int]] = {
    'list': (wires.base, 'GET', 200),
    'add': (wires.base, 'POST', 201),
    'get': (wires.key, 'GET', 200),
    'update': (wires.key, 'POST', 200),
    'reset': (wires.reset, 'POST', 200),
}
WRITTEN = {'add', 'update'}
ENDINGS = ['{}', '/{}', '{}/', '/{}/']


@pytest.fixture(scope='module')
def web(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> webtest.TestApp:
    """keymw before the real Keystone, with the caches it has by default."""
    cached = {'token_cache_ttl': '', 'user_cache_ttl': ''}
    made = Deployment(
        tmp_path_factory.mktemp('negotiation'), {'identity': cached}
    )
    made.set_up()
    return made.web(cloud.app)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user for keys that are set and deleted."""
    return cloud.person()


@pytest.fixture
def ask(web: webtest.TestApp, cloud: Cloud) -> Any:
    """Send a request as admin, with the headers given and no others."""

    def send(
        method: str, path: str, body: bytes = b'', **headers: str | None
    ) -> Any:
        named = {k.replace('_', '-'): v for k, v in headers.items()}
        named.setdefault('X-Auth-Token', cloud.admin)
        return web.request(
            path,
            method=method,
            body=body,
            headers={k: v for k, v in named.items() if v is not None},
            expect_errors=True,
        )

    return send


def written_by(media_type: str) -> wires.Wire:
    """The format of a media type."""
    (found,) = (wire for wire in wires.WIRES if wire.media_type == media_type)
    return found


@pytest.mark.parametrize(('accept', 'wanted'), ACCEPTED)
def test_accept(ask: Any, ann: Person, accept: str, wanted: str) -> None:
    listed = ask('GET', wires.base(ann.id), Accept=accept)
    assert listed.status_int == 200
    assert listed.headers['Content-Type'] == wanted
    written_by(wanted).keys(listed)
    # Faults go by the same rule.
    refused = ask('GET', wires.base(ann.id), Accept=accept, X_Auth_Token=None)
    assert refused.status_int == 401
    assert refused.headers['Content-Type'] == wanted
    assert written_by(wanted).fault(refused)[0] == 'unauthorized'


@pytest.mark.parametrize('name', OPERATIONS)
@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize(
    ('suffix', 'accept', 'wanted'), [('.json', XML, JSON), ('.xml', JSON, XML)]
)
def test_suffix_beats_accept(
    ask: Any,
    ann: Person,
    name: str,
    ending: str,
    suffix: str,
    accept: str,
    wanted: str,
) -> None:
    path, method, status = OPERATIONS[name]
    spelled = path(ann.id) + ending.format(suffix)
    more = {'Accept': accept}
    body = b''
    if name in WRITTEN:
        body = wires.Json().write(username=ann.name, apiKey='key' * 6)
        more['Content-Type'] = JSON
    ask('POST', wires.reset(ann.id))
    answer = ask(method, spelled, body, **more)
    assert answer.status_int == status
    assert answer.headers['Content-Type'] == wanted
    refused = ask(method, spelled, body, **more, X_Auth_Token=None)
    assert refused.status_int == 401
    assert refused.headers['Content-Type'] == wanted
    wrong = ask('PUT', spelled, **more)
    assert wrong.status_int == 405
    assert wrong.headers['Content-Type'] == wanted


@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('suffix', ['.json', '.xml', ''])
def test_delete_by_any_ending(
    ask: Any, ann: Person, ending: str, suffix: str
) -> None:
    ask('POST', wires.reset(ann.id))
    path = (wires.key(ann.id) + ending.format(suffix)).replace('//', '/')
    assert ask('DELETE', path).status_int == 204
    assert ask('GET', path).status_int == 404


@pytest.mark.parametrize('name', OPERATIONS)
@pytest.mark.parametrize('accept', [JSON, XML])
def test_a_trailing_slash_leaves_it_to_accept(
    ask: Any, ann: Person, name: str, accept: str
) -> None:
    path, method, status = OPERATIONS[name]
    more = {'Accept': accept}
    body = b''
    if name in WRITTEN:
        body = wires.Xml().write(username=ann.name, apiKey='key' * 6)
        more['Content-Type'] = XML
    ask('POST', wires.reset(ann.id))
    answer = ask(method, f'{path(ann.id)}/', body, **more)
    assert answer.status_int == status
    assert answer.headers['Content-Type'] == accept


def test_the_location_of_a_new_key_has_no_suffix(
    ask: Any, ann: Person
) -> None:
    body = wires.Json().write(username=ann.name, apiKey='key' * 6)
    added = ask(
        'POST', f'{wires.base(ann.id)}.xml/', body, **{'Content-Type': JSON}
    )
    location = added.headers['Location']
    assert location == f'http://localhost{wires.key(ann.id)}'
    assert ask(
        'GET', location.removeprefix('http://localhost')
    ).status_int == (200)


@pytest.mark.parametrize('name', ['add', 'update'])
class TestContentType:
    @pytest.mark.parametrize('sent', wires.WIRES, ids=['json', 'xml'])
    @pytest.mark.parametrize('accept', [JSON, XML])
    @pytest.mark.parametrize(
        'spelled',
        [
            '{}',
            '{}; charset=utf-8',
            '{};charset="UTF-8";x=y',
            '{} ;',
            '{0}; charset=utf-16',
        ],
    )
    def test_what_is_read_is_not_what_is_written(
        self,
        ask: Any,
        ann: Person,
        name: str,
        sent: wires.Wire,
        accept: str,
        spelled: str,
    ) -> None:
        path, method, status = OPERATIONS[name]
        for kind in (sent.media_type, sent.media_type.title()):
            answer = ask(
                method,
                path(ann.id),
                sent.write(username=ann.name, apiKey='key' * 6),
                Accept=accept,
                **{'Content-Type': spelled.format(kind)},
            )
            assert answer.status_int == status
            assert written_by(accept).key(answer) == (ann.name, 'key' * 6)

    @pytest.mark.parametrize(
        'kind',
        [
            'text/plain',
            'text/xml',
            'text/json',
            'application/x-www-form-urlencoded',
            'application/octet-stream',
            f'{VENDOR}+json;version=2.0',
            f'{VENDOR}-v2.0+xml',
            'application/json-patch+json',
            'application/jsonx',
            'application/*',
            '*/*',
            'application/json, application/xml',
            'json',
            ';application/json',
            None,
        ],
    )
    @pytest.mark.parametrize('accept', [JSON, XML])
    def test_what_is_not_read(
        self, ask: Any, ann: Person, name: str, kind: str | None, accept: str
    ) -> None:
        path, method, _ = OPERATIONS[name]
        ask('DELETE', wires.key(ann.id))
        body = wires.Json().write(username=ann.name, apiKey='key' * 6)
        more = {'Content-Type': kind, 'Accept': accept}
        answer = ask(method, path(ann.id), body, **more)
        assert answer.status_int == 415
        assert written_by(accept).fault(answer) == (
            'badMediaType',
            415,
            "I don't understand the content type",
        )
        assert ask('GET', wires.key(ann.id)).status_int == 404

    @pytest.mark.parametrize(
        ('kind', 'status', 'message'),
        [
            (JSON, 400, 'Invalid json request body'),
            (f'{XML};charset=utf-8', 400, 'Invalid XML request body'),
            (None, 400, 'Invalid json request body'),
            ('text/plain', 415, "I don't understand the content type"),
        ],
    )
    def test_empty_body(
        self,
        ask: Any,
        ann: Person,
        name: str,
        kind: str | None,
        status: int,
        message: str,
    ) -> None:
        path, method, _ = OPERATIONS[name]
        answer = ask(method, path(ann.id), **{'Content-Type': kind})
        assert wires.Json().fault(answer)[1:] == (status, message)

    @pytest.mark.parametrize(
        ('kind', 'sent'), [(JSON, wires.Xml()), (XML, wires.Json())]
    )
    def test_a_body_of_the_other_type(
        self, ask: Any, ann: Person, name: str, kind: str, sent: wires.Wire
    ) -> None:
        path, method, _ = OPERATIONS[name]
        body = sent.write(username=ann.name, apiKey='key' * 6)
        answer = ask(method, path(ann.id), body, **{'Content-Type': kind})
        assert answer.status_int == 400


@pytest.mark.parametrize(
    ('kind', 'body'),
    [
        (None, b''),
        (JSON, b''),
        (XML, b''),
        ('application/x-www-form-urlencoded', b''),
        ('application/x-www-form-urlencoded', b'a=b'),
        ('text/plain', b'anything'),
        (JSON, b'{"not": "read"'),
        (XML, b'<!DOCTYPE x><x>'),
        ('multipart/form-data; boundary=x', b'--x--'),
        (None, b'\x00\xff'),
        (JSON, b'x' * 100000),
    ],
)
def test_reset_looks_at_no_body(
    ask: Any, ann: Person, kind: str | None, body: bytes
) -> None:
    before = wires.Json().key(ask('POST', wires.reset(ann.id)))
    answer = ask('POST', wires.reset(ann.id), body, **{'Content-Type': kind})
    assert answer.status_int == 200
    name, key = wires.Json().key(answer)
    assert name == ann.name
    assert key != before[1]
    assert len(key) == 32


@pytest.mark.parametrize('kind', [JSON, XML, 'text/plain', 'x', 'a/b;c=d'])
def test_reading_and_deleting_look_at_no_content_type(
    ask: Any, ann: Person, kind: str
) -> None:
    more = {'Content-Type': kind}
    ask('POST', wires.reset(ann.id))
    for path in (wires.base(ann.id), wires.key(ann.id)):
        for method in ('GET', 'HEAD'):
            assert ask(method, path, **more).status_int == 200
    assert ask('GET', wires.key(ann.id), b'{<', **more).status_int == 200
    deleted = ask('DELETE', wires.key(ann.id), b'{<', **more)
    assert deleted.status_int == 204
