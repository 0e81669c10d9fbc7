"""Ours among the extensions of the wrapped application."""

from collections.abc import Iterator
import copy
import json
from typing import Any

from lxml import etree
import pytest
import webtest

from tests.support import pass_through
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.pass_through import Exchanged
from tests.support.pass_through import Reply
from tests.support.pass_through import Wrapped

PATH = '/v2.0/extensions'
COMMON = '{http://docs.openstack.org/common/api/v1.0}'
OLD_COMMON = '{http://docs.openstack.org/common/api/v2.0}'
ATOM = '{http://www.w3.org/2005/Atom}'
OURS = {
    'name': 'Rackspace API Key Authentication',
    'namespace': 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0',
    'alias': 'RAX-KSKEY',
    'updated': '2011-08-14T13:25:27-06:00',
    'description': (
        'Rackspace extensions to Keystone v2.0 API enabling API Key '
        'authentication.'
    ),
}
THEIRS = {'name': 'Theirs', 'alias': 'OS-THEIRS', 'links': [], 'x': 1.5}


@pytest.fixture(scope='module')
def ask(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Ask for extensions before an application: ask(app, path)."""
    made = Deployment(tmp_path_factory.mktemp('extensions'))
    made.set_up()
    exchanged = Exchanged()
    loaded = made.load(exchanged)

    def send(
        app: Any, path: str = PATH, method: str = 'GET', **environ: Any
    ) -> Reply:
        exchanged.app = app
        return pass_through.ask(
            loaded, pass_through.environ_of(method, path, **environ)
        )

    return send


def listing(body: Any, kind: str = 'application/json', **more: str) -> Wrapped:
    """An application with this list of extensions."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    headers = {'Content_Type': kind, 'Content_Length': str(len(body)), **more}
    return Wrapped('200 OK', body, **headers)


def check_ours(found: dict[str, Any]) -> None:
    """What we say of ourselves in JSON."""
    (link,) = found['links']
    assert link['rel'] == 'describedby'
    assert link['type']
    assert link['href'].startswith('https://')
    assert {k: v for k, v in found.items() if k != 'links'} == OURS


def check_our_element(element: Any, namespace: str = COMMON) -> None:
    """What we say of ourselves in XML."""
    assert element.tag == f'{namespace}extension'
    description, link = element
    assert description.tag == f'{namespace}description'
    found = {**element.attrib, 'description': description.text}
    assert found == OURS
    assert link.tag == f'{ATOM}link'
    assert link.get('rel') == 'describedby'
    assert link.get('href').startswith('https://')


SHAPES: dict[str, tuple[Any, bool]] = {
    # The body, and whether items are wrapped.
    'A': ({'extensions': {'values': [{'extension': THEIRS}]}}, True),
    'A of two': (
        {'extensions': {'values': [{'extension': THEIRS}] * 2}, 'more': [1]},
        True,
    ),
    'B': ({'extensions': {'values': [THEIRS]}}, False),
    'B of none': ({'extensions': {'values': [], 'links': [{}]}}, False),
    'C': ({'extensions': [THEIRS], 'extensions_links': [{'a': 1}]}, False),
    'C of none': ({'extensions': []}, False),
    'C wrapped': ({'extensions': [{'extension': THEIRS}]}, True),
}


@pytest.mark.parametrize(('body', 'wraps'), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    'kind', ['application/json', 'Application/JSON; charset=UTF-8']
)
def test_the_list_keeps_its_shape(
    ask: Any, body: Any, wraps: bool, kind: str
) -> None:
    reply = ask(listing(body, kind))
    assert reply.status == 200
    assert reply.headers['content-type'] == kind
    assert reply.headers['content-length'] == str(len(reply.body))
    found = json.loads(reply.body)
    items = found['extensions']
    if isinstance(items, dict):
        items = items['values']
    added = items.pop()
    if wraps:
        assert list(added) == ['extension']
        added = added['extension']
    check_ours(added)
    assert found == body


XML_LIST = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<%(tag)s xmlns%(colon)s="%(ns)s" xmlns:atom="http://www.w3.org/2005/Atom">'
    b'<%(item)s alias="OS-THEIRS" name="T\xc3\xbc"/></%(tag)s>'
)


