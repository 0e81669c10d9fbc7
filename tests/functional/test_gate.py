"""No spelling of a path we guard gets past, and no other path is refused."""

from collections.abc import Iterator
import random
import re
from typing import Any

import pytest

from tests.support import lenient
from tests.support import pass_through
from tests.support import wire as wires
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.pass_through import Wrapped

BASE = '/v2.0/users/u1/OS-KSADM/credentials'
KEY = f'{BASE}/RAX-KSKEY:apiKeyCredentials'

# Each as it stands in PATH_INFO, where the server has decoded %XX once.
LOGINS = [
    '/v2.0/%74okens',
    '/v2.0%2Ftokens',
    '/v2.0/tokens%2Fx',
    '/v2.0/tokens%2exml',
    '/v2%2e0/tokens',
    '\\v2.0\\tokens',
    '/v2.0/tokens\\x',
    '/v2.0/tokens;x',
    '/v2.0;x/tokens',
    '/v2.0/./tokens',
    '/v2.0/x/../tokens',
    '/v2.0/tokens/x/..',
    '/v2.0/tokens/.',
    '/v3/%2e%2e/v2.0/tokens',
    '//v2.0/tokens',
    '/v2.0//tokens',
    '/v2.0/tokens//',
    '/v2.0/tokens//x',
    '/v2.0/tokens\x00',
    '/v2.0/to\x00kens',
    '/v2.0/tokens%0a',
    '/v2.0/tokens ',
    '/v2.0/tokens/x%20',
    'v2.0/tokens',
    '/%761.0',
    '/v1%2e0',
    '/v1.0%2F',
    '\\v1.0',
    '/v1.0;x',
    '/v1.0/;x',
    '/./v1.0',
    '/v1.0/.',
    '/v3/../v1.0',
    '//v1.0',
    '/v1.0//',
    '/v1.0\x00',
    '/v1.0 ',
    'v1.0',
    '/x/%2e%2e;y/v1.0\x00/',
    '/v1.1/%61uth',
    '/v1.1%2Fauth',
    '/v1%2e1/auth',
    '/v1.1\\auth',
    '/v1.1/auth;x',
    '/v1.1;/auth',
    '/v1.1/./auth',
    '/v1.1/x/../auth',
    '/v1.1//auth',
    '/v1.1/auth//',
    '/v1.1/auth\x7f',
    '/v1.1/auth ',
    'v1.1/auth',
]
ATTACKS = [
    # A second encoding.
    '/v2.0/users/u1/OS-KSADM/%63redentials',
    '/v2.0/users/u1%2FOS-KSADM/credentials',
    '/v2.0/users/u1/OS%2dKSADM/credentials',
    '/v2.0%2Fusers%2Fu1%2FOS-KSADM%2Fcredentials',
    '/%76%32%2e%30/users/u1/OS-KSADM/credentials',
    '%2Fv2.0/users/u1/OS-KSADM/credentials',
    '/v2%2e0/users/%75%31/OS-KSADM/credentials',
    '/v2.0/users/u%31/OS-KSADM/credentials',
    f'{BASE}%2FRAX-KSKEY:apiKeyCredentials',
    f'{BASE}/RAX-KSKEY%3AapiKeyCredentials',
    f'{BASE}/RAX-KSKEY%3aapiKeyCredentials/RAX-AUTH/reset',
    f'{BASE}%2exml',
    f'{KEY}/RAX-AUTH%2freset',
    '/v2.0/%65xtensions',
    '/v2.0/extensions%2fRAX-KSKEY',
    # Backslashes.
    '\\v2.0\\users\\u1\\OS-KSADM\\credentials',
    '/v2.0\\users/u1/OS-KSADM/credentials',
    f'{BASE}\\RAX-KSKEY:apiKeyCredentials',
    '/v2.0/users/u1/OS-KSADM%5Ccredentials',
    '/v2.0%5cextensions',
    '/\\v2.0/extensions',
    '/v2.0;x\\users/u1/OS-KSADM/credentials',
    '/v2.0 \\extensions',
    # Parameters.
    '/v2.0;x/users/u1/OS-KSADM/credentials',
    '/v2.0/users;v=1/u1/OS-KSADM/credentials',
    '/v2.0/users/u1;a=b/OS-KSADM/credentials',
    '/v2.0/users/u1/OS-KSADM;/credentials',
    f'{BASE};jsessionid=1',
    f'{BASE};',
    f'{KEY};x/RAX-AUTH/reset',
    f'{BASE}%3Bx',
    '/v2.0/extensions;x',
    '/v2.0/users/u1/OS-KSADM%3b/credentials',
    # Dots.
    '/./v2.0/users/u1/OS-KSADM/credentials',
    '/v2.0/./users/u1/OS-KSADM/credentials',
    '/v2.0/users/u1/x/../OS-KSADM/credentials',
    '/v3/../v2.0/users/u1/OS-KSADM/credentials',
    '/../v2.0/users/u1/OS-KSADM/credentials',
    '/../../v2.0/extensions',
    '/v3/auth/tokens/../../../v2.0/extensions',
    '/v2.0/users/u1/OS-KSADM/x/../credentials',
    f'{BASE}/.',
    f'{BASE}/./RAX-KSKEY:apiKeyCredentials',
    f'{BASE}/x/../RAX-KSKEY:apiKeyCredentials',
    f'{KEY}/RAX-AUTH/reset/../reset',
    '/v2.0/extensions/x/..',
    # Dots in disguise.
    '/v3/%2e%2e/v2.0/users/u1/OS-KSADM/credentials',
    '/v3/.%2E/v2.0/extensions',
    '/v3/..;/v2.0/extensions',
    '/v3/..;x=1/v2.0/users/u1/OS-KSADM/credentials',
    '/v3\\..\\v2.0\\extensions',
    '/v3%5c..%5cv2.0/extensions',
    '/v3/.. /v2.0/extensions',
    '/v3/.\x00./v2.0/extensions',
    '/v3%2f..%2fv2.0/extensions',
    '/v3%2f%2e%2e%2fv2.0%2fextensions',
    # Empty segments.
    '//v2.0/users/u1/OS-KSADM/credentials',
    '///v2.0/extensions',
    '/v2.0//users/u1/OS-KSADM/credentials',
    '/v2.0/users//u1/OS-KSADM/credentials',
    '/v2.0/users/u1//OS-KSADM/credentials',
    '/v2.0/users/u1/OS-KSADM//credentials',
    f'{BASE}//',
    f'{BASE}//RAX-KSKEY:apiKeyCredentials',
    f'{KEY}/RAX-AUTH//reset',
    '/v2.0//extensions',
    '/v2.0/extensions//RAX-KSKEY',
    '/;/v2.0/extensions',
    '/ /v2.0/extensions',
    '/\x00/v2.0/extensions',
    # Control bytes.
    '/v2.0/users/u1/OS-KSADM/credentials\x00',
    '/v2.0/users/u1/OS-KSADM/credentials\x00.jpg',
    '/v2.0/users/u1/OS-KSADM/creden\x00tials',
    '/v2.0/\tusers/u1/OS-KSADM/credentials',
    '/v2.0/users/u1\n/OS-KSADM/credentials',
    '/v2.0/users/u1/OS-KSADM/credentials\r\n',
    '/v2.0/users/u1/OS-KSADM/credentials\x7f',
    '/v2.0/users/u1/OS-KSADM/credentials%00',
    '/v2.0/users/u1/OS-KSADM/credentials%0a',
    '/v2.0/extensions\x1f',
    '\x00/v2.0/extensions',
    # Trailing spaces.
    f'{BASE} ',
    f'{BASE}   ',
    f'{BASE}%20',
    f'{KEY} ',
    '/v2.0 /users/u1/OS-KSADM/credentials',
    '/v2.0/users /u1/OS-KSADM/credentials',
    '/v2.0/users/u1 /OS-KSADM/credentials',
    '/v2.0/extensions ',
    # A path that does not start with a slash, as one server hands it on.
    'v2.0/users/u1/OS-KSADM/credentials',
    './v2.0/extensions',
    '../v2.0/extensions',
    'v3/../v2.0/extensions',
    ' /v2.0/extensions',
    # Mixtures.
    '/v3/%2e%2e;x/v2.0\\users/u1 /OS-KSADM\x00//credentials',
    '/v2.0\\.\\users;a/u1/x/%2e%2e/OS-KSADM/credentials ;x',
    '\\\\v2.0//extensions;%00',
    '/%2e/v2.0%5cextensions%20',
    '/v2.0/users/u1/OS-KSADM/credentials/%2e%2e/credentials',
]

