"""The two formats, so that one test body speaks both."""

import json
from typing import Any
from xml.sax import saxutils

from lxml import etree

KEY_NS = 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'
IDENTITY_NS = 'http://docs.openstack.org/identity/api/v2.0'
ROOT = 'RAX-KSKEY:apiKeyCredentials'


def base(user_id: str) -> str:
    """The credentials of a user."""
    return f'/v2.0/users/{user_id}/OS-KSADM/credentials'


def key(user_id: str) -> str:
    """The API key of a user."""
    return f'{base(user_id)}/{ROOT}'


def reset(user_id: str) -> str:
    """Where a new key is asked for."""
    return f'{key(user_id)}/RAX-AUTH/reset'


class Json:
    """JSON out and in."""

    name = 'json'
    media_type = 'application/json'

    def write(self, **members: Any) -> bytes:
        """A body with our root and these members."""
        return json.dumps({ROOT: members}).encode()

    def key(self, response: Any) -> tuple[str, str]:
        """Name and key of the bare object."""
        found = json.loads(response.body)
        assert list(found) == [ROOT]
        assert sorted(found[ROOT]) == ['apiKey', 'username']
        return found[ROOT]['username'], found[ROOT]['apiKey']

    def keys(self, response: Any) -> list[tuple[str, str]]:
        """Names and keys of the list."""
        found = json.loads(response.body)
        assert list(found) == ['credentials']
        return [
            (entry[ROOT]['username'], entry[ROOT]['apiKey'])
            for entry in found['credentials']
        ]

    def fault(self, response: Any) -> tuple[str, int, str]:
        """Name, code and message of a fault."""
        ((name, said),) = json.loads(response.body).items()
        assert sorted(said) == ['code', 'message']
        return name, said['code'], said['message']


class Xml:
    """XML out and in."""

    name = 'xml'
    media_type = 'application/xml'

    def write(self, **members: Any) -> bytes:
        """A body with our root and these attributes."""
        attributes = ' '.join(
            f'{name}={saxutils.quoteattr(value)}'
            for name, value in members.items()
        )
        return (f'<apiKeyCredentials xmlns="{KEY_NS}" {attributes}/>').encode()

    def key(self, response: Any) -> tuple[str, str]:
        """Name and key of the bare object."""
        return self._members(etree.fromstring(response.body))

    def _members(self, element: Any) -> tuple[str, str]:
        assert element.tag == f'{{{KEY_NS}}}apiKeyCredentials'
        assert sorted(element.attrib) == ['apiKey', 'username']
        return element.get('username'), element.get('apiKey')

    def keys(self, response: Any) -> list[tuple[str, str]]:
        """Names and keys of the list."""
        root = etree.fromstring(response.body)
        assert root.tag == f'{{{IDENTITY_NS}}}credentials'
        return [self._members(child) for child in root]

    def fault(self, response: Any) -> tuple[str, int, str]:
        """Name, code and message of a fault."""
        root = etree.fromstring(response.body)
        name = etree.QName(root)
        assert name.namespace == IDENTITY_NS
        (message,) = root
        assert message.tag == f'{{{IDENTITY_NS}}}message'
        return name.localname, int(str(root.get('code'))), message.text or ''


WIRES = (Json(), Xml())
Wire = Json | Xml
