"""Columns that recur in the warehouse."""

from sqlalchemy import text

from entrepot.kit.db import Database


async def test_no_virtual_column_is_computed_for_every_row_that_is_written(db: Database) -> None:
    """NOT NULL on a virtual column makes the server compute it for each row, to see that it is not null."""
    async with db.system() as session:
        rows = await session.execute(
            text(
                "SELECT c.oid::regclass::text, a.attname, a.attnotnull FROM pg_attribute AS a "
                "JOIN pg_class AS c ON c.oid = a.attrelid WHERE a.attgenerated = 'v' AND c.relkind IN ('r', 'p')"
            )
        )
        found = [tuple(row) for row in rows]
    assert {column for _, column, _ in found} == {"partition_key", "id"}
    assert [(table, column) for table, column, required in found if required] == []
