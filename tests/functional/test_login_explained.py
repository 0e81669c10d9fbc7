"""What a response of the identity service means after a right key."""

from collections.abc import Callable
from collections.abc import Iterator
import itertools
import json
from typing import Any

import pytest
import webob

from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.deployment import settle
from tests.support.login import TOKENS
from tests.support.login import WRONG
from tests.support.login import Desk
from tests.support.pipeline_v2 import Account
from tests.support.pipeline_v2 import PipelineV2
from tests.support.pipeline_v2 import Project
from tests.support.pipeline_v2 import fault

ISSUE = 'POST /v3/auth/tokens'
JSON = wires.Json()
Refused = Callable[..., None]


def no(status: int) -> Any:
    return reply(status, {'error': {'code': status, 'message': 'no'}})


def not_valid(tenant: str, user: Any) -> tuple[str, int, str]:
    return (
        'unauthorized',
        401,
        f"Tenant with Name/Id: '{tenant}' is not valid for User "
        f"'{user.name}' (id: '{user.id}')",
    )


class TestKeystone:
    @pytest.fixture(scope='class')
    def desk(
        self, tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
    ) -> Desk:
        return Desk(tmp_path_factory.mktemp('explained') / 'keymw', cloud)

    @pytest.fixture(scope='class')
    def cy(self, cloud: Cloud) -> Person:
        return cloud.with_role('member')

    @pytest.fixture(scope='class')
    def key(self, desk: Desk, cy: Person) -> str:
        return desk.key_of(cy)

    @pytest.fixture(autouse=True)
    def alone(self, desk: Desk) -> Iterator[None]:
        yield
        desk.between.step_aside()

    @pytest.fixture
    def is_refused(
        self,
        desk: Desk,
        cy: Person,
        key: str,
        caplog: pytest.LogCaptureFixture,
    ) -> Refused:
        """A login with the right key fails for a reason in the log alone."""

        def check(reason: str, **tenant: str) -> None:
            answer = desk.sign_in(JSON, cy.name, key, **tenant)
            assert JSON.fault(answer) == WRONG
            assert reason in caplog.text

        return check

    def issued_to(self, desk: Desk, user_id: str) -> Any:
        """Keystone, whose next token is of another user."""

        def app(environ: Any, start_response: Any) -> Any:
            response = webob.Request(environ).send(desk.cloud.app)
            body = response.json
            body['token']['user']['id'] = user_id
            response.body = json.dumps(body).encode()
            return response(environ, start_response)

        return app

    @pytest.mark.parametrize('status', [400, 403, 404])
    def test_a_tenant_that_it_refuses(
        self, desk: Desk, cy: Person, key: str, status: int
    ) -> None:
        desk.between.instead(ISSUE, [no(status)])
        answer = desk.sign_in(JSON, cy.name, key, tenantName='demo')
        assert JSON.fault(answer) == not_valid('demo', cy)

    def test_a_token_of_another_user_while_projects_are_tried(
        self,
        desk: Desk,
        cy: Person,
        key: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        turns = [desk.cloud.app, self.issued_to(desk, 'another')]
        desk.between.instead(ISSUE, turns)
        assert 'tenant' not in desk.sign_in(JSON, cy.name, key).json['access']
        assert 'its name is of another user now' in caplog.text

    def test_a_token_of_another_user_buys_nothing(
        self, desk: Desk, is_refused: Refused
    ) -> None:
        turns = itertools.repeat(self.issued_to(desk, 'another'))
        desk.between.instead(ISSUE, turns)
        is_refused('Keystone issued one of user another')

    @pytest.mark.parametrize('auth', [{}, {'scope': 'unscoped'}])
    def test_an_owner_who_is_renamed_meanwhile_is_tried_again(
        self, desk: Desk, zoe: Person, auth: dict[str, Any]
    ) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            desk.cloud.change('user', zoe.id, name=f'{zoe.name}-now')
            return desk.cloud.app(environ, start_response)

        key = desk.key_of(zoe)
        desk.between.instead(ISSUE, [app])
        answer = desk.v3({'id': zoe.id}, key, **auth)
        assert answer.status_int == 201
        assert answer.json['token']['user']['name'] == f'{zoe.name}-now'

    def test_a_token_that_it_does_not_accept(
        self, desk: Desk, is_refused: Refused
    ) -> None:
        desk.between.instead('GET /v3/auth/projects', [no(401)])
        is_refused('its token is not accepted')

    def test_a_user_who_is_gone_by_then(
        self, desk: Desk, cy: Person, is_refused: Refused
    ) -> None:
        path = f'GET /v3/users/{cy.id}'
        found = reply(200, desk.cloud.ask('GET', f'/v3/users/{cy.id}').json)
        desk.between.instead(path, [found, no(404)])
        desk.between.instead(ISSUE, [no(401)])
        is_refused('there is no such user')

    def test_it_refuses_the_tenant_and_the_user(
        self, desk: Desk, is_refused: Refused
    ) -> None:
        desk.between.instead(ISSUE, itertools.repeat(no(401)))
        is_refused('Keystone refuses it', tenantName='demo')

    def test_text_beside_the_members_of_v1_1_is_refused(
        self, desk: Desk
    ) -> None:
        body = (
            '<credentials xmlns="http://docs.rackspacecloud.com/auth/api/v1.1"'
            ' username="x" key="x">text</credentials>'
        )
        answer = desk.web.post(
            '/v1.1/auth',
            body,
            headers={'Content-Type': 'application/xml'},
            expect_errors=True,
        )
        assert answer.status_int == 400


class TestServiceOfV2:
    @pytest.fixture
    def pipeline(self) -> PipelineV2:
        return PipelineV2()

    @pytest.fixture
    def between(self, pipeline: PipelineV2) -> Between:
        return Between(pipeline)

    @pytest.fixture
    def web(self, made: Deployment, between: Between) -> Any:
        return made.web(between)

    @pytest.fixture
    def cy(self, pipeline: PipelineV2) -> Account:
        tenants = (Project('4', 'demo'), Project('5', 'zebra'))
        return pipeline.account('cy', 'member', tenants=tenants)

    @pytest.fixture
    def login(
        self, web: Any, made: Deployment, pipeline: PipelineV2, cy: Account
    ) -> Any:
        """Sign in with the key, for a tenant."""
        admin = pipeline.token(pipeline.account('root', 'admin'))
        answer = front.ask(web, JSON, 'POST', wires.reset(cy.id), admin)
        members = {'username': 'cy', 'apiKey': JSON.key(answer)[1]}
        settle(made.home, cy.id)

        def send(wire: wires.Wire = JSON, **tenant: str) -> Any:
            body = wire.auth(wires.ROOT, members, **tenant)
            return front.ask(web, wire, 'POST', TOKENS, None, body)

        return send

    def test_a_tenant_that_it_refuses_is_not_the_default(
        self, login: Any, between: Between, pipeline: PipelineV2
    ) -> None:
        login()
        refused = fault(401, 'unauthorized')
        between.instead(f'POST {TOKENS}', [pipeline, refused])
        assert login().json['access']['token']['tenant']['name'] == 'zebra'

    def test_it_refuses_the_tenant_and_the_user(
        self, login: Any, between: Between, caplog: pytest.LogCaptureFixture
    ) -> None:
        login()
        refused = fault(401, 'unauthorized')
        between.instead(f'POST {TOKENS}', itertools.repeat(refused))
        assert JSON.fault(login(tenantId='4')) == WRONG
        assert JSON.fault(login()) == WRONG
        assert 'the identity service refuses it' in caplog.text

    def test_a_user_who_is_gone_by_then(
        self, login: Any, between: Between, cy: Account
    ) -> None:
        login()
        gone = fault(404, 'itemNotFound')
        between.instead(f'GET /v2.0/users/{cy.id}', itertools.repeat(gone))
        assert JSON.fault(login()) == WRONG

    def test_a_catalogue_that_is_none_is_an_outage(
        self, login: Any, between: Between, cy: Account
    ) -> None:
        login()
        token = {'id': 'x', 'expires': '2100-01-01T00:00:00Z'}
        access = {'token': token, 'user': cy.shown(), 'serviceCatalog': {}}
        between.instead(f'POST {TOKENS}', [reply(200, {'access': access})])
        assert login(tenantId='4').status_int == 503

    @pytest.mark.parametrize('name', ['', True, None])
    def test_a_name_that_is_none_is_an_outage(
        self, login: Any, between: Between, cy: Account, name: object
    ) -> None:
        login()
        shown = reply(200, {'user': {'id': cy.id, 'name': name}})
        between.instead(f'GET /v2.0/users/{cy.id}', [shown])
        assert login().status_int == 503

    @pytest.mark.parametrize('status', [413, 429, 500])
    def test_limit_or_failure_does_not_tell_what_it_speaks(
        self,
        web: Any,
        between: Between,
        pipeline: PipelineV2,
        cy: Account,
        status: int,
    ) -> None:
        between.instead('GET /v2.0/tokens/none', [fault(status, 'x', '17')])
        token, path = pipeline.token(cy), wires.base(cy.id)
        answer = front.ask(web, JSON, 'GET', path, token)
        assert (answer.status_int, answer.headers['Retry-After']) == (
            503,
            '17',
        )
        assert front.ask(web, JSON, 'GET', path, token).status_int == 200

    def test_its_own_members_are_written_in_xml(
        self, login: Any, between: Between, cy: Account
    ) -> None:
        login()
        endpoint = {
            'publicURL': 'https://x.test/v1',
            'region': 'ORD',
            'versionId': '1',
            'versionInfo': 'https://x.test/v1/info',
            'versionList': 'https://x.test',
        }
        access = {
            'token': {'id': 'x', 'expires': '2100-01-01T00:00:00Z'},
            'user': cy.shown() | {'RAX-AUTH:defaultRegion': 'ORD'},
            'serviceCatalog': [
                {'name': 'x', 'type': 'x', 'endpoints': [endpoint]}
            ],
        }
        between.instead(f'POST {TOKENS}', [reply(200, {'access': access})])
        text = login(wires.Xml(), tenantId='4').text
        assert 'rax-auth:defaultRegion="ORD"' in text
        assert '<version id="1" info="https://x.test/v1/info"' in text
