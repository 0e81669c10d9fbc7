"""The XML we write, held against its schemas."""

from collections.abc import Callable
from typing import Any

from lxml import etree
import pytest
import webtest

from tests.support import schemas
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pass_through import Wrapped

XML = 'application/xml'


@pytest.fixture(scope='module')
def schema() -> etree.XMLSchema:
    """all.xsd: everything that has a schema."""
    return schemas.schema()


@pytest.fixture
def valid(schema: etree.XMLSchema) -> Callable[[Any], str]:
    """Check the body of a response, and give the name of its root."""

    def check(answer: Any) -> str:
        assert answer.headers['Content-Type'] == XML
        root = etree.fromstring(answer.body)
        schema.assertValid(root)
        return etree.QName(root).localname

    return check


@pytest.fixture(scope='module')
def web(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> webtest.TestApp:
    """keymw before the real Keystone."""
    cached = {'token_cache_ttl': '', 'user_cache_ttl': ''}
    made = Deployment(tmp_path_factory.mktemp('xsd'), {'identity': cached})
    made.set_up()
    return made.web(cloud.app)


@pytest.fixture
def ask(web: webtest.TestApp, cloud: Cloud) -> Any:
    """Ask in XML, as admin by default."""

    def send(method: str, path: str, body: bytes = b'', **more: Any) -> Any:
        headers = {'Accept': XML, 'X-Auth-Token': cloud.admin}
        return more.pop('web', web).request(
            path,
            method=method,
            body=body,
            headers=headers | {'Content-Type': XML} | more,
            expect_errors=True,
        )

    return send


def test_the_schema_refuses_what_is_wrong(schema: etree.XMLSchema) -> None:
    """Else the other tests would show nothing."""
    for wrong in (
        f'<apiKeyCredentials xmlns="{wires.KEY_NS}" username="a"/>',
        f'<badRequest xmlns="{wires.IDENTITY_NS}" code="400"/>',
        f'<unknown xmlns="{wires.IDENTITY_NS}"/>',
    ):
        assert not schema.validate(etree.fromstring(wrong))


@pytest.mark.parametrize('name', ['bob', 'a<b>&"\'', 'ürsula', 'two words'])
def test_keys(ask: Any, valid: Any, cloud: Cloud, name: str) -> None:
    user = cloud.person(name, cloud.domain())
    base, key = wires.base(user.id), wires.key(user.id)
    body = wires.Xml().write(username=name, apiKey='<&>"\'' * 4)
    for answer in (
        ask('POST', base, body),
        ask('POST', key, body),
        ask('GET', key),
        ask('POST', wires.reset(user.id)),
    ):
        assert valid(answer) == 'apiKeyCredentials'
    assert valid(ask('GET', base)) == 'credentials'


def test_faults(ask: Any, valid: Any, cloud: Cloud, bob: Person) -> None:
    base, key = wires.base(bob.id), wires.key(bob.id)
    theirs = {'X-Auth-Token': cloud.token_of(bob)}
    faults = {
        400: ('badRequest', ask('POST', key, b'<')),
        401: ('unauthorized', ask('GET', key, **{'X-Auth-Token': 'x'})),
        403: ('forbidden', ask('POST', base, b'<', **theirs)),
        404: ('itemNotFound', ask('GET', wires.key('a%3Cb%3E%26'))),
        413: ('overLimit', ask('POST', base, b' ' * 70000)),
    }
    for status, (name, answer) in faults.items():
        assert answer.status_int == status
        assert valid(answer) == name
    assert valid(ask('GET', f'{base};x')) == 'badRequest'
    assert valid(ask('GET', f'{base}?limit=x')) == 'badRequest'
    assert valid(ask('GET', key)) == 'itemNotFound'
    assert valid(ask('DELETE', key)) == 'itemNotFound'


def test_outage(ask: Any, valid: Any, deploy: Any) -> None:
    answer = ask('GET', wires.key('u1'), web=deploy(Wrapped('500 Oops')))
    assert answer.status_int == 503
    assert valid(answer) == 'serviceUnavailable'


def test_extensions(ask: Any, valid: Any) -> None:
    assert valid(ask('GET', '/v2.0/extensions')) == 'extensions'
    assert valid(ask('GET', '/v2.0/extensions/RAX-KSKEY')) == 'extension'


def test_merged_extensions(ask: Any, valid: Any, deploy: Any) -> None:
    listed = ask('GET', '/v2.0/extensions').body
    theirs = listed.replace(b'RAX-KSKEY"', b'RAX-OTHER"')
    assert theirs != listed
    web = deploy(Wrapped('200 OK', theirs, Content_Type=XML))
    merged = ask('GET', '/v2.0/extensions', web=web)
    assert valid(merged) == 'extensions'
    assert len(etree.fromstring(merged.body)) == 2


def test_what_no_schema_has(
    ask: Any, schema: etree.XMLSchema, bob: Person
) -> None:
    """The two faults and the empty list, which the documented schemas lack."""
    base, key = wires.base(bob.id), wires.key(bob.id)
    for name, answer in {
        'badMethod': ask('PUT', key),
        'badMediaType': ask('POST', key, b'x', **{'Content-Type': 'a/b'}),
        'credentials': ask('GET', base),
    }.items():
        root = etree.fromstring(answer.body)
        assert root.tag == f'{{{wires.IDENTITY_NS}}}{name}'
        assert not schema.validate(root)
        if name == 'credentials':
            assert len(root) == 0
            continue
        # But for its name it has the shape of a fault.
        root.tag = f'{{{wires.IDENTITY_NS}}}identityFault'
        schema.assertValid(root)
