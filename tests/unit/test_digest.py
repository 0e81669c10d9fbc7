"""Challenges, and the responses of all clients."""

from collections.abc import Callable
import hashlib
import itertools
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

from keymw.global_keys import digest
from keymw.global_keys.digest import Algorithm
from keymw.global_keys.digest import Authorization
from keymw.global_keys.digest import Claim
from keymw.global_keys.digest import Digest
from keymw.global_keys.digest import Nonces
from keymw.global_keys.digest import Refused
from keymw.global_keys.digest import RequestLine
from keymw.global_keys.digest import Stale
from tests.support.clock import Clock

LIFETIME = 300
USER, KEY = 'hcvxodya', 'e01f0d30-3d11-42e3-b731-b17923234fa6'
PATH = '/api/public/v1.0/admin/apiKeys/5d7084a280eef52172c95bcd'
QUERY = 'pretty=true'
URI = f'{PATH}?{QUERY}'
ASKED = RequestLine('PATCH', PATH, QUERY)
NONCE = 'kWVA9Ciu7lNaN5QdjPe8kxPMReVjbt+B'
CNONCE = '0a4f113b0a4f113b'

# The test vector of the contract, 3.2.
HA1 = {
    Algorithm.MD5: '3a47d155629a7aa780444091aa114f90',
    Algorithm.SHA256: 'eac8077ea965110979a11bd6da0b83004feffb929bc36bcd0f1365'
    '907486f703',
}
RESPONSES = {
    (Algorithm.MD5, '00000001'): '13716170a48cac24be7f05f420168868',
    (Algorithm.MD5, '1'): 'a20239a40b9123c9d73b18e29078bc17',
    (Algorithm.SHA256, '00000001'): 'ca934f89423963e9bacdee5975b68587b45b5ef'
    '163ad63ba991026e79d0a4ba4',
    (Algorithm.SHA256, '1'): '4c0d16d7931e47bc7fcd93190945f3dd689c1576576714'
    '8c5277830bd6d99b8e',
}
EIGHT = RESPONSES[Algorithm.MD5, '00000001']
ONE = RESPONSES[Algorithm.MD5, '1']

# How each client of the contract, 3.2, writes its response.
CLIENTS = {
    'curl': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", cnonce="{CNONCE}", nc=00000001, '
    f'qop=auth, response="{EIGHT}", algorithm=MD5',
    'requests': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", response="{EIGHT}", algorithm="MD5", '
    f'qop="auth", nc=00000001, cnonce="{CNONCE}"',
    'httpx': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", response="{EIGHT}", algorithm=MD5, '
    f'qop=auth, nc=00000001, cnonce="{CNONCE}"',
    'urllib of Python': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", response="{EIGHT}", algorithm="MD5", '
    f'qop=auth, nc=00000001, cnonce="{CNONCE}"',
    'Go': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", response="{EIGHT}", algorithm="MD5", '
    f'cnonce="{CNONCE}", qop=auth, nc=00000001',
    'operator': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", qop=auth, nc=1, cnonce="{CNONCE}", '
    f'response="{ONE}", algorithm="MD5"',
    'urllib of npm': f'Digest username="{USER}", realm="MMS Public API", '
    f'nonce="{NONCE}", uri="{URI}", response="{EIGHT}", qop=auth, '
    f'nc=00000001, cnonce="{CNONCE}"',
    'digest-fetch': f'Digest username="{USER}",realm="MMS Public API",'
    f'nonce="{NONCE}",uri="{URI}",algorithm=MD5,response="{EIGHT}",'
    f'nc=00000001,cnonce="{CNONCE}",qop=auth',
}
PARAMETERS = {
    'username': USER,
    'realm': digest.REALM,
    'nonce': NONCE,
    'uri': URI,
    'cnonce': CNONCE,
    'nc': '00000001',
    'qop': 'auth',
    'response': EIGHT,
    'algorithm': 'MD5',
}
HASHES = {Algorithm.MD5: hashlib.md5, Algorithm.SHA256: hashlib.sha256}


