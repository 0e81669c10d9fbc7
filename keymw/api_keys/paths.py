"""The URLs of API keys (doc/contract/api-keys 3)."""

ALL = '/v3/api_keys'
REVOKE = f'{ALL}/revoke'
OF_USER = '/v3/users/{user_id}/api_keys'
KEY = f'{OF_USER}/{{id}}'
ROTATE = f'{KEY}/rotate'
GUARDED = (r'/v3/users/[^/]+/api_keys(?![^/])', r'/v3/api_keys(?![^/])')