def _xml_list(prefix: bytes = b'', version: bytes = b'1') -> bytes:
    dot = prefix + b':' if prefix else b''
    return XML_LIST % {
        b'tag': dot + b'extensions',
        b'colon': b':' + prefix if prefix else b'',
        b'ns': b'http://docs.openstack.org/common/api/v%s.0' % version,
        b'item': dot + b'extension',
    }


@pytest.mark.parametrize('prefix', [b'', b'c'])
@pytest.mark.parametrize(
    ('version', 'namespace'), [(b'1', COMMON), (b'2', OLD_COMMON)]
)
@pytest.mark.parametrize(
    'kind', ['application/xml', 'application/xml; charset=UTF-8']
)
def test_the_list_in_xml(
    ask: Any, prefix: bytes, version: bytes, namespace: str, kind: str
) -> None:
    reply = ask(listing(_xml_list(prefix, version), kind))
    assert reply.headers['content-type'] == kind
    assert reply.headers['content-length'] == str(len(reply.body))
    assert reply.body.startswith(b'<?xml ')
    root = etree.fromstring(reply.body)
    assert root.tag == f'{namespace}extensions'
    theirs, ours = root
    assert dict(theirs.attrib) == {'alias': 'OS-THEIRS', 'name': 'Tü'}
    check_our_element(ours, namespace)


HAVE_OURS = {
    'A': {'extensions': {'values': [{'extension': {'alias': 'RAX-KSKEY'}}]}},
    'B': {'extensions': {'values': [THEIRS, {'alias': 'RAX-KSKEY'}]}},
    'C': {'extensions': [{'alias': 'RAX-KSKEY', 'name': 'x'}, THEIRS]},
}
UNREADABLE = {
    'no JSON': b'{"extensions": [',
    'nothing': b'',
    'no object': b'[]',
    'no list': b'{"extensions": "none"}',
    'no values': b'{"extensions": {"items": []}}',
    'values of none': b'{"extensions": {"values": null}}',
    'no extensions': b'{"versions": []}',
    'null': b'null',
    'NaN': b'{"extensions": [NaN]}',
    'not UTF-8': b'{"extensions": ["\xff"]}',
    'compressed': b'\x1f\x8b\x08\x00\x00',
    'deep': b'[' * 10000,
}
UNREADABLE_XML = {
    'no XML': b'<extensions>',
    'another root': b'<versions/>',
    'document type': b'<!DOCTYPE extensions><extensions/>',
    'nothing': b'',
    'JSON': b'{"extensions": []}',
    'another encoding': '<?xml version="1.0" encoding="UTF-16"?>'
    '<extensions/>'.encode('utf-16'),
    'ours is there': b'<extensions xmlns="http://docs.openstack.org/common/'
    b'api/v1.0"><extension  alias="RAX-KSKEY" /></extensions>',
}
ALL_AS_IS = [
    *(
        ('application/json', json.dumps(b).encode())
        for b in HAVE_OURS.values()
    ),
    *(('application/json', body) for body in UNREADABLE.values()),
    *(('application/xml', body) for body in UNREADABLE_XML.values()),
    # A type we would not read.
    ('text/plain', b'{"extensions": []}'),
    ('application/vnd.x+json', b'{"extensions": []}'),
    ('text/html', b'<html/>'),
]


@pytest.mark.parametrize(('kind', 'body'), ALL_AS_IS)
def test_what_has_ours_or_is_no_list_stays_as_it_is(
    ask: Any, kind: str, body: bytes
) -> None:
    wrapped = listing(body, kind, ETag='"1"', Content_MD5='x', X_More='2')
    reply = ask(wrapped)
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers['content-type'] == kind
    assert reply.headers['etag'] == '"1"'
    assert reply.headers['content-md5'] == 'x'
    assert reply.headers['x-more'] == '2'
    assert reply.headers['content-length'] == str(len(body))


@pytest.mark.parametrize(
    'status',
    [
        '203 Non-Authoritative',
        '300 Choices',
        '304 Not Modified',
        '401 No',
        '403 No',
        '405 No',
        '413 No',
        '500 Oops',
        '503 Down',
    ],
)
def test_another_status_stays_as_it_is(ask: Any, status: str) -> None:
    body = b'' if status.startswith('304') else b'{"extensions": []}'
    wrapped = Wrapped(status, body, Content_Type='application/json', X_A='1')
    reply = ask(wrapped)
    assert f'{reply.status} ' == status[:4]
    assert reply.body == body
    assert reply.headers['x-a'] == '1'