def header(between: str = ', ', without: str = '', **changed: str) -> str:
    """The response of the test vector, changed, without one parameter."""
    said = PARAMETERS | changed
    return 'Digest ' + between.join(
        f'{name}="{said[name]}"' for name in said if name != without
    )


def right(method: str, said: dict[str, str]) -> str:
    """The response of a client with the key."""
    name = Algorithm(said.get('algorithm', 'MD5'))

    def hashed(*parts: str) -> str:
        return HASHES[name](':'.join(parts).encode()).hexdigest()

    return hashed(
        hashed(USER, digest.REALM, KEY),
        *(said['nonce'], said['nc'], said['cnonce'], said['qop']),
        hashed(method, said['uri']),
    )


def answered(nonce: str, method: str = 'PATCH', **changed: str) -> str:
    """A right response with a nonce."""
    said = PARAMETERS | {'nonce': nonce} | changed
    return header(**(said | {'response': right(method, said)} | changed))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nonces(clock: Clock) -> Nonces:
    return Nonces(b's' * 32, LIFETIME, clock)


@pytest.fixture
def both(nonces: Nonces) -> Digest:
    return Digest(nonces, list(Algorithm))


def taken(gate: Digest, sent: str | None, asked: RequestLine = ASKED) -> Claim:
    """The claim of a right response, once it is verified."""
    claim = gate.read(sent, asked)
    gate.verify(claim, HA1[claim.algorithm])
    return claim


# Challenges


def test_challenge_is_the_text_that_clients_read_by_hand(
    nonces: Nonces,
) -> None:
    (said,) = Digest(nonces, [Algorithm.MD5]).challenges()
    nonce = said.split('"')[5]
    assert said == (
        f'Digest realm="MMS Public API", domain="", nonce="{nonce}", '
        'algorithm=MD5, qop="auth", stale=false'
    )
    assert nonces.find(nonce, Algorithm.MD5) is not None


def test_challenge_to_answer_again_with_another_nonce(both: Digest) -> None:
    for said in both.challenges(stale=True):
        assert said.endswith(', qop="auth", stale=true')


@pytest.mark.parametrize(
    'algorithms', list(itertools.permutations(Algorithm)), ids=str
)
def test_each_algorithm_has_a_challenge_and_md5_is_first(
    nonces: Nonces, algorithms: tuple[Algorithm, ...]
) -> None:
    md5, sha = Digest(nonces, algorithms).challenges()
    assert ', algorithm=MD5, ' in md5
    assert ', algorithm=SHA-256, ' in sha
    first, second = (said.split('"')[5] for said in (md5, sha))
    assert nonces.find(first, Algorithm.MD5) is not None
    assert nonces.find(second, Algorithm.SHA256) is not None
    assert nonces.find(second, Algorithm.MD5) is None


def test_algorithm_that_was_not_asked_for_is_not_offered(
    nonces: Nonces,
) -> None:
    (said,) = Digest(nonces, [Algorithm.SHA256]).challenges()
    assert ', algorithm=SHA-256, ' in said


# Nonces


def test_nonces_are_all_different_and_plain(nonces: Nonces) -> None:
    made = {nonces.make(Algorithm.MD5) for _ in range(1000)}
    assert len(made) == 1000
    # In base64 one nonce in some thousands has "qop" in it, and a client
    # that looks for names wherever they stand is then refused.
    assert set().union(*made) == set('0123456789abcdef')


def test_nonce_is_known_wherever_the_secret_is(
    nonces: Nonces, clock: Clock
) -> None:
    other = Nonces(b's' * 32, LIFETIME, clock)
    found = other.find(nonces.make(Algorithm.MD5), Algorithm.MD5)
    assert found is not None
    assert found.made_at == clock() * 1_000_000


def test_ids_of_nonces_are_in_the_order_of_their_making(
    nonces: Nonces, clock: Clock
) -> None:
    ids = []
    for _ in range(20):
        found = nonces.find(nonces.make(Algorithm.MD5), Algorithm.MD5)
        assert found is not None
        ids.append(found.id)
        clock.advance(0.001)
    assert ids == sorted(set(ids))


