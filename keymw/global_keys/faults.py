"""The faults of the routes of global keys, by meaning.

Source: doc/contract/ops-manager-global-keys 5.
"""

from collections.abc import Mapping
from collections.abc import Sequence

from keymw.web.faults import Fault


class AdminFault(Fault):
    """A fault with an error code for programs and its parameters."""

    status = 400
    code: str | None = None

    def __init__(self, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the fault in the log."""
        return self.code or type(self).__name__


class NotAuthenticated(AdminFault):
    """401: the request proves no caller; challenges are the headers."""

    status = 401

    def __init__(
        self,
        challenges: Sequence[str],
        reason: str,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__('You are not authorized for this resource.')
        self.reason = reason
        self.details = details
        self.challenges = challenges


class TwoCallers(AdminFault):
    """The request has both a token and an Authorization header."""

    def __init__(self) -> None:
        super().__init__(
            'Send either X-Auth-Token or an Authorization header, not both.'
        )


class RateLimited(AdminFault):
    """429: too many wrong Digest responses came from the client's address.

    headers are those of the limit of failures in a minute.
    """

    status = 429
    code = 'RATE_LIMITED'
    reason = 'too many wrong keys from this address'

    def __init__(
        self, resource: str, limit: int, headers: dict[str, str]
    ) -> None:
        super().__init__(
            f'Resource {resource} is limited to {limit} failed requests '
            'every 1 minutes.',
            *(resource, str(limit), '1'),
        )
        self._headers = headers

    @property
    def headers(self) -> dict[str, str]:
        return self._headers


class RoleDenied(AdminFault):
    """The roles of the caller are not sufficient."""

    code = 'USER_UNAUTHORIZED'

    def __init__(self, status: int) -> None:
        super().__init__(
            'Current user is not authorized to perform this action.'
        )
        self.status = status


class NotListed(AdminFault):
    """No entry of the access list admits the address of the caller."""

    status = 403
    code = 'IP_ADDRESS_NOT_ON_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'IP address {address} is not allowed to access this resource.',
            address,
        )


class NoAddress(AdminFault):
    """The address of the caller cannot be read, so no entry admits it."""

    status = 403
    code = NotListed.code

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f'The IP address of this request cannot be read: {why}.', text
        )


class NoList(AdminFault):
    """The access list is required, and it is empty."""

    status = 403
    code = 'RESOURCE_REQUIRES_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'This resource requires access through an access list of IP '
            f'ranges; it is empty, and {address} is not on it.',
            address,
        )


class NoResource(AdminFault):
    """No resource has this path."""

    status = 404
    code = 'RESOURCE_NOT_FOUND'

    def __init__(self, path: str) -> None:
        super().__init__(f'Cannot find resource {path}.', path)


class NoKey(AdminFault):
    """No key has this id."""

    code = 'API_KEY_NOT_FOUND'

    def __init__(self, key_id: str, status: int) -> None:
        super().__init__(f'An API key with ID {key_id} is not found.', key_id)
        self.status = status


class NoKeyId(AdminFault):
    """The text does not have the shape of a key's id."""

    status = 404
    code = 'INVALID_KEY_ID'

    def __init__(self, key_id: str) -> None:
        super().__init__(f'An invalid key ID {key_id} was specified.', key_id)


class NoEntry(AdminFault):
    """No entry has this id."""

    status = 404
    code = 'GLOBAL_WHITELIST_ENTRY_NOT_FOUND'

    def __init__(self, entry_id: str) -> None:
        super().__init__(
            f'No global access list entry with ID {entry_id} exists.',
            entry_id,
        )


class NotJson(AdminFault):
    """The body is not a JSON object."""

    code = 'INVALID_JSON'

    def __init__(self) -> None:
        super().__init__('Received JSON is malformed or is not an object.')


class WrongType(AdminFault):
    """The value of a member has a wrong JSON type."""

    code = 'INVALID_JSON_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'Received JSON for the {name} attribute does not match the '
            'expected format.',
            name,
        )


