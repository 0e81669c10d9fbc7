"""The shapes of API keys (contract, 1.4 to 1.12 and 4)."""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import re

from lxml import etree
import msgspec

from keymw import faults
from keymw import media
from keymw import negotiate
from keymw.bodies.fault import IDENTITY
from keymw.negotiate import Format

ROOT = 'RAX-KSKEY:apiKeyCredentials'
LOCAL = 'apiKeyCredentials'
KSKEY = 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'
# The WADL told people to send the second, samples the third.
ACCEPTED = (
    KSKEY,
    'http://docs.openstack.org/identity/api/ext/RAX-KSKEY/v1.0',
    None,
)
LONGEST = 100
_CONTROL = re.compile('[\x00-\x1f\x7f\ufffe\uffff]')


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """A user's name and key, as they go in and out."""

    username: str
    api_key: str = dataclasses.field(repr=False)


class _Members(msgspec.Struct, forbid_unknown_fields=True):
    username: str | None = None
    apiKey: str | None = None  # noqa: N815, the name on the wire


def is_ours(body: bytes, content_type: str | None) -> bool:
    """Whether a body on the shared URL is for us to answer.

    False for a body that we can read and whose root is of another kind: that
    one goes on to the wrapped application (contract, 1.3).
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


def read(body: bytes, content_type: str | None) -> ApiKey:
    """The key in the body of add and update.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: it is not a key and a name, or one that cannot be.
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
    if len(found.api_key) > LONGEST:
        raise faults.BadRequest(
            f'apiKey length cannot exceed {LONGEST} characters'
        )
    if has_control(found.api_key):
        raise malformed
    return found


def has_control(text: str) -> bool:
    """Whether a text has a character that no key may have (1.12)."""
    return _CONTROL.search(text) is not None


def required(name: str, value: str | None) -> str:
    """A member that must be there and say something.

    :raises BadRequest: it does not.
    """
    if value is None or not value.strip():
        raise faults.BadRequest(f'Expecting {name}')
    return value


def _from_json(data: object) -> object:
    if not isinstance(data, dict) or list(data) != [ROOT]:
        raise faults.MalformedJson()
    # A root that is null is a key without members: they are then asked for.
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
    """The texts of an element that are in none of its children."""
    return [root.text, *(child.tail for child in root)]


def _local_name(root: etree._Element) -> str:
    return etree.QName(root).localname


def write(key: ApiKey, format_: Format) -> bytes:
    """The bare object that add, get, update and reset answer with."""
    if format_ is Format.XML:
        root = etree.Element(f'{{{KSKEY}}}{LOCAL}', nsmap={None: KSKEY})
        return media.write_xml(_set_members(root, key))
    return media.write_json({ROOT: _to_json(key)})


def write_list(keys: Sequence[ApiKey], format_: Format) -> bytes:
    """The list of credentials, which holds API keys only (contract, 1.4)."""
    if format_ is Format.JSON:
        entries = [{ROOT: _to_json(key)} for key in keys]
        return media.write_json({'credentials': entries})
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
    """Refuse a page size that is none; at most one entry exists anyway.

    :raises BadRequest: limit is not a non-negative integer.
    """
    limit = query.get('limit')
    if limit is None or re.fullmatch('[0-9]+', limit):
        return
    if re.fullmatch('-[0-9]+', limit):
        raise faults.BadRequest('Limit must be non negative')
    raise faults.BadRequest('limit must be an integer')
