"""The keystoneauth1 plugin v3apikey, without a server."""

from collections.abc import Iterator
from importlib import metadata
import json
import logging
import pathlib
import re
import subprocess
import sys
from typing import Any

from keystoneauth1 import exceptions
from keystoneauth1 import loading
from keystoneauth1 import session as sessions
import pytest
import requests

from keymw.client import v3apikey as plugin

URL = 'http://keystone.test/v3'
KEY = '0123456789abcdef0123456789abcdef'
WHO = {'username': 'alice', 'user_domain_id': 'default'}


class Keystone(requests.adapters.BaseAdapter):
    """Answers each login with a token, and records the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def send(self, request: Any, *_more: Any, **_most: Any) -> Any:
        self.asked.append(request)
        answer = requests.Response()
        answer.status_code = 201
        answer.headers['X-Subject-Token'] = 'the-token'
        answer.headers['Content-Type'] = 'application/json'
        answer._content = json.dumps({'token': {'methods': []}}).encode()
        answer.url, answer.request = str(request.url), request
        return answer

    def close(self) -> None:
        pass

    def session(self) -> sessions.Session:
        """A session that reaches this and nothing else."""
        over = requests.Session()
        over.mount('http://', self)
        return sessions.Session(session=over)

    def sent(self) -> Any:
        """The one login."""
        (request,) = self.asked
        assert request.url == f'{URL}/auth/tokens'
        return json.loads(request.body)['auth']


@pytest.fixture
def keystone() -> Keystone:
    return Keystone()


def load(**given: str) -> Any:
    """The plugin, as a client loads it by its name."""
    options = {'auth_url': URL, 'api_key': KEY} | given
    return loading.get_plugin_loader('v3apikey').load_from_options(**options)


def test_options_are_those_of_v3password_with_a_key() -> None:
    ours = {o.dest: o for o in loading.get_plugin_options('v3apikey')}
    theirs = {o.dest: o for o in loading.get_plugin_options('v3password')}
    del theirs['password']
    assert theirs.items() <= ours.items()
    assert ours.keys() - theirs.keys() == {
        'api_key',
        'default_domain_id',
        'default_domain_name',
    }
    key = ours['api_key']
    assert (key.secret, key.required) == (True, False)
    assert key.prompt
    assert [name for name, o in ours.items() if o.secret] == ['api_key']


@pytest.mark.parametrize(
    ('given', 'user'),
    [
        ({'user_id': 'id-1'}, {'id': 'id-1'}),
        (WHO, {'name': 'alice', 'domain': {'id': 'default'}}),
        (
            {'username': 'alice', 'user_domain_name': 'Default'},
            {'name': 'alice', 'domain': {'name': 'Default'}},
        ),
        (
            {'username': 'alice', 'default_domain_id': 'default'},
            {'name': 'alice', 'domain': {'id': 'default'}},
        ),
        (
            {'username': 'alice', 'default_domain_name': 'Default'},
            {'name': 'alice', 'domain': {'name': 'Default'}},
        ),
        (
            {**WHO, 'default_domain_id': 'other'},
            {'name': 'alice', 'domain': {'id': 'default'}},
        ),
    ],
)
def test_who_signs_in(
    keystone: Keystone, given: dict[str, str], user: dict[str, Any]
) -> None:
    assert load(**given).get_token(keystone.session()) == 'the-token'
    assert keystone.sent() == {
        'identity': {
            'methods': ['api_key'],
            'api_key': {'user': user, 'secret': KEY},
        }
    }


@pytest.mark.parametrize(
    ('given', 'scope'),
    [
        ({'project_id': 'p'}, {'project': {'id': 'p'}}),
        (
            {'project_name': 'p', 'project_domain_id': 'd'},
            {'project': {'name': 'p', 'domain': {'id': 'd'}}},
        ),
        (
            {'project_name': 'p', 'default_domain_id': 'd'},
            {'project': {'name': 'p', 'domain': {'id': 'd'}}},
        ),
        ({'domain_id': 'd'}, {'domain': {'id': 'd'}}),
        ({'domain_name': 'd'}, {'domain': {'name': 'd'}}),
        ({'system_scope': 'all'}, {'system': {'all': True}}),
        ({'trust_id': 't'}, {'OS-TRUST:trust': {'id': 't'}}),
    ],
)
def test_into_which_scope(
    keystone: Keystone, given: dict[str, str], scope: dict[str, Any]
) -> None:
    load(user_id='id-1', **given).get_token(keystone.session())
    assert keystone.sent()['scope'] == scope


def test_unscoped_only_when_asked_for(keystone: Keystone) -> None:
    made = plugin.ApiKey(URL, KEY, user_id='id-1', unscoped=True)
    made.get_token(keystone.session())
    assert keystone.sent()['scope'] == 'unscoped'


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ({}, 'Name the user'),
        ({'username': 'alice'}, 'user-domain-id'),
        ({**WHO, 'project_name': 'p'}, 'project_domain_id'),
        ({**WHO, 'api_key': ''}, 'api-key'),
    ],
)
def test_what_is_missing_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(exceptions.OptionError) as error:
        load(**given)
    assert told in str(error.value)
    assert KEY not in str(error.value)


def test_the_key_is_in_no_repr_and_no_log(
    keystone: Keystone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # Who ran before may have quietened it.
    caplog.set_level(logging.DEBUG, logger='keystoneauth')
    made = load(**WHO)
    made.get_token(keystone.session())
    assert 'auth/tokens' in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(made) + repr(made.auth_methods)


def test_another_key_is_another_entry_of_a_cache() -> None:
    first = load(**WHO).get_cache_id()
    assert first == load(**WHO).get_cache_id()
    assert first != load(**WHO, api_key='f' * 32).get_cache_id()
    assert KEY not in first


ALONE = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] not in allowed:
            raise ModuleNotFoundError(f'no {name} here', name=name)

allowed = sys.stdlib_module_names | set(sys.argv[1:])
sys.meta_path.insert(0, Nothing())
from keymw.client import v3apikey as plugin
plugin.Loader().load_from_options(
    auth_url='http://x/v3', user_id='u', api_key='k')
try:
    import keymw.factory
except ModuleNotFoundError:
    print('alone')
"""


def required_by(name: str) -> Iterator[str]:
    """The distributions that one needs to run, itself among them."""
    yield name
    for line in metadata.requires(name) or ():
        found = re.match(r'[\w.-]+', line)
        if found and ';' not in line:
            yield from required_by(normal(found[0]))


def normal(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def test_it_loads_where_the_server_is_not_installed() -> None:
    needed = set(required_by('keystoneauth1'))
    modules = [
        module
        for module, owners in metadata.packages_distributions().items()
        if needed & set(map(normal, owners))
    ]
    done = subprocess.run(
        [sys.executable, '-c', ALONE, 'keymw', *modules],
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == 'alone\n', done.stderr


def test_key_that_names_its_owner_needs_no_user(keystone: Keystone) -> None:
    key = f'kmw_{"a" * 16}_{"b" * 38}'
    load(api_key=key).get_token(keystone.session())
    identity = {'methods': ['api_key'], 'api_key': {'secret': key}}
    assert keystone.sent() == {'identity': identity}


@pytest.mark.parametrize('key', [KEY, 'kmw_short', f'K_{"a" * 16}_{"b" * 38}'])
def test_other_key_without_a_user_is_refused(key: str) -> None:
    with pytest.raises(exceptions.OptionError, match='Name the user'):
        load(api_key=key)
