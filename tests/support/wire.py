"""The two formats, so that one test body speaks both."""

import json
from typing import Any
from xml.sax import saxutils

from lxml import etree

KEY_NS = 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'
IDENTITY_NS = 'http://docs.openstack.org/identity/api/v2.0'
AUTH_NS = 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'
ROOT = 'RAX-KSKEY:apiKeyCredentials'
PASSWORD = 'passwordCredentials'
METHODS = 'RAX-AUTH:authenticatedBy'


def base(user_id: str) -> str:
    """The credentials of a user."""
    return f'/v2.0/users/{user_id}/OS-KSADM/credentials'


def key(user_id: str) -> str:
    """The API key of a user."""
    return f'{base(user_id)}/{ROOT}'


def reset(user_id: str) -> str:
    """The URL that makes a new key."""
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
        assert list(found) == ['credentials', 'credentials_links']
        assert found['credentials_links'] == []
        return [
            (entry[ROOT]['username'], entry[ROOT]['apiKey'])
            for entry in found['credentials']
        ]

    def fault(self, response: Any) -> tuple[str, int, str]:
        """Name, code and message of a fault."""
        ((name, said),) = json.loads(response.body).items()
        assert sorted(said) == ['code', 'message']
        return name, said['code'], said['message']

    def auth(self, kind: str, members: Any, **tenant: str) -> bytes:
        """A v2.0 login with credentials of a kind."""
        return json.dumps({'auth': {kind: members, **tenant}}).encode()

    def access(self, response: Any) -> dict[str, Any]:
        """The response of a v2.0 login."""
        found: dict[str, Any] = json.loads(response.body)
        assert list(found) == ['access']
        access: dict[str, Any] = found['access']
        return access

    def one(self, response: Any, name: str) -> Any:
        """The members below the root of a response."""
        found = json.loads(response.body)
        assert list(found) == [name]
        return found[name]

    def many(self, response: Any, name: str) -> list[Any]:
        """The same for a list."""
        found = json.loads(response.body)
        assert sorted(found) == [f'{name}s', f'{name}s_links']
        listed: list[Any] = found[f'{name}s']
        return listed


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

    def auth(self, kind: str, members: Any, **tenant: str) -> bytes:
        """A v2.0 login with credentials of a kind."""
        root = etree.Element(f'{{{IDENTITY_NS}}}auth', tenant)
        prefix, _, name = kind.rpartition(':')
        namespace = KEY_NS if prefix else IDENTITY_NS
        etree.SubElement(root, f'{{{namespace}}}{name}', members)
        return etree.tostring(root)

    def access(self, response: Any) -> dict[str, Any]:
        """The response of a v2.0 login, as JSON."""
        root = etree.fromstring(response.body)
        assert root.tag == f'{{{IDENTITY_NS}}}access'
        token, user, *rest = root
        found: dict[str, Any] = {'token': _plain(token), 'user': _plain(user)}
        for child in token:
            if child.tag == f'{{{IDENTITY_NS}}}tenant':
                found['token']['tenant'] = _plain(child)
            else:
                assert child.tag == f'{{{AUTH_NS}}}authenticatedBy'
                found['token'][METHODS] = [method.text for method in child]
        (roles,) = user
        found['user']['roles'] = [_plain(role) for role in roles]
        for catalogue in rest:
            found['serviceCatalog'] = [
                _plain(one) | {'endpoints': [_plain(e) for e in one]}
                for one in catalogue
            ]
        return found

    def one(self, response: Any, name: str) -> Any:
        """The members below the root of a response."""
        return self._shown(etree.fromstring(response.body), name)

    def many(self, response: Any, name: str) -> list[Any]:
        """The same for a list."""
        root = etree.fromstring(response.body)
        assert root.tag == f'{{{IDENTITY_NS}}}{name}s'
        return [self._shown(child, name) for child in root]

    def _shown(self, element: Any, name: str) -> dict[str, Any]:
        assert etree.QName(element).localname == name
        shown = _plain(element)
        for child in element:
            if len(child) == 0 and not child.attrib:
                shown[etree.QName(child).localname] = child.text or ''
        return shown


def _plain(element: Any) -> dict[str, Any]:
    """The attributes of an element, with truths as JSON has them."""
    truths = {'true': True, 'false': False}
    return {
        name: truths.get(value, value)
        for name, value in element.attrib.items()
    }


WIRES = (Json(), Xml())
Wire = Json | Xml
