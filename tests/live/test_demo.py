"""make demo, as a newcomer finds it."""

from collections.abc import Iterator
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import textwrap
import time

import pytest

from tests.live.demo import ROOT
from tests.live.demo import Demo
from tests.live.demo import start
from tests.support import openstack
from tests.support import wire as wires


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (
            'State:\tZ' not in pathlib.Path(f'/proc/{pid}/status').read_text()
        )
    return False


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, from nothing; SIGTERM ends it."""
    made = Demo(tmp_path_factory.mktemp('demo') / 'state')
    yield made
    started = [made.process.pid, *made.workers()]
    os.killpg(made.process.pid, signal.SIGTERM)
    check_end(made, started)


def test_a_key_lives_and_dies(demo: Demo) -> None:
    alice = demo.user_id('alice')
    base, key = wires.base(alice), wires.key(alice)
    body = {wires.ROOT: {'username': 'alice', 'apiKey': 'first' * 4}}
    assert demo.ask('POST', base, body)[0] == 201
    assert json.loads(demo.ask('GET', key)[2]) == body
    status, _, new = demo.ask('POST', wires.reset(alice))
    assert status == 200
    assert re.fullmatch('[0-9a-f]{32}', json.loads(new)[wires.ROOT]['apiKey'])
    assert json.loads(demo.ask('GET', base)[2]) == {
        'credentials': [json.loads(new)],
        'credentials_links': [],
    }
    assert b'<rax-kskey:' in demo.ask('GET', f'{base}.xml')[2]
    assert demo.ask('DELETE', key)[0] == 204
    assert demo.ask('DELETE', key)[0] == 404


def test_alice_may_reset_her_own_key_and_no_more(demo: Demo) -> None:
    admin = demo.token
    hers = demo.sign_in('alice', 'demo')
    demo.token = admin
    alice, other = demo.user_id('alice'), demo.user_id('admin')
    body = {wires.ROOT: {'username': 'alice', 'apiKey': 'first' * 4}}
    assert demo.ask('POST', wires.reset(alice), token=hers)[0] == 200
    assert demo.ask('POST', wires.reset(other), token=hers)[0] == 403
    assert demo.ask('POST', wires.base(alice), body, token=hers)[0] == 403
    made = demo.ask(
        'POST',
        f'/v3/users/{alice}/application_credentials',
        {'application_credential': {'name': 'limited'}},
        token=hers,
    )
    secret = json.loads(made[2])['application_credential']
    identity = {
        'methods': ['application_credential'],
        'application_credential': {
            'id': secret['id'],
            'secret': secret['secret'],
        },
    }
    answer = demo.ask(
        'POST', '/v3/auth/tokens', {'auth': {'identity': identity}}
    )
    limited = str(answer[1]['X-Subject-Token'])
    assert demo.ask('GET', wires.base(alice), token=limited)[0] == 403
    assert demo.ask('POST', wires.reset(alice), token=limited)[0] == 403


def test_a_user_deleted_through_one_worker_is_gone_in_all(demo: Demo) -> None:
    made = demo.ask(
        'POST',
        '/v3/users',
        {'user': {'name': 'shortlived', 'password': 'demo'}},
    )
    user_id = json.loads(made[2])['user']['id']
    for _ in range(9):
        assert demo.ask('GET', wires.base(user_id))[0] == 200
    assert demo.ask('DELETE', f'/v3/users/{user_id}')[0] == 204
    # What a worker keeps, it keeps for five seconds.
    time.sleep(6)
    answers = {demo.ask('GET', wires.base(user_id))[0] for _ in range(9)}
    answers |= {demo.ask('GET', f'/v3/users/{user_id}')[0] for _ in range(9)}
    assert answers == {404}


def readme_commands() -> list[str]:
    """The commands of "Five requests to try" in the README."""
    text = (ROOT / 'README.md').read_text()
    part = text.split('## Five requests to try')[1].split('\n## ')[0]
    blocks = [textwrap.dedent(b) for b in re.split('\n\n(?=    )', part)]
    typed = ('TOKEN=', 'curl ')
    return [
        block.split('\n\n')[0]
        for block in map(str.strip, blocks)
        if block.startswith(typed)
    ]


def test_the_readme_tells_the_truth(demo: Demo) -> None:
    script = '\necho "=="\n'.join(readme_commands())
    script = script.replace('127.0.0.1:5000', f'127.0.0.1:{demo.port}')
    script = script.replace('ALICE_ID', demo.user_id('alice'))
    done = subprocess.run(
        ['bash', '-c', script], capture_output=True, text=True, check=True
    )
    _, add, show, login, reset, deleted = done.stdout.split('==\n')
    key = '0123456789abcdef0123456789abcdef'
    assert add.startswith('HTTP/1.1 201 Created')
    assert f'"apiKey":"{key}"' in add
    assert f'username="alice" apiKey="{key}"/>' in show
    assert login.startswith('HTTP/1.1 200 OK')
    (_, body) = login.split('\n\n')
    assert json.loads(body)['access']['token']['id']
    new = json.loads(reset)
    assert re.fullmatch('[0-9a-f]{32}', new[wires.ROOT]['apiKey'])
    assert deleted.startswith('HTTP/1.1 204 No Content')


def printed_commands(demo: Demo) -> list[str]:
    """The requests to try that the demo prints."""
    paragraphs = demo.printed.split('\n\n')
    typed = [p for p in paragraphs if p.startswith(('TOKEN=', 'curl '))]
    return [command for p in typed for command in re.split('\n(?=curl )', p)]


def test_the_printed_requests_work(demo: Demo) -> None:
    commands = printed_commands(demo)
    script = '\necho "=="\n'.join(commands)
    done = subprocess.run(
        ['bash', '-c', script], capture_output=True, text=True, check=True
    )
    answers = [part.split('\n')[0] for part in done.stdout.split('==\n')]
    assert [answer[9:12] for answer in answers[1:]] == [
        *('201', '200', '200', '204', '200', '200', '200', '204')
    ]


def test_the_printed_programs_and_files_are_found_from_anywhere(
    demo: Demo,
) -> None:
    (file,) = map(
        pathlib.Path, re.findall(r'--config-file "(\S+)"', demo.printed)
    )
    assert file.is_absolute()
    assert file.is_file()
    for program in ('keymw-manage', 'openstack'):
        (path,) = re.findall(rf'[^\s"]*/{program}(?="? )', demo.printed)
        assert pathlib.Path(path).is_absolute()
        assert os.access(path, os.X_OK)


def catalogue(demo: Demo, name: str) -> dict[str, dict[str, str]]:
    """Names and URLs of the services that a user of the demo has."""
    token = demo.sign_in(name, 'demo')
    headers = {'X-Subject-Token': token}
    told = demo.ask('GET', '/v3/auth/tokens', token=token, **headers)[2]
    return {
        service['name']: {
            e['interface']: e['url'] for e in service['endpoints']
        }
        for service in json.loads(told)['token']['catalog']
    }


def test_alice_has_services_that_hold_nothing(demo: Demo) -> None:
    services = catalogue(demo, 'alice')
    assert services.keys() == {
        *('cloudFiles', 'cloudServersOpenStack', 'keystone')
    }
    alice = demo.sign_in('alice', 'demo')
    for name, more, empty in (
        ('cloudFiles', '?format=json', []),
        ('cloudServersOpenStack', '/servers/detail', {'servers': []}),
        ('cloudServersOpenStack', '/flavors', {'flavors': []}),
        ('cloudServersOpenStack', '/images/detail', {'images': []}),
    ):
        urls = services[name]
        assert urls.keys() == {'admin', 'internal', 'public'}
        path = urls['public'].removeprefix(demo.url) + more
        status, _, body = demo.ask('GET', path, token=alice)
        assert (status, json.loads(body)) == (200, empty)
        assert demo.ask('GET', path, token='unknown')[0] == 401
        # A token of the administrator is one for another project.
        assert demo.ask('GET', path)[0] == 403


def test_what_is_before_keystone_hides_nothing(demo: Demo) -> None:
    status, _, body = demo.ask('GET', '/')
    (version,) = json.loads(body)['versions']['values']
    assert (status, version['id'][:2]) == (300, 'v3')
    assert version['links'][0]['href'] == f'{demo.url}/v3/'


@pytest.mark.parametrize(
    'words',
    [
        ['token', 'issue'],
        ['user', 'show', 'alice'],
        ['project', 'list'],
        ['catalog', 'list'],
        ['role', 'assignment', 'list', '--user', 'alice', '--names'],
    ],
    ids='-'.join,
)
@pytest.mark.filterwarnings('ignore')
def test_the_openstack_client_works_as_ever(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    for name, value in {
        'OS_AUTH_URL': f'{demo.url}/v3',
        'OS_USERNAME': 'admin',
        'OS_PASSWORD': 'demo',
        'OS_PROJECT_NAME': 'admin',
        'OS_USER_DOMAIN_ID': 'default',
        'OS_PROJECT_DOMAIN_ID': 'default',
        'OS_IDENTITY_API_VERSION': '3',
    }.items():
        monkeypatch.setenv(name, value)
    code, out, err = openstack.run(monkeypatch, *words, '-f', 'json')
    assert code == 0, err
    assert json.loads(out)


def test_a_busy_port_is_one_line(demo: Demo, tmp_path: pathlib.Path) -> None:
    refused = start(tmp_path / 'other', demo.port)
    out, err = refused.communicate(timeout=30)
    assert refused.returncode != 0
    assert str(demo.port) in err
    assert (out + err).count('\n') == 1


def test_it_starts_again_soon_and_ctrl_c_ends_it_all(demo: Demo) -> None:
    # The state of the one that serves, copied while it is at rest.
    home = demo.home.with_name('again')
    subprocess.run(['cp', '-a', demo.home, home], check=True)
    again = Demo(home)
    started = [again.process.pid, *again.workers()]
    assert len(started) > 3
    assert again.user_id('alice') == demo.user_id('alice')
    urls = [u for s in catalogue(again, 'alice').values() for u in s.values()]
    assert all(url.startswith(f'{again.url}/') for url in urls)
    os.killpg(again.process.pid, signal.SIGINT)
    check_end(again, started)


def check_end(demo: Demo, started: list[int]) -> None:
    """A demo that got a signal ends quietly, with all of its processes."""
    _, err = demo.process.communicate(timeout=30)
    assert 'Traceback' not in err
    deadline = time.monotonic() + 10
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, started))