def test_nonce_of_another_secret_or_algorithm_is_not_ours(
    nonces: Nonces, clock: Clock
) -> None:
    foreign = Nonces(b't' * 32, LIFETIME, clock).make(Algorithm.MD5)
    assert nonces.find(foreign, Algorithm.MD5) is None
    ours = nonces.make(Algorithm.MD5)
    assert nonces.find(ours, Algorithm.SHA256) is None


def test_nonce_cut_short_or_changed_is_not_ours(nonces: Nonces) -> None:
    ours = nonces.make(Algorithm.MD5)
    for place in range(len(ours)):
        assert nonces.find(ours[:place], Algorithm.MD5) is None
        other = 'A' if ours[place] != 'A' else 'B'
        changed = ours[:place] + other + ours[place + 1 :]
        assert nonces.find(changed, Algorithm.MD5) is None


@pytest.mark.parametrize(
    'change',
    [
        lambda ours: ours + 'A',
        lambda ours: ours + '=',
        lambda ours: ours[:-1] + '=',
        lambda ours: ours[:-1] + '\n',
        lambda ours: ours[:-1] + 'é',
        lambda ours: ours[:-1] + '\0',
        lambda ours: ours * 160,
        lambda _: 'é' * 64,
        lambda _: NONCE,
        lambda _: '!' * 64,
        lambda _: 'A' * 64,
    ],
)
def test_what_is_no_nonce_is_not_ours(
    nonces: Nonces, change: Callable[[str], str]
) -> None:
    ours = nonces.make(Algorithm.MD5)
    assert nonces.find(change(ours), Algorithm.MD5) is None


@pytest.mark.parametrize(
    ('seconds', 'stale'),
    [
        (0, False),
        (LIFETIME, False),
        (LIFETIME + 1, True),
        (10 * LIFETIME, True),
        (-digest.SKEW, False),
        (-digest.SKEW - 1, True),
        (-10 * LIFETIME, True),
    ],
)
def test_nonce_serves_for_its_lifetime(
    nonces: Nonces, clock: Clock, seconds: int, stale: bool
) -> None:
    found = nonces.find(nonces.make(Algorithm.MD5), Algorithm.MD5)
    assert found is not None
    clock.advance(seconds)
    assert nonces.is_stale(found) is stale


@pytest.mark.parametrize('secret', [b'', b's' * 31])
def test_short_secret_is_none(secret: bytes) -> None:
    with pytest.raises(ValueError, match='32 bytes'):
        Nonces(secret, LIFETIME)


# The header


@pytest.mark.parametrize('client', CLIENTS)
def test_answer_of_a_client_is_understood(client: str) -> None:
    answer = digest.parse(CLIENTS[client])
    assert (answer.username, answer.uri) == (USER, URI)
    assert digest.is_right(answer, 'PATCH', HA1[Algorithm.MD5])


# The realm has spaces: it cannot go without.
@pytest.mark.parametrize('name', sorted(set(PARAMETERS) - {'realm'}))
@pytest.mark.parametrize('between', [',', ', ', ' ,\t '])
def test_every_parameter_may_be_quoted_or_not(name: str, between: str) -> None:
    value = PARAMETERS[name]
    quoted = header(between)
    bare = quoted.replace(f'{name}="{value}"', f'{name}={value}')
    assert bare != quoted
    assert digest.parse(bare) == digest.parse(quoted)


@pytest.mark.parametrize(
    'sent',
    [
        header().replace('Digest ', 'dIGEST \t '),
        header().replace('username=', 'UserName='),
        header().replace('nonce=', 'NONCE='),
        header().replace('=', ' =\t', 3),
        header(algorithm='md5'),
        header(without='algorithm'),
        header(opaque='x', charset='UTF-8', userhash='false'),
        header() + ', username*=UTF-8\'\'somebody, x="\\"a\\\\, nc=9"',
        header().replace(', ', ',, ,'),
        header() + ' , ',
        header(without='username') + ', username="\\h\\cvxodya"',
        header(without='uri') + f', uri="{URI}"'.replace('/', '\\/'),
    ],
)
def test_odd_answer_is_understood(sent: str) -> None:
    assert digest.parse(sent) == digest.parse(CLIENTS['curl'])


