"""The check of the schema when a worker starts."""

import logging
import os
from urllib.parse import urlsplit

import sqlalchemy as sa

from keymw.conf import ConfigError
from keymw.storage import base
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database

LOG = logging.getLogger(__name__)


def check(db: Database) -> None:
    """Refuse to start on a database without the schema that keymw needs.

    No connection stays open, as the process may fork. A database that cannot
    be reached is a warning: it may be back for the first request. So is a
    newer schema, which workers meet during a rolling upgrade.

    :raises ConfigError: there is no schema, or one of an older keymw.
    """
    _check_file(db.url)
    try:
        migrate.check(db)
    except migrate.NotSynced as error:
        raise ConfigError(str(error)) from None
    except base.Outage as error:
        LOG.warning('%s', error)
    finally:
        db.close()


def _check_file(url: sa.URL) -> None:
    """Name a missing SQLite file; a connection would make an empty one.

    Without its directory it may be on a disk that is not mounted yet.
    """
    if url.get_backend_name() != 'sqlite':
        return
    # The name may be a URI of SQLite, with a query.
    file = urlsplit(str(url.database or '')).path
    is_missing = file.startswith('/') and not os.path.exists(file)
    if is_missing and os.path.isdir(os.path.dirname(file)):
        raise ConfigError(
            f'[database] connection: there is no file {file}: run '
            '"keymw-manage db sync"'
        )
