"""v2.0 in the list of versions, for clients that look for it there."""

import json
from typing import Any

import pytest

from tests.support.cloud import Cloud
from tests.support.deployment import Options
from tests.support.pass_through import Wrapped

ON: Options = {'kskey': {'advertise_v2': 'true'}}
JSON = 'application/json'


def v3(**more: Any) -> dict[str, Any]:
    return {'id': 'v3.14', 'status': 'stable', **more}


def listed(*values: Any) -> bytes:
    return json.dumps({'versions': {'values': values}}).encode()


def others(answer: Any) -> dict[str, str]:
    """The headers, but for those of a body that has grown."""
    grown = ('content-length', 'x-openstack-request-id')
    return {
        name: value
        for name, value in answer.headers.items()
        if name.lower() not in grown
    }


@pytest.fixture
def on(deploy: Any) -> Any:
    return lambda app: deploy(app, ON)


@pytest.mark.parametrize('path', ['/', ''])
@pytest.mark.parametrize('mount', ['', '/identity'])
def test_named_beside_v3(on: Any, cloud: Cloud, mount: str, path: str) -> None:
    environ = {'SCRIPT_NAME': mount}
    told = {'Accept-Encoding': 'gzip', 'If-None-Match': '"x"'}
    ours = on(cloud.app).get(
        mount + path or '/', headers=told, extra_environ=environ, status='*'
    )
    theirs = cloud.web.get(
        mount + path or '/', extra_environ=environ, status='*'
    )
    assert ours.status == theirs.status == '300 MULTIPLE CHOICES'
    assert others(ours) == others(theirs)
    (*rest, v2), known = (
        answer.json['versions']['values'] for answer in (ours, theirs)
    )
    assert rest == known
    assert (v2['id'], v2['status']) == ('v2.0', 'stable')
    url = f'http://localhost{mount}/v2.0/'
    assert v2['links'] == [{'rel': 'self', 'href': url}]
    shown = on(cloud.app).get(
        f'{mount}/v2.0/', extra_environ=environ, headers={'Accept': JSON}
    )
    assert shown.json == {'version': v2}


def test_head(on: Any, cloud: Cloud) -> None:
    web = on(cloud.app)
    head, got = web.head('/', status=300), web.get('/', status=300)
    assert head.body == b''
    assert head.headers['Content-Length'] == str(len(got.body))
    assert others(head) == others(got)


@pytest.mark.parametrize(
    ('links', 'url'),
    [
        ([{'href': 'https://far:5/i/v3/'}], 'https://far:5/i/v2.0/'),
        ([{'href': 'https://far/v3'}], 'https://far/v2.0/'),
        ([{'href': 'https://far/'}, 7], 'http://localhost/v2.0/'),
        (None, 'http://localhost/v2.0/'),
    ],
)
def test_url_is_beside_that_of_v3(on: Any, links: Any, url: str) -> None:
    app = Wrapped(
        '200 OK',
        listed(v3(links=links)),
        Content_Type=f'{JSON}; charset=utf-8',
        ETag='"x"',
    )
    answer = on(app).get('/')
    v2 = answer.json['versions']['values'][1]
    assert v2['links'] == [{'rel': 'self', 'href': url}]
    assert 'ETag' not in answer.headers


UNTOUCHED = {
    'no JSON': (b'{"versions": {"values": [', JSON),
    'no list': (b'{"versions": {"values": 1}}', JSON),
    'no versions': (b'{"versions": [{"id": "v3.14"}]}', JSON),
    'no object': (b'[]', JSON),
    'another type': (listed(v3()), 'text/plain'),
    'empty': (listed(), JSON),
    'v2.0 there': (listed({'id': 'v2.0'}, v3()), JSON),
    'no v3': (listed({'id': 'v4'}, 3, {}), JSON),
}


@pytest.mark.parametrize(
    'status', ['200 OK', '300 Many', '401 No', '302 Found']
)
@pytest.mark.parametrize(
    ('body', 'kind'), UNTOUCHED.values(), ids=list(UNTOUCHED)
)
def test_else_untouched(on: Any, body: bytes, kind: str, status: str) -> None:
    app = Wrapped(status, body, Content_Type=kind, ETag='"x"', Location='v3/')
    web = on(app)
    told = {'Accept-Encoding': 'gzip', 'Accept': 'text/x-mine'}
    for method in ('GET', 'HEAD'):
        answer = web.request('/', method=method, headers=told, status='*')
        assert answer.status == status
        assert answer.body == (body if method == 'GET' else b'')
        assert answer.headers['ETag'] == '"x"'
        # WebTest would have made it whole.
        assert ('Location', 'v3/') in answer.headerlist


@pytest.mark.parametrize(
    ('method', 'path'), [('POST', '/'), ('OPTIONS', '/'), ('GET', '/v3')]
)
def test_another_request_is_untouched(on: Any, method: str, path: str) -> None:
    app = Wrapped('200 OK', listed(v3()), Content_Type=JSON)
    answer = on(app).request(path, method=method)
    assert answer.body == listed(v3())


@pytest.mark.parametrize(
    'more',
    [
        {'kskey': {'serve_v2': 'false'}},
        {'kskey': {'enabled': 'false'}},
        {'identity': {'api_version': 'v2.0'}},
    ],
)
def test_not_where_v2_is_not_served(
    deploy: Any, caplog: pytest.LogCaptureFixture, more: Options
) -> None:
    app = Wrapped('200 OK', listed(v3()), Content_Type=JSON)
    kskey = {**more.get('kskey', {}), 'advertise_v2': 'true'}
    web = deploy(app, {**more, 'kskey': kskey})
    assert web.get('/').body == listed(v3())
    assert '[kskey] advertise_v2 does nothing' in caplog.text
