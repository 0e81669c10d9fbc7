"""Bad input gets a fault in the caller's format, stores nothing, logs no
secret."""

from collections.abc import Callable
from collections.abc import Iterator
import functools
import io
import json
import logging
import os
import pathlib
import socket
import time
from typing import Any
from urllib.parse import quote

from keystone import conf as keystone_conf
import pytest
import webtest

from tests.support import pass_through
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pass_through import Reply

SECRET = 'sekret-4f1e9a0b7d'
LIMIT = 65536
MALFORMED_JSON = ('badRequest', 400, 'Invalid json request body')
MALFORMED_XML = ('badRequest', 400, 'Invalid XML request body')


@pytest.fixture(scope='module')
def app(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Any:
    """keymw before the real Keystone, with the caches it has by default."""
    cached = {'token_cache_ttl': '', 'user_cache_ttl': ''}
    made = Deployment(
        tmp_path_factory.mktemp('bad-input'), {'identity': cached}
    )
    made.set_up()
    return made.load(cloud.app)


@pytest.fixture(scope='module')
def web(app: Any) -> webtest.TestApp:
    return webtest.TestApp(
        webtest.lint.middleware(app),
        extra_environ={'REMOTE_ADDR': '127.0.0.1'},
    )


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user whom no test leaves with a key."""
    return cloud.person()


@pytest.fixture(scope='module')
def eve(cloud: Cloud) -> Person:
    """A user whom every test may leave with a key."""
    return cloud.person()


@pytest.fixture(scope='module')
def named(cloud: Cloud) -> Callable[[str], Person]:
    """The user of a name, in a domain of its own."""
    domain_id = cloud.domain()
    return functools.cache(lambda name: cloud.person(name, domain_id))


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(
    caplog: pytest.LogCaptureFixture, cloud: Cloud
) -> Iterator[None]:
    """At no level, in no traceback."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger='keymw')
    yield
    told = '\n'.join(
        logging.Formatter().format(record)
        for record in caplog.get_records('call')
        if record.name.startswith('keymw')
    )
    assert SECRET not in told
    assert cloud.admin not in told


@pytest.fixture
def refused(web: webtest.TestApp, cloud: Cloud, ann: Person) -> Any:
    """The fault that add and update both answer; nothing is stored."""

    def send(
        body: bytes | str,
        wire: wires.Wire,
        paths: Any = (wires.base, wires.key),
        **headers: str,
    ) -> tuple[str, int, str]:
        if isinstance(body, str):
            body = body.replace('NAME', ann.name).encode()
        told = set()
        for path in paths:
            answer = web.post(
                path(ann.id),
                body,
                headers={
                    'X-Auth-Token': cloud.admin,
                    'Accept': wire.media_type,
                    'Content-Type': wire.media_type,
                    **headers,
                },
                expect_errors=True,
            )
            # What was stored in error must not fail the next test.
            web.delete(
                wires.key(ann.id),
                headers={'X-Auth-Token': cloud.admin},
                status=404 if answer.status_int >= 400 else 204,
            )
            assert answer.headers['Content-Type'] == wire.media_type
            told.add((answer.status_int, wire.fault(answer)))
        ((status, fault),) = told
        assert status == fault[1]
        return fault

    return send


def test_the_log_is_looked_at(
    send: Any,
    wire: wires.Wire,
    bob: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other tests would not see a secret in a log that they miss."""
    body = wire.write(username=bob.name, apiKey=SECRET)
    assert send('POST', wires.base(bob.id), body).status_int == 201
    _, new = wire.key(send('POST', wires.reset(bob.id)))
    told = [r.getMessage() for r in caplog.records if 'keymw' in r.name]
    assert [line.partition(':')[0] for line in told] == ['credential'] * 2
    assert new not in ''.join(told)


KEYS = f'"username": "NAME", "apiKey": "{SECRET}"'
OURS = '"RAX-KSKEY:apiKeyCredentials"'


def _with_key(text: str) -> str:
    return f'{{{OURS}: {{"username": "NAME", "apiKey": {text}}}}}'


BAD_JSON = {
    'white space': ' \n',
    'null': 'null',
    'true': 'true',
    'number': '1',
    'text': '"RAX-KSKEY:apiKeyCredentials"',
    'list': f'[{{{OURS}: {{{KEYS}}}}}]',
    'empty object': '{}',
    'cut short': f'{{{OURS}: {{{KEYS}}}',
    'something after': f'{{{OURS}: {{{KEYS}}}}}x',
    'two documents': f'{{{OURS}: {{{KEYS}}}}}{{{OURS}: {{{KEYS}}}}}',
    'single quotes': f"{{'RAX-KSKEY:apiKeyCredentials': {{{KEYS}}}}}",
    'comment': f'{{{OURS}: {{{KEYS}}}}} // no',
    'comma at the end': f'{{{OURS}: {{{KEYS},}}}}',
    'no quotes': '{RAX-KSKEY:apiKeyCredentials: {}}',
    'NaN': _with_key('NaN'),
    'Infinity': _with_key('Infinity'),
    '-Infinity': _with_key('-Infinity'),
    'two roots': f'{{{OURS}: {{{KEYS}}}, "more": {{}}}}',
    'two roots, ours last': f'{{"more": {{}}, {OURS}: {{{KEYS}}}}}',
    'a password too': f'{{{OURS}: {{{KEYS}}}, "passwordCredentials": {{}}}}',
    'unprefixed': f'{{"apiKeyCredentials": {{{KEYS}}}}}',
    'both prefixes': f'{{{OURS}: {{{KEYS}}}, "apiKeyCredentials": {{}}}}',
    'root of a list': f'{{{OURS}: [{{{KEYS}}}]}}',
    'root of a text': f'{{{OURS}: "{SECRET}"}}',
    'root of a number': f'{{{OURS}: 1}}',
    'root of a truth': f'{{{OURS}: true}}',
    'number for a key': _with_key('12345678'),
    'float for a key': _with_key('1.5'),
    'truth for a key': _with_key('true'),
    'list for a key': _with_key(f'["{SECRET}"]'),
    'object for a key': _with_key(f'{{"a": "{SECRET}"}}'),
    'number for a name': f'{{{OURS}: {{"username": 1, "apiKey": "k"}}}}',
    'list for a name': f'{{{OURS}: {{"username": ["a"], "apiKey": "k"}}}}',
    'unknown member': f'{{{OURS}: {{{KEYS}, "tenantId": "t"}}}}',
    'member in capitals': f'{{{OURS}: {{{KEYS}, "APIKEY": "t"}}}}',
    'deep lists': '[' * 10000 + ']' * 10000,
    'deep lists, cut': '[' * 10000,
    'deep objects': '{"a":' * 10000 + '1' + '}' * 10000,
    'deep key': _with_key('[' * 10000 + ']' * 10000),
    'long integer': _with_key('1' * 10000),
    'long exponent': _with_key('1e99999'),
    'high surrogate': _with_key(f'"{SECRET}\\ud800"'),
    'low surrogate': _with_key(f'"\\udc00{SECRET}"'),
    'surrogates turned round': _with_key(f'"\\udc00\\ud800{SECRET}"'),
    'surrogate in a name': f'{{{OURS}: {{"username": "\\ud800"}}}}',
    'bad escape': _with_key('"\\x41"'),
    'nul': _with_key(f'"{SECRET}\\u0000"'),
    'bell': _with_key(f'"\\u0007{SECRET}"'),
    'line feed': _with_key(f'"{SECRET}\\n"'),
    'tab': _with_key(f'"a\\t{SECRET}"'),
    'last control': _with_key(f'"{SECRET}\\u001f"'),
    'delete': _with_key(f'"{SECRET}\\u007f"'),
    'U+FFFE': _with_key(f'"{SECRET}\\ufffe"'),
    'U+FFFF': _with_key(f'"{SECRET}\uffff"'),
    'bare control': _with_key(f'"{SECRET}\x01"'),
    'byte order mark': f'\ufeff{{{OURS}: {{{KEYS}}}}}',
}


@pytest.mark.parametrize('body', BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json(refused: Any, body: str) -> None:
    assert refused(body, wires.Json()) == MALFORMED_JSON


BAD_JSON_BYTES = {
    'not UTF-8': b'{"RAX-KSKEY:apiKeyCredentials": {"apiKey": "\xff\xfe"}}',
    'not UTF-8 in a name of a member': b'{"\xc3\x28": 1}',
    'overlong': b'{"RAX-KSKEY:apiKeyCredentials": {"apiKey": "\xc0\xaf"}}',
    'surrogate': b'{"RAX-KSKEY:apiKeyCredentials": {"apiKey":"\xed\xa0\x80"}}',
    'above Unicode': b'{"a": "\xf5\x80\x80\x80"}',
    'nul bytes': b'\x00' * 10,
}
GOOD_JSON = f'{{{OURS}: {{"username": "ann", "apiKey": "{SECRET}"}}}}'


@pytest.mark.parametrize('body', BAD_JSON_BYTES.values(), ids=BAD_JSON_BYTES)
def test_json_of_bad_bytes(refused: Any, body: bytes) -> None:
    assert refused(body, wires.Json()) == MALFORMED_JSON


@pytest.mark.parametrize(
    'encoding', ['utf-16', 'utf-16-le', 'utf-32', 'utf-8-sig', 'cp037']
)
def test_json_in_another_encoding(refused: Any, encoding: str) -> None:
    body = GOOD_JSON.encode(encoding)
    more = {'Content-Type': f'application/json; charset={encoding}'}
    assert refused(body, wires.Json(), **more) == MALFORMED_JSON


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (f'{{{OURS}: null}}', 'Expecting username'),
        (f'{{{OURS}: {{}}}}', 'Expecting username'),
        (
            f'{{{OURS}: {{"username": null, "apiKey": "{SECRET}"}}}}',
            'Expecting username',
        ),
        (_with_key('null'), 'Expecting apiKey'),
        (_with_key('"\\t\\n"'), 'Expecting apiKey'),
    ],
)
def test_null_is_nothing(refused: Any, body: str, message: str) -> None:
    assert refused(body, wires.Json()) == ('badRequest', 400, message)


@pytest.mark.parametrize(
    'body',
    [
        '{"passwordCredentials": {"username": "NAME", "password": "p"}}',
        f'{{"rax-kskey:apikeycredentials": {{{KEYS}}}}}',
        '{"auth": {}}',
        '{"": {}}',
    ],
)
def test_another_root_on_the_url_that_is_ours(refused: Any, body: str) -> None:
    assert refused(body, wires.Json(), [wires.key]) == MALFORMED_JSON


NS = wires.KEY_NS
WADL_NS = 'http://docs.openstack.org/identity/api/ext/RAX-KSKEY/v1.0'
MEMBERS = f'username="NAME" apiKey="{SECRET}"'


def _in_key(text: str) -> str:
    return f'<apiKeyCredentials xmlns="{NS}" username="NAME" apiKey="{text}"/>'


def _around(text: str) -> str:
    return (
        f'<apiKeyCredentials xmlns="{NS}" {MEMBERS}>{text}</apiKeyCredentials>'
    )


BAD_XML = {
    'white space': ' \n',
    'no markup': 'apiKeyCredentials',
    'JSON': f'{{{OURS}: {{{KEYS}}}}}',
    'cut short': _around('')[:-5],
    'something after': _in_key(SECRET) + 'x',
    'two documents': _in_key(SECRET) * 2,
    'declaration twice': '<?xml version="1.0"?>' * 2 + _in_key(SECRET),
    'declaration late': f' <?xml version="1.0"?>{_in_key(SECRET)}',
    'attribute twice': f'<apiKeyCredentials {MEMBERS} apiKey="twice"/>',
    'no quotes': '<apiKeyCredentials username=NAME apiKey=a/>',
    'prefix of nothing': f'<k:apiKeyCredentials {MEMBERS}/>',
    'text': _around('text'),
    'text after an element': _around('<a xmlns="urn:a"/> text'),
    'CDATA': _around('<![CDATA[text]]>'),
    'unknown entity': _in_key('&secret;'),
    'unknown entity as text': _around('&secret;'),
    'less-than': _in_key('<'),
    'ampersand': _in_key('&'),
    'nul': _in_key('\x00'),
    'bare control': _in_key('\x01'),
    'reference to nul': _in_key('&#0;'),
    'reference to a control': _in_key(f'{SECRET}&#7;'),
    'reference to U+FFFE': _in_key('&#xFFFE;'),
    'reference to a surrogate': _in_key('&#xD800;'),
    'reference above Unicode': _in_key('&#x110000;'),
    'delete': _in_key(f'{SECRET}&#127;'),
    'tab': _in_key(f'a&#9;{SECRET}'),
    'line feed': _in_key(f'{SECRET}&#10;'),
    'carriage return': _in_key(f'{SECRET}&#13;'),
    'deep': _around('<a>' * 9000 + '</a>' * 9000),
    'deep, cut': '<apiKeyCredentials>' + '<a>' * 10000,
    'another namespace': f'<apiKeyCredentials xmlns="urn:other" {MEMBERS}/>',
    'namespace of identity': (
        f'<apiKeyCredentials xmlns="{wires.IDENTITY_NS}" {MEMBERS}/>'
    ),
    'namespace with a slash': (
        f'<apiKeyCredentials xmlns="{NS}/" {MEMBERS}/>'
    ),
    'namespace in capitals': (
        f'<apiKeyCredentials xmlns="{NS.upper()}" {MEMBERS}/>'
    ),
}


@pytest.mark.parametrize('body', BAD_XML.values(), ids=BAD_XML)
def test_bad_xml(refused: Any, body: str) -> None:
    assert refused(body, wires.Xml()) == MALFORMED_XML


@pytest.mark.parametrize('depth', [10000, 100000])
def test_no_limit_of_the_operator_lets_deep_bodies_do_harm(
    deploy: Any,
    cloud: Cloud,
    send: Any,
    wire: wires.Wire,
    ann: Person,
    depth: int,
) -> None:
    web = deploy(cloud.app, {'limits': {'max_body_size': '10000000'}})
    deep = '[' * depth + ']' * depth
    body = _with_key(deep).replace('NAME', ann.name)
    malformed = MALFORMED_JSON
    if wire.name == 'xml':
        body = _around('<a>' * depth + '</a>' * depth)
        malformed = MALFORMED_XML
    for path in (wires.base(ann.id), wires.key(ann.id)):
        answer = send('POST', path, body.encode(), web=web)
        assert wire.fault(answer) == malformed


@pytest.mark.parametrize(
    'body',
    [
        f'<apikeyCredentials xmlns="{NS}" {MEMBERS}/>',
        f'<credentials xmlns="{wires.IDENTITY_NS}"/>',
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="a"/>',
    ],
)
def test_another_root_in_xml_on_the_url_that_is_ours(
    refused: Any, body: str
) -> None:
    assert refused(body, wires.Xml(), [wires.key]) == MALFORMED_XML


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        (f'xmlns:k="{NS}" k:username="NAME" apiKey="k"', 'Expecting username'),
        (f'xmlns:k="{NS}" username="NAME" k:apiKey="k"', 'Expecting apiKey'),
        ('USERNAME="NAME" apiKey="k"', 'Expecting username'),
        ('username="NAME" apikey="k"', 'Expecting apiKey'),
        ('username="&#9;&#10; " apiKey="k"', 'Expecting username'),
    ],
)
def test_other_attributes_are_not_ours(
    refused: Any, members: str, message: str
) -> None:
    body = f'<apiKeyCredentials xmlns="{NS}" {members}/>'
    assert refused(body, wires.Xml())[2] == message


def test_elements_are_no_attributes(refused: Any) -> None:
    inner = f'<username>NAME</username><apiKey>{SECRET}</apiKey>'
    body = f'<apiKeyCredentials xmlns="{NS}">{inner}</apiKeyCredentials>'
    assert refused(body, wires.Xml())[2] == 'Expecting username'


XML_HEAD = '<?xml version="1.0" encoding="{}"?>'


@pytest.mark.parametrize(
    ('declared', 'encoding'),
    [
        ('ISO-8859-1', 'latin-1'),
        ('iso-8859-1', 'ascii'),
        ('windows-1252', 'cp1252'),
        ('UTF-7', 'utf-7'),
        ('UTF-16', 'utf-16'),
        ('UTF-16', 'ascii'),
        ('utf-16le', 'utf-16-le'),
        ('UTF-16BE', 'utf-16-be'),
        ('UTF-8', 'utf-16'),
        ('UTF-32', 'utf-32'),
        ('UCS-4', 'utf-32-be'),
        ('IBM037', 'cp037'),
        ('EBCDIC-CP-US', 'ascii'),
        ('Shift_JIS', 'shift_jis'),
        ('nonsense', 'ascii'),
        ('', 'ascii'),
    ],
)
def test_xml_in_another_encoding(
    refused: Any, ann: Person, declared: str, encoding: str
) -> None:
    text = XML_HEAD.format(declared) + _in_key(SECRET)
    body = text.replace('NAME', ann.name).encode(encoding)
    assert refused(body, wires.Xml()) == MALFORMED_XML


@pytest.mark.parametrize(
    'encoding', ['utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'cp037']
)
def test_xml_in_another_encoding_that_is_not_declared(
    refused: Any, ann: Person, encoding: str
) -> None:
    for text in (_in_key(SECRET), '<?xml version="1.0"?>' + _in_key(SECRET)):
        body = text.replace('NAME', ann.name).encode(encoding)
        assert refused(body, wires.Xml()) == MALFORMED_XML


@pytest.mark.parametrize(
    'body',
    [
        b'<apiKeyCredentials username="\xfc" apiKey="k"/>',
        b'<?xml version="1.0" encoding="US-ASCII"?>'
        b'<apiKeyCredentials username="\xc3\xbc" apiKey="k"/>',
        b'<apiKeyCredentials username="\xed\xa0\x80" apiKey="k"/>',
        b'\xff\xfe<apiKeyCredentials/>',
        b'\xef\xbb\xbf\xef\xbb\xbf<apiKeyCredentials/>',
    ],
)
def test_xml_of_bad_bytes(refused: Any, body: bytes) -> None:
    assert refused(body, wires.Xml()) == MALFORMED_XML


GOOD_XML = {
    'any prefix': f'<x:apiKeyCredentials xmlns:x="{NS}" {MEMBERS}/>',
    'no namespace': f'<apiKeyCredentials {MEMBERS}/>',
    'namespace of the WADL': (
        f'<apiKeyCredentials xmlns="{WADL_NS}" {MEMBERS}/>'
    ),
    'another attribute': (
        f'<apiKeyCredentials xmlns="{NS}" {MEMBERS} tenantId="t"/>'
    ),
    'foreign attribute': (
        f'<apiKeyCredentials xmlns:o="urn:o" {MEMBERS} o:apiKey="other"/>'
    ),
    'foreign element': _around('<o:apiKey xmlns:o="urn:o">text</o:apiKey>'),
    'white space': _around(' \n\t'),
    'comment': f'<!-- a -->{_around("<!-- b -->")}<!-- c -->',
    'instruction': f'<?xml-stylesheet href="x"?>{_around("<?php 1 ?>")}',
    'byte order mark': f'\ufeff{XML_HEAD.format("UTF-8")}{_in_key(SECRET)}',
    'UTF-8': XML_HEAD.format('utf-8') + _in_key(SECRET),
    'US-ASCII': XML_HEAD.format('US-ASCII') + _in_key(SECRET),
}


@pytest.mark.parametrize('body', GOOD_XML.values(), ids=GOOD_XML)
@pytest.mark.parametrize('path', [wires.base, wires.key])
def test_xml_that_is_taken(
    web: webtest.TestApp,
    cloud: Cloud,
    eve: Person,
    body: str,
    path: Callable[[str], str],
) -> None:
    answer = web.post(
        path(eve.id),
        body.replace('NAME', eve.name).encode(),
        headers={'X-Auth-Token': cloud.admin, 'Accept': 'application/xml'},
        content_type='application/xml',
    )
    assert wires.Xml().key(answer) == (eve.name, SECRET)


LAUGHS = ''.join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
)
DOCTYPES = {
    'empty': '<!DOCTYPE apiKeyCredentials>',
    'internal': '<!DOCTYPE a [<!ELEMENT a ANY>]>',
    'default attribute': (
        '<!DOCTYPE apiKeyCredentials [<!ATTLIST apiKeyCredentials '
        'apiKey CDATA "given">]>'
    ),
    'entity': '<!DOCTYPE a [<!ENTITY secret "given">]>',
    'a billion laughs': f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]>',
    'itself': '<!DOCTYPE a [<!ENTITY secret "&secret;">]>',
    'long entity': f'<!DOCTYPE a [<!ENTITY secret "{"a" * 20000}">]>',
    'file': '<!DOCTYPE a [<!ENTITY secret SYSTEM "file://FILE">]>',
    'net': '<!DOCTYPE a [<!ENTITY secret SYSTEM "http://NET/">]>',
    'subset': '<!DOCTYPE a SYSTEM "http://NET/a.dtd">',
    'public': '<!DOCTYPE a PUBLIC "-//A//B" "http://NET/a.dtd">',
    'file subset': '<!DOCTYPE a SYSTEM "file://FILE">',
    'parameter entity': (
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://NET/p.dtd">%p;]>'
    ),
    'file as parameter entity': (
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file://FILE">%p;]>'
    ),
}


@pytest.fixture(scope='module')
def listener() -> Iterator[socket.socket]:
    """A port that must get no connection."""
    with socket.create_server(('127.0.0.1', 0)) as made:
        made.setblocking(False)
        yield made


@pytest.mark.parametrize('doctype', DOCTYPES.values(), ids=DOCTYPES)
@pytest.mark.parametrize(
    'rest',
    [
        _in_key(SECRET),
        _in_key('&secret;'),
        _around('<a>&secret;&l9;</a>'),
        _around(f'{"&secret;" * 1000}'),
    ],
    ids=['unused', 'in the key', 'as text', 'often'],
)
def test_document_types_are_refused(
    refused: Any,
    listener: socket.socket,
    tmp_path: pathlib.Path,
    doctype: str,
    rest: str,
) -> None:
    file = tmp_path / 'file'
    file.write_text('<!ENTITY secret "from the file">')
    # A read sets the time of access that is older than that of the change.
    os.utime(file, (0, 1))
    host, port = listener.getsockname()
    body = (doctype + rest).replace('FILE', str(file))
    fault = refused(body.replace('NET', f'{host}:{port}'), wires.Xml())
    assert fault[:2] == ('badRequest', 400)
    assert 'file' not in fault[2]
    assert file.stat().st_atime == 0
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_message_names_the_document_type(refused: Any) -> None:
    body = DOCTYPES['empty'] + _in_key(SECRET)
    assert refused(body, wires.Xml())[2] == 'A document type is not accepted.'


def test_nothing_is_included(
    web: webtest.TestApp,
    cloud: Cloud,
    bob: Person,
    listener: socket.socket,
    tmp_path: pathlib.Path,
) -> None:
    file = tmp_path / 'file'
    file.write_text('from the file')
    host, port = listener.getsockname()
    inner = ''.join(
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" '
        f'href="{href}" parse="text"/>'
        for href in (file.as_uri(), f'http://{host}:{port}/')
    )
    answer = web.post(
        wires.key(bob.id),
        _around(inner).replace('NAME', bob.name).encode(),
        headers={'X-Auth-Token': cloud.admin, 'Accept': 'application/xml'},
        content_type='application/xml',
    )
    assert wires.Xml().key(answer) == (bob.name, SECRET)
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize('sent', wires.WIRES, ids=['json', 'xml'])
def test_the_fault_is_in_the_format_that_is_accepted(
    refused: Any, wire: wires.Wire, sent: wires.Wire
) -> None:
    more = {'Content-Type': sent.media_type}
    malformed = MALFORMED_JSON if sent.name == 'json' else MALFORMED_XML
    assert refused('{<', wire, **more) == malformed


class TestNames:
    NAMES = (
        'a<b>&"\'',
        'ürsula',
        'two words',
        '名前',
        '\U0001f511 key',
        'tab\tand\nlines\rtoo',
        ']]>',
        '&amp;',
        '{0} %s $x',
        'x' * 255,
    )
    CONTROLS = ('bell\x07', '\x01', 'U\ufffe', 'nul-\x1fx')

    @pytest.mark.parametrize('name', NAMES)
    def test_odd_name_goes_round(
        self, send: Any, wire: wires.Wire, named: Any, name: str
    ) -> None:
        user = named(name)
        base, key = wires.base(user.id), wires.key(user.id)
        body = wire.write(username=name, apiKey=SECRET)
        if wire.name == 'xml':
            # What an XML writer does to keep them as they are.
            for char in '\t\n\r':
                body = body.replace(char.encode(), b'&#%d;' % ord(char))
        for answer in (send('POST', base, body), send('POST', key, body)):
            assert wire.key(answer) == (name, SECRET)
        assert wire.key(send('GET', key)) == (name, SECRET)
        assert wire.keys(send('GET', base)) == [(name, SECRET)]
        assert wire.key(send('POST', wires.reset(user.id)))[0] == name

    @pytest.mark.parametrize('name', CONTROLS)
    def test_a_name_that_xml_lacks_is_set_no_key(
        self, send: Any, wire: wires.Wire, named: Any, name: str
    ) -> None:
        user = named(name)
        body = wires.Json().write(username=name, apiKey=SECRET)
        for path in (wires.base(user.id), wires.key(user.id)):
            more = {'Content-Type': 'application/json'}
            answer = send('POST', path, body, headers=more)
            assert answer.status_int == 400
            shown = name.encode('unicode_escape').decode()
            assert shown in wire.fault(answer)[2]
        found = send('GET', f'{wires.base(user.id)}.json')
        assert wires.Json().keys(found) == []

    @pytest.mark.parametrize('name', CONTROLS)
    def test_a_name_that_xml_lacks_is_shown_in_json_alone(
        self, send: Any, wire: wires.Wire, named: Any, name: str
    ) -> None:
        user = named(name)
        base, key = wires.base(user.id), wires.key(user.id)
        made = wires.Json().key(send('POST', f'{wires.reset(user.id)}.json'))
        assert made[0] == name
        for method, path in (
            ('GET', base),
            ('GET', key),
            ('POST', wires.reset(user.id)),
        ):
            answer = send(method, path)
            if wire.name == 'json':
                assert answer.status_int == 200
                continue
            assert answer.status_int == 400
            assert wire.fault(answer)[0] == 'badRequest'
        if wire.name == 'xml':
            found = send('GET', f'{key}.json')
            assert wires.Json().key(found) == made
        assert send('DELETE', key).status_int == 204

    def test_an_id_that_is_not_utf8(self, send: Any, wire: wires.Wire) -> None:
        for user_id in ('%FF', 'a%C3%28', '%ED%A0%80'):
            answer = send('GET', wires.key(user_id))
            assert answer.status_int == 400
            assert wire.fault(answer)[0] == 'badRequest'

    def test_a_very_long_id(self, send: Any, wire: wires.Wire) -> None:
        answer = send('GET', wires.key('u' * 5000))
        assert answer.status_int == 404
        assert wire.fault(answer)[0] == 'itemNotFound'

    def test_an_id_that_looks_like_a_path(
        self, send: Any, wire: wires.Wire
    ) -> None:
        """It stays one segment of our request, so it finds no user."""
        for user_id in ('?name=admin', '#', 'a&b=c', 'admin', '*'):
            answer = send('GET', wires.key(quote(user_id)))
            assert wire.fault(answer)[2] == f'User {user_id} not found'


class Counted(io.BytesIO):
    """A body that counts the bytes that were read."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked += LIMIT * 1000 if size is None or size < 0 else size
        return super().read(size)


@pytest.fixture
def post(app: Any, cloud: Cloud) -> Any:
    """Send a body as a server hands it on, without mercy."""

    def send(
        path: str, body: bytes, wire: wires.Wire, **environ: Any
    ) -> Reply:
        return pass_through.ask(
            app,
            pass_through.environ_of(
                'POST',
                path,
                body,
                **{
                    'HTTP_X_AUTH_TOKEN': cloud.admin,
                    'CONTENT_TYPE': wire.media_type,
                    'HTTP_ACCEPT': wire.media_type,
                    **environ,
                },
            ),
        )

    return send


@pytest.mark.parametrize('path', [wires.base, wires.key])
class TestLength:
    @pytest.mark.parametrize('size', [LIMIT + 1, 1024 * 1024])
    @pytest.mark.parametrize('chunked', [False, True])
    def test_too_long_a_body_is_not_parsed(
        self,
        post: Any,
        wire: wires.Wire,
        eve: Person,
        path: Callable[[str], str],
        size: int,
        chunked: bool,
    ) -> None:
        good = wire.write(username=eve.name, apiKey=SECRET)
        stream = Counted(good + b' ' * (size - len(good)))
        told: dict[str, Any] = {'CONTENT_LENGTH': str(size)}
        if chunked:
            told = {'wsgi.input_terminated': True}
        reply = post(path(eve.id), b'', wire, **told, **{'wsgi.input': stream})
        assert reply.status == 413
        assert wire.fault(reply) == (
            'overLimit',
            413,
            f'The request body is longer than {LIMIT} bytes.',
        )
        assert stream.asked <= (LIMIT + 1 if chunked else 0)

    @pytest.mark.parametrize('chunked', [False, True])
    def test_the_longest_body_is_read(
        self,
        post: Any,
        wire: wires.Wire,
        eve: Person,
        path: Callable[[str], str],
        chunked: bool,
    ) -> None:
        good = wire.write(username=eve.name, apiKey=SECRET)
        body = good + b' ' * (LIMIT - len(good))
        told: dict[str, Any] = {}
        if chunked:
            told = {'CONTENT_LENGTH': '', 'wsgi.input_terminated': True}
        reply = post(path(eve.id), body, wire, **told)
        assert reply.status in (200, 201)
        assert wire.key(reply) == (eve.name, SECRET)

    def test_the_operator_sets_the_limit(
        self,
        deploy: Any,
        cloud: Cloud,
        send: Any,
        wire: wires.Wire,
        bob: Person,
        path: Callable[[str], str],
    ) -> None:
        web = deploy(cloud.app, {'limits': {'max_body_size': '2000'}})
        good = wire.write(username=bob.name, apiKey=SECRET)
        for size, status in ((2001, 413), (2000, 200)):
            body = good + b' ' * (size - len(good))
            answer = send('POST', path(bob.id), body, web=web)
            assert answer.status_int == (
                201 if (status, path) == (200, wires.base) else status
            )

    @pytest.mark.parametrize(
        'length',
        [
            'x',
            '-1',
            '+40',
            '4_0',
            '40.0',
            '0x28',
            '1e2',
            '40, 40',
            ' ',
            '\u0664\u0660',
            '\xb2',
            '-' + '9' * 5000,
        ],
    )
    def test_a_length_that_is_no_number(
        self,
        post: Any,
        wire: wires.Wire,
        ann: Person,
        path: Callable[[str], str],
        length: str,
    ) -> None:
        body = wire.write(username=ann.name, apiKey=SECRET)
        reply = post(path(ann.id), body, wire, CONTENT_LENGTH=length)
        assert reply.status == 400
        assert wire.fault(reply) == (
            'badRequest',
            400,
            'Content-Length is not a number.',
        )

    @pytest.mark.parametrize('digits', [6, 4301, 20000])
    def test_a_length_beyond_all_bounds(
        self,
        post: Any,
        wire: wires.Wire,
        ann: Person,
        path: Callable[[str], str],
        digits: int,
    ) -> None:
        body = wire.write(username=ann.name, apiKey=SECRET)
        reply = post(path(ann.id), body, wire, CONTENT_LENGTH='9' * digits)
        assert reply.status in (400, 413)
        assert wire.fault(reply)[1] == reply.status

    def test_a_body_that_ends_too_early(
        self,
        post: Any,
        wire: wires.Wire,
        ann: Person,
        path: Callable[[str], str],
    ) -> None:
        body = wire.write(username=ann.name, apiKey=SECRET)
        told = str(len(body) + 1)
        reply = post(path(ann.id), body, wire, CONTENT_LENGTH=told)
        assert wire.fault(reply) == (
            'badRequest',
            400,
            'The request body ends too early.',
        )

    def test_a_body_that_is_longer_than_told(
        self,
        post: Any,
        wire: wires.Wire,
        ann: Person,
        path: Callable[[str], str],
    ) -> None:
        body = wire.write(username=ann.name, apiKey=SECRET)
        told = str(len(body) - 1)
        reply = post(path(ann.id), body, wire, CONTENT_LENGTH=told)
        assert reply.status == 400

    def test_a_body_that_breaks_off(
        self,
        post: Any,
        wire: wires.Wire,
        ann: Person,
        path: Callable[[str], str],
    ) -> None:
        class Broken:
            def read(self, _size: int = -1) -> bytes:
                raise ConnectionResetError(SECRET)

        stream = {'wsgi.input': Broken(), 'CONTENT_LENGTH': '40'}
        reply = post(path(ann.id), b'', wire, **stream)
        assert reply.status == 400
        assert wire.fault(reply)[0] == 'badRequest'


class TestCallers:
    """A token that was good is so no longer."""

    @pytest.fixture
    def own(
        self, deploy: Any, cloud: Cloud, send: Any, wire: wires.Wire
    ) -> Any:
        """Look at one's own key with nothing cached."""
        web = deploy(cloud.app)

        def look(user: Person, token: str) -> Any:
            answer = send('GET', wires.base(user.id), web=web, token=token)
            if answer.status_int != 200:
                return wire.fault(answer)
            return wire.keys(answer)

        return look

    GONE = (
        'unauthorized',
        401,
        "No valid token provided. Please use the 'X-Auth-Token' header with "
        'a valid token.',
    )

    def test_expired(self, deploy: Any, cloud: Cloud, bob: Person) -> None:
        options = keystone_conf.CONF
        options.set_override('expiration', 2, 'token')
        try:
            token = cloud.token_of(bob)
        finally:
            options.clear_override('expiration', 'token')
        web = deploy(cloud.app)
        more = {'X-Auth-Token': token}
        web.get(wires.base(bob.id), headers=more, status=200)
        time.sleep(3)
        for wire in wires.WIRES:
            more['Accept'] = wire.media_type
            answer = web.get(wires.base(bob.id), headers=more, status=401)
            assert wire.fault(answer) == self.GONE

    @pytest.mark.parametrize(
        ('method', 'path', 'body'),
        [
            ('DELETE', '/v3/auth/tokens', None),
            ('PATCH', '/v3/users/{0.id}', {'user': {'enabled': False}}),
            ('DELETE', '/v3/users/{0.id}', None),
            (
                'PATCH',
                '/v3/domains/{0.domain_id}',
                {'domain': {'enabled': False}},
            ),
        ],
        ids=['revoked', 'disabled', 'deleted', 'domain disabled'],
    )
    def test_over(
        self, own: Any, cloud: Cloud, method: str, path: str, body: Any
    ) -> None:
        user = cloud.person(domain_id=cloud.domain())
        token = cloud.token_of(user)
        assert own(user, token) == []
        headers = {'X-Auth-Token': cloud.admin, 'X-Subject-Token': token}
        call = getattr(cloud.web, f'{method.lower()}_json')
        said = {} if body is None else {'params': body}
        call(path.format(user), headers=headers, **said)
        assert own(user, token) == self.GONE


def test_a_key_that_is_json_or_xml_itself(
    send: Any, wire: wires.Wire, bob: Person
) -> None:
    odd = ('{"a": "b"}', '<a b="c"/>', '&amp;', ']]>', '\\u0041', '\\')
    for key in ((text * 16)[:100] for text in odd):
        body = wire.write(username=bob.name, apiKey=key)
        assert wire.key(send('POST', wires.key(bob.id), body))[1] == key
        assert wire.key(send('GET', wires.key(bob.id)))[1] == key
        listed = wire.keys(send('GET', wires.base(bob.id)))
        assert listed == [(bob.name, key)]


def test_no_fault_tells_what_was_sent(
    web: webtest.TestApp, cloud: Cloud, ann: Person
) -> None:
    for body in (*BAD_JSON.values(), *BAD_XML.values()):
        for kind in ('application/json', 'application/xml'):
            answer = web.post(
                wires.key(ann.id),
                body.encode(),
                headers={'X-Auth-Token': cloud.admin},
                content_type=kind,
                status=400,
            )
            assert SECRET not in answer.text
            assert 'Traceback' not in answer.text
            assert json.loads(answer.text).keys() == {'badRequest'}