OTHERS = [
    '/',
    '',
    '/v3',
    '/v3/',
    '/v3//auth/tokens',
    '/v3/auth;x/tokens',
    '/v3/users/u1/../u2',
    '/v3/users/%2e%2e',
    '/v3/users/a b',
    '/v3/regions/a\\b',
    '/v3/regions/x%2Fy',
    '/v3/users/\x01',
    '/v3/users/u1/OS-KSADM/credentials',
    '/v3//users//u1',
    '/v2.0',
    '/v2.0/',
    '/v2.0/tenants',
    '/v2.0/users',
    '/v2.0/users/u1',
    '/v2.0/users//u1',
    '/v2.0/users/u1/OS-KSADM',
    '/v2.0/users/u1/OS-KSADM/password',
    '/v2.0/users/u1/credentials',
    '/v2.0/users/u1;x/roles',
    '/v2.0/users/../tenants',
    '/v2.0/./tenants',
    '/v1.01',
    '/v1.0x;y',
    '/v1.1/',
    '/v1.1//x',
    '/x/v1.0;y',
    '/v2.0/Tokens;x',
    '/V1.0/./',
    f'{BASE}/passwordCredentials',
    f'{BASE}/OS-KSEC2:ec2Credentials',
    f'{BASE}/RAX-KSKEY:apikeyCredentials',
    f'{KEY}/RAX-AUTH',
    f'{KEY}/RAX-AUTH/reset/more',
    # Another case is another path.
    '/V2.0/users/u1/OS-KSADM/credentials',
    '/v2.0/Users/u1/OS-KSADM/credentials',
    '/v2.0/users/u1/os-ksadm/credentials',
    '/v2.0/users/u1/OS-KSADM/Credentials',
    '/V2.0//extensions',
    '/v2.0/Extensions',
    '/v2.0/users/u1/OS-KSADM/Credentials;x',
    # Three times encoded is no spelling that one more decoding brings back.
    '/v2.0/users/u1/OS-KSADM/%2563redentials',
    # Other versions and look-alikes.
    '/v2.1/extensions;x',
    '/v2.0x/extensions//',
    '/v20/users/u1/OS-KSADM/credentials ',
    '/v2x0/extensions//',
    '/v2x0/users/v2.0/OS-KSADM/credentials',
    '/x/v2.0/extensions;x',
    # No user id, or a blank one.
    '/v2.0/users//OS-KSADM/credentials',
    '/v2.0/users/ /OS-KSADM/credentials',
    '/v2.0/users/\t/OS-KSADM/credentials',
    '/v2.0/users/  /OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials',
    '/v2.0/users/%20/OS-KSADM/credentials',
    # The canonical path has one segment less, so it is not guarded.
    '/v2.0/users/;x/OS-KSADM/credentials',
    '/v2.0/users/./OS-KSADM/credentials',
    '/v2.0/users/../OS-KSADM/credentials',
    '/v2.0/users/%2e%2e/OS-KSADM/credentials',
]


