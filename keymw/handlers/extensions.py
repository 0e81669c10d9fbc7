"""The extension that we are (contract, 7)."""

from keymw.bodies.extensions import Extension
from keymw.handlers.call import Call

OURS = Extension(
    name='Rackspace API Key Authentication',
    namespace='http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0',
    alias='RAX-KSKEY',
    updated='2011-08-14T13:25:27-06:00',
    description='Rackspace extensions to Keystone v2.0 API enabling API Key '
    'authentication.',
    describedby='https://docs.rackspace.com/docs/cloud-identity',
)


def list_(_call: Call) -> list[Extension]:
    """The extensions that we are: one."""
    return [OURS]


def get(_call: Call) -> Extension:
    """Our extension."""
    return OURS
