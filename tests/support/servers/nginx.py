"""nginx as a proxy that caches whatever it is allowed to."""

import socket
from typing import ClassVar

from tests.support.servers import Server
from tests.support.servers import ports

# The key of the cache is the path alone, and each method and status is
# cached: only the headers of a response keep it out.
CONF = """\
daemon off;
master_process off;
pid {home}/pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    proxy_cache_path {home}/cache keys_zone=all:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_cache all;
            proxy_cache_key $request_method$request_uri;
            proxy_cache_methods GET HEAD POST;
            proxy_cache_valid any 10m;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""


class Nginx(Server):
    """A proxy on a port of its own, before another port."""

    name = 'nginx'
    user = 'www-data'
    programs: ClassVar[tuple[str, ...]] = ('nginx',)

    def __init__(self, behind: int) -> None:
        super().__init__()
        self.port = ports.free()
        self._behind = behind

    def set_up(self) -> None:
        """Write the configuration."""
        self.write(
            'nginx.conf',
            CONF.format(home=self.home, port=self.port, behind=self._behind),
        )

    def command(self) -> list[str]:
        """Run in the foreground, as one process."""
        file = str(self.home / 'nginx.conf')
        return ['nginx', '-e', 'stderr', '-p', str(self.home), '-c', file]

    def answers(self) -> bool:
        """Whether it listens."""
        with socket.socket() as line:
            return line.connect_ex(('127.0.0.1', self.port)) == 0