class Gate:
    """keymw before an application that records its requests."""

    def __init__(self, deployment: Deployment) -> None:
        self._wrapped = Wrapped()
        self.app = deployment.load(self._wrapped)

    def knock(
        self, path: str, method: str = 'GET', body: bytes = b'', **more: Any
    ) -> tuple[int, str | None]:
        """The status, and the path that got through, if one did."""
        self._wrapped.environs.clear()
        environ = pass_through.environ_of(method, path, body, **more)
        status = pass_through.ask(self.app, environ).status
        passed = [seen['PATH_INFO'] for seen in self._wrapped.environs]
        return status, passed[0] if passed else None


GATES: dict[str, Options] = {
    'default': {},
    'off': {'kskey': {'enabled': 'false'}},
    'logins': {'kskey': {'serve_v1_1': 'true'}},
    'no logins': {
        'kskey': {'serve_v1_0': 'false', 'serve_v2': 'false'},
        'identity': {'service_user': ''},
    },
    'global keys': {'global_keys': {'enabled': 'true'}},
    'whole': {
        'kskey': {'serve_v1_1': 'true'},
        'global_keys': {'enabled': 'true'},
        'api_keys': {'enabled': 'true'},
    },
}


@pytest.fixture(scope='module')
def gates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Gate]:
    """A gate for each of these options."""
    found = {}
    for name, options in GATES.items():
        made = Deployment(tmp_path_factory.mktemp('gate'), options)
        made.set_up()
        found[name] = Gate(made)
    return found


