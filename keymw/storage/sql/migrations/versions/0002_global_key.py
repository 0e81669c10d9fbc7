"""Global API keys and the list of networks they may be used from."""

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
    # MariaDB commits each statement: this may have been cut off half-way.
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
    op.create_table(
        'keymw_turn',
        sa.Column('name', Exact, primary_key=True),
        sa.Column('number', sa.BigInteger, nullable=False),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )
