"""The API keys of users."""

from alembic import op
import sqlalchemy as sa

from keymw.storage.sql.tables import MOMENT
from keymw.storage.sql.tables import Exact

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits each statement: a former run may have done a part.
    op.create_table(
        'keymw_credential',
        sa.Column('user_id', Exact, primary_key=True),
        sa.Column('domain_id', Exact, nullable=False),
        sa.Column('username', Exact),
        sa.Column('secret', sa.LargeBinary(1024), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('updated_at', MOMENT, nullable=False),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )
    found = sa.inspect(op.get_bind()).get_indexes('keymw_credential')
    if not found:
        op.create_index(
            'keymw_credential_name',
            'keymw_credential',
            ['domain_id', 'username'],
        )
