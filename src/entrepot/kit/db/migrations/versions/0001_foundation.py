"""The foundation: schema pim as documented, the outbox, and the functions that keep them.

Revision: 0001
"""

from alembic import op

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Drop everything that upgrade made; the data goes with it."""
    op.execute("DROP SCHEMA IF EXISTS pim_private, pim, marketplace CASCADE")
    for function in ("touch", "audit", "redact", "partition_name", "maintain_partitions"):
        op.execute(f"DROP FUNCTION IF EXISTS entrepot.{function} CASCADE")