def test_headers_are_kept_but_for_those_of_the_old_body(ask: Any) -> None:
    reply = ask(
        listing(
            {'extensions': []},
            ETag='"1"',
            Content_MD5='x',
            Vary='X-Auth-Token',
            Set_Cookie='a=b',
            X_Openstack_Request_Id='req-of-theirs',
            Date='Mon, 01 Jan 2024 00:00:00 GMT',
        )
    )
    assert reply.headers == {
        'content-type': 'application/json',
        'content-length': str(len(reply.body)),
        'vary': 'X-Auth-Token',
        'set-cookie': 'a=b',
        'x-openstack-request-id': 'req-of-theirs',
        'date': 'Mon, 01 Jan 2024 00:00:00 GMT',
    }


@pytest.mark.parametrize(
    'wrapped',
    [
        listing(SHAPES['C'][0], X_A='1'),
        listing(_xml_list(), 'application/xml', X_A='1'),
        listing(HAVE_OURS['C']),
        Wrapped('404 Not Found'),
        Wrapped('500 Oops', Content_Type='text/plain'),
    ],
    ids=['JSON', 'XML', 'has ours', 'none', 'broken'],
)
def test_head_is_get_without_the_body(ask: Any, wrapped: Wrapped) -> None:
    get, head = ask(wrapped), ask(wrapped, method='HEAD')
    assert head.status == get.status
    assert head.body == b''
    for headers in (get.headers, head.headers):
        headers.pop('x-openstack-request-id', None)
    assert head.headers == get.headers


@pytest.mark.parametrize(
    'ending', ['', '/', '.json', '.xml', '/.xml', '.xml/']
)
def test_the_wrapped_application_sees_the_path_as_it_came(
    ask: Any, ending: str
) -> None:
    wrapped = listing(SHAPES['C'][0])
    reply = ask(
        wrapped,
        PATH + ending,
        HTTP_ACCEPT='text/html',
        HTTP_X_AUTH_TOKEN='t',
        QUERY_STRING='a=b',
    )
    assert len(json.loads(reply.body)['extensions']) == 2
    (seen,) = wrapped.environs
    assert seen['PATH_INFO'] == PATH + ending
    assert seen['HTTP_ACCEPT'] == 'text/html'
    assert seen['HTTP_X_AUTH_TOKEN'] == 't'
    assert seen['QUERY_STRING'] == 'a=b'
    assert seen['SCRIPT_NAME'] == ''


@pytest.mark.parametrize(
    ('ending', 'accept', 'kind'),
    [
        ('', None, 'application/json'),
        ('/', 'text/html', 'application/json'),
        ('', 'application/xml', 'application/xml'),
        ('.json', 'application/xml', 'application/json'),
        ('.xml', 'application/json', 'application/xml'),
        ('/.xml/', 'application/json', 'application/xml'),
    ],
)
@pytest.mark.parametrize('token', [None, 'garbage'])
class TestOurOwn:
    """The pipeline has none: our list, in the format of the request."""

    def send(
        self, ask: Any, path: str, accept: str | None, token: str | None
    ) -> Reply:
        environ = {'HTTP_ACCEPT': accept, 'HTTP_X_AUTH_TOKEN': token}
        given = {k: v for k, v in environ.items() if v is not None}
        found: Reply = ask(
            Wrapped('404 Not Found', b'<html/>', X_A='1'), path, **given
        )
        assert found.status == 200
        assert 'x-a' not in found.headers
        assert found.headers['content-length'] == str(len(found.body))
        return found

    def test_list(
        self,
        ask: Any,
        ending: str,
        accept: str | None,
        kind: str,
        token: str | None,
    ) -> None:
        reply = self.send(ask, PATH + ending, accept, token)
        assert reply.headers['content-type'] == kind
        if kind == 'application/xml':
            root = etree.fromstring(reply.body)
            assert root.tag == f'{COMMON}extensions'
            (element,) = root
            check_our_element(element)
            return
        found = json.loads(reply.body)
        assert sorted(found) == ['extensions', 'extensions_links']
        assert found['extensions_links'] == []
        (ours,) = found['extensions']
        check_ours(ours)

    @pytest.mark.parametrize('alias', ['RAX-KSKEY', 'rax-kskey', 'Rax-KsKey'])
    def test_one(
        self,
        ask: Any,
        ending: str,
        accept: str | None,
        kind: str,
        token: str | None,
        alias: str,
    ) -> None:
        reply = self.send(ask, f'{PATH}/{alias}{ending}', accept, token)
        assert reply.headers['content-type'] == kind
        if kind == 'application/xml':
            check_our_element(etree.fromstring(reply.body))
            return
        found = json.loads(reply.body)
        assert list(found) == ['extension']
        check_ours(found['extension'])