def test_quoted_text_is_what_was_quoted() -> None:
    text = '\u00e9 , "=\\'
    quoted = text.replace('\\', '\\\\').replace('"', '\\"')
    assert digest.parse(header(username=quoted)).username == text


@pytest.mark.parametrize('name', sorted(set(PARAMETERS) - {'algorithm'}))
def test_answer_that_lacks_something_is_none(name: str) -> None:
    with pytest.raises(Refused):
        digest.parse(header(without=name))


@pytest.mark.parametrize(
    'sent',
    [
        '',
        'Digest',
        'Digest ',
        'Basic aGN2eG9keWE6c2VjcmV0',
        header().replace('Digest ', 'Digest'),
        header().replace('Digest ', 'Digests '),
        header().removeprefix('Digest '),
        header() + ', ' + header(),
        header() + f', username="{USER}"',
        header() + ', NC=00000001',
        header() + ', x=1, X=1',
        header() + ', x',
        header() + ', x=',
        header() + ', =x',
        header() + ', x="',
        header() + ', x="\\"',
        header() + ', x="y"z',
        header() + ', x=y"z"',
        header() + ', x=y z',
        header() + ', x="\0"',
        header() + ', x=\x7f',
        header() + ', x="\\\n"',
        header() + ', x="€"',
        header() + ', (x)=y',
        header().replace(', ', ' '),
        header().replace(', ', '; '),
        header(realm='mms public api'),
        header(realm='MMS Public API '),
        header(qop='auth-int'),
        header(qop='AUTH'),
        header(qop='auth,auth-int'),
        header(algorithm='MD5-sess'),
        header(algorithm='SHA-512-256'),
        header(algorithm='SHA256'),
        header(algorithm=' MD5'),
        header(nc='000000001'),
        header(nc='0000000g'),
        header(nc='+1'),
        header(nc='-1'),
        header(nc='0x1'),
        header(nc='1 '),
        header(nc='1_0'),
        header(nc='\u00b2'),
        pytest.param(header(x='y' * 8192), id='too long'),
    ],
)
def test_what_is_no_answer_is_refused(sent: str) -> None:
    with pytest.raises(Refused) as refusal:
        digest.parse(sent)
    assert refusal.value.stale is False


@pytest.mark.parametrize(
    'part',
    ['a', ',', ' ', '"', '\\', '=', '"\\', 'a=', 'a="', 'a="b', ' ,', '\\"'],
)
@pytest.mark.parametrize('start', ['', 'a=', 'a="', 'a="b",', 'a = '])
def test_time_to_refuse_is_not_the_clients_to_choose(
    part: str, start: str
) -> None:
    sent = f'Digest {start}{part * 10_000}'[:8192]
    before = time.process_time()
    with pytest.raises(Refused):
        digest.parse(sent)
    assert time.process_time() - before < 0.1


def test_many_parameters_take_no_longer() -> None:
    many = ','.join(f'{n:x}=' for n in range(1200)).replace('=', '=1')
    before = time.process_time()
    digest.parse(f'{header()}, {many}'[:8192])
    assert time.process_time() - before < 0.1


# Verification of a response


@pytest.mark.parametrize('algorithm', Algorithm)
def test_ha1_of_the_vector(algorithm: Algorithm) -> None:
    made = digest.ha1(USER, 'MMS Public API', KEY, algorithm)
    assert made == HA1[algorithm]


@pytest.mark.parametrize(('algorithm', 'nc'), RESPONSES)
def test_response_of_the_vector(algorithm: Algorithm, nc: str) -> None:
    response = RESPONSES[algorithm, nc]
    sent = header(algorithm=algorithm, nc=nc, response=response)
    answer = digest.parse(sent)
    assert digest.is_right(answer, 'PATCH', HA1[algorithm])
    assert not digest.is_right(answer, 'GET', HA1[algorithm])
    assert not digest.is_right(answer, 'PATCH', '0' * len(HA1[algorithm]))
    assert not digest.is_right(answer, 'PATCH', None)


