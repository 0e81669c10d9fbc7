"""keymw before a small pipeline, as a server preloads it.

Everybody may manage the key of their own: the token of a user is its id.
Headers tell which worker answers, and which processes made the engines of
databases that it has.
"""

from collections.abc import Iterable
import os
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import sqlalchemy as sa

import keymw
from tests.pipeline_v2 import Account
from tests.pipeline_v2 import PipelineV2

USERS = 16

ENGINES: list[int] = []


def user_id(number: int) -> str:
    """The id of a user, and a token of it."""
    return f'{number:032x}'


def _pipeline() -> PipelineV2:
    made = PipelineV2()
    for number in range(USERS):
        id_ = user_id(number)
        made.token(Account(f'user-{number}', id=id_), text=id_)
    return made


def _note_engines() -> None:
    make = sa.create_engine

    def note(*arguments: Any, **options: Any) -> sa.Engine:
        ENGINES.append(os.getpid())
        return make(*arguments, **options)

    sa.create_engine = note


def _tell_worker(app: WSGIApplication) -> WSGIApplication:
    def tell(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        def start(status: str, headers: Any, *more: Any) -> Any:
            told = [
                ('X-Worker', str(os.getpid())),
                ('X-Engines', ' '.join(map(str, ENGINES))),
            ]
            return start_response(status, [*headers, *told], *more)

        return app(environ, start)

    return tell


def make() -> WSGIApplication:
    """What the server loads before it forks."""
    _note_engines()
    return _tell_worker(keymw.wrap(_pipeline(), os.environ['KEYMW_CONF']))
