"""keymw-manage doctor: every check is made, and says what to do."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import datetime
import importlib
import itertools
import os
import pathlib
import shutil
import sqlite3
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import pytest
import webob

from tests.support import manage
from tests.support.api_keys import service_user
from tests.support.between import Between
from tests.support.between import broken
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.doctor import NAMES
from tests.support.doctor import NOBODY
from tests.support.doctor import SETUP
from tests.support.doctor import Report
from tests.support.doctor import as_root
from tests.support.doctor import doctor
from tests.support.doctor import forked
from tests.support.doctor import of_a_user
from tests.support.pipeline_v2 import PipelineV2


def test_all_is_well(made: Deployment, cloud: Cloud) -> None:
    found = doctor(made, cloud.app)
    assert (found.failed, found.skipped) == ([], [])
    assert 'v3' in found.lines['Keystone']
    assert 'admin' in found.lines['service_user']
    assert 'a token is issued' in found.lines['login']


def test_without_a_pipeline_it_says_what_to_give(made: Deployment) -> None:
    found = doctor(made)
    assert found.code == 0
    assert found.skipped == [
        'Keystone',
        'service_user',
        'login',
        'token life',
        'clock',
    ]
    for name in found.skipped:
        assert '--pipeline' in found.lines[name]


def test_v2_is_asked_in_its_own_dialect(made: Deployment) -> None:
    found = doctor(made, PipelineV2())
    assert found.failed == []
    assert 'v2.0' in found.lines['Keystone']


def test_nothing_set_up_fails_where_it_should(tmp_path: pathlib.Path) -> None:
    made = Deployment(tmp_path / 'keymw')
    found = doctor(made)
    assert found.failed == ['vault', 'SQLite file']
    assert 'keymw-manage vault setup' in found.lines['vault']
    assert 'keymw-manage db sync' in found.lines['SQLite file']
    assert not (made.home / 'keymw.db').exists()


@pytest.mark.parametrize(
    ('text', 'word'),
    [
        ('[limits]\nmax_body_size = 1\n', 'max_body_size'),
        ('[limits\n', 'Invalid section'),
    ],
)
def test_a_bad_configuration_leaves_nothing_to_check(
    made: Deployment, text: str, word: str
) -> None:
    made.conf_file.write_text(text)
    found = doctor(made)
    assert found.failed == ['configuration']
    assert found.skipped == NAMES[1:]
    assert word in found.lines['configuration']


def test_a_fault_of_many_checks_is_told_once(made: Deployment) -> None:
    url = 'sqlite:///var/lib/keymw.db'
    made.write_conf({'database': {'connection': url}})
    found = doctor(made)
    assert found.failed == ['user']
    assert 'user must be in order first' in found.lines['credentials']
    assert found.code == 1


def test_options_that_do_not_go_together_are_told_without_asking(
    made: Deployment,
) -> None:
    with_identity(made, {'service_project': ''})
    found = doctor(made)
    assert found.failed == ['service_user']
    assert 'service_project or system' in found.lines['service_user']


@pytest.mark.parametrize(
    ('spoil', 'check', 'advice'),
    [
        (
            lambda home: [f.unlink() for f in (home / 'vault').iterdir()],
            'vault',
            'vault setup',
        ),
        (
            lambda home: (home / 'vault' / '1').write_bytes(b''),
            'vault',
            'no key',
        ),
        (
            lambda home: (home / 'vault' / '1').chmod(0o644),
            'vault',
            'chmod 0600',
        ),
        (
            lambda home: (home / 'vault').chmod(0o755),
            'vault',
            'chmod 0700',
        ),
        (lambda home: home.chmod(0o777), 'vault', 'chmod o-w it'),
        (
            lambda home: (home / 'keymw.db').chmod(0o644),
            'SQLite file',
            'chmod 0600',
        ),
        (
            lambda home: (home / 'policy.yaml').write_text('a: [b'),
            'rules',
            'policy_file',
        ),
        (
            lambda home: (home / 'policy.yaml').write_text('- a'),
            'rules',
            '',
        ),
    ],
)
def test_one_failure_is_told_and_the_rest_is_checked(
    made: Deployment,
    cloud: Cloud,
    spoil: Callable[[pathlib.Path], None],
    check: str,
    advice: str,
) -> None:
    made.load(cloud.app)
    spoil(made.home)
    place = f'{made.home}/keymw-paste.ini#wrapped'
    found = Report(manage.run(made.conf_file, 'doctor', '--pipeline', place))
    assert found.failed == [check]
    # What needs the vault is skipped with it.
    assert set(found.skipped) <= {'secrets', 'sealed rows', 'start'}
    assert advice in found.lines[check]


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_database_that_we_may_not_write(made: Deployment) -> None:
    made.home.chmod(0o500)
    found = doctor(made)
    made.home.chmod(0o700)
    assert 'may not write' in found.lines['SQLite file']


def test_a_schema_of_another_version(made: Deployment) -> None:
    with sqlite3.connect(made.home / 'keymw.db') as database:
        database.execute("UPDATE keymw_version SET version_num = '9999'")
    found = doctor(made)
    assert found.failed == ['credentials']
    assert '9999' in found.lines['credentials']
    assert 'upgrade keymw' in found.lines['credentials']


def test_a_rules_file_that_was_asked_for_must_be_there(
    made: Deployment,
) -> None:
    made.write_conf({'oslo_policy': {'policy_file': '/no/such.yaml'}})
    found = doctor(made)
    assert found.failed == ['rules']
    assert '/no/such.yaml' in found.lines['rules']


@pytest.mark.parametrize(('mode', 'fails'), [(0o644, True), (0o640, False)])
def test_a_password_that_others_may_read(
    made: Deployment, mode: int, fails: bool
) -> None:
    pytest.importorskip('pymysql', reason='needs PyMySQL')
    url = 'mysql+pymysql://keymw:hunter2@127.0.0.1:1/keymw'
    made.write_conf({'database': {'connection': url}})
    made.conf_file.chmod(mode)
    found = doctor(made)
    assert ('passwords' in found.failed) == fails
    assert '[database] connection' in found.lines['passwords']
    assert 'credentials' in found.failed
    assert 'SQLite file' in found.skipped
    assert 'hunter2' not in ''.join(found.lines.values())


def test_keys_in_memory_need_no_database(made: Deployment) -> None:
    (made.home / 'keymw.db').unlink()
    made.write_conf({'storage': {'credentials': 'memory'}})
    assert doctor(made).failed == []


@pytest.mark.parametrize(
    ('asked', 'outage', 'check'),
    [
        ('.*', broken, 'Keystone'),
        ('.*', reply(503), 'Keystone'),
        ('.*', reply(404, b'<html></html>'), 'Keystone'),
        ('POST /v3/auth/tokens', broken, 'service_user'),
        ('POST /v3/auth/tokens', reply(500), 'service_user'),
        ('GET /v3/users/.*', reply(503), 'service_user'),
        ('GET /v3/auth/tokens', reply(404, {'error': {}}), 'service_user'),
        (
            'GET /v3/users/.*',
            reply(404, {'error': {'code': 404}}),
            'service_user',
        ),
    ],
)
def test_an_outage_of_keystone(
    made: Deployment,
    between: Between,
    asked: str,
    outage: WSGIApplication,
    check: str,
) -> None:
    between.instead(asked, itertools.repeat(outage))
    found = doctor(made, between)
    assert found.failed == [check]
    assert 'login' in found.skipped


def error(message: str) -> dict[str, dict[str, str]]:
    return {'error': {'message': message}}


@pytest.mark.parametrize(
    ('answer', 'advice'),
    [
        (
            reply(401, error('… with an unsupported method.')),
            'add "external" to [auth] methods',
        ),
        (
            reply(401, {'receipt': {}, 'required_auth_methods': []}),
            'MFA rule ["external"]',
        ),
        (reply(401, error('The request …')), 'there is no user "admin"'),
        (reply(404, error('… is disabled')), '"Default" is disabled'),
        (
            reply(
                201,
                {
                    'token': {
                        'user': {'name': 'admin', 'domain': {'name': 'other'}}
                    }
                },
            ),
            'external = Domain',
        ),
    ],
)
def test_a_token_that_is_refused_comes_with_advice(
    made: Deployment, between: Between, answer: WSGIApplication, advice: str
) -> None:
    between.instead('POST /v3/auth/tokens', itertools.repeat(answer))
    found = doctor(made, between)
    assert found.failed == ['service_user']
    assert advice in found.lines['service_user']


def with_identity(made: Deployment, options: dict[str, str]) -> None:
    more: Options = {'identity': options}
    made.write_conf(more)


class ServiceUsers:
    """Users of a cloud, none of which can serve as service_user."""

    def __init__(self, cloud: Cloud) -> None:
        self.domain_id, self.off_id = cloud.domain(), cloud.domain()
        self.there = cloud.with_role('admin', self.domain_id)
        self.off_there = cloud.with_role('admin', self.off_id)
        self.off, self.stranger = cloud.with_role('admin'), cloud.person()
        self.member = cloud.with_role('member')
        self.late = cloud.person()
        cloud.grant(self.late, 'admin', 'closed')
        self.domain, self.off_domain = (
            cloud.ask('GET', f'/v3/domains/{id_}').json['domain']['name']
            for id_ in (self.domain_id, self.off_id)
        )
        cloud.change('user', self.off.id, enabled=False)
        cloud.change('domain', self.off_id, enabled=False)
        cloud.change('project', cloud.project('closed'), enabled=False)


@pytest.fixture(scope='module')
def users(cloud: Cloud) -> ServiceUsers:
    return ServiceUsers(cloud)


CAUSES = {
    'unknown': (
        {'service_user': 'nobody'},
        'service_user: there is no user "nobody" in the domain "Default"',
    ),
    'domain unknown': (
        {'service_domain': 'Nowhere'},
        'service_domain: there is no user "admin" in the domain "Nowhere", '
        'but in "Default"',
    ),
    'in another domain': (
        {'service_user': '{there.name}'},
        'service_user: there is no user "{there.name}" in the domain '
        '"Default"',
    ),
    'not in this domain': (
        {'service_user': '{late.name}x', 'service_domain': '{domain}'},
        'service_user: there is no user "{late.name}x" in the domain '
        '"{domain}", or [auth] external in keystone.conf is not Domain',
    ),
    'external here': (
        {
            'service_user': '{there.name}',
            'service_domain': '{domain}',
            'external': 'DefaultDomain',
        },
        'external: set it to Domain, for "{there.name}" is not in the '
        'default domain',
    ),
    'disabled': (
        {'service_user': '{off.name}', 'service_project': 'demo'},
        'service_user: "{off.name}" is disabled: its token is not valid',
    ),
    'domain disabled': (
        {'service_user': '{off_there.name}', 'service_domain': '{off_domain}'},
        'service_domain: the domain "{off_domain}" is disabled',
    ),
    'project unknown': (
        {'service_project': 'nothing'},
        'service_project: "admin" has no role on a project "nothing" (it '
        'has on: admin)',
    ),
    'no role at all': (
        {'service_user': '{stranger.name}', 'service_project': 'demo'},
        'service_project: "{stranger.name}" has no role on a project "demo" '
        '(it has on: no project)',
    ),
    'project disabled': (
        {'service_user': '{late.name}', 'service_project': 'closed'},
        'service_project: "closed" is disabled',
    ),
    'no role on the system': (
        {
            'service_user': '{member.name}',
            'service_project': '',
            'system': 'true',
        },
        'system: "{member.name}" has no role on the system',
    ),
    'no admin': (
        {'service_user': '{member.name}', 'service_project': 'demo'},
        'service_user: "{member.name}" may not do this: give it the role '
        '"admin" on the project "demo"',
    ),
}


@pytest.mark.parametrize(
    ('options', 'line'), list(CAUSES.values()), ids=list(CAUSES)
)
def test_each_cause_of_a_service_user_that_fails_has_its_line(
    made: Deployment,
    cloud: Cloud,
    users: ServiceUsers,
    options: dict[str, str],
    line: str,
) -> None:
    told = {k: v.format(**vars(users)) for k, v in options.items()}
    with_identity(made, told)
    found = doctor(made, cloud.app)
    assert found.failed == ['service_user']
    said = found.lines['service_user'].partition('service_user: ')[2]
    assert said == f'[identity] {line.format(**vars(users))}'


def test_a_service_user_of_the_system(made: Deployment, cloud: Cloud) -> None:
    with_identity(made, {'service_project': '', 'system': 'true'})
    assert doctor(made, cloud.app).failed == []


def without_domains(app: WSGIApplication) -> WSGIApplication:
    """A Keystone with [auth] external = DefaultDomain."""

    def answer(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ.pop('REMOTE_DOMAIN', None)
        return app(environ, start_response)

    return answer


@pytest.mark.parametrize('here', ['Domain', 'DefaultDomain'])
@pytest.mark.parametrize('there', ['Domain', 'DefaultDomain'])
def test_external_must_be_what_it_is_in_keystone(
    made: Deployment, cloud: Cloud, here: str, there: str
) -> None:
    with_identity(made, {'external': here})
    app = cloud.app if there == 'Domain' else without_domains(cloud.app)
    found = doctor(made, app)
    assert found.failed == ([] if here == there else ['login'])
    if here != there:
        assert '[identity] external' in found.lines['login']
        assert f'it is {here}' in found.lines['login']


def test_a_login_is_of_a_user_in_the_default_domain_of_here(
    made: Deployment, cloud: Cloud
) -> None:
    options = {'external': 'DefaultDomain', 'default_domain': 'another'}
    with_identity(made, options)
    found = doctor(made, without_domains(cloud.app))
    assert found.failed == ['login']
    assert 'issues no token' in found.lines['login']


@pytest.mark.parametrize(
    ('asked', 'answer'),
    [
        ('GET /v3/domains/.*', reply(503)),
        ('GET /v3/domains/.*', reply(403, error('no'))),
        (
            'GET /v3/domains/.*',
            reply(200, {'domain': {'id': 'default', 'enabled': False}}),
        ),
    ],
)
def test_what_a_login_asks_besides_must_be_answered(
    made: Deployment, between: Between, asked: str, answer: WSGIApplication
) -> None:
    between.instead(asked, itertools.repeat(answer))
    assert doctor(made, between).failed == ['login']


def test_no_service_user_is_told(made: Deployment, cloud: Cloud) -> None:
    with_identity(made, {'service_user': ''})
    found = doctor(made, cloud.app)
    assert found.failed == []
    assert found.skipped == [
        'service_user',
        'login',
        'token life',
        'clock',
    ]
    for name in found.skipped:
        assert 'service_user is not set' in found.lines[name]
    assert 'login with API keys is off' in found.lines['login']


def test_another_version_than_the_one_configured(
    made: Deployment, cloud: Cloud
) -> None:
    with_identity(made, {'api_version': 'v2.0'})
    found = doctor(made, cloud.app)
    assert found.failed == ['Keystone']
    assert found.skipped == [
        'service_user',
        'login',
        'token life',
        'clock',
        'start',
    ]


def test_a_pipeline_that_does_not_load(made: Deployment) -> None:
    words = ('doctor', '--pipeline', f'{made.home}/missing.ini#keystone')
    found = Report(manage.run(made.conf_file, *words))
    assert found.failed == ['Keystone']
    assert 'missing.ini' in found.lines['Keystone']


GLOBAL = NAMES[NAMES.index('global keys') : NAMES.index('secrets')]


def with_global_keys(made: Deployment, **options: str) -> None:
    made.write_conf({'global_keys': {'enabled': 'true', **options}})


def make_owner(made: Deployment, role: str = 'GLOBAL_OWNER') -> None:
    words = ('create', '--description', 'x', '--role', role, '-f', 'json')
    assert manage.run(made.conf_file, 'global-key', *words).code == 0


def let_in(made: Deployment) -> None:
    words = ('access-list', 'add', '127.0.0.1', '--description', 'x')
    assert manage.run(made.conf_file, *words).code == 0


def test_global_keys_that_are_off_are_not_looked_at(made: Deployment) -> None:
    found = doctor(made)
    # The audit lines have the addresses of clients without global keys too.
    for name in set(GLOBAL) - {'client address'}:
        assert found.lines[name].endswith('[global_keys] enabled is off')


def test_global_keys_that_can_be_used(made: Deployment, cloud: Cloud) -> None:
    with_global_keys(made, algorithms='MD5, SHA-256')
    make_owner(made)
    let_in(made)
    found = doctor(made, cloud.app)
    assert (found.failed, found.skipped) == ([], [])
    assert '1 with the role GLOBAL_OWNER' in found.lines['owner']
    assert '1 in it' in found.lines['access list']
    assert 'all workers' in found.lines['replays']
    assert 'MD5, SHA-256' in found.lines['Digest']


def test_the_first_key_and_the_first_entry_are_asked_for(
    made: Deployment,
) -> None:
    with_global_keys(made)
    make_owner(made, 'GLOBAL_READ_ONLY')
    found = doctor(made)
    assert found.failed == ['owner', 'access list']
    assert 'keymw-manage global-key create' in found.lines['owner']
    assert 'keymw-manage access-list add' in found.lines['access list']


def test_an_access_list_that_is_not_required_may_be_empty(
    made: Deployment,
) -> None:
    with_global_keys(made, access_list_required='false')
    make_owner(made)
    found = doctor(made)
    assert found.failed == []
    assert 'all may come' in found.lines['access list']


def test_global_keys_need_their_database(made: Deployment) -> None:
    (made.home / 'keymw.db').unlink()
    options = {'credentials': 'memory', 'global_keys': 'sql'}
    made.write_conf({'storage': options, 'global_keys': {'enabled': 'true'}})
    found = doctor(made)
    assert found.failed == ['SQLite file']
    assert 'keymw-manage db sync' in found.lines['SQLite file']
    assert {'global keys', 'owner', 'access list'} < set(found.skipped)


@pytest.mark.parametrize(
    'place', ['redis://127.0.0.1:1', 'nonsense', 'memcached://127.0.0.1:1']
)
def test_a_memory_of_replays_that_cannot_be_reached(
    made: Deployment, place: str
) -> None:
    pytest.importorskip('limits', reason='needs limits')
    with_global_keys(made, replays=place, access_list_required='false')
    make_owner(made)
    found = doctor(made)
    assert found.failed == ['replays']
    assert '[global_keys] replays' in found.lines['replays']


@pytest.mark.parametrize(
    ('options', 'fails', 'text'),
    [
        ({}, False, 'connection'),
        (
            {'remote_ip_header': 'X-Forwarded-For', 'trusted_hops': '1'},
            False,
            'not checked, as it needs a request through them: whether they '
            'drop X_Forwarded_For',
        ),
        (
            {'remote_ip_header': 'X-Forwarded-For'},
            True,
            '[client_address] remote_ip_header',
        ),
    ],
)
def test_where_addresses_of_clients_come_from(
    made: Deployment, options: dict[str, str], fails: bool, text: str
) -> None:
    made.write_conf({'client_address': options})
    found = doctor(made)
    assert ('client address' in found.failed) == fails
    assert text in found.lines['client address']


def test_a_python_without_md5(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_global_keys(made, access_list_required='false')
    make_owner(made)
    monkeypatch.setattr(
        'keymw.manage.doctor.checks.global_keys.is_available',
        lambda name: name != 'MD5',
    )
    found = doctor(made)
    assert found.failed == ['Digest']
    assert '[global_keys] algorithms' in found.lines['Digest']


@pytest.mark.parametrize(
    ('place', 'fails'),
    [
        ('redis://:hunter2@127.0.0.1:1', True),
        ('redis://127.0.0.1:1?password=hunter2', True),
        ('redis://127.0.0.1:1', False),
        ('memory://', False),
    ],
)
def test_a_password_in_the_place_of_replays(
    made: Deployment, place: str, fails: bool
) -> None:
    made.write_conf({'global_keys': {'replays': place}})
    made.conf_file.chmod(0o644)
    found = doctor(made)
    assert ('passwords' in found.failed) == fails
    assert 'hunter2' not in ''.join(found.lines.values())


def test_another_vault_than_the_one_that_sealed(
    made: Deployment, cloud: Cloud
) -> None:
    with_global_keys(made, access_list_required='false')
    make_owner(made)
    for number in range(3):
        manage.give_key(made.conf_file, f'u{number}')
    assert doctor(made, cloud.app).failed == []
    (made.home / 'vault').rename(made.home / 'former')
    assert manage.run(made.conf_file, 'vault', 'setup').code == 0
    found = doctor(made, cloud.app)
    assert found.failed == ['secrets']
    assert '[vault] key_repository' in found.lines['secrets']
    assert '3 credentials are sealed with keys' in found.lines['secrets']


def test_node_that_lacks_a_key_of_the_others(
    made: Deployment, cloud: Cloud
) -> None:
    """Of many secrets the last alone was sealed on another node."""
    manage.run(made.conf_file, 'vault', 'rotate')
    file = made.home / 'keys.csv'
    lines = [f'u{n:04},name-{n},a key of 16 or more' for n in range(600)]
    file.write_text('\n'.join(['user_id,username,apiKey', *lines]))
    manage.run(made.conf_file, 'credential', 'import', str(file))
    shutil.copytree(made.home / 'vault', made.home / 'behind')
    manage.run(made.conf_file, 'vault', 'rotate')
    manage.run(made.conf_file, 'vault', 'rotate')
    manage.give_key(made.conf_file, 'z')
    assert doctor(made, cloud.app).failed == []
    (made.home / 'vault').rename(made.home / 'others')
    (made.home / 'behind').rename(made.home / 'vault')
    found = doctor(made, cloud.app)
    assert found.failed == ['secrets']
    assert '1 credentials are sealed with keys' in found.lines['secrets']
    assert 'copy the repository' in found.lines['secrets']


def test_key_that_only_global_keys_need(
    made: Deployment, cloud: Cloud
) -> None:
    with_global_keys(made, access_list_required='false')
    make_owner(made)
    manage.run(made.conf_file, 'vault', 'rotate')
    (made.home / 'vault' / '1').unlink()
    found = doctor(made, cloud.app)
    assert '1 global keys are sealed with keys' in found.lines['secrets']


@pytest.mark.parametrize(
    'options',
    [
        {'remote_ip_header': 'X-Forwarded-For', 'trusted_proxies': '10.0.0/8'},
        {'remote_ip_header': 'X-Forwarded-For'},
    ],
)
def test_what_does_not_start_is_not_in_order(
    made: Deployment, options: dict[str, str]
) -> None:
    made.write_conf(
        {
            'global_keys': {
                'enabled': 'true',
                'access_list_required': 'false',
            },
            'client_address': options,
        }
    )
    make_owner(made)
    found = doctor(made)
    assert found.code == 1
    assert '[client_address]' in ''.join(found.lines[n] for n in found.failed)


@pytest.fixture
def theirs() -> Iterator[pathlib.Path]:
    """A directory of another user with a keymw.conf, nothing set up yet."""
    with of_a_user() as home:
        yield home


@as_root
def test_root_makes_no_file_that_the_service_cannot_use(
    theirs: pathlib.Path,
) -> None:
    for words in SETUP:
        failure = manage.run(theirs / 'keymw.conf', *words).failure
        assert f'--user {NOBODY}' in failure
        assert '[' in failure
    assert [file.name for file in theirs.iterdir()] == ['keymw.conf']


def with_a_log(global_conf: dict[str, str]) -> WSGIApplication:
    """A service that makes a file when it is loaded, as Keystone does."""
    pathlib.Path(global_conf['here'], 'service.log').touch()
    return PipelineV2()


@as_root
def test_log_of_a_service_that_root_loads_is_of_its_user(
    made: Deployment, theirs: pathlib.Path
) -> None:
    ini = theirs / 'keymw-paste.ini'
    ini.write_text(f'[app:x]\npaste.app_factory = {__name__}:with_a_log\n')
    words = ('doctor', '--pipeline', f'{ini}#x')
    # Its user cannot read all of Python here: what is needed is loaded now.
    Report(manage.run(made.conf_file, *words))
    (theirs / 'service.log').unlink()
    found = Report(forked(theirs / 'keymw.conf', *words))
    assert f'{NOBODY} (started by root)' in found.lines['user']
    assert (theirs / 'service.log').owner() == NOBODY


def test_a_user_that_is_not_there_is_one_line(made: Deployment) -> None:
    words = ('--user', 'no-such-user', 'db', 'version')
    assert 'no-such-user' in manage.run(made.conf_file, *words).failure


def test_change_must_count_as_long_as_a_token_lives(
    made: Deployment, cloud: Cloud
) -> None:
    made.write_conf({'kskey': {'tombstone_ttl': '3599'}})
    found = doctor(made, cloud.app)
    assert found.failed == ['token life']
    assert '[kskey] tombstone_ttl' in found.lines['token life']
    assert '3600' in found.lines['token life']


@pytest.mark.parametrize('seconds', [-3, 3])
def test_clocks_must_agree(
    made: Deployment, cloud: Cloud, seconds: int
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        response = webob.Request(environ).send(cloud.app)
        path = environ['PATH_INFO']
        if path == '/v3/auth/tokens' and 'token' in response.json:
            body = response.json
            shown = datetime.datetime.fromisoformat(body['token']['issued_at'])
            shown += datetime.timedelta(seconds=seconds)
            response.json = body | {
                'token': body['token'] | {'issued_at': shown.isoformat()}
            }
        return response(environ, start_response)

    found = doctor(made, app)
    assert found.failed == ['clock']
    assert 's apart' in found.lines['clock']


API_KEYS = ['API keys', 'trustee', 'caches of Keystone', 'release of Keystone']


def test_api_keys_that_are_off_need_nothing(made: Deployment) -> None:
    found = doctor(made, broken)
    assert 'Keystone' in found.failed
    for name in API_KEYS:
        assert found.lines[name].endswith('[api_keys] enabled is off')


def api_keys(made: Deployment, user: str, project: str = 'admin') -> None:
    """Switch API keys on, with a service_user."""
    identity = {'service_user': user, 'service_project': project}
    made.write_conf({'api_keys': {'enabled': 'true'}, 'identity': identity})


@pytest.fixture
def shared_cache() -> Iterator[None]:
    """Keystone names a cache of all workers; the one it has stays."""
    keystone = importlib.import_module('keystone.conf').CONF
    keystone.set_override('backend', 'dogpile.cache.memcached', 'cache')
    yield
    keystone.clear_override('backend', 'cache')


@pytest.mark.usefixtures('shared_cache')
def test_api_keys_in_order(made: Deployment, cloud: Cloud) -> None:
    trustee = service_user(cloud)
    api_keys(made, trustee.name)
    found = doctor(made, cloud.app)
    assert found.failed == []
    assert f'"{trustee.name}" owns no key' in found.lines['trustee']
    assert 'Keystone' in found.lines['release of Keystone']
    assert [n for n in API_KEYS if not found.lines[n].startswith('ok')] == []


@pytest.mark.usefixtures('shared_cache')
def test_a_person_for_service_user_of_api_keys(
    made: Deployment, cloud: Cloud
) -> None:
    api_keys(made, 'admin')
    found = doctor(made, cloud.app)
    assert found.failed == ['trustee']
    assert (
        '[identity] service_user: "admin" is a person'
        in (found.lines['trustee'])
    )


@pytest.mark.usefixtures('shared_cache')
def test_a_service_user_with_a_key_of_its_own(
    made: Deployment, cloud: Cloud
) -> None:
    trustee = service_user(cloud)
    api_keys(made, trustee.name)
    manage.give_key(made.conf_file, trustee.id)
    found = doctor(made, cloud.app)
    assert found.failed == ['trustee']
    assert (
        f'[identity] service_user: "{trustee.name}" owns a key, with which '
        'all other keys could be used: delete it'
    ) in found.lines['trustee']


def test_options_of_api_keys_that_do_not_go_together(
    made: Deployment, cloud: Cloud
) -> None:
    made.write_conf(
        {
            'api_keys': {'enabled': 'true'},
            'identity': {'service_user': 'nobody'},
        }
    )
    found = doctor(made, cloud.app)
    assert 'service_user' in found.failed
    assert found.lines['trustee'].endswith(
        'service_user must be in order first'
    )


def test_caches_of_each_worker_of_keystone(
    made: Deployment, cloud: Cloud
) -> None:
    keystone = importlib.import_module('keystone.conf').CONF
    api_keys(made, service_user(cloud).name)
    with contextlib.ExitStack() as undo:
        for name, group, value in (
            ('enabled', 'cache', True),
            ('backend', 'cache', 'dogpile.cache.memory'),
            ('caching', 'revoke', True),
            ('caching', 'token', False),
        ):
            keystone.set_override(name, value, group)
            undo.callback(keystone.clear_override, name, group)
        found = doctor(made, cloud.app)
    assert 'caches of Keystone' in found.failed
    line = found.lines['caches of Keystone']
    assert '[revoke]' in line
    assert '[token]' not in line
    assert 'set caching = false there' in line
