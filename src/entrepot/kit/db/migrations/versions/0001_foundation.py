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
    op.execute("DROP SCHEMA IF EXISTS pim_private, pim, marketplace, procrastinate CASCADE")
    op.execute("ALTER DEFAULT PRIVILEGES FOR ROLE entrepot_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
    op.execute(
        """
        DO $$
        DECLARE
            made regprocedure;
        BEGIN
            FOR made IN SELECT oid FROM pg_proc WHERE pronamespace = 'entrepot'::regnamespace LOOP
                EXECUTE format('DROP FUNCTION %s CASCADE', made);
            END LOOP;
        END $$
        """
    )
