"""keymw before a small pipeline, as a server preloads it.

Everybody may manage the key of their own: the token of a user is its id.
Headers tell which worker answers, and which processes made the connections to
databases that it has open.
"""

from collections.abc import Iterable
import os
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import sqlalchemy as sa

import keymw
from tests.support.pipeline_v2 import Account
from tests.support.pipeline_v2 import PipelineV2

USERS = 16

# The process that made each open connection.
CONNECTIONS: dict[int, int] = {}


def user_id(number: int) -> str:
    """The id of a user, and a token of it."""
    return f'{number:032x}'


def _pipeline() -> PipelineV2:
    made = PipelineV2()
    for number in range(USERS):
        id_ = user_id(number)
        made.token(Account(f'user-{number}', id=id_), text=id_)
    return made


def _note_connections() -> None:
    def note(connection: object, *_record: object) -> None:
        CONNECTIONS[id(connection)] = os.getpid()

    def forget(connection: object, *_record: object) -> None:
        CONNECTIONS.pop(id(connection), None)

    sa.event.listen(sa.Pool, 'connect', note)
    sa.event.listen(sa.Pool, 'close', forget)


def _tell_worker(app: WSGIApplication) -> WSGIApplication:
    def tell(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        def start(status: str, headers: Any, *more: Any) -> Any:
            told = [
                ('X-Worker', str(os.getpid())),
                ('X-Makers', ' '.join(map(str, CONNECTIONS.values()))),
            ]
            return start_response(status, [*headers, *told], *more)

        return app(environ, start)

    return tell


def make() -> WSGIApplication:
    """The application that the server loads before it forks."""
    _note_connections()
    return _tell_worker(keymw.wrap(_pipeline(), os.environ['KEYMW_CONF']))
