"""Faults of the routes of API keys (doc/contract/api-keys 6)."""

from keymw.web import faults


class BadMember(faults.BadRequest):
    """400: a member of the body; the message starts with its name."""

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f'{member}: {why}')


class BadParameter(faults.BadRequest):
    """400: a parameter of the query."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f'The parameter {name} {why}.')


class NoKey(faults.NotFound):
    """404: there is no such key, or the caller may not see it."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f'Could not find API key: {key_id}.')


class Conflict(faults.Fault):
    """409: the present state of the key or of another one is in the way."""

    status = 409
    name = 'conflict'


class NameTaken(Conflict):
    """409: the owner has another key with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            'Conflict occurred attempting to store api_key - Duplicate entry '
            f'found with name {name}.'
        )


class OwnerMustEnable(Conflict):
    """409: an admin cannot get the token of the owner that it needs."""

    def __init__(self) -> None:
        super().__init__('The owner must enable it.')


class TooMany(faults.Forbidden):
    """403: the owner has no place for another key."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f'Unable to create additional API keys, maximum of {most} already '
            'exceeded for user.'
        )


class NoProject(faults.Forbidden):
    """403: the project is unknown or disabled, or the owner has no role."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f'The user has no role on project {project_id}.')
