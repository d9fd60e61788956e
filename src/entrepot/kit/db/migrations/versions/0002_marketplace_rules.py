"""The marketplace's platforms, one lifecycle for its rules, and the four engines.

Revision: 0002
"""

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Drop everything that upgrade made, with its data, and give the older tables their shape back."""
    run_sql_beside(__file__, ".down.sql")
