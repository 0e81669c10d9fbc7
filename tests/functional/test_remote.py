"""keymw before something else, with its identity service far away."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent import futures
import contextlib
import itertools
import logging
import pathlib
import subprocess
import sys
import threading
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import pytest
import webtest

from keymw import conf
from keymw.conf import ConfigError
from tests.support import front
from tests.support import manage
from tests.support import wire as wires
from tests.support.between import cut_short
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.far import Far
from tests.support.far import remote
from tests.support.login import Desk
from tests.support.pipeline_v2 import PipelineV2

WORD = 'hunter2'
SIGN_IN = 'POST /v3/auth/tokens'
START_LINE = 'login with API keys is off: [identity] transport = remote'
Serve = Callable[..., 'Far']
Make = Callable[..., Deployment]


class Wrapped:
    """What keymw is in front of: it knows nothing of identity."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self.asked.append(environ['PATH_INFO'])
        return reply(418, {'wrapped': True})(environ, start_response)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Put an application on a port."""
    with contextlib.ExitStack() as stack:

        def start(app: WSGIApplication) -> Far:
            far = Far(app)
            stack.callback(far.stop)
            far.start()
            return far

        yield start


@pytest.fixture
def wrapped() -> Wrapped:
    return Wrapped()


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Make:
    """Files of keymw that stands before something else."""

    def made(far: Far, path: str = '', **identity: str) -> Deployment:
        url = f'{far.url}{path}'
        number = len(list(tmp_path.iterdir()))
        home = tmp_path / f'keymw-{number}'
        found = Deployment(home, remote(auth_url=url, **identity))
        found.set_up()
        return found

    return made


@pytest.fixture
def web(make: Make, far: Far, wrapped: Wrapped) -> webtest.TestApp:
    """keymw before the wrapped application, with a remote Keystone."""
    return make(far).web(wrapped)


def ask(
    web: webtest.TestApp, path: str, token: str | None, **more: Any
) -> Any:
    method = more.pop('method', 'GET')
    return front.ask(web, wires.Json(), method, path, token, **more)


def service_tokens(far: Far, path: str) -> list[str]:
    """The tokens of the requests for a path."""
    return [
        environ['HTTP_X_AUTH_TOKEN']
        for environ in far.environs
        if environ['PATH_INFO'] == path
    ]


def test_life_of_a_key(send: Any, wire: wires.Wire, bob: Person) -> None:
    base, key = wires.base(bob.id), wires.key(bob.id)
    body = wire.write(username=bob.name, apiKey='first' * 4)
    assert send('POST', base, body).status_int == 201
    assert wire.key(send('GET', key)) == (bob.name, 'first' * 4)
    _, new = wire.key(send('POST', wires.reset(bob.id), b''))
    assert wire.keys(send('GET', base)) == [(bob.name, new)]
    assert send('DELETE', key).status_int == 204
    assert send('GET', key).status_int == 404


def test_token_of_a_former_key_bought_where_logins_are_served(
    serve: Serve, wrapped: Wrapped, cloud: Cloud, tmp_path: pathlib.Path
) -> None:
    """One database: a change at one keymw ends tokens at the other."""
    desk = Desk(tmp_path / 'near', cloud)
    far = serve(desk.between)
    made = Deployment(tmp_path / 'near', remote(auth_url=far.url))
    web, ann = made.web(wrapped), cloud.with_role('member')
    bought = desk.v3({'id': ann.id}, desk.key_of(ann))
    token = bought.headers['X-Subject-Token']
    path = wires.key(ann.id)
    assert ask(web, path, token).status_int == 200
    _, key = wires.Json().key(
        ask(web, wires.reset(ann.id), cloud.admin, method='POST')
    )
    for one in (web, desk.web):
        assert ask(one, path, token).status_int == 403
    bought = desk.v3({'id': ann.id}, key)
    for one in (web, desk.web):
        token = bought.headers['X-Subject-Token']
        assert ask(one, path, token).status_int == 200


AUDITED = """
import sys
import webtest
from keymw import factory
web = webtest.TestApp(factory.wrap(None, sys.argv[1]))
web.post(sys.argv[2], headers={'X-Auth-Token': sys.argv[3]})
"""


def test_a_reset_by_an_admin_is_audited_in_the_log_file(
    make: Make, far: Far, cloud: Cloud, bob: Person
) -> None:
    made = make(far)
    log = made.home / 'keymw.log'
    made.write_conf(
        remote(auth_url=far.url) | {'DEFAULT': {'log_file': str(log)}}
    )
    # In a process of its own, whose logs keymw sets up.
    words = (str(made.conf_file), wires.reset(bob.id), cloud.admin)
    subprocess.run([sys.executable, '-c', AUDITED, *words], check=True)
    (line,) = [x for x in log.read_text().splitlines() if 'outcome ' in x]
    assert 'credential:reset: caller ' in line
    assert f'target {bob.id}, outcome done' in line
    assert cloud.admin not in log.read_text()


@pytest.mark.parametrize('path', ['', '/', '/v3', '/v3/', '/v2.0'])
def test_the_url_may_name_a_version(
    make: Make,
    far: Far,
    wrapped: Wrapped,
    cloud: Cloud,
    bob: Person,
    path: str,
) -> None:
    # Keystone has no v2.0 to sign in to.
    plugin = 'v3password' if path.endswith(('/v3', '/v3/')) else 'password'
    web = make(far, path, auth_type=plugin).web(wrapped)
    expected = 503 if path == '/v2.0' else 200
    assert ask(web, wires.base(bob.id), cloud.admin).status_int == expected


def test_the_service_may_be_under_a_path(
    serve: Serve, make: Make, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    def mounted(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not environ['PATH_INFO'].startswith('/identity/'):
            return reply(404, b'<html></html>')(environ, start_response)
        inner = environ | {
            'SCRIPT_NAME': '/identity',
            'PATH_INFO': environ['PATH_INFO'].removeprefix('/identity'),
        }
        return cloud.app(inner, start_response)

    web = make(serve(mounted), '/identity/v3').web(wrapped)
    assert ask(web, wires.base(bob.id), cloud.admin).status_int == 200


def test_who_may_do_what(
    web: webtest.TestApp, cloud: Cloud, bob: Person
) -> None:
    token, other = cloud.token_of(bob), cloud.person()
    mine, theirs = wires.reset(bob.id), wires.reset(other.id)
    assert ask(web, mine, token, method='POST').status_int == 200
    assert ask(web, theirs, token, method='POST').status_int == 403
    staff = cloud.with_role('identity:admin')
    strong = cloud.with_role('admin')
    token = cloud.token_of(staff, 'demo')
    assert ask(web, theirs, token, method='POST').status_int == 200
    path = wires.reset(strong.id)
    assert ask(web, path, token, method='POST').status_int == 403


def test_user_whom_nobody_knows(web: webtest.TestApp, cloud: Cloud) -> None:
    answer = ask(web, wires.base('nobody'), cloud.admin)
    assert wires.Json().fault(answer)[:2] == ('itemNotFound', 404)


@pytest.mark.parametrize('token', [None, '', 'nonsense', 'nöt ascii'])
def test_bad_token_is_unauthorized(
    web: webtest.TestApp, bob: Person, token: str | None
) -> None:
    if token is not None:
        token = token.encode().decode('latin-1')
    answer = ask(web, wires.base(bob.id), token)
    assert wires.Json().fault(answer)[:2] == ('unauthorized', 401)


def test_others_are_asked_about_as_the_user_of_auth_type(
    web: webtest.TestApp, far: Far, cloud: Cloud, bob: Person
) -> None:
    caller = cloud.token_of(cloud.with_role('identity:admin'), 'demo')
    for _ in range(2):
        ask(web, wires.base(bob.id), caller)
    (first, second) = service_tokens(far, f'/v3/users/{bob.id}')
    assert first == second
    assert first not in (caller, cloud.admin)
    asked = ('HTTP_X_AUTH_TOKEN', 'HTTP_X_SUBJECT_TOKEN')
    last = [e for e in far.environs if asked[1] in e][-1]
    assert [last[name] for name in asked] == [caller, caller]


def test_revoked_token_is_renewed(
    web: webtest.TestApp, far: Far, cloud: Cloud, bob: Person
) -> None:
    path, user = wires.base(bob.id), f'/v3/users/{bob.id}'
    ask(web, path, cloud.admin)
    (first,) = service_tokens(far, user)
    headers = {'X-Auth-Token': cloud.admin, 'X-Subject-Token': first}
    cloud.web.delete('/v3/auth/tokens', headers=headers, status=204)
    for _ in range(2):
        assert ask(web, path, cloud.admin).status_int == 200
    _, refused, new, reused = service_tokens(far, user)
    assert refused == first
    assert new == reused != first
    assert far.between.count(SIGN_IN) == 2


def test_an_application_credential_signs_in(
    make: Make, far: Far, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    person = cloud.with_role('admin')
    made = cloud.ask(
        'POST',
        f'/v3/users/{person.id}/application_credentials',
        {'application_credential': {'name': 'keymw'}},
        token=cloud.token_of(person, 'demo'),
    ).json['application_credential']
    nothing = dict.fromkeys(remote()['identity'], '')
    del nothing['transport'], nothing['timeout']
    web = make(
        far,
        '/v3',
        **nothing
        | {
            'auth_type': 'v3applicationcredential',
            'application_credential_id': made['id'],
            'application_credential_secret': made['secret'],
        },
    ).web(wrapped)
    assert ask(web, wires.base(bob.id), cloud.admin).status_int == 200


def test_nothing_of_the_client_goes_out(
    web: webtest.TestApp, far: Far, cloud: Cloud, bob: Person
) -> None:
    answer = web.get(
        wires.base(bob.id),
        headers={
            'X-Auth-Token': cloud.admin,
            'X-Forwarded-For': '192.0.2.7',
            'X-Mine': 'mine',
            'Cookie': 'mine=mine',
            'User-Agent': 'mine',
        },
        extra_environ={'REMOTE_USER': 'mine', 'HTTP_HOST': 'mine.example'},
    )
    told = str([sorted(environ.items()) for environ in far.environs])
    assert 'mine' not in told
    assert '192.0.2.7' not in told
    ids = {e.get('HTTP_X_OPENSTACK_REQUEST_ID') for e in far.environs}
    assert answer.headers['X-Openstack-Request-Id'] in ids


def test_a_cookie_is_not_sent_back(
    serve: Serve, make: Make, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    def baking(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        def start(status: str, headers: Any, *error: Any) -> Any:
            more = [*headers, ('Set-Cookie', 'session=one; Path=/')]
            return start_response(status, more, *error)

        return cloud.app(environ, start)

    far = serve(baking)
    web = make(far).web(wrapped)
    for _ in range(2):
        assert ask(web, wires.base(bob.id), cloud.admin).status_int == 200
    assert not any('HTTP_COOKIE' in environ for environ in far.environs)


@pytest.mark.parametrize(
    'asked', ['.*', 'GET /v3/auth/tokens', SIGN_IN, 'GET /v3/users/.*']
)
@pytest.mark.parametrize('status', [301, 302, 307, 308])
def test_no_redirect_is_followed(
    web: webtest.TestApp,
    serve: Serve,
    far: Far,
    cloud: Cloud,
    bob: Person,
    asked: str,
    status: int,
) -> None:
    other = serve(cloud.app)

    def redirect(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        url = f'{other.url}{environ["PATH_INFO"]}'
        start_response(f'{status} As told', [('Location', url)])
        return [b'']

    far.between.instead(asked, itertools.repeat(redirect))
    assert_outage(ask(web, wires.base(bob.id), cloud.admin))
    assert other.environs == []


def assert_outage(answer: Any) -> None:
    assert wires.Json().fault(answer)[:2] == ('serviceUnavailable', 503)
    assert answer.headers['Retry-After']


def test_a_service_that_is_down_and_comes_back(
    web: webtest.TestApp,
    far: Far,
    cloud: Cloud,
    bob: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path, token = wires.base(bob.id), cloud.token_of(bob)
    # Before the first request, and after it.
    for _ in range(2):
        far.stop()
        assert_outage(ask(web, path, token))
        far.start()
        assert ask(web, path, token).status_int == 200
    lines = [r for r in caplog.records if r.name.startswith('keymw.identity')]
    assert [line.levelname for line in lines] == ['ERROR', 'ERROR']
    assert f'{far.url}: Connection refused' in lines[0].getMessage()
    assert token not in caplog.text


@pytest.mark.parametrize(
    'asked', ['.*', 'GET /v3/auth/tokens', SIGN_IN, 'GET /v3/users/.*']
)
@pytest.mark.parametrize(
    'answer',
    [cut_short, reply(500), reply(503), reply(429), reply(200, b'nonsense')],
    ids=['cut-short', '500', '503', '429', 'nonsense'],
)
def test_an_outage_at_any_question(
    web: webtest.TestApp,
    far: Far,
    cloud: Cloud,
    bob: Person,
    asked: str,
    answer: WSGIApplication,
) -> None:
    path = wires.base(bob.id)
    far.between.instead(asked, itertools.repeat(answer))
    assert_outage(ask(web, path, cloud.admin))
    far.between.step_aside()
    assert ask(web, path, cloud.admin).status_int == 200


def hanging(over: threading.Event) -> WSGIApplication:
    """An application that says nothing until it is over."""

    def hang(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        over.wait(20)
        return reply(500)(environ, start_response)

    return hang


@pytest.mark.parametrize(
    ('path', 'version', 'asked'),
    [
        ('', 'auto', '.*'),
        ('', 'v3', '.*'),
        ('', 'v2.0', '.*'),
        ('/v2.0', 'v2.0', '.*'),
        ('', 'v3', 'GET /v3/auth/tokens'),
        ('', 'v3', SIGN_IN),
        ('', 'v3', 'GET /v3/users/.*'),
        # The plugin reads the version document, and signs in anyway.
        ('/v3', 'v3', f'GET /v3/?|{SIGN_IN}'),
    ],
)
def test_a_service_that_hangs_is_an_outage_in_time(
    make: Make,
    far: Far,
    wrapped: Wrapped,
    cloud: Cloud,
    bob: Person,
    path: str,
    version: str,
    asked: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    over = threading.Event()

    web = make(far, path, timeout='1', api_version=version).web(wrapped)
    far.between.instead(asked, itertools.repeat(hanging(over)))
    # The service hangs until the response is here.
    answer = ask(web, wires.base(bob.id), cloud.admin)
    over.set()
    assert_outage(answer)
    assert f'{far.url}: timed out' in caplog.text


def test_requests_wait_for_a_sign_in_that_hangs_together(
    make: Make, far: Far, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    over = threading.Event()
    # More than a Keystone on a busy machine needs.
    web = make(far, timeout='4', token_cache_ttl='60').web(wrapped)
    path = wires.base(bob.id)
    # From here on the caller of the token is cached.
    far.between.instead(SIGN_IN, itertools.repeat(reply(500)))
    assert_outage(ask(web, path, cloud.admin))
    sign_ins = itertools.count()
    hang = (hanging(over) for _ in sign_ins)
    far.between.instead(SIGN_IN, hang)
    with futures.ThreadPoolExecutor(6) as pool:
        for answer in [
            pool.submit(ask, web, path, cloud.admin) for _ in range(6)
        ]:
            assert_outage(answer.result())
    over.set()
    assert next(sign_ins) == 1
    far.between.step_aside()
    assert ask(web, path, cloud.admin).status_int == 200


@pytest.mark.parametrize('plugin', ['password', 'v3password'])
def test_a_wrong_password_of_ours_is_an_outage(
    make: Make,
    far: Far,
    wrapped: Wrapped,
    cloud: Cloud,
    bob: Person,
    plugin: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = make(far, '/v3', auth_type=plugin, password=WORD)
    hear_all(caplog)
    assert_outage(ask(made.web(wrapped), wires.base(bob.id), cloud.admin))
    assert (
        'the identity service responded with 401 to a request for a '
        'token of the '
        'user of [identity] auth_type' in caplog.text
    )
    assert WORD not in caplog.text


def test_a_user_of_ours_who_needs_a_second_factor(
    make: Make,
    far: Far,
    wrapped: Wrapped,
    cloud: Cloud,
    bob: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    person = cloud.with_role('admin')
    rules = {
        'multi_factor_auth_enabled': True,
        'multi_factor_auth_rules': [['password', 'application_credential']],
    }
    body = {'user': {'options': rules}}
    cloud.ask('PATCH', f'/v3/users/{person.id}', body)
    made = make(far, username=person.name, project_name='demo')
    assert_outage(ask(made.web(wrapped), wires.base(bob.id), cloud.admin))
    assert 'responded with 401 to a request for a token' in caplog.text


def test_a_user_of_ours_who_is_no_admin(
    make: Make, far: Far, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    person = cloud.with_role('member')
    made = make(far, username=person.name, project_name='demo')
    assert_outage(ask(made.web(wrapped), wires.base(bob.id), cloud.admin))


def hear_all(caplog: pytest.LogCaptureFixture) -> None:
    """Enable the loggers that Keystone disabled in this process."""
    for name in ('', 'keystoneauth', 'urllib3', 'urllib3.connectionpool'):
        caplog.set_level(logging.DEBUG, logger=name)


def test_logs_hold_no_secret(
    web: webtest.TestApp,
    far: Far,
    cloud: Cloud,
    bob: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hear_all(caplog)
    _, key = wires.Json().key(
        ask(web, wires.reset(bob.id), cloud.admin, method='POST')
    )
    (ours,) = set(service_tokens(far, f'/v3/users/{bob.id}'))
    # Keystone is in this process too.
    said = '\n'.join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(('keymw', 'keystoneauth', 'urllib3'))
    )
    assert '/v3/users/' in said
    assert not [word for word in (key, ours, cloud.admin) if word in said]


@pytest.fixture
def old() -> PipelineV2:
    """An Identity v2.0 service."""
    return PipelineV2()


SIGN_IN_V2 = {
    'auth_type': 'v2password',
    'username': 'admin',
    'tenant_name': 'admin',
    'user_domain_id': '',
    'project_name': '',
    'project_domain_id': '',
}


def with_sign_in(old: PipelineV2) -> WSGIApplication:
    """The service, which knows the administrator by a password."""

    def answer(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ['PATH_INFO']
        if (environ['REQUEST_METHOD'], path) == ('POST', '/v2.0/tokens'):
            (admin,) = (a for a in old.accounts.values() if a.name == 'admin')
            _, access = old.tokens[old.token(admin)]
            return reply(200, {'access': access})(environ, start_response)
        return old(environ, start_response)

    return answer


@pytest.mark.parametrize('mount', ['', '/v2.0', '/old/v2.0'])
def test_v2_is_asked_at_its_own_root(
    serve: Serve, make: Make, wrapped: Wrapped, old: PipelineV2, mount: str
) -> None:
    far = serve(with_sign_in(old))
    web = make(far, '/v2.0', **SIGN_IN_V2).web(wrapped)
    staff = old.token(old.account('staff', 'identity:admin'))
    known = old.account('known')
    path = wires.reset(known.id)
    if mount:
        path = path.removeprefix('/v2.0')
    answer = web.post(
        path,
        headers={'X-Auth-Token': staff, 'Accept': 'application/json'},
        extra_environ={'SCRIPT_NAME': mount},
    )
    assert wires.Json().key(answer)[0] == 'known'
    asked = {environ['PATH_INFO'] for environ in far.environs}
    assert f'/v2.0/tokens/{staff}' in asked
    assert {path.split('/')[1] for path in asked} <= {'v2.0', 'v3'}


def test_a_token_in_a_path_is_not_logged(
    serve: Serve,
    make: Make,
    wrapped: Wrapped,
    old: PipelineV2,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hear_all(caplog)
    far = serve(with_sign_in(old))
    web = make(far, '/v2.0', **SIGN_IN_V2, timeout='1').web(wrapped)
    known = old.account('known')
    token = old.token(known)
    assert ask(web, wires.base(known.id), token).status_int == 200
    far.between.instead('.*', itertools.repeat(cut_short))
    assert_outage(ask(web, wires.base(known.id), token))
    far.stop()
    assert_outage(ask(web, wires.base(known.id), token))
    assert '/v2.0/tokens/***' in caplog.text
    assert not [word for word in old.tokens if word in caplog.text]


LOGINS = (
    ('POST', '/v2.0/tokens'),
    ('GET', '/v2.0/tokens/one'),
    ('GET', '/v2.0/tenants'),
    ('GET', '/v2.0/users?name=bob'),
    ('GET', '/v2.0'),
    ('GET', '/v1.0'),
    ('POST', '/v1.1/auth'),
    ('POST', '/v3/auth/tokens'),
)


def test_logins_are_the_wrapped_applications_own(
    make: Make, far: Far, wrapped: Wrapped, cloud: Cloud, bob: Person
) -> None:
    made = make(far)
    with made.conf_file.open('a') as file:
        file.write('[kskey]\nserve_v1_1 = true\n')
    web = made.web(wrapped)
    # From here on the dialect of the identity service is known.
    assert ask(web, wires.base(bob.id), cloud.admin).status_int == 200
    far.environs.clear()
    credentials = {'username': 'bob', 'apiKey': 'a key'}
    body = {'auth': {wires.ROOT: credentials}}
    for method, path in LOGINS:
        call = web.post_json if method == 'POST' else web.get
        given = (path, body) if method == 'POST' else (path,)
        answer = call(*given, status=418)
        assert answer.json == {'wrapped': True}
    assert len(wrapped.asked) == len(LOGINS)
    assert far.environs == []


def test_one_line_at_start_says_that_logins_are_off(
    make: Make,
    far: Far,
    wrapped: Wrapped,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make(far).load(wrapped)
    said = [r for r in caplog.records if 'login' in r.getMessage()]
    (line,) = said
    assert line.levelname == 'WARNING'
    assert line.getMessage().startswith(START_LINE)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'auth_type': ''}, ('[identity] auth_type', 'remote')),
        ({'auth_url': ''}, ('[identity] auth_url', 'remote')),
        ({'auth_url': 'keystone:5000'}, ('[identity] auth_url', 'http://')),
        ({'auth_url': 'http://'}, ('[identity] auth_url', 'http://')),
        ({'auth_url': 'http://[::1'}, ('[identity] auth_url', 'http://')),
        ({'auth_url': 'http://one:port'}, ('[identity] auth_url', 'http://')),
        (
            {'auth_url': f'http://me:{WORD}@one.example/'},
            ('[identity] auth_url', 'no user'),
        ),
        ({'auth_url': 'http://one.example/?a'}, ('[identity] auth_url',)),
        ({'auth_type': 'stone'}, ('[identity] auth_type', 'stone')),
        ({'auth_type': 'none'}, ('[identity] auth_type', '"none"')),
        (
            {'auth_type': 'v3password', 'user_domain_id': ''},
            ('[identity] auth_type', 'user_domain_name'),
        ),
        ({'cafile': '/no/such.pem'}, ('[identity] cafile', '/no/such.pem')),
        ({'timeout': '0'}, ('timeout', '0.1')),
        ({'transport': 'pigeon'}, ('transport', 'pigeon')),
        (
            {'service_user': 'admin', 'service_project': 'admin'},
            ('[identity] service_user', 'remote'),
        ),
    ],
)
def test_refuses_to_start_in_one_clear_line(
    tmp_path: pathlib.Path,
    wrapped: Wrapped,
    options: dict[str, str],
    words: tuple[str, ...],
) -> None:
    url = {'auth_url': 'http://127.0.0.1:1'}
    told = remote(**url | {'password': WORD} | options)
    made = Deployment(tmp_path / 'keymw')
    made.set_up()
    made.write_conf(told)
    with pytest.raises(ConfigError) as refusal:
        made.load(wrapped)
    said = str(refusal.value)
    assert [word for word in words if word not in said] == []
    assert len(said.splitlines()) == 1
    assert WORD not in said


def test_options_that_are_secret_stay_so(
    make: Make, far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    names = ('password', 'application_credential_secret')
    made = make(far, **dict.fromkeys(names, WORD))
    caplog.set_level(logging.DEBUG)
    loaded = conf.load(str(made.conf_file))
    loaded.log_opt_values(logging.getLogger('keymw.test'), logging.DEBUG)
    assert 'identity.password' in caplog.text
    assert WORD not in caplog.text


def doctor(made: Deployment) -> dict[str, str]:
    """The lines of the doctor, by the name of the check."""
    for file in (made.conf_file, made.home / 'keymw.db'):
        file.chmod(0o600)
    found = manage.run(made.conf_file, 'doctor')
    assert found.err == ''
    assert WORD not in found.out
    return {
        line[8:].partition(':')[0]: line for line in found.out.splitlines()
    }


def test_the_doctor_needs_no_pipeline(make: Make, far: Far) -> None:
    lines = doctor(make(far))
    assert not [line for line in lines.values() if 'FAILED' in line]
    assert lines['Keystone'].startswith('ok')
    assert '"admin"' in lines['service_user']
    assert START_LINE in lines['login']
    assert '[identity] password' in lines['passwords']


@pytest.mark.parametrize(
    ('options', 'check', 'advice'),
    [
        ({'auth_url': ''}, 'Keystone', '[identity] auth_url'),
        ({'auth_url': 'http://127.0.0.1:1'}, 'Keystone', 'refused'),
        ({'api_version': 'v2.0'}, 'Keystone', 'auth_url names speaks no v2.0'),
        ({'password': WORD}, 'service_user', 'password or secret is wrong'),
        ({'username': 'nobody'}, 'service_user', 'unknown or disabled'),
        ({'user_domain_id': 'x'}, 'service_user', 'unknown or disabled'),
        ({'project_name': 'x'}, 'service_user', 'no role in this scope'),
        ({'service_user': 'admin'}, 'service_user', 'leave it out'),
    ],
)
def test_the_doctor_says_what_to_do(
    make: Make, far: Far, options: dict[str, str], check: str, advice: str
) -> None:
    made = make(far)
    made.write_conf(remote(**{'auth_url': far.url} | options))
    lines = doctor(made)
    failed = [name for name, line in lines.items() if 'FAILED' in line]
    assert failed == [check]
    assert advice in lines[check]
    assert '--pipeline' not in ''.join(lines.values())


def test_the_doctor_finds_that_our_user_is_no_admin(
    make: Make, far: Far, cloud: Cloud
) -> None:
    person = cloud.with_role('member')
    lines = doctor(make(far, username=person.name, project_name='demo'))
    assert lines['service_user'].startswith('FAILED')
    assert 'the role "admin"' in lines['service_user']


def purge(made: Deployment) -> manage.Result:
    return manage.run(made.conf_file, 'credential', 'purge')


def test_purge_needs_no_pipeline(
    make: Make, far: Far, cloud: Cloud, bob: Person
) -> None:
    made = make(far)
    gone = cloud.person()
    cloud.ask('DELETE', f'/v3/users/{gone.id}')
    for person in (bob, gone):
        manage.give_key(made.conf_file, person.id, person.name)
    found = purge(made)
    assert (found.code, found.err) == (0, '')
    assert found.out.startswith(f'removed {gone.id} ')
    assert found.out.count('\n') == 1


@pytest.mark.parametrize('asked', ['.*', SIGN_IN, 'GET /v3/users/.*'])
def test_an_outage_purges_nobody(
    make: Make, far: Far, cloud: Cloud, asked: str
) -> None:
    made = make(far)
    gone = cloud.person()
    cloud.ask('DELETE', f'/v3/users/{gone.id}')
    manage.give_key(made.conf_file, gone.id, gone.name)
    error = {'error': {'code': 404, 'message': 'no such'}}
    for answer in (reply(503), reply(404, error)):
        far.between.instead(asked, itertools.repeat(answer))
        assert '[identity] auth_url: ' in purge(made).failure
