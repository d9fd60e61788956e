"""What PostgreSQL's catalog says of the schemas of the program, object by object."""

import re
from collections.abc import Sequence
from typing import Any

import psycopg

#: (kind, name) → definition.
Snapshot = dict[tuple[str, str], str]

_RELATIONS = """
WITH relations AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl, c.reloptions
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'v', 'm')
      AND c.relname <> 'alembic_version'
      -- A table that is being filled to become a partition; a left-over one is dropped by the partitions' maintenance.
      AND NOT (c.relname ~ '_(built|merged)$' AND coalesce(starts_with(obj_description(c.oid, 'pg_class'), 'To be a partition of '), false))
)
"""

_QUERIES = {
    "schema": """
        SELECT n.nspname, 'owner ' || pg_get_userbyid(n.nspowner) || ', grants ' ||
               coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(n.nspacl) AS a), 'none')
        FROM pg_namespace AS n WHERE n.nspname = ANY (%(schemas)s)
    """,
    "table": """
        SELECT r.nspname || '.' || r.relname,
               CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table ' || pg_get_partkeydef(r.oid)
                              WHEN 'v' THEN 'view' ELSE 'materialized view' END
               || CASE r.relpersistence WHEN 'u' THEN ', unlogged' ELSE '' END
               || CASE WHEN r.relrowsecurity THEN ', row security' ELSE '' END
               || CASE WHEN r.relforcerowsecurity THEN ', forced' ELSE '' END
               || ', owner ' || pg_get_userbyid(r.relowner)
               || coalesce(', options ' || array_to_string(r.reloptions, ' '), '')
               || ', grants ' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(r.relacl) AS a), 'none')
               || coalesce(', comment ' || obj_description(r.oid, 'pg_class'), '')
        FROM relations AS r
    """,
    "column": """
        SELECT r.nspname || '.' || r.relname || '.' || a.attname,
               format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || coalesce(CASE a.attgenerated WHEN '' THEN ' default ' ELSE ' generated ' END || pg_get_expr(d.adbin, d.adrelid), '')
               || coalesce(', grants ' || (SELECT string_agg(g::text, ' ' ORDER BY g::text) FROM unnest(a.attacl) AS g), '')
               || coalesce(', comment ' || col_description(a.attrelid, a.attnum), '')
        FROM relations AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    """,
    "constraint": """
        SELECT r.nspname || '.' || r.relname || '.' || k.conname,
               pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
        FROM relations AS r JOIN pg_constraint AS k ON k.conrelid = r.oid
        WHERE k.contype <> 'n' AND k.conparentid = 0
    """,
    "index": """
        SELECT r.nspname || '.' || ic.relname, pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
        FROM relations AS r JOIN pg_index AS i ON i.indrelid = r.oid JOIN pg_class AS ic ON ic.oid = i.indexrelid
    """,
    "policy": """
        SELECT r.nspname || '.' || r.relname || '.' || p.polname,
               'for ' || p.polcmd::text || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END
               || ' to ' || (SELECT string_agg(pg_get_userbyid(o), ' ' ORDER BY pg_get_userbyid(o)) FROM unnest(p.polroles) AS o)
               || ' using ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' check ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
        FROM relations AS r JOIN pg_policy AS p ON p.polrelid = r.oid
    """,
    "trigger": """
        SELECT r.nspname || '.' || r.relname || '.' || t.tgname, pg_get_triggerdef(t.oid) || CASE WHEN t.tgenabled = 'O' THEN '' ELSE ' enabled ' || t.tgenabled::text END
        FROM relations AS r JOIN pg_trigger AS t ON t.tgrelid = r.oid
        WHERE NOT t.tgisinternal AND t.tgparentid = 0
    """,
    "function": """
        SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
               'owner ' || pg_get_userbyid(p.proowner) || ', grants '
               || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(p.proacl) AS a), 'default') || chr(10)
               || pg_get_functiondef(p.oid)
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY (%(schemas)s) AND p.prokind IN ('f', 'p')
    """,
    "default privileges": """
        SELECT pg_get_userbyid(d.defaclrole) || coalesce(' in ' || n.nspname, '') || ' ' || d.defaclobjtype::text,
               (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(d.defaclacl) AS a)
        FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
        WHERE pg_get_userbyid(d.defaclrole) LIKE 'entrepot\\_%%' AND %(schemas)s::text[] IS NOT NULL
    """,
    "view": "SELECT r.nspname || '.' || r.relname, pg_get_viewdef(r.oid) FROM relations AS r WHERE r.relkind IN ('v', 'm')",
    "extension": "SELECT extname, 'installed' FROM pg_extension WHERE extname <> 'plpgsql' AND %(schemas)s::text[] IS NOT NULL",
}


def snapshot(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> Snapshot:
    """Every object of the schemas with its definition as the server prints it; partitions themselves are left out."""
    found: Snapshot = {}
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = pg_catalog")
        for kind, query in _QUERIES.items():
            rows = connection.execute(f"{_RELATIONS} {query}".encode(), {"schemas": list(schemas)})
            for name, definition in rows:
                found[(kind, str(name))] = settled(str(definition))
    return found


_WORD = r"'(?:[^']|'')*'::character varying"
_LIST = re.compile(rf"\(ARRAY\[({_WORD}(?:, {_WORD})*)\]\)::text\[\]")


def settled(definition: str) -> str:
    """A definition as the server prints it after reading its own print: a restored database casts the words of a list
    one by one, where the first one casts the list."""
    return _LIST.sub(
        lambda found: f"ARRAY[{re.sub(_WORD, lambda word: f'({word[0]})::text', found[1])}]", definition
    )