class NotAMember(AdminFault):
    """A member is unknown, or its value is invalid."""

    code = 'INVALID_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(f'Invalid attribute {name} specified.', name)


class ReadOnly(AdminFault):
    """A member is read-only."""

    code = 'ATTRIBUTE_READ_ONLY'

    def __init__(self, name: str) -> None:
        super().__init__(f'The attribute {name} is read-only.', name)


class Missing(AdminFault):
    """A required member is missing."""

    code = 'MISSING_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'The required attribute {name} was not specified.', name
        )


class MissingAll(AdminFault):
    """All members are missing of which one is required."""

    code = 'MISSING_ONE_OF_ATTRIBUTES'

    def __init__(self, *names: str) -> None:
        super().__init__(
            f'Either the {names[0]} attribute or the {names[1]} attribute '
            'must be specified.',
            *names,
        )


class NoDescription(AdminFault):
    """The description of a key is empty."""

    code = 'API_KEY_REQUIRES_DESCRIPTION'

    def __init__(self) -> None:
        super().__init__('An API key must have a description.')


class NoRoles(AdminFault):
    """The list of roles is empty."""

    code = 'MISSING_API_KEY_ROLES'

    def __init__(self) -> None:
        super().__init__('An API key must have at least one role.')


class NoRole(AdminFault):
    """No role has this name."""

    code = 'INVALID_ENUM_VALUE'

    def __init__(self, value: str) -> None:
        super().__init__(
            f'An invalid enumeration value {value} was specified.', value
        )


class RoleOfAnother(AdminFault):
    """The role is for an organization or a project, not for a global key."""

    def __init__(self, role: str, kind: str) -> None:
        super().__init__(
            f'Role {role} requires {kind}, and a global key has none.', role
        )
        self.code = f'ROLE_NEEDS_{kind}_ID'


class NoNetwork(AdminFault):
    """The text is neither an address nor a network in CIDR notation."""

    code = 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION'

    def __init__(self, text: str) -> None:
        super().__init__(
            f'The address {text} must be in valid CIDR notation or a valid '
            'IP address.',
            text,
        )


class TwoNetworks(AdminFault):
    """The body has both an address and a network."""

    code = 'BAD_WHITELIST_ADD_REQUEST'

    def __init__(self) -> None:
        super().__init__('Specify either ipAddress or cidrBlock, not both.')


class NetworkTaken(AdminFault):
    """Another entry has the network."""

    code = 'DUPLICATE_GLOBAL_WHITELIST_ENTRY'

    def __init__(self, text: str) -> None:
        super().__init__(f'{text} is already on the global access list.', text)


class NothingToChange(AdminFault):
    """The change of an entry is empty."""

    code = 'NO_CIDR_BLOCK_OR_DESCRIPTION'

    def __init__(self) -> None:
        super().__init__('A CIDR block or a description must be specified.')


class OwnEntry(AdminFault):
    """The change would lock out the address of the caller."""

    code = 'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'The address {address} of the caller must stay on the access '
            'list.',
            address,
        )


class LastOwnerChanged(AdminFault):
    """The change would leave no key with the role of owner."""

    status = 403
    code = 'CANNOT_DEMOTE_LAST_OWNER'

    def __init__(self) -> None:
        super().__init__('The last key with GLOBAL_OWNER must keep it.')


class LastOwnerDeleted(AdminFault):
    """The change would leave no key with the role of owner."""

    status = 403
    code = 'CANNOT_DELETE_LAST_OWNER'

    def __init__(self) -> None:
        super().__init__('The last key with GLOBAL_OWNER cannot be deleted.')


class BadQuery(AdminFault):
    """The value of a query parameter is invalid."""

    code = 'INVALID_QUERY_PARAMETER'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'An invalid value was given for the query parameter {name}.',
            name,
        )
