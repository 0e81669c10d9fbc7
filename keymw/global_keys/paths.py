"""The URLs of global keys and of their access list."""

from keymw.web.paths import guard

ROOT = '/api/public/v1.0/admin'
KEYS = f'{ROOT}/apiKeys'
ROLES = f'{KEYS}/roles'
KEY = f'{KEYS}/{{id}}'
# "whitelist" is the name until Ops Manager 5.0; clients still use it.
ACCESS_LISTS = (f'{ROOT}/accessList', f'{ROOT}/whitelist')
ENTRY = '/{id}'
# A regular expression of all collections, as whole segments.
ALL = f'(?:{"|".join(map(guard, (KEYS, *ACCESS_LISTS)))})'
GUARDED = (f'{ALL}(?![^/])',)
