"""Request and response bodies of API keys.

Source: doc/contract/rackspace-identity 1.4 to 1.12 and 4.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import re

from lxml import etree
import msgspec

from keymw.key_length import MAX_API_KEY_LENGTH
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web import query as query_bodies
from keymw.web.namespaces import IDENTITY
from keymw.web.negotiate import Format

ROOT = 'RAX-KSKEY:apiKeyCredentials'
LOCAL = 'apiKeyCredentials'
KSKEY = 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'
# The second namespace is that of the WADL, the third that of samples.
ACCEPTED = (
    KSKEY,
    'http://docs.openstack.org/identity/api/ext/RAX-KSKEY/v1.0',
    None,
)
_CONTROL = re.compile('[\x00-\x1f\x7f\ufffe\uffff]')


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """A user's name and API key, as on the wire."""

    username: str
    api_key: str = dataclasses.field(repr=False)


class _Members(media.SecretStruct, forbid_unknown_fields=True):
    username: str | None = None
    apiKey: str | None = None  # noqa: N815, the name on the wire


def is_ours(body: bytes, content_type: str | None) -> bool:
    """Whether keymw answers a body on the shared URL.

    False for a readable body with another kind of root, which goes on to the
    wrapped application (doc/contract/rackspace-identity 1.3).
    """
    try:
        if negotiate.body_format(content_type, body) is Format.XML:
            return _local_name(media.read_xml(body)) == LOCAL
        data = media.read_json(body)
    except faults.Fault:
        return True
    if not isinstance(data, dict) or not data:
        return True
    return ROOT in data or LOCAL in data


def reader(
    shortest: int, is_other: Callable[[str], bool]
) -> Callable[[bytes, str | None], ApiKey]:
    """A read() that refuses keys of fewer than shortest characters.

    It also refuses keys for which is_other is true: they have the form of
    another kind of key.
    """

    def read_long(body: bytes, content_type: str | None) -> ApiKey:
        found = read(body, content_type)
        check_new(found.api_key, shortest, is_other)
        return found

    return read_long


def check_new(
    api_key: str, shortest: int, is_other: Callable[[str], bool]
) -> None:
    """Refuse a new key that can be guessed, or is of another kind.

    :raises BadRequest: it has fewer than shortest characters, or is_other is
        true for it.
    """
    if len(api_key) < shortest:
        raise faults.BadRequest(
            'credentialType.apiKey: size must be between '
            f'{shortest} and {MAX_API_KEY_LENGTH}'
        )
    if is_other(api_key):
        raise faults.BadRequest(
            'credentialType.apiKey: it has the form of an API key of '
            '/v3/users/{user_id}/api_keys'
        )


def read(body: bytes, content_type: str | None) -> ApiKey:
    """The name and key in the body of add and update.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: the name or the key is missing or not valid.
    """
    format_ = negotiate.body_format(content_type, body)
    if format_ is Format.XML:
        malformed: faults.BadRequest = faults.MalformedXml()
        data: object = _from_xml(media.read_xml(body))
    else:
        malformed = faults.MalformedJson()
        data = _from_json(media.read_json(body))
    try:
        members = msgspec.convert(data, _Members)
    except msgspec.ValidationError:
        raise malformed from None
    found = ApiKey(
        required('username', members.username),
        required('apiKey', members.apiKey),
    )
    if len(found.api_key) > MAX_API_KEY_LENGTH:
        raise faults.BadRequest(
            f'apiKey length cannot exceed {MAX_API_KEY_LENGTH} characters'
        )
    if has_control(found.api_key):
        raise malformed
    return found


def has_control(text: str) -> bool:
    """Whether a text has a control character, which no key may have.

    Source: doc/contract/rackspace-identity 1.12.
    """
    return _CONTROL.search(text) is not None


def required(name: str, value: str | None) -> str:
    """The value of a required member.

    :raises BadRequest: the value is missing or empty.
    """
    if value is None or not value.strip():
        raise faults.BadRequest(f'Expecting {name}')
    return value


def _from_json(data: object) -> object:
    if not isinstance(data, dict) or list(data) != [ROOT]:
        raise faults.MalformedJson()
    # A null root is a key without members, so the fault names a member.
    return {} if data[ROOT] is None else data[ROOT]


def _from_xml(root: etree._Element) -> dict[str, str]:
    name = etree.QName(root)
    if name.localname != LOCAL or name.namespace not in ACCEPTED:
        raise faults.MalformedXml()
    if any((text or '').strip() for text in own_texts(root)):
        raise faults.MalformedXml()
    return {k: str(root.attrib[k]) for k in _MEMBERS if k in root.attrib}


_MEMBERS = ('username', 'apiKey')


def own_texts(root: etree._Element) -> list[str | None]:
    """The texts of an element outside its children."""
    return [root.text, *(child.tail for child in root)]


def _local_name(root: etree._Element) -> str:
    return etree.QName(root).localname


def write(key: ApiKey, format_: Format) -> bytes:
    """The response body of add, get, update and reset: the bare object."""
    if format_ is Format.XML:
        root = etree.Element(f'{{{KSKEY}}}{LOCAL}', nsmap={None: KSKEY})
        return media.write_xml(_set_members(root, key))
    return media.write_json({ROOT: _to_json(key)})


def write_list(keys: Sequence[ApiKey], format_: Format) -> bytes:
    """The list of credentials, which has API keys only.

    Source: doc/contract/rackspace-identity 1.4.
    """
    if format_ is Format.JSON:
        entries = [{ROOT: _to_json(key)} for key in keys]
        return media.write_json(
            {'credentials': entries, 'credentials_links': []}
        )
    root = etree.Element(f'{{{IDENTITY}}}credentials', nsmap={None: IDENTITY})
    for key in keys:
        _set_members(
            etree.SubElement(
                root, f'{{{KSKEY}}}{LOCAL}', nsmap={'rax-kskey': KSKEY}
            ),
            key,
        )
    return media.write_xml(root)


def _to_json(key: ApiKey) -> dict[str, str]:
    return {'username': key.username, 'apiKey': key.api_key}


def _set_members(element: etree._Element, key: ApiKey) -> etree._Element:
    element.set('username', key.username)
    element.set('apiKey', key.api_key)
    return element


def check_query(query: Mapping[str, str]) -> None:
    """Check limit; paging has no effect, as the list has one entry at most.

    :raises BadRequest: limit is not a non-negative integer.
    """
    query_bodies.limit(query)
