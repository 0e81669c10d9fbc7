"""Uses of nonces in a SQL table; its primary key finds duplicates."""

from oslo_config import cfg
from oslo_db import exception
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.global_keys import UsedNonceStore
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql.tables import USED_NONCE


class SqlUsedNonces(UsedNonceStore):
    """Uses of nonces in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def add(self, use: str) -> None:
        self._db.write(lambda on: _add(on, use))

    def drop(self, before: str) -> None:
        old = sa.delete(USED_NONCE).where(USED_NONCE.c.nonce < before)
        self._db.write(lambda on: on.execute(old))

    def check(self) -> None:
        migrate.check(self._db)


_ADD = sa.insert(USED_NONCE)


def _add(on: sa.Connection, use: str) -> None:
    try:
        on.execute(_ADD, {'nonce': use})
    except exception.DBDuplicateEntry:
        raise base.Taken('the use of a nonce') from None
