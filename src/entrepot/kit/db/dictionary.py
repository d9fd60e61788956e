"""The data dictionary: every declared table and column with its comment, keys and policies.

It is made from the declarations, so it cannot say anything that the database does not hold (`entrepot db check`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.dialects import postgresql

from entrepot.kit.db import ddl
from entrepot.kit.db.features import Audit, GlobalRows, Partitions, SystemRows, TenantRows, Touch
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS, MaterializedView, View

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class ColumnEntry:
    """One column of the dictionary."""

    name: str
    type: str
    nullable: bool
    default: str | None
    primary_key: bool
    references: str | None
    secret: bool
    comment: str


@dataclass(frozen=True)
class TableEntry:
    """One table, view or materialized view of the dictionary."""

    schema: str
    name: str
    kind: str
    comment: str
    columns: tuple[ColumnEntry, ...]
    primary_key: tuple[str, ...]
    indexes: tuple[str, ...]
    references: tuple[str, ...]
    access: str
    notes: tuple[str, ...]

    @property
    def fullname(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.name}"


def tables() -> list[TableEntry]:
    """Every declared table, then the views, by name."""
    entries = [_table(table) for table in Base.metadata.tables.values()]
    entries += [_view(view) for view in VIEWS]
    entries += [_view(view) for view in MATERIALIZED_VIEWS]
    return sorted(entries, key=lambda entry: (entry.schema, entry.kind != "table", entry.name))


def access(table: Table) -> str:
    """Who sees and writes the rows of a table, in a sentence."""
    rows = ddl.feature(table, TenantRows)
    if rows is not None:
        writes = {
            "app": "sees and writes its own rows",
            "append": "sees its own rows and adds to them",
            "system": "sees its own rows",
        }[rows.writes]
        shared = f"; rows without {rows.column} are seen by all" if rows.shared_nulls else ""
        return f"A tenant {writes} (`{rows.column}`){shared}."
    if ddl.feature(table, GlobalRows) is not None:
        closed = ddl.secrets(table)
        but = f", but for {', '.join(f'`{name}`' for name in closed)}" if closed else ""
        return f"Shared by all tenants: read by all{but}, written by the pipeline and by administrators."
    if ddl.feature(table, SystemRows) is not None:
        return "Closed to tenants."
    raise TypeError(f"{table.fullname} declares no row security")


def _table(table: Table) -> TableEntry:
    references = {}
    for constraint in table.foreign_key_constraints:
        target = next(iter(constraint.elements)).target_fullname.rsplit(".", 1)[0]
        for column in constraint.columns:
            if len(constraint.columns) == 1 or column.name not in ("shop_id", "platform_id", "account_id"):
                references[column.name] = target
    columns = tuple(
        ColumnEntry(
            name=column.name,
            type=column.type.compile(dialect=_DIALECT),
            nullable=bool(column.nullable),
            default=str(column.server_default.arg)
            if column.server_default is not None and hasattr(column.server_default, "arg")
            else None,
            primary_key=column.primary_key,
            references=references.get(column.name),
            secret=bool(column.info.get("secret")),
            comment=column.comment or "",
        )
        for column in table.columns
    )
    return TableEntry(
        schema=table.schema or "public",
        name=table.name,
        kind="table",
        comment=table.comment or "",
        columns=columns,
        primary_key=tuple(column.name for column in table.primary_key.columns),
        indexes=tuple(sorted(str(index.name) for index in table.indexes)),
        references=tuple(sorted(_reference(constraint) for constraint in table.foreign_key_constraints)),
        access=access(table),
        notes=tuple(_notes(table)),
    )


def _reference(constraint: ForeignKeyConstraint) -> str:
    target = next(iter(constraint.elements)).target_fullname.rsplit(".", 1)[0]
    local = ", ".join(column.name for column in constraint.columns)
    remote = ", ".join(element.target_fullname.rsplit(".", 1)[1] for element in constraint.elements)
    return f"({local}) → {target} ({remote})" + (
        f" on delete {constraint.ondelete.lower()}" if constraint.ondelete else ""
    )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _notes(table: Table) -> Iterator[str]:
    audit = ddl.feature(table, Audit)
    if audit:
        yield f"Audited on {', '.join(audit.on)}."
    if ddl.feature(table, Touch):
        yield "`updated_at` is kept by a trigger."
    partitions = ddl.feature(table, Partitions)
    if partitions:
        kept = f", kept {partitions.retain.days} days" if partitions.retain else ", kept for ever"
        merged = "".join(
            f", merged to a {one.span} {_days(one.after.days)} after the {one.span}"
            for one in partitions.merge
        )
        yield f"Partitioned by {partitions.span} on `{partitions.column}`{merged}{kept}."
    if "UNLOGGED" in table._prefixes:
        yield "Unlogged: emptied when the server crashes."


def _view(view: View | MaterializedView) -> TableEntry:
    materialized = isinstance(view, MaterializedView)
    tenant = view.tenant if isinstance(view, MaterializedView) else None
    if isinstance(view, MaterializedView):
        who = f"A tenant sees its own rows (`{tenant}`)." if tenant else "Read by all."
        notes: tuple[str, ...] = (f"Refreshed by the schedule `{view.schedule}` (UTC).",)
        indexes = (view.unique[0], *(name for name, _ in view.indexes))
    else:
        who, notes, indexes = "Runs with the rights of its reader.", (), ()
    columns = tuple(
        ColumnEntry(name, "", True, None, False, None, False, comment)
        for name, comment in view.columns.items()
    )
    return TableEntry(
        view.schema,
        view.name,
        "materialized view" if materialized else "view",
        view.comment,
        columns,
        (),
        indexes,
        (),
        who,
        notes,
    )


def render_markdown() -> str:
    """The dictionary as one Markdown page."""
    lines = [
        "# Data dictionary",
        "",
        "Every table and column, from the declarations of this version. `entrepot db dictionary` prints the same.",
        "",
    ]
    for entry in tables():
        said = entry.comment if entry.comment.endswith(".") or not entry.comment else f"{entry.comment}."
        lines += [
            f"## {entry.fullname}",
            "",
            f"*{entry.kind.capitalize()}.* {said} {entry.access} {' '.join(entry.notes)}".strip(),
            "",
        ]
        lines += ["| column | type | null | default | meaning |", "| --- | --- | --- | --- | --- |"]
        for column in entry.columns:
            marks = "".join([" (key)" if column.primary_key else "", " (secret)" if column.secret else ""])
            meaning = column.comment + (f" → {column.references}" if column.references else "")
            cells = [
                f"`{column.name}`{marks}",
                column.type,
                "yes" if column.nullable else "no",
                f"`{column.default}`" if column.default else "",
                meaning,
            ]
            lines.append(
                "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
            )
        lines.append("")
        if entry.references:
            lines += [f"References: {'; '.join(f'`{reference}`' for reference in entry.references)}.", ""]
        if entry.indexes:
            lines += [f"Indexes: {', '.join(f'`{index}`' for index in entry.indexes)}.", ""]
    return "\n".join(lines)
