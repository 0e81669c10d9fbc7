"""The commands and settings of the operator guide, as its pages have them."""

import ast
from collections.abc import Iterator
import configparser
import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

from paste import deploy
import pytest
import webtest

from keymw import conf
from keymw.manage import doctor
from keymw.storage.sql import database
from tests.support import manage
from tests.support import pages
from tests.support import servers
from tests.support.deployment import Deployment

MODULES = '/usr/lib/apache2/modules'
PAGES = pages.DOC / 'operator'
# In the order of the guide; each finds what the ones before it left.
READ = ('install', 'global-keys', 'vault', 'monitoring', 'troubleshooting')
# A message of these levels is for the operator.
SERIOUS = {'warning', 'error', 'critical', 'exception'}
# They look for users in the Keystone of a paste pipeline.
ELSEWHERE = {'credential purge', 'api-key purge'}
# It shows a secret to a terminal alone, unless a format is named.
NO_TERMINAL = {'global-key create': ('-f', 'json')}


def commands(page: str) -> list[list[str]]:
    """The arguments of each command of keymw-manage on a page."""
    lines = [
        line
        for block in pages.blocks(f'operator/{page}')
        for line in block.splitlines()
    ]
    return [
        shlex.split(line.removeprefix('$ '), comments=True)[1:]
        for line in lines
        if line.startswith('keymw-manage ')
    ]


def test_commands_of_the_guide_run_in_their_order(
    tmp_path: pathlib.Path,
) -> None:
    made = Deployment(tmp_path / 'keymw')
    ran = 0
    for page in READ:
        for words in commands(page):
            if words[0] == '--config-file':
                assert words[1].endswith('keymw.conf')
                words = words[2:]
            name = ' '.join(words[:2])
            if name not in ELSEWHERE:
                more = NO_TERMINAL.get(name, ())
                result = manage.run(made.conf_file, *words, *more)
                assert (result.code, words) == (0, words), result
                ran += 1
    assert ran >= 10


@pytest.mark.parametrize(
    'page', sorted(file.stem for file in PAGES.glob('*.md'))
)
def test_settings_of_the_guide_are_options(
    tmp_path: pathlib.Path, page: str
) -> None:
    known = {group for group, _ in conf.list_opts()}
    for block in pages.blocks(f'operator/{page}'):
        if not re.match(r'\[\w+\]\n', block):
            continue
        file = tmp_path / 'keymw.conf'
        file.write_text(block)
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string(block)
        if set(parsed.sections()) <= known:
            assert conf.unknown(conf.load(str(file))) == []


def test_messages_of_the_troubleshooting_page_are_those_of_keymw() -> None:
    """A line of a log is looked up as it is printed."""
    page = (PAGES / 'troubleshooting.md').read_text()
    cells = re.findall(r'^\| `([^`]+)` \|', page, flags=re.MULTILINE)
    assert len(cells) > 8
    files = pathlib.Path(conf.__file__).parents[1].rglob('*.py')
    # A message may be written as several literals.
    code = re.sub(r"'\s*\n\s*f?'", '', ' '.join(f.read_text() for f in files))
    parts = [part.strip() for cell in cells for part in cell.split('…')]
    assert [part for part in parts if part and part not in code] == []


def serious_messages() -> Iterator[str]:
    """The literal parts of each WARNING, ERROR and CRITICAL of keymw."""
    for file in pathlib.Path(conf.__file__).parents[1].rglob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id='LOG'), attr=level),
                    args=[ast.Constant(value=str(template)), *_],
                ) if level in SERIOUS:
                    parts = re.split(r'%[.\d]*[a-z]', template)
                    yield from (part.strip(' :') for part in parts)


def test_serious_messages_are_on_the_troubleshooting_page() -> None:
    page = (PAGES / 'troubleshooting.md').read_text()
    found = set(serious_messages())
    assert len(found) > 20
    assert {message for message in found if message not in page} == set()


def test_checks_of_doctor_are_on_the_troubleshooting_page() -> None:
    page = (PAGES / 'troubleshooting.md').read_text()
    table = page[page.index('## A check of doctor') :]
    named = re.findall(r'^\| ([^|`]+) \|', table.split('\n## ')[0], re.M)
    checks = {check.name for check in doctor.CHECKS}
    assert checks <= {name for cell in named for name in cell.split(', ')}


