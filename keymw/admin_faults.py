"""The faults of the admin routes, by meaning (contract ops-manager, 5)."""

from collections.abc import Sequence

from keymw.faults import Fault


class AdminFault(Fault):
    """A fault with a constant for programs, and the values it is about."""

    status = 400
    code: str | None = None

    def __init__(self, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters

    @property
    def name(self) -> str:  # type: ignore[override]
        """What the log calls it."""
        return self.code or type(self).__name__


class NotAuthenticated(AdminFault):
    """Nobody who is known; the challenges say how to become it."""

    status = 401

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__('You are not authorized for this resource.')
        self.challenges = challenges


class TwoCallers(AdminFault):
    """A token and an answer to a challenge in one request."""

    def __init__(self) -> None:
        super().__init__(
            'Send either X-Auth-Token or an Authorization header, not both.'
        )


class NotPlain(AdminFault):
    """Another spelling of a path that is guarded."""

    def __init__(self) -> None:
        super().__init__('The path is not in its plain spelling.')


class RoleDenied(AdminFault):
    """The caller is known, and may not."""

    code = 'USER_UNAUTHORIZED'

    def __init__(self, status: int) -> None:
        super().__init__(
            'Current user is not authorized to perform this action.'
        )
        self.status = status


class NotListed(AdminFault):
    """The address of the caller is on no entry of the access list."""

    status = 403
    code = 'IP_ADDRESS_NOT_ON_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'IP address {address} is not allowed to access this resource.',
            address,
        )


class NoList(AdminFault):
    """There must be an access list, and it is empty."""

    status = 403
    code = 'RESOURCE_REQUIRES_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'This resource requires access through an access list of IP '
            f'ranges; it is empty, and {address} is not on it.',
            address,
        )


class NoResource(AdminFault):
    """A path that is nothing here."""

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
    """What no key could have as its id."""

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
    """A body that is not a JSON object."""

    code = 'INVALID_JSON'

    def __init__(self) -> None:
        super().__init__('Received JSON is malformed or is not an object.')


class WrongType(AdminFault):
    """A member that is JSON of another type than it takes."""

    code = 'INVALID_JSON_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'Received JSON for the {name} attribute does not match the '
            'expected format.',
            name,
        )


class NotAMember(AdminFault):
    """A member that is not known, or a value that it cannot have."""

    code = 'INVALID_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(f'Invalid attribute {name} specified.', name)


class ReadOnly(AdminFault):
    """A member that is there, and is not for the caller to set."""

    code = 'ATTRIBUTE_READ_ONLY'

    def __init__(self, name: str) -> None:
        super().__init__(f'The attribute {name} is read-only.', name)


class Missing(AdminFault):
    """A member that must be there."""

    code = 'MISSING_ATTRIBUTE'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'The required attribute {name} was not specified.', name
        )


class MissingAll(AdminFault):
    """None of the members of which one must be there."""

    code = 'MISSING_ONE_OF_ATTRIBUTES'

    def __init__(self, *names: str) -> None:
        super().__init__(
            f'Either the {names[0]} attribute or the {names[1]} attribute '
            'must be specified.',
            *names,
        )


class NoDescription(AdminFault):
    """A key must say what it is for."""

    code = 'API_KEY_REQUIRES_DESCRIPTION'

    def __init__(self) -> None:
        super().__init__('An API key must have a description.')


class NoRoles(AdminFault):
    """A key must have a role."""

    code = 'MISSING_API_KEY_ROLES'

    def __init__(self) -> None:
        super().__init__('An API key must have at least one role.')


class NoRole(AdminFault):
    """A name that no role has."""

    code = 'INVALID_ENUM_VALUE'

    def __init__(self, value: str) -> None:
        super().__init__(
            f'An invalid enumeration value {value} was specified.', value
        )


class RoleOfAnother(AdminFault):
    """A role that is held in an organization, or in a project."""

    def __init__(self, role: str, kind: str) -> None:
        super().__init__(
            f'Role {role} requires {kind}, and a global key has none.', role
        )
        self.code = f'ROLE_NEEDS_{kind}_ID'


class NoNetwork(AdminFault):
    """Neither an address nor a network in CIDR notation."""

    code = 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION'

    def __init__(self, text: str) -> None:
        super().__init__(
            f'The address {text} must be in valid CIDR notation or a valid '
            'IP address.',
            text,
        )


class TwoNetworks(AdminFault):
    """An address and a network for one entry."""

    code = 'BAD_WHITELIST_ADD_REQUEST'

    def __init__(self) -> None:
        super().__init__('Specify either ipAddress or cidrBlock, not both.')


class NetworkTaken(AdminFault):
    """Another entry has the network."""

    code = 'DUPLICATE_GLOBAL_WHITELIST_ENTRY'

    def __init__(self, text: str) -> None:
        super().__init__(f'{text} is already on the global access list.', text)


class NothingToChange(AdminFault):
    """A change of an entry that changes nothing."""

    code = 'NO_CIDR_BLOCK_OR_DESCRIPTION'

    def __init__(self) -> None:
        super().__init__('A CIDR block or a description must be specified.')


class OwnEntry(AdminFault):
    """Afterwards the caller would be let in no more."""

    code = 'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST'

    def __init__(self, address: str) -> None:
        super().__init__(
            f'The address {address} of the caller must stay on the access '
            'list.',
            address,
        )


class LastOwnerChanged(AdminFault):
    """No key would be owner any more."""

    status = 403
    code = 'CANNOT_DEMOTE_LAST_OWNER'

    def __init__(self) -> None:
        super().__init__('The last key with GLOBAL_OWNER must keep it.')


class LastOwnerDeleted(AdminFault):
    """No key would be owner any more."""

    status = 403
    code = 'CANNOT_DELETE_LAST_OWNER'

    def __init__(self) -> None:
        super().__init__('The last key with GLOBAL_OWNER cannot be deleted.')


class BadQuery(AdminFault):
    """A value in the query that cannot be."""

    code = 'INVALID_QUERY_PARAMETER'

    def __init__(self, name: str) -> None:
        super().__init__(
            f'An invalid value was given for the query parameter {name}.',
            name,
        )
