"""The routes of API keys, and look-ups of users and projects, for commands."""

from __future__ import annotations

from collections.abc import Iterator
import re
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as http
from osc_lib import exceptions

_KEY_ID = re.compile('[0-9A-Za-z]{16}')


class Keystone:
    """The Identity API v3 of the cloud that OpenStackClient is set up for.

    Every method raises an exception of keystoneauth1 if the service refuses
    or does not respond, and CommandError if nothing has a name.
    """

    def __init__(self, manager: Any) -> None:
        self._session = manager.session
        self._http = adapter.Adapter(
            manager.session,
            service_type='identity',
            interface=manager.interface,
            region_name=manager.region_name,
            min_version='3',
            max_version='3.latest',
        )

    def user_id(self, name_or_id: str | None = None) -> str:
        """Return the id of a user; without a name that of the current one."""
        mine = self._session.get_user_id()
        if name_or_id in (None, mine):
            if mine is None:
                raise exceptions.CommandError(
                    'This type of authentication names no user: give --user.'
                )
            return str(mine)
        found = self._user(str(name_or_id))
        if found is None:
            raise exceptions.CommandError(f'No user {name_or_id} is found.')
        return found

    def _user(self, name_or_id: str) -> str | None:
        try:
            body = self._get(f'/users/{_quoted(name_or_id)}')
        except (http.NotFound, http.Forbidden):
            query = urlencode({'name': name_or_id})
            users = self._get(f'/users?{query}')['users']
            return _only('users', name_or_id, users)
        return str(body['user']['id'])

    def project_id(self, name_or_id: str) -> str:
        """Return the id of a project of the current user."""
        mine = self._get('/auth/projects')['projects']
        for project in mine:
            if project['id'] == name_or_id:
                return name_or_id
        named = [one for one in mine if one['name'] == name_or_id]
        found = _only('projects', name_or_id, named)
        # A project that the list lacks may still have a key.
        return found or name_or_id

    def create(self, user_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make a key; return it with its secret."""
        path = _keys(user_id)
        return _key(self._http.post(path, json={'api_key': body}))

    def keys(
        self, user_id: str | None, query: dict[str, str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the keys of a user, or of all users, one page at a time."""
        path = '/api_keys' if user_id is None else _keys(user_id)
        marker: dict[str, str] = {}
        while True:
            body = self._get(f'{path}?{urlencode({**query, **marker})}')
            yield from body['api_keys']
            following = body['links'].get('next')
            if not following:
                return
            asked = parse_qs(urlsplit(following).query)
            marker = {'marker': asked['marker'][0]}

    def find(self, user_id: str, name_or_id: str) -> dict[str, Any]:
        """Return a key of a user."""
        if _KEY_ID.fullmatch(name_or_id):
            try:
                return _key(self._http.get(_of(user_id, name_or_id)))
            except http.NotFound:
                pass
        for key in self.keys(user_id, {'name': name_or_id}):
            return key
        raise exceptions.CommandError(f'No API key {name_or_id} is found.')

    def id(self, user_id: str, name_or_id: str) -> str:
        """Return the id of a key of a user."""
        return str(self.find(user_id, name_or_id)['id'])

    def update(
        self, user_id: str, key_id: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Change a key and return it."""
        path = _of(user_id, key_id)
        return _key(self._http.patch(path, json={'api_key': body}))

    def rotate(self, user_id: str, key_id: str, grace: int) -> dict[str, Any]:
        """Give a key a new secret; return it with the secret."""
        path = f'{_of(user_id, key_id)}/rotate'
        return _key(self._http.post(path, json={'grace': grace}))

    def delete(self, user_id: str, key_id: str) -> None:
        """Delete a key."""
        self._http.delete(_of(user_id, key_id))

    def _get(self, path: str) -> Any:
        return self._http.get(path).json()


def _keys(user_id: str) -> str:
    return f'/users/{_quoted(user_id)}/api_keys'


def _of(user_id: str, key_id: str) -> str:
    return f'{_keys(user_id)}/{_quoted(key_id)}'


def _quoted(text: str) -> str:
    return quote(text, safe='')


def _key(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.json()['api_key']
    return found


def _only(kind: str, name: str, found: list[dict[str, Any]]) -> str | None:
    if len(found) > 1:
        raise exceptions.CommandError(
            f'There are {len(found)} {kind} with the name {name}: give the ID.'
        )
    return str(found[0]['id']) if found else None