@pytest.fixture(scope='module')
def gate(gates: dict[str, Gate]) -> Gate:
    return gates['default']


@pytest.fixture(scope='module')
def login_gate(gates: dict[str, Gate]) -> Gate:
    return gates['logins']


@pytest.fixture(scope='module')
def admin_gate(gates: dict[str, Gate]) -> Gate:
    return gates['global keys']


@pytest.fixture(scope='module')
def whole_gate(gates: dict[str, Gate]) -> Gate:
    return gates['whole']


@pytest.mark.parametrize('path', ATTACKS)
def test_other_spelling_of_a_guarded_path_is_refused(
    gate: Gate, path: str
) -> None:
    for mount in ('', '/identity'):
        assert gate.knock(path, SCRIPT_NAME=mount) == (400, None), mount


@pytest.mark.parametrize('method', ['POST', 'DELETE', 'OPTIONS', 'HEAD', 'X'])
def test_no_method_opens_the_gate(gate: Gate, method: str) -> None:
    assert gate.knock(f'{BASE};x', method) == (400, None)


@pytest.mark.parametrize('path', LOGINS)
@pytest.mark.parametrize('script_name', ['', '/identity'])
def test_other_spelling_of_a_login_is_refused(
    login_gate: Gate, path: str, script_name: str
) -> None:
    for method in ('GET', 'POST', 'DELETE'):
        found = login_gate.knock(path, method, SCRIPT_NAME=script_name)
        assert found == (400, None)


@pytest.mark.parametrize('path', LOGINS)
def test_logins_that_are_off_are_not_guarded(
    gates: dict[str, Gate], path: str
) -> None:
    assert gates['no logins'].knock(path, 'POST') == (200, path)


@pytest.mark.parametrize('path', [p for p in LOGINS if '1' in p])
def test_each_login_is_guarded_by_itself(gate: Gate, path: str) -> None:
    """v1.0 is on by default, v1.1 is not."""
    refused = _canon(path).startswith('/v1.0')
    expected = (400, None) if refused else (200, path)
    assert gate.knock(path) == expected


