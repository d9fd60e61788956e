"""${message}

Revision: ${up_revision}, after ${down_revision}
"""

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    ${downgrades if downgrades else 'raise NotImplementedError("say here why this cannot be undone")'}
