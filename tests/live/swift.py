"""Swift of the package index: all of its servers, one of each, on loopback."""

import contextlib
import getpass
import http.client
import pathlib
import shutil
import subprocess
from typing import Self

from tests.live.clients import install
from tests.support import servers
from tests.support.servers import ports

PACKAGES = (*('setuptools<81', 'swift==2.38.3', 'keystonemiddleware==13.0.1'),)
KINDS = ('account', 'container', 'object', 'proxy')
DEVICE = 'd1'
RINGS = pathlib.Path(install.__file__).with_name('swift_rings.py')
_COMMON = """\
[swift-hash]
swift_hash_path_suffix = keymw

[storage-policy:0]
name = all
default = yes
"""
_CONF = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {home}
devices = {home}/devices
mount_check = false
user = {user}
workers = 0
log_address = {home}/no-syslog
fallocate_reserve = 0

[pipeline:main]
pipeline = {pipeline}

[app:{kind}-server]
use = egg:swift#{kind}
"""
# What a site has that lets readers read: its documentation's operator_roles,
# and project_reader_roles. Each request has its token validated.
_PROXY = """\
account_autocreate = true

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = {keystone}/v3
auth_url = {keystone}/v3
auth_type = password
username = {service}
password = demo
project_name = service
user_domain_id = default
project_domain_id = default
delay_auth_decision = true
token_cache_time = -1

[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = member
project_reader_roles = reader
"""


class Swift:
    """Swift that asks a Keystone about tokens; it runs in a with block."""

    def __init__(
        self, home: pathlib.Path, keystone: str, service: str
    ) -> None:
        """service is a user, on the project "service", password "demo"."""
        self._python = install.python('swift', *PACKAGES)
        self._home = home
        self._ports = {kind: ports.free() for kind in KINDS}
        self._running: list[subprocess.Popen[bytes]] = []
        (home / 'devices' / DEVICE).mkdir(parents=True)
        (home / 'swift.conf').write_text(_COMMON)
        for kind in KINDS:
            self._write(kind, keystone=keystone, service=service)
        numbers = [str(self._ports[kind]) for kind in KINDS[:3]]
        subprocess.run(
            [self._python, RINGS, home, DEVICE, *numbers], check=True
        )

    def _write(self, kind: str, **proxy: str) -> None:
        is_proxy = kind == 'proxy'
        filters = 'authtoken keystoneauth ' if is_proxy else ''
        text = (_CONF + _PROXY if is_proxy else _CONF).format(
            kind=kind,
            port=self._ports[kind],
            home=self._home,
            user=getpass.getuser(),
            pipeline=f'{filters}{kind}-server',
            **proxy,
        )
        (self._home / f'{kind}.conf').write_text(text)

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f'http://127.0.0.1:{self._ports["proxy"]}'

    def said(self) -> str:
        """The end of the log of all servers."""
        return (self._home / 'log').read_text(errors='replace')[-4000:]

    def __enter__(self) -> Self:
        try:
            for kind in KINDS:
                self._start(kind)
            servers.until(self._answers, self.said)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, kind: str) -> None:
        program = self._python.with_name(f'swift-{kind}-server')
        # The kernel ends what a killed test would leave.
        die = [shutil.which('setpriv') or 'setpriv', '--pdeathsig=KILL']
        with (self._home / 'log').open('ab') as log:
            self._running.append(
                subprocess.Popen(
                    [*die, program, self._home / f'{kind}.conf', '-v'],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _answers(self) -> bool:
        return all(map(_is_open, self._ports.values()))

    def __exit__(self, *_error: object) -> None:
        for process in self._running:
            process.kill()
            process.wait()


def _is_open(port: int) -> bool:
    link = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException):
        link.request('GET', '/')
        return bool(link.getresponse().status)
    return False
