"""Mirakl order operations.

Revision: 0005
"""

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Drop everything that upgrade made, with its data."""
    run_sql_beside(__file__, ".down.sql")