@pytest.mark.parametrize(
    'changed',
    [
        {'nc': '00000002'},
        {'nc': '1'},
        {'nc': '0000001'},
        {'cnonce': CNONCE.upper()},
        {'nonce': NONCE.lower()},
        {'uri': PATH},
        {'uri': f'{URI}&'},
        {'response': ONE},
        {'response': EIGHT[:-1]},
        {'response': f'{EIGHT}0'},
        {'response': ' '},
        {'response': 'é' * 32},
    ],
)
def test_nothing_can_be_changed_in_an_answer(changed: dict[str, str]) -> None:
    answer = digest.parse(header(**changed))
    assert not digest.is_right(answer, 'PATCH', HA1[Algorithm.MD5])


def test_response_may_be_in_upper_case() -> None:
    answer = digest.parse(header(response=EIGHT.upper()))
    assert digest.is_right(answer, 'PATCH', HA1[Algorithm.MD5])


def test_nobody_can_answer_for_a_key_that_is_not_there() -> None:
    ha2 = hashlib.md5(f'PATCH:{URI}'.encode()).hexdigest()
    for key in ('', '0' * 32, ha2, 'None'):
        text = f'{key}:{NONCE}:00000001:{CNONCE}:auth:{ha2}'
        response = hashlib.md5(text.encode()).hexdigest()
        answer = digest.parse(header(response=response))
        assert not digest.is_right(answer, 'PATCH', None)


