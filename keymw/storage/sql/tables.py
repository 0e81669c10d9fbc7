"""The tables; migrations/versions makes the same, and a test compares."""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

METADATA = sa.MetaData()

# MySQL compares without case unless told otherwise.
EXACT = sa.String(255).with_variant(
    mysql.VARCHAR(255, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql'
)
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')

CREDENTIAL = sa.Table(
    'keymw_credential',
    METADATA,
    sa.Column('user_id', EXACT, primary_key=True),
    sa.Column('domain_id', EXACT, nullable=False),
    sa.Column('username', EXACT),
    sa.Column('secret', sa.LargeBinary(1024), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('updated_at', MOMENT, nullable=False),
    sa.Index('keymw_credential_name', 'domain_id', 'username'),
)
