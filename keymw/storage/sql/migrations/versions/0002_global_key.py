"""Global API keys and their access list."""

from alembic import op
import sqlalchemy as sa

from keymw.storage.sql.tables import Exact
from keymw.storage.sql.tables import Moment
from keymw.storage.sql.tables import Names

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits at each statement that changes the schema, even without
    # effect. A former run may have done a part. And if another node of a
    # cluster was first, a statement would commit version 0001 beside the 0002
    # that is there.
    present = sa.inspect(op.get_bind()).get_table_names()
    if 'keymw_global_key' not in present:
        _create_global_key()
    if 'keymw_access_list' not in present:
        _create_access_list()
    if 'keymw_turn' not in present:
        _create_turn()


def _create_global_key() -> None:
    op.create_table(
        'keymw_global_key',
        sa.Column('id', Exact, primary_key=True),
        sa.Column('public_key', Exact, nullable=False),
        sa.Column('description', Exact, nullable=False),
        sa.Column('roles', Names, nullable=False),
        sa.Column('ha1', sa.LargeBinary(1024), nullable=False),
        sa.Column('suffix', Exact, nullable=False),
        sa.Column('created_at', Moment, nullable=False),
        sa.Column('updated_at', Moment, nullable=False),
        sa.UniqueConstraint('public_key', name='keymw_global_key_public_key'),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )


def _create_access_list() -> None:
    op.create_table(
        'keymw_access_list',
        sa.Column('id', Exact, primary_key=True),
        sa.Column('cidr_block', Exact, nullable=False),
        sa.Column('network', Exact, nullable=False),
        sa.Column('description', Exact, nullable=False),
        sa.Column('created_at', Moment, nullable=False),
        sa.Column('updated_at', Moment, nullable=False),
        sa.Column('last_used_at', Moment),
        sa.UniqueConstraint('network', name='keymw_access_list_network'),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )


def _create_turn() -> None:
    op.create_table(
        'keymw_turn',
        sa.Column('name', Exact, primary_key=True),
        sa.Column('number', sa.BigInteger, nullable=False),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )
