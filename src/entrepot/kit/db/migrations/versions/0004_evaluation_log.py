"""The evaluation log of policies tells of every rule: a view over the rules that matched, which are all that is stored.

Revision: 0004
"""

from entrepot.kit.db.migrations.sql import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Store the log of each decision whole again.

    Of a version of more than 100 rules those are missing that a decision after the upgrade looked at and did not match.
    """
    run_sql_beside(__file__, ".down.sql")
