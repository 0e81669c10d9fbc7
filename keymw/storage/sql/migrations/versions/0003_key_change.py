"""The time of the last change of each user's key, kept after deletion."""

from alembic import op
import sqlalchemy as sa

from keymw.storage.sql.tables import Exact
from keymw.storage.sql.tables import Moment

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # See 0002: a former run may have done a part, or another node of a
    # cluster may have been first.
    if 'keymw_key_change' in sa.inspect(op.get_bind()).get_table_names():
        return
    op.create_table(
        'keymw_key_change',
        sa.Column('user_id', Exact, primary_key=True),
        sa.Column('changed_at', Moment, nullable=False),
        sa.Column('chain', Exact),
        mysql_engine='InnoDB',
        if_not_exists=True,
    )
