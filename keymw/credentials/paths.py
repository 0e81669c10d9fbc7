"""The URLs of API keys of users and of the extension RAX-KSKEY."""

from keymw.web.paths import guard

CREDENTIALS = '/v2.0/users/{user_id}/OS-KSADM/credentials'
KEY = f'{CREDENTIALS}/RAX-KSKEY:apiKeyCredentials'
RESET = f'{KEY}/RAX-AUTH/reset'
EXTENSIONS = '/v2.0/extensions'
# Clients write the alias in capitals or not.
EXTENSION = f'{EXTENSIONS}/(?i:RAX-KSKEY)'
GUARDED = (guard(CREDENTIALS), guard(EXTENSIONS))
