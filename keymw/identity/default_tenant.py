"""The choice of a project, in v2.0 a tenant, for a login without one.

Source: doc/contract/keystone 1.6.
"""

from collections.abc import Callable
import contextlib
import itertools

from keymw.identity.access import Access
from keymw.web import faults

# Each try costs the identity service a request or two.
MOST_TRIES = 3


def choose(
    access: Access,
    tenant_ids: Callable[[], list[str]],
    sign_in: Callable[[str], Access],
) -> Access:
    """The access for the default tenant, else for the first that accepts.

    access is the result of a login without a scope; it has the default tenant
    if the user has one. tenant_ids returns ids in the order of the tenants'
    names. The first MOST_TRIES are tried; if none accepts, the access is
    unscoped.
    """
    if access['token'].get('tenant'):
        return access
    for tenant_id in itertools.islice(tenant_ids(), MOST_TRIES):
        with contextlib.suppress(faults.LoginRefused, faults.Relayed):
            return sign_in(tenant_id)
    return access
