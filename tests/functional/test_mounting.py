"""keymw where an operator may put it: below names and other filters."""

from collections.abc import Callable
import pathlib
import re
from typing import Any

from paste import deploy
import pytest
import webtest

from tests.support import pass_through
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pass_through import Seen
from tests.support.pass_through import Wrapped
from tests.support.pipeline_v2 import PipelineV2

COMPOSITE = """\
[composite:main]
use = egg:Paste#urlmap
{mount} = config:keymw-paste.ini
/ = elsewhere

[app:elsewhere]
paste.app_factory = tests.functional.test_mounting:elsewhere
"""


def elsewhere(_global_conf: Any) -> Any:
    """The application beside keymw."""
    return Wrapped('204 No Content', b'')


Mount = Callable[..., webtest.TestApp]


@pytest.fixture
def mount(tmp_path: pathlib.Path) -> Mount:
    """keymw before an application, below a name in a composite."""

    def below(name: str, app: Any) -> webtest.TestApp:
        made = Deployment(tmp_path)
        made.set_up()
        made.load(app)
        ini = tmp_path / 'composite.ini'
        ini.write_text(COMPOSITE.format(mount=name))
        return webtest.TestApp(
            webtest.lint.middleware(deploy.loadapp(f'config:{ini}')),
            extra_environ={'REMOTE_ADDR': '127.0.0.1'},
        )

    return below


class BelowV2:
    """A v2.0 service that is mounted, so that it sees no /v2.0."""

    def __init__(self, service: PipelineV2) -> None:
        self._service = service

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ['PATH_INFO']
        whole = {**environ, 'PATH_INFO': f'/v2.0{path}'}
        return self._service(whole, start_response)


def live(
    send: Any, wire: wires.Wire, root: str, user: Any, **more: Any
) -> str:
    """A life of a key below a root; the Location it was given."""
    base, key = root + wires.base(user.id), root + wires.key(user.id)
    body = wire.write(username=user.name, apiKey='first' * 4)
    added = send('POST', base, body, **more)
    assert added.status_int == 201
    assert wire.key(added) == (user.name, 'first' * 4)
    assert wire.key(send('GET', key, **more)) == (user.name, 'first' * 4)
    reset = send('POST', root + wires.reset(user.id), b'', **more)
    new = wire.key(reset)
    assert re.fullmatch('[0-9a-f]{32}', new[1])
    assert wire.keys(send('GET', f'{base}/', **more)) == [new]
    assert send('PUT', key, **more).status_int == 405
    assert send('DELETE', key, **more).status_int == 204
    assert send('GET', key, **more).status_int == 404
    return str(added.headers['Location'])


def test_keystone_below_a_script_name(
    send: Any, mount: Mount, wire: wires.Wire, cloud: Cloud, bob: Person
) -> None:
    root = '/identity'
    seen = Seen(cloud.app)
    web = mount(root, seen)
    location = live(send, wire, root, bob, web=web)
    assert location == f'http://localhost{root}{wires.key(bob.id)}'
    assert {e['SCRIPT_NAME'] for e in seen.environs} == {root}
    paths = [e['PATH_INFO'] for e in seen.environs]
    assert f'/v3/users/{bob.id}' in paths
    assert all(path.startswith('/v3') for path in paths)
    # Beside it is not ours.
    assert web.get(wires.base(bob.id)).status_int == 204


@pytest.mark.parametrize('name', ['/v2.0', '/identity/v2.0'])
def test_v2_service_below_v2(
    send: Any, mount: Mount, wire: wires.Wire, name: str
) -> None:
    service = PipelineV2()
    user = service.account('bob')
    token = service.token(service.account('boss', 'admin'))
    seen = Seen(BelowV2(service))
    web = mount(name, seen)
    root = name.removesuffix('/v2.0')
    location = live(send, wire, root, user, web=web, token=token)
    assert location == f'http://localhost{root}{wires.key(user.id)}'
    assert {e['SCRIPT_NAME'] for e in seen.environs} == {name}
    asked = {e['PATH_INFO'] for e in seen.environs}
    assert {f'/tokens/{token}', f'/users/{user.id}'} <= asked
    assert not any(path.startswith('/v2.0') for path in asked)
    extensions = send('GET', f'{root}/v2.0/extensions', web=web, token=None)
    assert extensions.status_int == 200
    other = send('GET', f'{root}/v2.0/extensions/x', web=web, token=None)
    assert other.status_int == 404