@pytest.mark.parametrize('alias', ['RAX-KSKEY', 'rax-kskey', 'RAX-kskey.xml'])
def test_our_alias_is_not_asked_for(ask: Any, alias: str) -> None:
    wrapped = Wrapped('404 Not Found')
    assert ask(wrapped, f'{PATH}/{alias}').status == 200
    assert ask(wrapped, f'{PATH}/{alias}', 'HEAD').body == b''
    assert wrapped.environs == []


@pytest.mark.parametrize(
    'alias',
    [
        'OS-KSADM',
        'RAX-KSKEY-admin',
        'RAX-KEY',
        'RAX-KSKEY/more',
        'RAX-KSKEYS',
        'XRAX-KSKEY',
        'RAX_KSKEY',
        '.rax-kskey',
        'RAX-KSKEY.html',
    ],
)
def test_another_alias_passes(ask: Any, alias: str) -> None:
    reply = ask(
        Wrapped('404 Not Found', b'theirs', X_A='1'), f'{PATH}/{alias}'
    )
    assert (reply.status, reply.body) == (404, b'theirs')
    assert reply.headers == {'x-a': '1'}


@pytest.mark.parametrize('kind', ['text/plain', 'application/xml', 'x'])
def test_a_content_type_does_no_harm(ask: Any, kind: str) -> None:
    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        """Reads JSON only, and refuses other types even without a body."""
        allows = environ.get('CONTENT_TYPE', '') in ('', 'application/json')
        start_response('404 Not Found' if allows else '400 Bad', [])
        return []

    for path in (PATH, f'{PATH}/RAX-KSKEY'):
        assert ask(wrapped, path, CONTENT_TYPE=kind).status == 200


def test_keystone_has_none_and_gets_ours(
    web: webtest.TestApp, cloud: Cloud
) -> None:
    cloud.web.get(PATH, status=404)
    for more in ({}, {'Content-Type': 'text/plain'}):
        answer = web.get(PATH, headers=more, status=200)
        check_ours(answer.json['extensions'][0])
        assert web.head(PATH, headers=more).body == b''
    web.get(f'{PATH}/OS-KSADM', status=404)


class Chunks:
    """A body that records whether it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize(
    ('status', 'chunks'),
    [
        ('200 OK', [b'{"extens', b'ions": []}']),
        ('200 OK', [b'no', b' list']),
        ('500 Oops', [b'theirs']),
        ('404 Not Found', [b'theirs']),
    ],
    ids=['merged', 'unreadable', 'broken', 'none'],
)
def test_the_answer_of_the_wrapped_application_is_closed(
    ask: Any, method: str, status: str, chunks: list[bytes]
) -> None:
    body = Chunks(*chunks)

    def wrapped(_environ: Any, start_response: Any) -> Any:
        start_response(status, [('Content-Type', 'application/json')])
        return body

    ask(wrapped, method=method)
    assert body.closed == 1


def test_the_environ_stays_the_callers_own(made: Deployment) -> None:
    app = made.load(listing(SHAPES['A'][0]))
    environ = pass_through.environ_of('HEAD', PATH, CONTENT_TYPE='text/plain')
    before = copy.copy(environ)
    pass_through.ask(app, environ)
    assert environ == before


def test_two_of_us_add_it_once(made: Deployment) -> None:
    body = SHAPES['C'][0]
    app = made.load(made.load(listing(body)))
    reply = pass_through.ask(app, pass_through.environ_of('GET', PATH))
    assert len(json.loads(reply.body)['extensions']) == 2
