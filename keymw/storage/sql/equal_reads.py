"""Reads of one credential that take the same time whether it is there or not.

Else the time of a login would tell which users have a key.
"""

import datetime
import functools
from typing import Any

import sqlalchemy as sa

from keymw.storage.sql.tables import CREDENTIAL

_COLUMNS = CREDENTIAL.c


_NOTHING = {
    'domain_id': 'default',
    'username': 'nobody',
    'secret': bytes(60),
    'created_at': datetime.datetime(2001, 1, 1, 1, 1, 1, 1),
    'updated_at': datetime.datetime(2001, 1, 1, 1, 1, 1, 1),
}


def _or_nothing(
    dialect: str, condition: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Select one row always; its user_id is NULL if no credential matches.

    The placeholder has values of the same types, so reading it takes the
    same time.
    """
    always = sa.select(sa.literal(1).label('always')).subquery()
    there = _COLUMNS.user_id.is_not(None)
    values = [
        sa.case(
            (there, _COLUMNS[name]), else_=_of_type(dialect, name, value)
        ).label(name)
        for name, value in _NOTHING.items()
    ]
    return sa.select(_COLUMNS.user_id, *values).select_from(
        always.outerjoin(CREDENTIAL, condition)
    )


def _of_type(dialect: str, name: str, value: Any) -> sa.ColumnElement[Any]:
    type_ = _COLUMNS[name].type
    literal = sa.literal(value, type_)
    if dialect == 'mysql' and isinstance(value, datetime.datetime):
        # MySQL types a quoted time as text, and then the whole column.
        return sa.cast(literal, type_)
    return literal


@functools.cache
def of_user(dialect: str) -> sa.Select[Any]:
    """Select the credential of the user of_user."""
    return _or_nothing(dialect, _COLUMNS.user_id == sa.bindparam('of_user'))


@functools.cache
def of_name(dialect: str) -> sa.Select[Any]:
    """Select the newest credential by the name of_domain and name."""
    # Two servers that write at the same time may both claim a name.
    named = sa.and_(
        _COLUMNS.domain_id == sa.bindparam('of_domain'),
        _COLUMNS.username == sa.bindparam('name'),
    )
    newest = _COLUMNS.updated_at.desc()
    return _or_nothing(dialect, named).order_by(newest).limit(1)
