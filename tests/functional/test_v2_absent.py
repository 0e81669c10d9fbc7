"""What v2.0 had besides, and is rightly not there."""

from typing import Any

import pytest

from tests.support import front
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.login import Desk

IMPERSONATION = '/v2.0/RAX-AUTH/impersonation-tokens'
# Writes on users, tenants, roles and services; EC2, PKI, impersonation and
# passwords.
ABSENT = {
    ('POST', '/v2.0/users'): 405,
    ('POST', '/v2.0/users/{id}'): 405,
    ('PUT', '/v2.0/users/{id}'): 405,
    ('DELETE', '/v2.0/users/{id}'): 405,
    ('PUT', '/v2.0/users/{id}/OS-KSADM/enabled'): 404,
    ('PUT', '/v2.0/users/{id}/OS-KSADM/password'): 404,
    ('PUT', '/v2.0/users/{id}/roles/OS-KSADM/1'): 404,
    ('DELETE', '/v2.0/users/{id}/roles/OS-KSADM/1'): 404,
    ('POST', '/v2.0/users/{id}/roles'): 405,
    ('POST', '/v2.0/users/{id}/credentials/OS-EC2'): 404,
    ('GET', '/v2.0/users/{id}/credentials/OS-EC2'): 404,
    ('POST', '/v2.0/tenants'): 405,
    ('POST', '/v2.0/tenants/{id}'): 405,
    ('PUT', '/v2.0/tenants/{id}'): 405,
    ('DELETE', '/v2.0/tenants/{id}'): 405,
    ('GET', '/v2.0/tenants/{id}/users'): 404,
    ('PUT', '/v2.0/tenants/{id}/users/1/roles/OS-KSADM/1'): 404,
    ('POST', '/v2.0/OS-KSADM/roles'): 404,
    ('GET', '/v2.0/OS-KSADM/roles'): 404,
    ('DELETE', '/v2.0/OS-KSADM/roles/1'): 404,
    ('POST', '/v2.0/OS-KSADM/services'): 404,
    ('DELETE', '/v2.0/OS-KSADM/services/1'): 404,
    ('POST', '/v2.0/endpoints'): 404,
    ('POST', '/v2.0/ec2tokens'): 404,
    ('POST', '/v2.0/s3tokens'): 404,
    ('GET', '/v2.0/tokens/revoked'): 404,
    ('GET', '/v2.0/certificates/signing'): 404,
    ('GET', '/v2.0/certificates/ca'): 404,
    ('POST', IMPERSONATION): 404,
    ('POST', '/v2.0/users/RAX-AUTH/forgot-pwd'): 404,
    ('GET', '/v2.0/users/{id}/OS-KSADM/credentials/passwordCredentials'): 404,
    ('POST', '/v2.0/users/{id}/OS-KSADM/credentials/passwordCredentials'): 404,
}


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    made = Desk(tmp_path_factory.mktemp('absent') / 'keymw', cloud)
    # Now it is known what Keystone speaks.
    made.admin('GET', '/v2.0/tenants')
    return made


@pytest.mark.parametrize(
    ('method', 'path', 'status'), [(*k, v) for k, v in ABSENT.items()]
)
def test_absent(
    desk: Desk,
    cloud: Cloud,
    wire: wires.Wire,
    method: str,
    path: str,
    status: int,
) -> None:
    desk.between.asked.clear()
    asked = path.format(id=cloud.project('demo'))
    answer: Any = front.ask(desk.web, wire, method, asked, cloud.admin)
    name = {404: 'itemNotFound', 405: 'badMethod'}[status]
    assert wire.fault(answer)[:2] == (name, status)
    # No request to Keystone can change anything.
    assert not desk.between.count('(POST|PUT|PATCH|DELETE) .*')
