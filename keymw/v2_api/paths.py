"""The URLs of Identity v2.0 that are about no key."""

from keymw.login.paths import V2_TOKENS
from keymw.web.paths import V2
from keymw.web.paths import guard

TOKEN = f'{V2_TOKENS}/{{token_id}}'
ENDPOINTS = f'{TOKEN}/endpoints'
TENANTS = f'{V2}/tenants'
TENANT = f'{TENANTS}/{{tenant_id}}'
USERS = f'{V2}/users'
USER = f'{USERS}/{{user_id}}'
ROLES = f'{USER}/roles'
GUARDED = (guard(V2_TOKENS),)
