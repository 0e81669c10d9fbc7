"""The "access" of Identity v2.0: its members, and how a v3 token becomes one.

Source: doc/contract/rackspace-identity 6.3.
"""

from typing import Final
from typing import Literal
from typing import NotRequired
from typing import TypedDict

from keymw.identity import v3_types
from keymw.web import faults

METHODS: Final = 'RAX-AUTH:authenticatedBy'
DEFAULT_REGION: Final = 'RAX-AUTH:defaultRegion'
DOMAIN_ID: Final = 'RAX-AUTH:domainId'
Url = Literal['publicURL', 'internalURL', 'adminURL']
# The member of an endpoint for each interface of v3.
_URLS: dict[str, Url] = {
    'public': 'publicURL',
    'internal': 'internalURL',
    'admin': 'adminURL',
}
URLS = tuple(_URLS.values())


class Tenant(TypedDict):
    """The tenant of a token."""

    id: str
    name: str


class Role(TypedDict):
    """A role of a user; tenantId is that of the token."""

    id: str
    name: str
    tenantId: NotRequired[str]
    description: NotRequired[str]


class Endpoint(TypedDict, total=False):
    """The URLs of a service in a region; id, type and name outside catalogues.

    Rackspace shows the version of the API too.
    """

    id: str
    type: str
    name: str
    region: str
    tenantId: str
    publicURL: str
    internalURL: str
    adminURL: str
    versionId: str
    versionInfo: str
    versionList: str


class _ServiceName(TypedDict):
    name: str
    type: str


class Service(_ServiceName):
    """An entry of the catalogue."""

    endpoints: list[Endpoint]


# Functional forms: a class cannot have a member with a colon in its name.
Token = TypedDict(
    'Token',
    {
        'id': str,
        'expires': str,
        'tenant': NotRequired[Tenant],
        'RAX-AUTH:authenticatedBy': NotRequired[list[str]],
    },
)
User = TypedDict(
    'User',
    {
        'id': str,
        'name': str,
        'roles': list[Role],
        'RAX-AUTH:defaultRegion': NotRequired[str],
        'RAX-AUTH:domainId': NotRequired[str],
    },
)


class Access(TypedDict):
    """The response of a login; serviceCatalog is there with a tenant only."""

    token: Token
    user: User
    serviceCatalog: NotRequired[list[Service]]


def from_v3(
    token_id: str, token: v3_types.Token, default_domain: str
) -> Access:
    """A v2.0 access, converted from a v3 token and its id.

    :raises KeyError: a required member of the token is missing.
    :raises NotInV2: as check_token.
    """
    check_token(token, default_domain)
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
        tenant: Tenant = {'id': project['id'], 'name': project['name']}
        made['token']['tenant'] = tenant
    if 'password' in token.get('methods', ()):
        add_method(made, 'PASSWORD')
    if 'catalog' in token:
        made['serviceCatalog'] = _catalogue(token['catalog'], tenant_id)
    return made


def check_token(token: v3_types.Token, default_domain: str) -> None:
    """Refuse a v3 token that v2.0 cannot express.

    :raises NonDefaultDomain: its user or project is in another domain.
    :raises NotForProject: its scope is a domain or the system.
    """
    check_domain(token['user']['domain']['id'], default_domain)
    if token.get('domain') or token.get('system'):
        raise faults.NotForProject()
    project = token.get('project')
    if project:
        check_domain(project['domain']['id'], default_domain)


def check_domain(domain_id: str, default_domain: str) -> None:
    """Refuse every domain but the default one: v2.0 names have no domain.

    :raises NonDefaultDomain: the domain is not the default domain.
    """
    if domain_id != default_domain:
        raise faults.NonDefaultDomain()


def endpoints_from_v3(
    token: v3_types.Token, default_domain: str
) -> list[Endpoint]:
    """The v2.0 endpoints in the catalogue of a v3 token.

    Each has the name and type of its service, and the id of the first v3
    endpoint that it was made from: v3 has one endpoint for each URL.

    :raises KeyError: a required member of an endpoint is missing.
    :raises NotInV2: as check_token.
    """
    check_token(token, default_domain)
    project = token.get('project')
    tenant_id = project['id'] if project else None
    return [
        {**_name(service), **endpoint}
        for service in token.get('catalog') or ()
        for endpoint in _endpoints(service['endpoints'], tenant_id)
    ]


def add_method(access: Access, method: str) -> None:
    """Set the method of the login, unless the access has one."""
    access['token'].setdefault(METHODS, [method])


def _role(role: v3_types.Named, tenant_id: str | None) -> Role:
    made: Role = {'id': role['id'], 'name': role['name']}
    if tenant_id:
        made['tenantId'] = tenant_id
    return made


def _catalogue(
    services: list[v3_types.Service], tenant_id: str | None
) -> list[Service]:
    return [
        {
            **_name(service),
            'endpoints': [
                _without_id(endpoint)
                for endpoint in _endpoints(service['endpoints'], tenant_id)
            ],
        }
        for service in services
    ]


def _name(service: v3_types.Service) -> _ServiceName:
    return {
        'name': service.get('name') or service['type'],
        'type': service['type'],
    }


def _without_id(endpoint: Endpoint) -> Endpoint:
    endpoint.pop('id', None)
    return endpoint


def _endpoints(
    endpoints: list[v3_types.Endpoint], tenant_id: str | None
) -> list[Endpoint]:
    """One v2.0 endpoint for each region, made from those of v3.

    v3 has one endpoint for each URL. A second URL of the same interface in a
    region starts another v2.0 endpoint.
    """
    made: list[Endpoint] = []
    for endpoint in endpoints:
        region = endpoint.get('region_id') or endpoint.get('region')
        url = _URLS[endpoint['interface']]
        place = next((e for e in made if _has_room(e, region, url)), None)
        if place is None:
            place = _place(endpoint, region, tenant_id)
            made.append(place)
        place[url] = endpoint['url']
    return made


def _has_room(endpoint: Endpoint, region: str | None, url: Url) -> bool:
    return endpoint.get('region') == region and url not in endpoint


def _place(
    endpoint: v3_types.Endpoint, region: str | None, tenant_id: str | None
) -> Endpoint:
    """A v2.0 endpoint that has no URL yet."""
    made: Endpoint = {}
    if 'id' in endpoint:
        made['id'] = endpoint['id']
    if region:
        made['region'] = region
    if tenant_id:
        made['tenantId'] = tenant_id
    return made
