"""Used nonces, and the seals of global keys and of entries."""

from alembic import op
import sqlalchemy as sa

from keymw.storage.sql.tables import Exact

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits at each statement that changes the schema: a former run
    # may have done a part, or another node may have been first.
    present = sa.inspect(op.get_bind())
    if not present.has_table('keymw_used_nonce'):
        op.create_table(
            'keymw_used_nonce',
            sa.Column('nonce', Exact, primary_key=True),
            mysql_engine='InnoDB',
            if_not_exists=True,
        )
    for table in ('keymw_global_key', 'keymw_access_list'):
        columns = [column['name'] for column in present.get_columns(table)]
        if 'seal' not in columns:
            op.add_column(table, sa.Column('seal', sa.LargeBinary(1024)))
