"""The plain user alice, made over HTTP by an admin."""

from admin import Keystone

PROJECT = {'name': 'demo', 'domain_id': 'default'}
ALICE = {'name': 'alice', 'domain_id': 'default', 'password': 'demo'}


def user_id(keystone: Keystone) -> str:
    """Return the id of alice; make the user if there is none."""
    role = keystone.find_or_make('role', {'name': 'member'})
    project = keystone.find_or_make('project', PROJECT)
    alice = {**ALICE, 'default_project_id': project}
    user = keystone.find_or_make('user', alice)
    keystone.ask('PUT', f'/v3/projects/{project}/users/{user}/roles/{role}')
    return user