@pytest.mark.parametrize(
    ('path', 'method'),
    [
        ('/v2.0/tokens', 'POST'),
        ('/v2.0/tokens/', 'POST'),
        ('/v2.0/tokens.xml', 'POST'),
        ('/v1.0', 'GET'),
        ('/v1.0/', 'GET'),
        ('/v1.1/auth', 'POST'),
        ('/v1.1/auth/', 'POST'),
    ],
)
def test_the_plain_spelling_of_a_login_is_served_here(
    login_gate: Gate, path: str, method: str
) -> None:
    body = b'{' if method == 'POST' else b''
    status, passed = login_gate.knock(
        path,
        method,
        body,
        CONTENT_TYPE='application/json',
    )
    assert (status, passed) == (400 if body else 401, None)


# Where a composite took /v2.0 off the path.
@pytest.mark.parametrize(
    'path',
    [
        '//users/u1/OS-KSADM/credentials',
        '/users/u1/OS-KSADM/%63redentials',
        '/users;x/u1/OS-KSADM/credentials',
        '/x/../users/u1/OS-KSADM/credentials',
        '/../v2.0/users/u1/OS-KSADM/credentials',
        '/users/u1/OS-KSADM/credentials ',
        '\\users/u1/OS-KSADM/credentials',
        '//extensions',
        '//tokens',
        '/tokens;x',
        '/extensions%00',
        '/./extensions/RAX-KSKEY',
    ],
)
@pytest.mark.parametrize(
    'mount',
    [
        {'SCRIPT_NAME': '/v2.0'},
        {'SCRIPT_NAME': '/identity/v2.0'},
        {'KEYSTONE_API_VERSION': '2.0'},
    ],
    ids=['v2.0', 'identity-v2.0', 'normalized'],
)
def test_other_spelling_below_a_mounted_v2_is_refused(
    gate: Gate, path: str, mount: dict[str, Any]
) -> None:
    assert gate.knock(path, **mount) == (400, None)


@pytest.mark.parametrize('version', ['2.0', '1.0', '3'])
@pytest.mark.parametrize('path', ['//v2.0/extensions', f'/x/..{BASE}'])
def test_a_version_found_before_us_opens_no_gate(
    gate: Gate, path: str, version: str
) -> None:
    found = gate.knock(path, KEYSTONE_API_VERSION=version)
    assert found == (400, None)


def test_the_refusal_is_a_fault(gate: Gate) -> None:
    for accept, start in (
        ('application/json', b'{"badRequest":{"code":400,"message":"'),
        ('application/xml', b"<?xml version='1.0' encoding='UTF-8'?>\n<badR"),
    ):
        reply = pass_through.ask(
            gate.app,
            pass_through.environ_of('GET', f'{BASE};x', HTTP_ACCEPT=accept),
        )
        assert reply.status == 400
        assert reply.headers['content-type'] == accept
        assert reply.body.startswith(start)


@pytest.mark.parametrize('path', OTHERS)
def test_every_other_path_passes_as_it_came(
    gates: dict[str, Gate], path: str
) -> None:
    for name in ('default', 'logins', 'global keys'):
        for mount in ('', '/identity'):
            found = gates[name].knock(path, SCRIPT_NAME=mount)
            assert found == (200, path), (name, mount)


@pytest.mark.parametrize('path', ATTACKS + OTHERS + [BASE, KEY])
def test_switched_off_nothing_is_guarded(
    gates: dict[str, Gate], path: str
) -> None:
    assert gates['off'].knock(path, 'PUT') == (200, path)


@pytest.mark.parametrize('path', [BASE, KEY, f'{BASE}/', f'{KEY}.xml'])
def test_the_plain_spelling_is_served_here(gate: Gate, path: str) -> None:
    assert gate.knock(path) == (401, None)


@pytest.mark.parametrize('user_id', ['ü', 'a b', 'a%b', '100%', 'a&?#b', '~'])
def test_odd_user_id_in_its_plain_spelling_is_served(
    gate: Gate, user_id: str
) -> None:
    raw = user_id.encode().decode('latin-1')
    path = f'/v2.0/users/{raw}/OS-KSADM/credentials'
    assert gate.knock(path) == (401, None)


