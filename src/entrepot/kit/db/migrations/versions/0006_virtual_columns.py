"""Virtual columns are not checked for null, row by row.

Revision: 0006
"""

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Check them again; no data changes."""
    run_sql_beside(__file__, ".down.sql")