def test_v2_in_the_path_twice_is_refused(mount: Mount) -> None:
    web = mount('/v2.0', Wrapped('204 No Content', b''))
    for path in ('/v2.0/tenants', wires.base('u1'), '/v3/users'):
        assert web.get(f'/v2.0{path}', status='*').status_int == 400
    assert web.get(wires.base('u1'), status=401).status_int == 401


@pytest.fixture(scope='module')
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = Deployment(tmp_path_factory.mktemp('mounting'))
    made.set_up()
    return made


def _short(path: str) -> str:
    return path.removeprefix('/v2.0')


OURS = [wires.base('u1'), wires.key('u1'), wires.reset('u1')]


class TestVersionFoundBefore:
    """A filter before us took /v2.0 off and says so in the environ."""

    @pytest.fixture
    def knock(self, deployment: Deployment) -> Any:
        """Whether keymw answers a request without a token."""

        def ask(path: str, **environ: str) -> bool:
            wrapped = Wrapped('204 No Content', b'')
            reply = pass_through.ask(
                deployment.load(wrapped),
                pass_through.environ_of('POST', path, **environ),
            )
            passed = [e['PATH_INFO'] for e in wrapped.environs]
            if reply.status == 204:
                assert passed == [path]
                return False
            assert reply.status == 401
            assert passed == []
            return True

        return ask

    @pytest.mark.parametrize('path', OURS)
    @pytest.mark.parametrize('ending', ['', '/', '.xml'])
    def test_version_2(self, knock: Any, path: str, ending: str) -> None:
        assert knock(_short(path) + ending, KEYSTONE_API_VERSION='2.0')

    @pytest.mark.parametrize('path', OURS)
    @pytest.mark.parametrize('version', ['1.0', '1.1', '2', '3', 'v2.0', ''])
    def test_another_version(
        self, knock: Any, path: str, version: str
    ) -> None:
        assert not knock(_short(path), KEYSTONE_API_VERSION=version)

    @pytest.mark.parametrize('path', OURS)
    def test_no_version(self, knock: Any, path: str) -> None:
        assert not knock(_short(path))

    @pytest.mark.parametrize('version', ['2.0', '1.0', ''])
    def test_the_prefix_itself_says_more(
        self, knock: Any, version: str
    ) -> None:
        assert knock(wires.base('u1'), KEYSTONE_API_VERSION=version)

    def test_other_paths_pass(self, knock: Any) -> None:
        for path in ('/', '/users', '/users/u1', '/tokens', '/v3/users'):
            assert not knock(path, KEYSTONE_API_VERSION='2.0')

    @pytest.mark.parametrize(
        ('version', 'status'), [('2.0', 200), ('1.1', 404), (None, 404)]
    )
    def test_extensions(
        self, deployment: Deployment, version: str | None, status: int
    ) -> None:
        more = {} if version is None else {'KEYSTONE_API_VERSION': version}
        app = deployment.load(Wrapped('404 Not Found'))
        for path in ('/extensions', '/extensions/rax-kskey'):
            environ = pass_through.environ_of('GET', path, **more)
            assert pass_through.ask(app, environ).status == status

    def test_life_of_a_key(
        self, deployment: Deployment, send: Any, wire: wires.Wire
    ) -> None:
        service = PipelineV2()
        user = service.account('bob')
        token = service.token(service.account('boss', 'admin'))
        seen = Seen(BelowV2(service))
        app = deployment.load(seen)

        def normalizer(environ: dict[str, Any], start_response: Any) -> Any:
            environ['PATH_INFO'] = _short(environ['PATH_INFO'])
            environ['KEYSTONE_API_VERSION'] = '2.0'
            return app(environ, start_response)

        web = webtest.TestApp(normalizer)
        location = live(send, wire, '', user, web=web, token=token)
        assert location == f'http://localhost{wires.key(user.id)}'
        for environ in seen.environs:
            assert environ['KEYSTONE_API_VERSION'] == '2.0'
            assert not environ['PATH_INFO'].startswith('/v2.0')


