"""No secret is in what an object looks like in a log or a traceback."""

from collections.abc import Iterator
import dataclasses
import importlib.util
import inspect
import pkgutil
import re
from typing import Any

import msgspec
import pytest

import keymw

# python-ldap does not build everywhere.
HAS_LDAP = importlib.util.find_spec('ldap') is not None
HIDDEN = 'a-secret-that-nobody-may-read'
# Of fields and members; a public key is none.
SECRET = re.compile(
    '(?!public_).*(secret|password|passwd|token$|private_?key|api_?key|ha1$)'
    '|key|response',
    re.IGNORECASE,
)


def _classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(keymw.__path__, 'keymw.'):
        # Migrations are run by alembic alone.
        if '.migrations' in found.name:
            continue
        if '.ldap' in found.name and not HAS_LDAP:
            continue
        module = importlib.import_module(found.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__:
                yield kind


def _types(kind: type) -> dict[str, str]:
    """The fields of a struct or a dataclass, and their types."""
    if issubclass(kind, msgspec.Struct):
        members = msgspec.structs.fields(kind)
        return {member.name: str(member.type) for member in members}
    if dataclasses.is_dataclass(kind):
        return {f.name: str(f.type) for f in dataclasses.fields(kind)}
    return {}


def _secrets(kind: type) -> list[str]:
    # Another struct or dataclass in a field hides its own secrets.
    return [
        name
        for name, type_ in _types(kind).items()
        if SECRET.fullmatch(name) and re.search('str|bytes', type_)
    ]


SECRETIVE = {kind: names for kind in _classes() if (names := _secrets(kind))}


def _made(kind: type) -> Any:
    values = {
        name: HIDDEN if name in SECRETIVE[kind] else None
        for name in _types(kind)
    }
    if issubclass(kind, msgspec.Struct):
        return kind(**values)
    made = object.__new__(kind)
    for name, value in values.items():
        # Many are frozen.
        object.__setattr__(made, name, value)
    return made


@pytest.mark.parametrize(
    'kind', SECRETIVE, ids=[f'{k.__module__}.{k.__name__}' for k in SECRETIVE]
)
def test_secret_is_not_in_the_repr(kind: type) -> None:
    made = _made(kind)
    assert HIDDEN not in repr(made)
    assert kind.__name__ in repr(made)
    assert HIDDEN not in f'{made!s} {[made]} {made!a}'


def test_all_kinds_are_looked_at() -> None:
    found = {kind.__name__ for kind in SECRETIVE}
    assert {'Credential', 'Auth', '_Key', 'Line', '_ApiKey', 'Key'} <= found
