"""How a migration runs the SQL file beside it."""

from pathlib import Path
from typing import Any

import psycopg
from alembic import op


def run_sql_beside(python_file: str, suffix: str = ".sql") -> None:
    """Run the file of the same name that ends in `suffix`, as it is: no parameters, no percent signs to double."""
    script = Path(python_file).with_suffix(suffix).read_text()
    connection: psycopg.Connection[Any] = op.get_bind().connection.driver_connection  # type: ignore[assignment]
    connection.execute(script.encode())
