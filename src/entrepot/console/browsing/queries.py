"""The SQL of the data browser. Names come from the declarations and are quoted; values are parameters."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.console.browsing.describing import Described
from entrepot.kit.web.paging import Place

#: How a value is compared, by the name in the address; {} stands for the column and its type.
OPERATORS = {
    "eq": "{column} = CAST(:value AS {type})",
    "contains": "{column}::text ILIKE '%' || :like || '%'",
    "gt": "{column} > CAST(:value AS {type})",
    "lt": "{column} < CAST(:value AS {type})",
    "null": "{column} IS NULL",
    "notnull": "{column} IS NOT NULL",
}
#: Values are cut here; a page is no place for a document of a megabyte.
LONGEST = 2000
#: A filter without an index may have to read everything, but not for ever.
TIMEOUT = "5s"


def quoted(name: str) -> str:
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def source(table: Described) -> str:
    """The table's name for SQL."""
    return f"{quoted(table.entry.schema)}.{quoted(table.entry.name)}"


async def is_readable(session: AsyncSession, table: Described) -> bool:
    """Whether a shop may read the table at all."""
    query = text("SELECT has_table_privilege(:name, 'SELECT')")
    return bool((await session.execute(query, {"name": source(table)})).scalar_one())


async def is_valid(session: AsyncSession, value: str, kind: str) -> bool:
    """Whether a value can be read as a type."""
    query = text("SELECT pg_input_is_valid(:value, :kind)")
    return bool((await session.execute(query, {"value": value, "kind": kind})).scalar_one())


async def select_rows(
    session: AsyncSession,
    table: Described,
    *,
    column: str | None,
    operator: str,
    value: str,
    at: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` rows by key as text, from a place on, either way; secrets are not even read."""
    await session.execute(text(f"SET LOCAL statement_timeout = '{TIMEOUT}'"))
    conditions, values = ["true"], dict[str, Any](limit=limit)
    if column is not None:
        kind = table.column(column).type or "text"
        conditions.append(OPERATORS[operator].format(column=quoted(column), type=kind))
        if operator not in ("null", "notnull"):
            if operator == "contains":
                values["like"] = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            else:
                values["value"] = value
    keys = [quoted(name) for name in table.key] if table.pages else []
    direction, beyond = ("DESC", "<") if at is not None and at.backward else ("ASC", ">")
    if at is not None and keys:
        marks = [
            f"CAST(:key_{index} AS {table.column(name).type or 'text'})"
            for index, name in enumerate(table.key)
        ]
        conditions.append(f"({', '.join(keys)}) {beyond} ({', '.join(marks)})")
        values |= {f"key_{index}": item for index, item in enumerate(at.values)}
    columns = ", ".join(
        f"left({quoted(item.name)}::text, {LONGEST}) AS {quoted(item.name)}" for item in table.shown
    )
    order = ", ".join(f"{source(table)}.{key} {direction}" for key in keys)
    query = f"""
        SELECT {columns}
        FROM {source(table)}
        WHERE {" AND ".join(conditions)}
        {"ORDER BY " + order if order else ""}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


async def select_policies(session: AsyncSession, table: Described) -> Sequence[RowMapping]:
    """The row security policies in force."""
    query = text("""
        SELECT policyname AS name, cmd AS command, array_to_string(roles, ', ') AS roles, qual AS using, with_check AS check
        FROM pg_policies
        WHERE schemaname = :schema AND tablename = :name
        ORDER BY policyname
    """)
    return (
        (await session.execute(query, {"schema": table.entry.schema, "name": table.entry.name}))
        .mappings()
        .all()
    )


async def select_constraints(session: AsyncSession, table: Described) -> Sequence[RowMapping]:
    """Keys, checks, references and indexes as the server prints them."""
    query = text("""
        SELECT name, definition FROM (
            SELECT 1 AS part, c.conname AS name, pg_get_constraintdef(c.oid) AS definition
            FROM pg_constraint AS c
            WHERE c.conrelid = to_regclass(:name) AND c.contype <> 'n'
            UNION ALL
            SELECT 2, (SELECT relname FROM pg_class WHERE oid = i.indexrelid), regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '')
            FROM pg_index AS i
            WHERE i.indrelid = to_regclass(:name)
              AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)
        ) AS found
        ORDER BY part, name
    """)
    return (await session.execute(query, {"name": source(table)})).mappings().all()


async def select_view_columns(session: AsyncSession, table: Described) -> dict[str, str]:
    """The types of a view's columns, which only the server knows."""
    query = text("""
        SELECT attname, format_type(atttypid, atttypmod) AS kind
        FROM pg_attribute
        WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped
    """)
    rows = await session.execute(query, {"name": source(table)})
    return {row.attname: row.kind for row in rows}