def test_fuzzed_spellings(gate: Gate) -> None:
    """400 where a path differs from its canon and that is guarded."""
    dice = random.Random(20110814)
    refused = 0
    for _ in range(20000):
        path = _mutated(dice)
        plain = _canon(path)
        if path != plain and _is_guarded(plain):
            refused += 1
            assert gate.knock(path) == (400, None), repr(path)
        elif path != plain:
            assert gate.knock(path) == (200, path), repr(path)
        else:
            assert gate.knock(path)[0] != 400, repr(path)
    assert 2000 < refused < 18000


# What the fuzz puts into paths.
_BITS = [
    '/', '//', '\\', '%2f', '%2F', '%5c', ';', ';x', ';a=b', '%3b', '.',
    '..', '/.', '/..', '/./', '/../', '/x/..', '%2e', '%2e%2e', '\x00',
    '\x01', '\n', '\x7f', '%00', '%0a', ' ', '  ', '%20', '%', '%%', '%zz',
    '%25', '%2563', '?', '#', ':', '~', '+', '/v3', '/v2.0',
]  # fmt: skip
_STARTS = [
    BASE,
    KEY,
    f'{KEY}/RAX-AUTH/reset',
    '/v2.0/extensions',
    '/v2.0/extensions/RAX-KSKEY',
    '/v2.0/tenants',
    '/v2.0/tokens',
    '/v1.0',
    '/v3/auth/tokens',
]


def _mutated(dice: random.Random) -> str:
    path = dice.choice(_STARTS)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(path) + 1)
        kind = dice.randrange(5)
        slash = max(path.rfind('/', 0, at), 0)
        if kind == 0 and at < len(path):
            path = f'{path[:at]}%{ord(path[at]):02x}{path[at + 1 :]}'
        elif kind == 1:
            path = path[:slash] + dice.choice(_BITS) + path[slash:]
        elif kind == 2:
            path = path[:slash] + dice.choice(_BITS) + path[slash + 1 :]
        else:
            path = path[:at] + dice.choice(_BITS) + path[at:]
    return path


def _canon(path: str) -> str:
    """The design's sentence, word by word."""
    path = _without_scheme(_tidy(path))
    path = re.sub('%([0-9A-Fa-f]{2})', lambda two: chr(int(two[1], 16)), path)
    kept: list[str] = []
    *folders, last = _without_scheme(_tidy(path)).split('/')
    for segment in [*folders, last]:
        if segment == '..':
            del kept[-1:]
        elif segment not in ('', '.'):
            kept.append(segment)
    end = '/' if last == '' and kept else ''
    return f'/{"/".join(kept)}{end}'


def _without_scheme(path: str) -> str:
    scheme, colon, rest = path.partition(':')
    if not colon or '/' in scheme:
        return path
    if not rest.startswith('//'):
        return rest
    return ''.join(rest[2:].partition('/')[1:])


def _tidy(path: str) -> str:
    segments = []
    for segment in path.replace('\\', '/').split('/'):
        uncut = segment.split(';')[0]
        seen = [c for c in uncut if c >= ' ' and c != '\x7f']
        segments.append(''.join(seen).rstrip(' '))
    return '/'.join(segments)


def _is_guarded(path: str) -> bool:
    if path.startswith(('/v2.0/extensions', '/v2.0/tokens')):
        return True
    if path == '/v1.0' or path.startswith('/v1.0/'):
        return True
    return bool(re.match('/v2[.]0/users/[^/]+/OS-KSADM/credentials', path))


def test_a_refusal_is_told_in_the_format_of_the_suffix(
    deploy: Any, wire: wires.Wire
) -> None:
    path = f'/v2.0//users/u1/OS-KSADM/credentials.{wire.name}'
    answer = deploy(Wrapped()).get(path, expect_errors=True)
    assert wire.fault(answer)[:2] == ('badRequest', 400)


# The names of Ops Manager, where they are on.
ADMIN = '/api/public/v1.0/admin'
ADMIN_ATTACKS = [
    f'{spelled}{rest}'
    for rest in ('', '/x')
    for spelled in (
        f'/{ADMIN}/apiKeys',
        f'{ADMIN}//apiKeys',
        f'{ADMIN}/%61piKeys',
        f'{ADMIN}%2FapiKeys',
        f'{ADMIN}/apiKeys;x',
        f'{ADMIN};x/apiKeys',
        f'{ADMIN}/./apiKeys',
        f'{ADMIN}/x/../apiKeys',
        f'{ADMIN}/apiKeys\x00',
        f'{ADMIN}/apiKeys ',
        f'{ADMIN}\\apiKeys',
        f'{ADMIN}/accessList;x',
        f'{ADMIN}/whitelis%74',
        '/api/public/v1%2e0/admin/apiKeys',
        '/api/public/%76%31%2e%30/admin/whitelist',
        '/%61pi/public/v1.0/admin/accessList',
    )
]


@pytest.mark.parametrize('path', ADMIN_ATTACKS)
@pytest.mark.parametrize('script_name', ['', '/identity'])
def test_other_spelling_of_an_admin_path_is_refused(
    admin_gate: Gate, path: str, script_name: str
) -> None:
    for method in ('GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS'):
        found = admin_gate.knock(path, method, SCRIPT_NAME=script_name)
        assert found == (400, None)


@pytest.mark.parametrize('path', ADMIN_ATTACKS)
def test_admin_paths_that_are_off_are_not_guarded(
    gate: Gate, path: str
) -> None:
    assert gate.knock(path) == (200, path)


@pytest.mark.parametrize(
    'path',
    [
        ADMIN,
        f'{ADMIN}/',
        f'{ADMIN}/apikeys',
        f'{ADMIN}/apiKeysX',
        f'{ADMIN}/apiKey',
        f'{ADMIN}/%61piKeysX',
        f'{ADMIN}/x;y',
        f'{ADMIN}/apiKeys/..',
        '/api/public/v1.0;x/admin',
        '/v3/api/public/v1.0/admin/apiKeys',
        '/api/public/v2.0/admin/apiKeys',
    ],
)
def test_paths_beside_those_of_admin_pass(admin_gate: Gate, path: str) -> None:
    for method in ('GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS'):
        assert admin_gate.knock(path, method) == (200, path)


@pytest.mark.parametrize('path', ['apiKeys', 'accessList/x', 'whitelist/'])
def test_the_plain_spelling_of_an_admin_path_is_served_here(
    admin_gate: Gate, path: str
) -> None:
    assert admin_gate.knock(f'{ADMIN}/{path}') == (401, None)


def test_admin_path_of_an_api_version_is_another(admin_gate: Gate) -> None:
    path = f'{ADMIN}/apiKeys'
    found = admin_gate.knock(path, KEYSTONE_API_VERSION='3')
    assert found == (200, path)


SCHEMES = ('http', 'HTTP', 'hTtPs', 'ws', 'file', 'x-y.z+1', '')
BEFORE = (
    *('http:', 'http:\\\\h', ' http://h', 'http%3A//h', 'ht\tp://h'),
    *('/', '/.', '/x/..', '/%2e', '/x%2f..', '\\', '/;', '\x00'),
)
AFTER = ('/', '//', '/.', '/x/..', ';', ';x=1', '%3b', '?', '%2f')
BYTES = ('\x00', '\r', '\n', '\t', '\x7f', ' ', '%00', '%0d', '%20')
SLASHES = ('//', '\\', '%2f', '%5C', '/./', ';/', '/\t', ' /')
MOUNTS = (
    '',
    '/',
    '//',
    '/identity',
    '/v2.0',
    '/v2.0/',
    'v2.0',
    '/v2%2e0',
    '/v3',
    '/v1.0',
    '/v1.1',
    '/identity/v2.0',
    'http://h',
)


