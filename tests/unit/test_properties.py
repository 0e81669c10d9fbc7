"""What holds for every input of the parsers, the paths and HTTP Digest."""

import json
from typing import Any

import hypothesis
from hypothesis import strategies as st
from lxml import etree
import pytest

from keymw.global_keys import digest
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web import paths

# The same examples in each run, and few enough for milliseconds.
SUITE = hypothesis.settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=['Cs']), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
XML = st.text('<>/&;"\'=![]?-% xa:{}#\0é\ud7ff\ufffe', max_size=60)


@SUITE
@hypothesis.given(VALUES)
def test_json_that_is_written_is_read_again(value: Any) -> None:
    assert media.read_json(media.write_json(value)) == value


@SUITE
@hypothesis.given(
    st.binary(max_size=80) | VALUES.map(json.dumps).map(str.encode)
)
def test_body_in_json_is_read_or_malformed(body: bytes) -> None:
    try:
        found = media.read_json(body)
    except faults.MalformedJson:
        return
    assert found == json.loads(body)


@SUITE
@hypothesis.given(st.binary(max_size=80) | XML.map(str.encode))
def test_body_in_xml_is_read_or_a_bad_request(body: bytes) -> None:
    for text in (body, b'<a b="' + body + b'"/>', b'<!DOCTYPE a>' + body):
        try:
            media.read_xml(text)
        except faults.BadRequest:
            continue
        assert b'<!DOCTYPE' not in text


@SUITE
@hypothesis.given(st.text(max_size=40))
def test_text_in_xml_is_the_text_or_has_a_mark(text: str) -> None:
    told = media.element('urn:x', 'a', {'name': text}, ['name'])
    (found,) = etree.fromstring(media.write_xml(told)).attrib.values()
    assert (found == text) == media.xml_safe(text)
    assert len(found) == len(text)


@SUITE
@hypothesis.given(
    st.sampled_from([None, '.json', '.xml']),
    st.none() | st.text(st.characters(max_codepoint=255), max_size=60),
    st.binary(max_size=3),
)
def test_every_header_gives_a_format_or_a_fault(
    suffix: str | None, header: str | None, body: bytes
) -> None:
    assert negotiate.reply_format(suffix, header) in negotiate.Format
    try:
        found = negotiate.body_format(header, body)
    except (faults.BadMediaType, faults.MalformedJson):
        return
    assert found.value in str(header).lower()


WORDS = ('v2.0', 'v1.')
GUARDS = (
    r'/v2\.0/users/[^/]+/OS-KSADM/credentials',
    r'/v2\.0/extensions',
    r'/v2\.0/tokens',
    r'/v1\.0(?![^/])',
    r'/v1\.1/auth',
    r'/api/public/v1\.0/admin',
)
PIECES = st.sampled_from(
    [
        *('/', '//', '\\', '.', '..', '/./', '/../', ';', ';x', '%', ' ', ':'),
        *('%2f', '%2F', '%2e', '%32', '%76', '%00', '%0d', '%25', '\t', '\0'),
        *('v2.0', 'v2', '0', 'v1.0', 'v1.1', 'v3', 'tokens', 'users', 'auth'),
        *('extensions', 'OS-KSADM', 'credentials', 'api', 'public', 'admin'),
        *('http:', 'http://h', '\x7f', 'x', 'é'),
    ]
)
PATHS = st.lists(PIECES, max_size=12).map(''.join)


def _is_guarded(mount: str, path: str) -> bool:
    """Whether the guard answers or refuses a path."""
    place = paths.place({'SCRIPT_NAME': mount, 'PATH_INFO': path})
    try:
        return paths.Guard(GUARDS).find(place) is not None
    except faults.NotPlain:
        return True


@hypothesis.settings(SUITE, max_examples=600)
@hypothesis.given(st.sampled_from(['', '/identity', '/v1.']), PATHS)
def test_fast_exit_lets_no_guarded_path_through(mount: str, path: str) -> None:
    if _is_guarded(mount, path):
        assert paths.Search(WORDS).finds(mount + path)


@SUITE
@hypothesis.given(PATHS)
def test_canonical_path_is_plain(path: str) -> None:
    found = paths.canon(path)
    assert found.startswith('/')
    assert '//' not in found
    assert '\\' not in found
    assert not {'.', '..'} & set(found.split('/'))
    assert not any(ord(letter) < 32 or letter == '\x7f' for letter in found)


def _doubled(path: str) -> str:
    return path.replace('/', '//')


def _dotted(path: str) -> str:
    return path.replace('/', '/./')


def _escaped(path: str) -> str:
    return path.replace('o', '%6f').replace('1', '%31').replace('2', '%32')


HIDE = st.lists(
    st.sampled_from(
        [
            _doubled,
            _dotted,
            _escaped,
            lambda path: path.replace('/', '\\'),
            lambda path: path.replace('/', ';x/'),
            lambda path: path + '\0',
            lambda path: f'/x/..{path}',
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@SUITE
@hypothesis.given(
    st.sampled_from(['/v2.0/tokens', '/v1.0', '/v2.0/extensions']),
    HIDE,
    st.sampled_from(['', 'http://host', 'HTTPS://host:1']),
)
def test_hidden_spelling_of_a_guarded_path_is_found(
    path: str, hide: list[Any], scheme: str
) -> None:
    spelled = path
    for change in hide:
        spelled = change(spelled)
    assert _is_guarded('', scheme + spelled)


SECRET = b's' * 32
NONCES = digest.Nonces(SECRET, 300, lambda: 1_000_000.0)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@SUITE
@hypothesis.given(
    st.text(st.characters(max_codepoint=255), max_size=80).map(
        lambda rest: f'Digest {rest}'
    )
    | st.text(max_size=40)
)
def test_header_is_an_answer_or_refused(header: str) -> None:
    with pytest.raises(digest.Refused):
        digest.parse(header)


@SUITE
@hypothesis.given(ASCII, ASCII, st.integers(1, 0xFFFFFFFF))
def test_quoted_members_are_read_as_they_were(
    user: str, cnonce: str, count: int
) -> None:
    def quote(text: str) -> str:
        escaped = text.replace('\\', r'\\').replace('"', r'\"')
        return f'"{escaped}"'

    header = (
        f'Digest username={quote(user)}, realm="{digest.REALM}", nonce="n", '
        f'uri="/", response="r", cnonce={quote(cnonce)}, nc={count:08x}, '
        'qop=auth'
    )
    found = digest.parse(header)
    assert (found.username, found.cnonce) == (user, cnonce)
    assert int(found.nc, 16) == count
    assert not digest.is_right(found, 'GET', None)


@SUITE
@hypothesis.given(
    st.integers(0, 200),
    st.sampled_from('0123456789abcdef'),
    st.sampled_from(digest.Algorithm),
)
def test_nonce_with_another_digit_is_not_ours(
    place: int, digit: str, algorithm: digest.Algorithm
) -> None:
    nonce = NONCES.make(algorithm)
    assert NONCES.find(nonce, algorithm) is not None
    at = place % len(nonce)
    changed = nonce[:at] + digit + nonce[at + 1 :]
    assert (NONCES.find(changed, algorithm) is None) == (changed != nonce)


@SUITE
@hypothesis.given(st.text('0123456789abcdefé "', max_size=32))
def test_guessed_response_is_not_right(guess: str) -> None:
    answer = digest.Authorization(
        *('user', 'n', '/', '00000001', 'c', 'auth'),
        guess,
        digest.Algorithm.MD5,
    )
    assert not digest.is_right(answer, 'GET', '0' * 32)