# The headers of our requests to Keystone; REMOTE_USER in one of them.
ASKED = {
    'HTTP_ACCEPT',
    'HTTP_HOST',
    'HTTP_X_AUTH_TOKEN',
    'HTTP_X_OPENSTACK_REQUEST_ID',
    'HTTP_X_SUBJECT_TOKEN',
}


def test_nothing_of_the_client_is_in_our_questions(
    deploy: Any, cloud: Cloud, bob: Person
) -> None:
    seen = Seen(cloud.app)
    web = deploy(seen)
    sent = {
        'REMOTE_USER': 'admin',
        'REMOTE_DOMAIN': 'Default',
        'AUTH_TYPE': 'Basic',
        'SSL_CLIENT_USER_NAME': 'admin',
        'HTTP_X_IDENTITY_STATUS': 'Confirmed',
        'HTTP_X_ROLES': 'admin',
        'HTTP_X_SUBJECT_TOKEN': 'theirs',
        'HTTP_X_SERVICE_TOKEN': 'theirs',
        'HTTP_AUTHORIZATION': 'Basic YQ==',
        'HTTP_COOKIE': 'a=b',
        'HTTP_X_FORWARDED_FOR': '10.0.0.1',
        'HTTP_OPENSTACK_AUTH_RECEIPT': 'r',
        'openstack.context': 'theirs',
        'webob.adhoc_attrs': {'theirs': 1},
        'QUERY_STRING': 'theirs=1',
        'REMOTE_ADDR': '10.0.0.2',
        'wsgi.url_scheme': 'https',
    }
    body = wires.Json().write(username=bob.name, apiKey='key' * 6)
    added = web.post(
        wires.base(bob.id),
        body,
        headers={'X-Auth-Token': cloud.admin, 'Host': 'id.example:8443'},
        content_type='application/json',
        extra_environ=sent,
        status=201,
    )
    root = 'https://id.example:8443'
    assert added.headers['Location'] == root + wires.key(bob.id)
    assert len(seen.environs) > 2
    signing_in = 0
    for environ in seen.environs:
        headers = {name for name in environ if name.startswith('HTTP_')}
        assert headers <= ASKED
        assert 'theirs' not in repr(sorted(environ.items(), key=str))
        assert not {'AUTH_TYPE', 'SSL_CLIENT_USER_NAME'} & environ.keys()
        assert environ['HTTP_HOST'] == 'id.example:8443'
        assert environ['REMOTE_ADDR'] == '10.0.0.2'
        assert environ['wsgi.url_scheme'] == 'https'
        if 'REMOTE_USER' in environ:
            signing_in += 1
            assert environ['PATH_INFO'] == '/v3/auth/tokens'
            assert environ['REQUEST_METHOD'] == 'POST'
            assert 'HTTP_X_AUTH_TOKEN' not in environ
        else:
            assert environ['REQUEST_METHOD'] == 'GET'
            assert 'REMOTE_DOMAIN' not in environ
    assert signing_in == 1


def test_our_questions_are_requests_by_the_book(
    deploy: Any, cloud: Cloud, send: Any, wire: wires.Wire, bob: Person
) -> None:
    """WebTest's lint stands behind keymw as well as before it."""
    web = deploy(webtest.lint.middleware(cloud.app))
    live(send, wire, '', bob, web=web)