def succeeds(*command: object) -> None:
    """Run a program to its end."""
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_keys_move_between_stores_as_the_guide_says(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    vault = {'vault': {'key_repository': str(tmp_path / 'vault-keys')}}
    made = {n: Deployment(tmp_path / n, vault) for n in ('old', 'new')}
    for deployment in made.values():
        deployment.set_up()
    manage.give_key(made['old'].conf_file, 'alice')
    for option, name, *words in commands('storage'):
        assert option == '--config-file'
        file = made[pathlib.Path(name).stem].conf_file
        assert manage.run(file, *words).code == 0
    shown = manage.run(made['new'].conf_file, 'credential', 'show', 'alice')
    assert shown.code == 0, shown


def test_what_was_backed_up_as_the_guide_says_can_be_restored(
    tmp_path: pathlib.Path,
) -> None:
    servers.require('SQLite', ('sqlite3',))
    home, keys = tmp_path / 'keymw', tmp_path / 'keymw' / 'vault-keys'
    made = Deployment(home, {'vault': {'key_repository': str(keys)}})
    made.set_up()
    manage.give_key(made.conf_file, 'alice')
    script = pages.block('operator/backup', 'sqlite3 ')
    for place in ('/var/lib/keymw', '/etc/keymw'):
        script = script.replace(place, str(home))
    for place in ('/var/backups', '/root'):
        script = script.replace(place, str(tmp_path))
    succeeds('bash', '-ec', script)
    (tmp_path / 'keymw.db').rename(home / 'keymw.db')
    succeeds('rm', '-r', keys)
    succeeds('tar', '-C', home, '-xf', tmp_path / 'vault-keys.tar')
    shown = manage.run(made.conf_file, 'credential', 'show', 'alice')
    assert shown.code == 0, shown


@pytest.mark.parametrize(
    ('page', 'path', 'status'),
    [
        ('install', '/', 204),
        ('servers', '/keys/', 200),
        ('health', '/healthz', 200),
    ],
)
def test_pipelines_of_the_guide_can_be_loaded(
    tmp_path: pathlib.Path, page: str, path: str, status: int
) -> None:
    made = Deployment(tmp_path)
    made.set_up()
    parser = configparser.ConfigParser(interpolation=None)
    for text in (
        pages.block('operator/install', '[pipeline:'),
        pages.block(f'operator/{page}', '[pipeline:'),
    ):
        parser.read_string(text)
    parser['filter:keymw']['config_file'] = str(made.conf_file)
    parser['app:keystone'] = {'paste.app_factory': f'{__name__}:empty'}
    file = tmp_path / 'keymw-paste.ini'
    with file.open('w') as stream:
        parser.write(stream)
    web = webtest.TestApp(deploy.loadapp(f'config:{file}'))
    assert web.get(path).status_int == status


def empty(_global_conf: object) -> Any:
    """An application in the place of Keystone."""

    def app(_environ: object, start_response: Any) -> list[bytes]:
        start_response('204 No Content', [])
        return []

    return app


def test_gunicorn_takes_the_options_of_the_guide(
    tmp_path: pathlib.Path,
) -> None:
    file = tmp_path / 'keymw-paste.ini'
    file.write_text('[app:main]\nuse = egg:keymw#page\n')
    command = pages.block('operator/servers', 'gunicorn ')
    program, *words = shlex.split(
        command.replace('/etc/keymw/keymw-paste.ini', str(file))
    )
    installed = pathlib.Path(sys.executable).with_name(program)
    succeeds(installed, '--check-config', *words)


@pytest.mark.parametrize(
    ('start', 'setting'),
    [
        ('gunicorn ', '--forwarder-headers PATH_INFO'),
        ('WSGIScriptAlias ', 'WSGIPassAuthorization On'),
        ('backend ', 'http-request del-header X_Forwarded_For'),
    ],
)
def test_guide_has_what_a_server_needs_to_be_safe(
    start: str, setting: str
) -> None:
    assert setting in pages.block('operator/servers', start)


HAPROXY = (
    'defaults\n mode http\n timeout connect 1s\n timeout client 1s\n'
    ' timeout server 1s\nfrontend x\n bind 127.0.0.1:1\n'
    ' default_backend identity\n'
)
# The page and the start of the block; the program and its options for a
# check; what stands around the block.
SETTINGS = [
    ('servers', 'backend ', 'haproxy -q -c -f {file}', HAPROXY + '{block}'),
    ('health', 'backend ', 'haproxy -q -c -f {file}', HAPROXY + '{block}'),
    (
        *('health', 'http-request ', 'haproxy -q -c -f {file}'),
        HAPROXY + '{block}\nbackend identity\n',
    ),
    (
        *('servers', 'location '),
        'nginx -t -q -e stderr -p {home} -c {file}',
        'pid {home}/pid; events {{}} http {{ access_log off;'
        ' server {{ listen 127.0.0.1:1; {block} }} }}',
    ),
    (
        *('servers', 'WSGIScriptAlias ', 'apache2 -t -f {file}'),
        'ServerName x\nServerRoot {home}\nErrorLog {home}/log\n'
        'Mutex file:{home} default\n'
        'LoadModule mpm_event_module {modules}/mod_mpm_event.so\n'
        'LoadModule authz_core_module {modules}/mod_authz_core.so\n'
        'LoadModule wsgi_module {modules}/mod_wsgi.so\n{block}',
    ),
]


@pytest.mark.parametrize(('page', 'start', 'command', 'around'), SETTINGS)
def test_servers_take_the_settings_of_the_guide(
    tmp_path: pathlib.Path, page: str, start: str, command: str, around: str
) -> None:
    program, _, options = command.partition(' ')
    servers.require(program, (program,))
    # The user of the service is not there on every machine.
    text = pages.block(f'operator/{page}', start).replace(
        'user=keystone', 'user=nobody'
    )
    names = {'home': tmp_path, 'file': tmp_path / 'x', 'modules': MODULES}
    (tmp_path / 'x').write_text(around.format(block=text, **names))
    succeeds(servers.find(program), *options.format(**names).split())


def test_url_of_the_guide_names_all_nodes(tmp_path: pathlib.Path) -> None:
    text = pages.block('operator/storage', 'connection = ')
    option, _, url = text.strip().partition(' = ')
    made = Deployment(tmp_path, {'database': {option: url}})
    store = database.Database(conf.load(str(made.conf_file)))
    assert len(store.url.query['host']) == 3
