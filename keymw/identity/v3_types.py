"""The members of a v3 token that keymw reads (doc/contract/keystone 1).

A type says what Keystone writes. A body that lacks a member fails where the
member is read, with KeyError or TypeError: see base.understood.
"""

from typing import NotRequired
from typing import TypedDict


class Named(TypedDict):
    """A domain or a role."""

    id: str
    name: str


class InDomain(Named):
    """A user or a project."""

    domain: Named


class Endpoint(TypedDict):
    """One URL of a service; interface is public, internal or admin."""

    interface: str
    url: str
    id: NotRequired[str]
    region: NotRequired[str | None]
    region_id: NotRequired[str | None]


class Service(TypedDict):
    """An entry of the catalogue."""

    type: str
    name: NotRequired[str]
    endpoints: list[Endpoint]


class Token(TypedDict):
    """A token: its user, its scope and its catalogue; times in ISO 8601."""

    user: InDomain
    expires_at: str
    issued_at: NotRequired[str]
    methods: NotRequired[list[str]]
    audit_ids: NotRequired[list[str]]
    project: NotRequired[InDomain]
    domain: NotRequired[Named]
    system: NotRequired[dict[str, bool]]
    roles: NotRequired[list[Named]]
    catalog: NotRequired[list[Service]]
