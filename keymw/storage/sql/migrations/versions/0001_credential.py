"""The API keys of users."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

_EXACT = sa.String(255).with_variant(
    mysql.VARCHAR(255, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql'
)
_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    op.create_table(
        'keymw_credential',
        sa.Column('user_id', _EXACT, primary_key=True),
        sa.Column('domain_id', _EXACT, nullable=False),
        sa.Column('username', _EXACT),
        sa.Column('secret', sa.LargeBinary(1024), nullable=False),
        sa.Column('created_at', _MOMENT, nullable=False),
        sa.Column('updated_at', _MOMENT, nullable=False),
    )
    op.create_index(
        'keymw_credential_name',
        'keymw_credential',
        ['domain_id', 'username'],
    )