def spellings(path: str) -> Iterator[str]:
    """A path in its plain spelling, and in many others."""
    slashes = [at for at, byte in enumerate(path) if byte == '/']
    yield from (path, path[1:])
    yield from (f'{scheme}://host{path}' for scheme in SCHEMES)
    yield from (f'{scheme}://u:p@host:80/{path}' for scheme in SCHEMES)
    yield from (f'{scheme}:///x/..{path}' for scheme in SCHEMES)
    yield from (before + path for before in BEFORE)
    yield from (path + after for after in (*AFTER, *BYTES))
    yield from (f'/{byte}{path[1:]}' for byte in BYTES)
    yield from (path[:4] + byte + path[4:] for byte in BYTES)
    for at in slashes:
        yield from (path[:at] + slash + path[at + 1 :] for slash in SLASHES)
    for at, byte in enumerate(path):
        yield f'{path[:at]}%{ord(byte):02x}{path[at + 1 :]}'


def places(path: str) -> Iterator[tuple[str, str]]:
    """SCRIPT_NAME and PATH_INFO of all of them, and of the path in two."""
    for mount in MOUNTS:
        for spelled in spellings(path):
            yield mount, spelled
    for spelled in (path, f'/v2.0{path}', f'/v3{path}', f'//{path}'):
        for at in range(len(spelled)):
            yield spelled[:at], spelled[at:]
            yield f'{spelled[:at]}/x', f'/..{spelled[at:]}'


def _knock(gate: Gate, mount: str, path: str, method: str) -> Any:
    body = lenient.LOGIN if method == 'POST' else b''
    more = {'CONTENT_TYPE': 'application/json'} if body else {}
    return gate.knock(path, method, body, SCRIPT_NAME=mount, **more)


@pytest.mark.parametrize(('method', 'path'), lenient.GUARDED)
def test_no_application_behind_gets_a_guarded_route(
    whole_gate: Gate, method: str, path: str
) -> None:
    refused = 0
    for mount, spelled in places(path):
        status, passed = _knock(whole_gate, mount, spelled, method)
        refused += status == 400
        if passed is not None:
            environ = pass_through.environ_of(
                method, spelled, SCRIPT_NAME=mount
            )
            assert not lenient.accepts(environ), (mount, spelled)
    assert refused > 500


@pytest.mark.parametrize(('method', 'path'), lenient.GUARDED)
@pytest.mark.parametrize('mount', ['', '/identity', '/x/y'])
def test_a_guarded_path_is_ours_whatever_the_mount(
    whole_gate: Gate, method: str, path: str, mount: str
) -> None:
    body = lenient.LOGIN if method == 'POST' else b''
    status, passed = _knock(whole_gate, mount, path, method)
    assert passed is None
    assert status == (400 if body else 200 if 'extensions' in path else 401)


@pytest.mark.parametrize('mount', ['/v2.0', '/v3', '/x/v1.0', '/v1.1/x'])
def test_a_version_before_a_version_is_refused(
    whole_gate: Gate, mount: str
) -> None:
    for path in ('/v2.0/tenants', '/v3/users', '/v1.0', '/v1.1/x', BASE):
        assert whole_gate.knock(path, SCRIPT_NAME=mount) == (400, None)
    for path in ('/tenants', '/users/u1', '/auth/tokens', '/'):
        if mount != '/x/v1.0' or path != '/':
            found = whole_gate.knock(path, SCRIPT_NAME=mount)
            assert found == (200, path)


def test_another_spelling_of_a_shared_url_passes(whole_gate: Gate) -> None:
    body = b'{"auth": {"identity": {"methods": ["api_key"]}}}'
    for path in ('/v3//auth/tokens', '/v3/auth/tokens;x', '/v3/auth/%74okens'):
        assert whole_gate.knock(path, 'POST', body) == (200, path)
