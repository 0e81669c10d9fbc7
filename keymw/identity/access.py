"""What Identity v2.0 calls access, made of a v3 token (contract, 6.3)."""

from typing import Any

Access = dict[str, Any]
_URLS = {
    'public': 'publicURL',
    'internal': 'internalURL',
    'admin': 'adminURL',
}


def from_v3(token_id: str, token: dict[str, Any]) -> Access:
    """A v2.0 access, of a v3 token and its id.

    :raises KeyError: what every token has is missing.
    """
    project = token.get('project')
    tenant_id = project['id'] if project else None
    made: Access = {
        'token': {'id': token_id, 'expires': token['expires_at']},
        'user': {
            'id': token['user']['id'],
            'name': token['user']['name'],
            'roles': [_role(r, tenant_id) for r in token.get('roles', ())],
        },
    }
    if project:
        made['token']['tenant'] = {'id': tenant_id, 'name': project['name']}
    if 'password' in token.get('methods', ()):
        add_method(made, 'PASSWORD')
    if 'catalog' in token:
        made['serviceCatalog'] = _catalogue(token['catalog'], tenant_id)
    return made


def add_method(access: Access, method: str) -> None:
    """Say how the user signed in, unless the access says so itself."""
    access['token'].setdefault('RAX-AUTH:authenticatedBy', [method])


def _role(role: dict[str, Any], tenant_id: str | None) -> dict[str, str]:
    made = {'id': role['id'], 'name': role['name']}
    return made | ({'tenantId': tenant_id} if tenant_id else {})


def _catalogue(
    services: list[dict[str, Any]], tenant_id: str | None
) -> list[dict[str, Any]]:
    return [
        {
            'name': service.get('name') or service['type'],
            'type': service['type'],
            'endpoints': _endpoints(service['endpoints'], tenant_id),
        }
        for service in services
    ]


def _endpoints(
    endpoints: list[dict[str, Any]], tenant_id: str | None
) -> list[dict[str, str]]:
    """One for each region: v3 has one for each of its URLs.

    A second URL of the same kind in a region begins another.
    """
    made: list[dict[str, str]] = []
    for endpoint in endpoints:
        region = endpoint.get('region_id') or endpoint.get('region')
        where = {'region': region} if region else {}
        whose = {'tenantId': tenant_id} if tenant_id else {}
        url = _URLS[endpoint['interface']]
        place = next((e for e in made if _has_room(e, region, url)), None)
        if place is None:
            place = {**where, **whose}
            made.append(place)
        place[url] = endpoint['url']
    return made


def _has_room(endpoint: dict[str, str], region: Any, url: str) -> bool:
    return endpoint.get('region') == region and url not in endpoint
