"""Where requests come from, behind proxies of all kinds."""

import pathlib
from typing import Any

import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.limits.client_address import Clients
from tests.support.admin import KEYS
from tests.support.admin import Office
from tests.support.admin import told
from tests.support.deployment import Deployment

PROXY = '198.51.100.1'
OTHER = '203.0.113.9'
HEADER = {'remote_ip_header': 'X-Forwarded-For'}
BY_NAME = HEADER | {'trusted_proxies': f'198.51.100.0/24, {OTHER}'}
UNREADABLE = 'IP_ADDRESS_NOT_ON_ACCESS_LIST'


def office_of(home: pathlib.Path, **options: str) -> Office:
    """An office for who comes from 10.0.0.0/8 and others."""
    return Office(
        home,
        options={'client_address': options},
        entries=('10.0.0.0/8', '2001:db8::/48', 'fe80::/10'),
    )


@pytest.fixture(scope='module')
def named(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office that knows the addresses of its proxies."""
    return office_of(tmp_path_factory.mktemp('named'), **BY_NAME)


@pytest.fixture(scope='module')
def counted(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office behind two proxies with any addresses."""
    home = tmp_path_factory.mktemp('counted')
    return office_of(home, **HEADER, trusted_hops='2')


def ask_from(office: Office, header: str | None, peer: str = PROXY) -> Any:
    environ = {'REMOTE_ADDR': peer}
    if header is not None:
        environ['HTTP_X_FORWARDED_FOR'] = header
    return office.owner.ask('GET', KEYS, environ=environ)


@pytest.mark.parametrize(
    'header',
    [
        '10.0.0.1',
        '10.0.0.1:4444',
        '8.8.8.8:1, 10.0.0.1:65535',
        'no address, 10.0.0.1:4444, 203.0.113.9:80',
        '[2001:db8::9]',
        '[2001:db8::9]:567',
        '2001:db8::9',
        '::ffff:10.0.0.1',
        '[::ffff:10.0.0.1]:567',
        '::FFFF:a00:1',
        'fe80::1%eth0',
        '[fe80::1%25eth0]:1',
        '\t10.0.0.1:4444 ',
    ],
)
def test_member_may_carry_a_port_and_a_zone(
    named: Office, header: str
) -> None:
    assert ask_from(named, header).status_int == 200


@pytest.mark.parametrize(
    ('header', 'quoted'),
    [
        ('', "''"),
        ('10.0.0.1,', "''"),
        ('10.0.0.1, unknown', "'unknown'"),
        ('_hidden', "'_hidden'"),
        ('10.0.0.1:', "'10.0.0.1:'"),
        ('10.0.0.1:x', "'10.0.0.1:x'"),
        ('10.0.0.1:123456', "'10.0.0.1:123456'"),
        ('[10.0.0.1]:1', "'[10.0.0.1]:1'"),
        ('[2001:db8::9', "'[2001:db8::9'"),
        ('[2001:db8::9]x', "'[2001:db8::9]x'"),
        ('[[2001:db8::9]]', "'[[2001:db8::9]]'"),
        ('10.0.0.01', "'10.0.0.01'"),
        ('10.0.0.1%eth0', "'10.0.0.1%eth0'"),
        ('10.0.0.300:80', "'10.0.0.300:80'"),
        ('for=10.0.0.1', "'for=10.0.0.1'"),
        ('"10.0.0.1"', '\'"10.0.0.1"\''),
        ('10.0.0.1\x1b[2J\xe9', r"'10.0.0.1\x1b[2J\xe9'"),
        ('1' * 5000, f"'{'1' * 64}...'"),
    ],
)
def test_text_that_cannot_be_read_is_named(
    named: Office, header: str, quoted: str
) -> None:
    answer = ask_from(named, header)
    assert told(answer)[:2] == (403, UNREADABLE)
    assert f'{quoted} of X-Forwarded-For' in answer.json['detail']
    assert answer.json['detail'].isascii()


def test_connection_without_an_address_is_named(named: Office) -> None:
    answer = ask_from(named, '10.0.0.1', peer='unix:')
    assert told(answer)[:2] == (403, UNREADABLE)
    assert "'unix:'" in answer.json['detail']


@pytest.mark.parametrize(
    ('header', 'seen'),
    [
        ('10.0.0.1, 192.0.2.7', None),
        ('8.8.8.8, 10.0.0.1:80, 192.0.2.7', None),
        # The text of a proxy that is counted is not looked at.
        ('10.0.0.1, unknown', None),
        ('10.0.0.1, 8.8.8.8, 192.0.2.7', '8.8.8.8'),
        ('8.8.8.8, 192.0.2.7', '8.8.8.8'),
        ('x, 192.0.2.7', "'x'"),
        ('10.0.0.1', 'trusted_hops'),
        ('', 'trusted_hops'),
        (None, 'trusted_hops'),
    ],
)
def test_proxies_may_be_counted(
    counted: Office, header: str | None, seen: str | None
) -> None:
    answer = ask_from(counted, header, '192.0.2.8')
    if seen is None:
        assert answer.status_int == 200
    else:
        assert told(answer)[:2] == (403, UNREADABLE)
        assert seen in answer.json['detail']


def load(home: pathlib.Path, **options: str) -> Clients:
    made = Deployment(home, {'client_address': options})
    return Clients(conf.load(str(made.conf_file)))


@pytest.mark.parametrize(
    ('options', 'option', 'value'),
    [
        (HEADER, 'remote_ip_header', 'X-Forwarded-For'),
        (
            HEADER | {'trusted_proxies': '10.0.0.300/8'},
            'trusted_proxies',
            '10.0.0.300/8',
        ),
        (
            HEADER | {'trusted_proxies': '127.0.0.1, 10.0.0.1/8'},
            'trusted_proxies',
            '10.0.0.1/8',
        ),
        (
            HEADER | {'trusted_proxies': '2001:db8::1/48'},
            'trusted_proxies',
            '2001:db8::1/48',
        ),
        (
            HEADER | {'trusted_proxies': 'proxy.example'},
            'trusted_proxies',
            'proxy.example',
        ),
        (
            HEADER | {'trusted_proxies': '10.0.0.1:80'},
            'trusted_proxies',
            '10.0.0.1:80',
        ),
        (BY_NAME | {'trusted_hops': '1'}, 'trusted_hops', '1'),
        ({'trusted_hops': '3'}, 'trusted_hops', '3'),
        (HEADER | {'trusted_hops': '-1'}, 'trusted_hops', '-1'),
        (
            {'remote_ip_header': 'X Forwarded', 'trusted_hops': '1'},
            'remote_ip_header',
            'X Forwarded',
        ),
        (
            {'remote_ip_header': 'X_Forwarded_For', 'trusted_hops': '1'},
            'remote_ip_header',
            'X_Forwarded_For',
        ),
    ],
)
def test_options_that_do_not_fit_are_named_with_their_value(
    tmp_path: pathlib.Path, options: dict[str, str], option: str, value: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, **options)
    line = str(refused.value)
    assert f'[client_address] {option}' in line
    assert value in line
    assert '\n' not in line


@pytest.mark.parametrize(
    'proxy', ['::ffff:198.51.100.1', '::ffff:198.51.100.0/120', PROXY]
)
def test_proxy_is_one_address_however_it_is_written(
    tmp_path: pathlib.Path, proxy: str
) -> None:
    clients = load(tmp_path, **HEADER, trusted_proxies=proxy)
    for peer in (PROXY, f'::ffff:{PROXY}'):
        environ = {'REMOTE_ADDR': peer, 'HTTP_X_FORWARDED_FOR': '10.0.0.1:9'}
        assert str(clients.find(environ)) == '10.0.0.1'


def test_former_names_are_read_for_now(tmp_path: pathlib.Path) -> None:
    made = Deployment(tmp_path, {'global_keys': BY_NAME})
    clients = Clients(conf.load(str(made.conf_file)))
    environ = {'REMOTE_ADDR': PROXY, 'HTTP_X_FORWARDED_FOR': '10.0.0.1'}
    assert str(clients.find(environ)) == '10.0.0.1'
