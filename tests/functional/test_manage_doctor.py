"""keymw-manage doctor: every check is made, and says what to do."""

from collections.abc import Callable
from collections.abc import Iterable
import itertools
import os
import pathlib
import sqlite3
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import pytest

from tests import manage
from tests.between import Between
from tests.between import broken
from tests.between import reply
from tests.cloud import Cloud
from tests.cloud import Person
from tests.deployment import Deployment
from tests.deployment import Options
from tests.pipeline_v2 import PipelineV2

NAMES = [
    'configuration',
    'passwords',
    'rules',
    'vault',
    'SQLite file',
    'credentials',
    'global keys',
    'owner',
    'access list',
    'replays',
    'Digest',
    'Keystone',
    'service_user',
    'login',
]


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """Files of keymw, all set up by the program."""
    found = Deployment(tmp_path / 'keymw')
    manage.run(found.conf_file, 'db', 'sync')
    manage.run(found.conf_file, 'vault', 'setup')
    return found


@pytest.fixture
def between(cloud: Cloud) -> Between:
    return Between(cloud.app)


class Report:
    """The lines of the doctor, by the name of the check."""

    def __init__(self, found: manage.Result) -> None:
        assert found.err == ''
        lines = found.out.splitlines()
        self.code = found.code
        self.lines = {
            line[8:].partition(':')[0]: line.rstrip() for line in lines
        }
        assert list(self.lines) == NAMES
        assert found.code == any(self.failed)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return self._with('FAILED')

    @property
    def skipped(self) -> list[str]:
        """The names of the checks that were not made, of what is on."""
        off = '[global_keys] enabled is off'
        return [n for n in self._with('skipped') if off not in self.lines[n]]

    def _with(self, outcome: str) -> list[str]:
        return [n for n in NAMES if self.lines[n].startswith(f'{outcome} ')]


def doctor(made: Deployment, app: object = None) -> Report:
    words = ['doctor']
    if app is not None:
        made.load(app)
        words += ['--pipeline', f'{made.home}/keymw-paste.ini#wrapped']
    return Report(manage.run(made.conf_file, *words))


def test_all_is_well(made: Deployment, cloud: Cloud) -> None:
    found = doctor(made, cloud.app)
    assert (found.failed, found.skipped) == ([], [])
    assert 'v3' in found.lines['Keystone']
    assert 'admin' in found.lines['service_user']
    assert 'a token is issued' in found.lines['login']


def test_without_a_pipeline_it_says_what_to_give(made: Deployment) -> None:
    found = doctor(made)
    assert found.code == 0
    assert found.skipped == ['Keystone', 'service_user', 'login']
    for name in found.skipped:
        assert '--pipeline' in found.lines[name]


def test_v2_is_asked_in_its_own_dialect(made: Deployment) -> None:
    found = doctor(made, PipelineV2())
    assert found.failed == []
    assert 'v2.0' in found.lines['Keystone']


def test_nothing_set_up_fails_where_it_should(tmp_path: pathlib.Path) -> None:
    made = Deployment(tmp_path / 'keymw')
    found = doctor(made)
    assert found.failed == ['vault', 'SQLite file', 'credentials']
    assert 'keymw-manage vault setup' in found.lines['vault']
    assert 'keymw-manage db sync' in found.lines['credentials']
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
    assert found.skipped == []
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
        (reply(401, error('The request …')), 'must exist in service_domain'),
        (reply(404, error('… is disabled')), 'be enabled'),
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


@pytest.mark.parametrize(
    ('options', 'advice'),
    [
        ({'service_user': 'nobody'}, 'must exist'),
        ({'service_project': 'nothing'}, 'must exist'),
        ({'service_domain': 'Nowhere'}, 'must exist'),
    ],
)
def test_a_service_user_that_keystone_does_not_know(
    made: Deployment, cloud: Cloud, options: dict[str, str], advice: str
) -> None:
    with_identity(made, options)
    found = doctor(made, cloud.app)
    assert found.failed == ['service_user']
    assert advice in found.lines['service_user']


def with_identity(made: Deployment, options: dict[str, str]) -> None:
    more: Options = {'identity': options}
    made.write_conf(more)


def test_a_service_user_who_is_no_admin(
    made: Deployment, cloud: Cloud
) -> None:
    person = cloud.with_role('member')
    with_identity(
        made, {'service_user': person.name, 'service_project': 'demo'}
    )
    found = doctor(made, cloud.app)
    assert found.failed == ['service_user']
    assert 'the role "admin"' in found.lines['service_user']


def test_a_service_user_who_is_disabled(
    made: Deployment, cloud: Cloud
) -> None:
    person: Person = cloud.with_role('admin')
    body = {'user': {'enabled': False}}
    cloud.ask('PATCH', f'/v3/users/{person.id}', body)
    with_identity(
        made, {'service_user': person.name, 'service_project': 'demo'}
    )
    found = doctor(made, cloud.app)
    assert found.failed == ['service_user']
    assert 'enabled' in found.lines['service_user']


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
    assert (found.failed, found.skipped) == ([], ['service_user', 'login'])
    for name in found.skipped:
        assert 'service_user is not set' in found.lines[name]
    assert 'login with API keys is off' in found.lines['login']


def test_another_version_than_the_one_configured(
    made: Deployment, cloud: Cloud
) -> None:
    with_identity(made, {'api_version': 'v2.0'})
    found = doctor(made, cloud.app)
    assert found.failed == ['Keystone']
    assert found.skipped == ['service_user', 'login']


def test_a_pipeline_that_does_not_load(made: Deployment) -> None:
    words = ('doctor', '--pipeline', f'{made.home}/missing.ini#keystone')
    found = Report(manage.run(made.conf_file, *words))
    assert found.failed == ['Keystone']
    assert 'missing.ini' in found.lines['Keystone']


GLOBAL = NAMES[NAMES.index('global keys') : NAMES.index('Keystone')]


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
    for name in GLOBAL:
        assert found.lines[name].endswith('[global_keys] enabled is off')


def test_global_keys_that_can_be_used(made: Deployment, cloud: Cloud) -> None:
    with_global_keys(made, algorithms='MD5, SHA-256')
    make_owner(made)
    let_in(made)
    found = doctor(made, cloud.app)
    assert (found.failed, found.skipped) == ([], [])
    assert '1 with the role GLOBAL_OWNER' in found.lines['owner']
    assert '1 in it' in found.lines['access list']
    assert 'each worker' in found.lines['replays']
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
    assert found.failed == ['SQLite file', 'global keys']
    assert 'keymw-manage db sync' in found.lines['global keys']
    assert {'owner', 'access list'} < set(found.skipped)


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


def test_a_python_without_md5(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_global_keys(made, access_list_required='false')
    make_owner(made)
    monkeypatch.setattr(
        'keymw.manage.doctor.is_available', lambda name: name != 'MD5'
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