@pytest.mark.parametrize('algorithm', Algorithm)
def test_key_that_is_not_there_is_as_much_work(
    algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[int] = []
    make = hashlib.new

    def counting(name: str, data: bytes, **more: bool) -> object:
        work.append(len(data))
        return make(name, data, **more)

    answer = digest.parse(header(algorithm=algorithm))
    monkeypatch.setattr(hashlib, 'new', counting)
    digest.is_right(answer, 'PATCH', HA1[algorithm])
    known, work[:] = list(work), []
    digest.is_right(answer, 'PATCH', None)
    assert work == known != []


# The uri


@pytest.mark.parametrize(
    ('uri', 'path', 'query'),
    [
        ('/a/b', '/a/b', ''),
        ('/a/b?', '/a/b', ''),
        ('/a/b?x=1&y=%20', '/a/b', 'x=1&y=%20'),
        ('/a/b?x=/?', '/a/b', 'x=/?'),
        ('/a%2Fb%20c', '/a/b c', ''),
        ('/%61/b', '/a/b', ''),
        ('/%C3%A9', '/\u00c3\u00a9', ''),
        ('/\u00c3\u00a9', '/\u00c3\u00a9', ''),
        ('/%FF', '/\u00ff', ''),
        ('/a+b', '/a+b', ''),
        ('/a%zz%', '/a%zz%', ''),
        ('//a/b', '//a/b', ''),
        ('http://any.example/a/b?x', '/a/b', 'x'),
        ('HTTPS://any.example:8443/a/b', '/a/b', ''),
        ('http://any.example?x', '', 'x'),
    ],
)
def test_uri_is_that_of_the_request(uri: str, path: str, query: str) -> None:
    assert digest.names(uri, RequestLine('GET', path, query))


@pytest.mark.parametrize(
    'uri',
    [
        '',
        '*',
        '/',
        'a/b?x=1',
        '/a/b?',
        '/a/b?x=1&',
        '/a/b?x=%31',
        '/a/b%3Fx=1',
        '/a/b/?x=1',
        '/a//b?x=1',
        '/a/./b?x=1',
        '/A/b?x=1',
        '/a%252Fb?x=1',
        '/a/b?x=1#',
        '/a/b#?x=1',
        '//any.example/a/b?x=1',
        'ftp://any.example/a/b?x=1',
        'http:/a/b?x=1',
        'http://any.example/c?http://any.example/a/b?x=1',
        '/c?http://any.example/a/b?x=1',
        '/proxy/a/b?x=1',
    ],
)
def test_uri_is_that_of_another_request(uri: str) -> None:
    assert not digest.names(uri, RequestLine('GET', '/a/b', 'x=1'))


@pytest.mark.parametrize('uri', ['/a/b', '/p/a/b', 'http://any.example/a/b'])
@pytest.mark.parametrize(
    ('method', 'is_taken'),
    [
        ('GET', True),
        ('HEAD', True),
        ('POST', False),
        ('PATCH', False),
        ('DELETE', False),
        ('PUT', False),
        ('get', False),
    ],
)
def test_query_is_left_out_of_the_uri_of_reads_alone(
    uri: str, method: str, is_taken: bool
) -> None:
    assert (
        digest.names(uri, RequestLine(method, '/a/b', 'x=1'), '/p') == is_taken
    )


@pytest.mark.parametrize('prefix', ['/proxy', '/proxy/'])
def test_uri_may_have_what_a_proxy_takes_off(
    nonces: Nonces, prefix: str
) -> None:
    behind = Digest(nonces, [Algorithm.MD5], prefix)
    for uri in (f'/proxy{URI}', f'https://om.example/proxy{URI}', URI):
        taken(behind, answered(nonces.make(Algorithm.MD5), uri=uri))
    for uri in (f'/other{URI}', f'/proxy/proxy{URI}', f'/proxy{PATH}?'):
        with pytest.raises(Refused):
            taken(behind, answered(nonces.make(Algorithm.MD5), uri=uri))


# All of it


@pytest.mark.parametrize('algorithm', Algorithm)
def test_right_answer_is_taken(
    both: Digest, nonces: Nonces, algorithm: Algorithm
) -> None:
    nonce = nonces.make(algorithm)
    sent = answered(nonce, algorithm=algorithm, nc='0000fF01')
    claim = taken(both, sent)
    assert claim.username == USER
    assert claim.algorithm == algorithm
    assert claim.count == 0xFF01
    assert claim.nonce == nonces.find(nonce, algorithm)


@pytest.mark.parametrize('nc', ['1', '01', '00000001', 'ffffffff', '0'])
def test_nc_is_hashed_as_it_was_sent(
    both: Digest, nonces: Nonces, nc: str
) -> None:
    claim = taken(both, answered(nonces.make(Algorithm.MD5), nc=nc))
    assert claim.count == int(nc, 16)


def test_wrong_key_is_refused(both: Digest, nonces: Nonces) -> None:
    claim = both.read(answered(nonces.make(Algorithm.MD5)), ASKED)
    for ha1 in (HA1[Algorithm.SHA256], '0' * 32, '', None):
        with pytest.raises(Refused) as refusal:
            both.verify(claim, ha1)
        assert refusal.value.stale is False


def test_right_answer_with_an_old_nonce_is_asked_for_again(
    both: Digest, nonces: Nonces, clock: Clock
) -> None:
    sent = answered(nonces.make(Algorithm.MD5))
    clock.advance(LIFETIME + 1)
    with pytest.raises(Stale) as refusal:
        taken(both, sent)
    assert refusal.value.stale is True


def test_wrong_answer_with_an_old_nonce_is_just_wrong(
    both: Digest, nonces: Nonces, clock: Clock
) -> None:
    nonce = nonces.make(Algorithm.MD5)
    clock.advance(LIFETIME + 1)
    claim = both.read(answered(nonce), ASKED)
    for ha1 in ('0' * 32, None):
        with pytest.raises(Refused) as refusal:
            both.verify(claim, ha1)
        assert refusal.value.stale is False


@pytest.mark.parametrize(
    'asked',
    [
        RequestLine('GET', PATH, QUERY),
        RequestLine('patch', PATH, QUERY),
        RequestLine('PATCH', PATH, ''),
        RequestLine('PATCH', f'{PATH}/', QUERY),
    ],
)
def test_answer_about_another_request_is_refused(
    both: Digest, nonces: Nonces, asked: RequestLine
) -> None:
    with pytest.raises(Refused):
        taken(both, answered(nonces.make(Algorithm.MD5)), asked)


@pytest.mark.parametrize('sent', [None, '', header()])
def test_nothing_and_a_foreign_nonce_are_refused(
    both: Digest, sent: str | None
) -> None:
    with pytest.raises(Refused) as refusal:
        both.read(sent, ASKED)
    assert refusal.value.stale is False


def test_answer_must_be_by_the_algorithm_of_its_nonce(
    both: Digest, nonces: Nonces
) -> None:
    md5, sha = Algorithm
    for nonce, algorithm in ((md5, sha), (sha, md5)):
        sent = answered(nonces.make(nonce), algorithm=algorithm)
        with pytest.raises(Refused):
            taken(both, sent)


def test_answer_without_algorithm_is_md5(both: Digest, nonces: Nonces) -> None:
    def sent(algorithm: Algorithm) -> str:
        whole = answered(nonces.make(algorithm))
        return whole.replace(', algorithm="MD5"', '')

    assert taken(both, sent(Algorithm.MD5)).algorithm == Algorithm.MD5
    with pytest.raises(Refused):
        taken(both, sent(Algorithm.SHA256))


@pytest.mark.parametrize('algorithm', Algorithm)
def test_algorithm_that_is_not_offered_is_refused(
    nonces: Nonces, algorithm: Algorithm
) -> None:
    others = [other for other in Algorithm if other != algorithm]
    sent = answered(nonces.make(algorithm), algorithm=algorithm)
    with pytest.raises(Refused):
        taken(Digest(nonces, others), sent)


def test_no_answer_spoilt_by_chance_is_more_than_refused(
    both: Digest, nonces: Nonces
) -> None:
    chance = random.Random(5)
    good = answered(nonces.make(Algorithm.MD5))
    odd = '"\\,= \t\0aZ9*%é\u20ac\ud800'
    for _ in range(3000):
        place = chance.randrange(len(good))
        end = place + chance.randrange(3)
        put = ''.join(chance.choices(odd, k=chance.randrange(3)))
        try:
            taken(both, good[:place] + put + good[end:])
        except Refused:
            continue


# Secrets, and algorithms that the machine may lack


def test_answer_does_not_show_its_response() -> None:
    answer = digest.parse(header())
    assert isinstance(answer, Authorization)
    assert EIGHT not in repr(answer)


def test_secret_of_nonces_is_not_shown(nonces: Nonces, both: Digest) -> None:
    assert 'ssss' not in repr(nonces) + repr(both) + repr(vars(both))


def test_refusal_holds_nothing_that_was_sent(
    both: Digest, nonces: Nonces
) -> None:
    sent = answered(nonces.make(Algorithm.MD5))
    for bad in (sent, f'{sent}, x', sent.replace(URI, f'{URI}x')):
        with pytest.raises(Refused) as refusal:
            both.verify(both.read(bad, ASKED), '0' * 32)
        shown = repr(refusal.value)
        assert not any(word in shown for word in (USER, PATH, QUERY))


def test_both_algorithms_are_had_here() -> None:
    assert all(digest.is_available(algorithm) for algorithm in Algorithm)


def test_md5_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    make = hashlib.new

    def without_md5(name: str, data: bytes, **more: bool) -> object:
        if name == 'md5':
            raise ValueError('[digital envelope routines] unsupported')
        return make(name, data, **more)

    monkeypatch.setattr(hashlib, 'new', without_md5)
    assert not digest.is_available(Algorithm.MD5)
    assert digest.is_available(Algorithm.SHA256)


# Such a Python has no MD5 of its own beside that of OpenSSL.
_BARRED = """\
import sys
sys.modules['_md5'] = None
import hashlib
from keymw.global_keys import digest
try:
    hashlib.md5(b'')
except ValueError:
    answer = digest.parse({header!r})
    print(digest.is_right(answer, 'PATCH', {ha1!r}))
else:
    print('not barred')
"""
_FIPS = """\
openssl_conf = all
[all]
alg_section = algorithms
[algorithms]
default_properties = fips=yes
"""


def test_md5_serves_where_it_is_barred_as_a_protection(
    tmp_path: pathlib.Path,
) -> None:
    conf = tmp_path / 'openssl.cnf'
    conf.write_text(_FIPS)
    ha1 = HA1[Algorithm.MD5]
    done = subprocess.run(
        [sys.executable, '-c', _BARRED.format(header=header(), ha1=ha1)],
        env=os.environ | {'OPENSSL_CONF': str(conf)},
        capture_output=True,
        text=True,
    )
    if done.stdout == 'not barred\n':
        pytest.skip('the OpenSSL of this Python cannot be held to FIPS')
    assert (done.stdout, done.stderr) == ('True\n', '')
