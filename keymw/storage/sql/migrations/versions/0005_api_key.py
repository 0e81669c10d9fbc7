"""API keys: many per user."""

from alembic import op
import sqlalchemy as sa

from keymw.storage.sql.tables import Exact
from keymw.storage.sql.tables import Moment
from keymw.storage.sql.tables import Names
from keymw.storage.sql.tables import Texts

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits at each statement that changes the schema: a former run
    # may have done a part, or another node may have been first.
    present = sa.inspect(op.get_bind())
    if not present.has_table('keymw_api_key'):
        _create()
    found = sa.inspect(op.get_bind()).get_indexes('keymw_api_key')
    if 'keymw_api_key_state' not in [index['name'] for index in found]:
        op.create_index(
            'keymw_api_key_state',
            'keymw_api_key',
            ['state', 'enabled', 'expires_at'],
        )


def _create() -> None:
    op.create_table(
        'keymw_api_key',
        sa.Column('id', Exact, primary_key=True),
        sa.Column('user_id', Exact, nullable=False),
        sa.Column('name', Exact, nullable=False),
        sa.Column('taken_name', Exact),
        sa.Column('description', Exact, nullable=False),
        sa.Column('project_id', Exact),
        sa.Column('roles', Names, nullable=False),
        sa.Column('unrestricted', sa.Boolean, nullable=False),
        sa.Column('state', Exact, nullable=False),
        sa.Column('enabled', sa.Boolean, nullable=False),
        sa.Column('disabled_by', Exact),
        sa.Column('expires_at', Moment),
        sa.Column('allowed_cidrs', Texts),
        sa.Column('secret', sa.LargeBinary(1024), nullable=False),
        sa.Column('previous_secret', sa.LargeBinary(1024)),
        sa.Column('previous_expires_at', Moment),
        sa.Column('previous_last_used_at', Moment),
        sa.Column('trust_id', Exact),
        sa.Column('trustee_id', Exact),
        sa.Column('trust_expires_at', Moment),
        sa.Column('former_trust_id', Exact),
        sa.Column('created_at', Moment, nullable=False),
        sa.Column('updated_at', Moment, nullable=False),
        sa.Column('rotated_at', Moment),
        sa.Column('last_used_at', Moment),
        sa.Column('last_used_from', Exact),
        sa.Column('seal', sa.LargeBinary(1024)),
        sa.Column('revision', sa.BigInteger, nullable=False),
        sa.UniqueConstraint(
            'user_id', 'taken_name', name='keymw_api_key_name'
        ),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )
