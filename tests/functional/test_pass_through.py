"""Other requests pass through as if keymw were not there."""

from collections.abc import Callable
from collections.abc import Iterator
import json
import sys
from typing import Any

import pytest
import webtest

from tests.support import pass_through
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.pass_through import Wrapped

BASE = wires.base('u1')
KEY = wires.key('u1')

Load = Callable[..., Any]


@pytest.fixture(scope='module')
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = Deployment(tmp_path_factory.mktemp('pass-through'))
    made.set_up()
    return made


@pytest.fixture
def load(deployment: Deployment) -> Load:
    """Put keymw before an application: load(app, **identity_options)."""

    def before(app: Any, **options: str) -> Any:
        deployment.write_conf({'identity': options})
        return deployment.load(app)

    return before


PASSED = [
    ('GET', '/'),
    ('HEAD', '/v3'),
    ('GET', '/v3/auth/tokens'),
    ('PATCH', '/v3/users/u1'),
    ('GET', '/v2.0'),
    ('POST', '/v2.0/tenants'),
    ('POST', '/v2.0/users'),
    ('GET', '/v2.0/users/u1'),
    ('OPTIONS', BASE),
    ('OPTIONS', KEY),
    ('OPTIONS', f'{KEY}/RAX-AUTH/reset'),
    ('OPTIONS', '/v2.0/extensions'),
    ('GET', f'{BASE}/passwordCredentials'),
    ('POST', f'{BASE}/passwordCredentials'),
    ('PUT', f'{BASE}/passwordCredentials'),
    ('DELETE', f'{BASE}/passwordCredentials'),
    ('GET', f'{BASE}/OS-KSEC2:ec2Credentials'),
    ('POST', f'{BASE}/OS-KSEC2:ec2Credentials'),
    ('GET', f'{BASE}/RAX-KSKEY:apikeyCredentials'),
    ('POST', f'{KEY}/RAX-AUTH/other'),
    ('GET', '/v2.0/extensions/OS-KSADM'),
]


def test_the_environ_goes_on_as_it_came(load: Load) -> None:
    seen: dict[str, Any] = {}

    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        # At once: later changes must not count.
        seen.update(environ)
        start_response('200 OK', [])
        return []

    app = load(wrapped)
    for method, path in PASSED:
        seen.clear()
        sent = _with_all_a_server_may_add(method, path)
        before = dict(sent)
        pass_through.ask(app, sent)
        assert seen.keys() == before.keys(), (method, path)
        assert all(seen[name] is before[name] for name in before)


def _with_all_a_server_may_add(method: str, path: str) -> dict[str, Any]:
    return pass_through.environ_of(
        method,
        path,
        HTTP_X_AUTH_TOKEN='token',
        HTTP_KEYMW_USER='a header, not ours',
        REMOTE_USER='from the front end',
        REMOTE_DOMAIN='of the front end',
        CONTENT_LENGTH='5',
        CONTENT_TYPE='application/json',
        **{
            # Nobody may read it, so it need not be a stream.
            'wsgi.input': object(),
            'wsgi.file_wrapper': object(),
            'webob.adhoc_attrs': {'a': 1},
            'openstack.request_id': 'req-outer',
            'keymw.of_others': '1',
        },
    )


def test_names_the_operator_does_not_trust_are_dropped(load: Load) -> None:
    wrapped = Wrapped()
    app = load(wrapped, drop_environ='REMOTE_USER, HTTP_X_ROLES')
    more = {'REMOTE_USER': 'a', 'HTTP_X_ROLES': 'b', 'REMOTE_DOMAIN': 'c'}
    for _ in range(3):
        environ = pass_through.environ_of('GET', '/v3', **more)
        pass_through.ask(app, environ)
    for seen in wrapped.environs:
        assert not {'REMOTE_USER', 'HTTP_X_ROLES'} & seen.keys()
        assert seen['REMOTE_DOMAIN'] == 'c'


def test_start_response_is_the_servers_own(load: Load) -> None:
    given: list[Any] = []

    def wrapped(_environ: Any, start_response: Any) -> Any:
        given.append(start_response)
        write = start_response('200 OK', [('X-Two', '1'), ('X-Two', '2')])
        write(b'written ')
        return [b'returned']

    said: list[Any] = []

    def start_response(*arguments: Any) -> Any:
        said.extend(arguments)
        return written.append

    written: list[bytes] = []
    environ = pass_through.environ_of('GET', '/v3')
    found = load(wrapped)(environ, start_response)
    assert given == [start_response]
    assert said == ['200 OK', [('X-Two', '1'), ('X-Two', '2')]]
    assert written == [b'written ']
    assert found == [b'returned']


def test_exc_info_reaches_the_server(load: Load) -> None:
    def wrapped(_environ: Any, start_response: Any) -> Any:
        start_response('200 OK', [])
        try:
            raise LookupError('too late')
        except LookupError:
            start_response('500 Oops', [], sys.exc_info())
        return []

    said: list[Any] = []
    environ = pass_through.environ_of('GET', '/v3')
    load(wrapped)(environ, lambda *arguments: said.append(arguments))
    assert [arguments[0] for arguments in said] == ['200 OK', '500 Oops']
    assert said[1][2][0] is LookupError


@pytest.mark.parametrize('path', ['/v3', '/v2.0/tenants'])
def test_an_exception_goes_its_way(load: Load, path: str) -> None:
    error = LookupError('of the application')

    def wrapped(_environ: Any, _start_response: Any) -> Any:
        raise error

    with pytest.raises(LookupError) as caught:
        pass_through.ask(load(wrapped), pass_through.environ_of('GET', path))
    assert caught.value is error


def test_an_exception_between_chunks_goes_its_way(load: Load) -> None:
    def wrapped(_environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response('200 OK', [])
        yield b'first'
        raise LookupError('of the application')

    chunks = iter(
        load(wrapped)(
            pass_through.environ_of('GET', '/v2.0/x'), lambda *_: None
        )
    )
    assert next(chunks) == b'first'
    with pytest.raises(LookupError):
        next(chunks)


class Chunks:
    """A body that records how far it was read and whether it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(3):
            self.made += 1
            yield b'chunk'

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize('path', ['/v3', '/v2.0/tenants'])
def test_answers_stream_and_are_closed_once(load: Load, path: str) -> None:
    body = Chunks()

    def wrapped(_environ: Any, start_response: Any) -> Any:
        start_response('200 OK', [])
        return body

    found = load(wrapped)(
        pass_through.environ_of('GET', path), lambda *_: None
    )
    for number, chunk in enumerate(found, start=1):
        assert (chunk, body.made) == (b'chunk', number)
    assert (body.made, body.closed) == (3, 0)
    found.close()
    assert body.closed == 1


@pytest.mark.parametrize('path', ['/v3/x', f'{BASE}/passwordCredentials'])
def test_requests_stream(load: Load, path: str) -> None:
    sent = iter([b'one', b'two', b'three'])
    received = []

    class Slow:
        """A client that sends a chunk when the last one was taken."""

        def read(self, _size: int = -1) -> bytes:
            return next(sent, b'')

    def wrapped(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response('200 OK', [])
        while chunk := environ['wsgi.input'].read(5):
            received.append(chunk)
            yield chunk

    environ = pass_through.environ_of(
        'POST', path, CONTENT_LENGTH='11', **{'wsgi.input': Slow()}
    )
    chunks = iter(load(wrapped)(environ, lambda *_: None))
    assert received == []
    assert next(chunks) == b'one'
    assert received == [b'one']
    assert list(chunks) == [b'two', b'three']


NOT_OURS = [
    (
        'application/json',
        b' {"passwordCredentials":\t{"username":"u","password":"p\\u00e9"}}\n',
    ),
    ('Application/JSON; charset=utf-8', b'{"passwordCredentials": null}'),
    ('application/json', b'{"OS-KSEC2:ec2Credentials": {"a": 1}}'),
    ('application/json', b'{"passwordCredentials": {}, "more": [1, 2.50]}'),
    (
        'application/xml',
        b'<?xml version="1.0"?>\n<!-- kept --><passwordCredentials '
        b'xmlns="http://docs.openstack.org/identity/api/v2.0" '
        b'username = "u"  password="p"/>\n',
    ),
    (
        'application/xml;charset=UTF-8',
        b'\xef\xbb\xbf<k:passwordCredentials xmlns:k="urn:any"/>',
    ),
    ('application/xml', b'<ec2Credentials key="k"/>'),
]


@pytest.mark.parametrize(('content_type', 'body'), NOT_OURS)
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunked'])
@pytest.mark.parametrize('token', ['', 'garbage', None])
def test_other_credentials_on_the_shared_url_pass_byte_for_byte(
    load: Load,
    content_type: str,
    body: bytes,
    chunked: bool,
    token: str | None,
) -> None:
    read: list[bytes] = []

    def wrapped(environ: Any, start_response: Any) -> Any:
        sent_on.update(environ)
        length = environ.get('CONTENT_LENGTH', '-1')
        read.append(environ['wsgi.input'].read(int(length)))
        start_response('201 Created', [('X-By', 'wrapped')])
        return [b'done']

    sent_on: dict[str, Any] = {}
    environ = pass_through.environ_of(
        'POST', f'{BASE}.json/', body, CONTENT_TYPE=content_type
    )
    if token is not None:
        environ['HTTP_X_AUTH_TOKEN'] = token
    if chunked:
        del environ['CONTENT_LENGTH']
        environ['wsgi.input_terminated'] = True
    before = dict(environ)
    reply = pass_through.ask(load(wrapped), environ)
    assert (reply.status, reply.body) == (201, b'done')
    assert reply.headers == {'x-by': 'wrapped'}
    assert read == [body]
    del before['wsgi.input'], sent_on['wsgi.input']
    assert sent_on == before


def test_a_passed_body_can_be_read_in_any_way(load: Load) -> None:
    content_type, body = NOT_OURS[4]
    found: list[Any] = []

    def wrapped(environ: Any, start_response: Any) -> Any:
        stream = environ['wsgi.input']
        found.extend([stream.read(3), stream.readline(), *stream])
        assert stream.read() == b''
        start_response('200 OK', [])
        return []

    environ = pass_through.environ_of(
        'POST', BASE, body, CONTENT_TYPE=content_type
    )
    pass_through.ask(load(wrapped), environ)
    assert b''.join(found) == body
    assert len(found) == 3


@pytest.mark.parametrize(
    ('content_type', 'body'),
    [
        (
            'application/json',
            wires.Json().write(username='u', apiKey='k' * 16),
        ),
        ('application/xml', wires.Xml().write(username='u', apiKey='k' * 16)),
        ('application/json', b'{"apiKeyCredentials": {}}'),
        (
            'application/json',
            b'{"passwordCredentials": {}, "RAX-KSKEY:apiKeyCredentials": {}}',
        ),
        ('application/json', b''),
        ('application/json', b'{"passwordCredentials": {}'),
        ('application/json', b'["passwordCredentials"]'),
        ('application/json', b'{}'),
        ('application/xml', b'<passwordCredentials>'),
        ('application/xml', b'<!DOCTYPE a><passwordCredentials/>'),
        ('text/plain', b'{"passwordCredentials": {}}'),
        ('text/xml', b'<passwordCredentials/>'),
        ('', b'{"passwordCredentials": {}}'),
        ('application/xml', b'{"passwordCredentials": {}}'),
    ],
)
def test_what_might_be_a_key_never_passes(
    load: Load, content_type: str, body: bytes
) -> None:
    wrapped = Wrapped()
    environ = pass_through.environ_of(
        'POST', BASE, body, CONTENT_TYPE=content_type
    )
    assert pass_through.ask(load(wrapped), environ).status == 401
    assert wrapped.environs == []


@pytest.fixture
def bare(cloud: Cloud) -> webtest.TestApp:
    """Keystone alone, with the requests that keymw gets."""
    return webtest.TestApp(
        webtest.lint.middleware(cloud.app),
        extra_environ={'REMOTE_ADDR': '127.0.0.1'},
    )


SIGN_IN = {
    'auth': {
        'identity': {
            'methods': ['password'],
            'password': {
                'user': {
                    'name': 'admin',
                    'domain': {'id': 'default'},
                    'password': 'secret',
                }
            },
        },
        'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}},
    }
}
WRONG = json.loads(json.dumps(SIGN_IN).replace('secret', 'wrong'))


@pytest.mark.parametrize(
    ('method', 'path', 'body'),
    [
        ('GET', '/', None),
        ('GET', '/v3', None),
        ('HEAD', '/v3', None),
        ('GET', '/v3/users', None),
        ('GET', '/v3//users', None),
        ('GET', '/v3/auth/catalog', None),
        ('GET', '/v3/nowhere', None),
        ('POST', '/v3/auth/tokens', SIGN_IN),
        ('POST', '/v3/auth/tokens', WRONG),
        ('POST', '/v3/auth/tokens', {'auth': 1}),
        ('OPTIONS', '/v3/users', None),
    ],
)
def test_keystone_answers_as_without_keymw(
    web: webtest.TestApp,
    bare: webtest.TestApp,
    cloud: Cloud,
    method: str,
    path: str,
    body: Any,
) -> None:
    def ask(app: webtest.TestApp) -> Any:
        sent = {} if body is None else {'body': json.dumps(body).encode()}
        response = app.request(
            path,
            method=method,
            headers={
                'X-Auth-Token': cloud.admin,
                'Content-Type': 'application/json',
            },
            expect_errors=True,
            **sent,
        )
        return response.status, _timeless(response)

    assert ask(web) == ask(bare)


def _timeless(response: Any) -> Any:
    """Headers and body, but for ids and times that no two responses share."""
    headers = {k.lower(): v for k, v in response.headers.items()}
    assert headers.pop('x-openstack-request-id', 'req-').startswith('req-')
    if headers.pop('x-subject-token', None) is None:
        return headers, response.body
    headers.pop('content-length')
    token = response.json['token']
    for name in ('issued_at', 'expires_at', 'audit_ids'):
        assert token.pop(name)
    return headers, token
