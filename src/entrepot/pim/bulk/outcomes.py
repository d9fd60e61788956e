"""What became of every record of a run, by type, and the proof that none was lost."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import EntrepotError
from entrepot.pim.bulk import links, queries
from entrepot.pim.bulk.merging import bound
from entrepot.pim.bulk.staging import RECORD_TABLES
from entrepot.pim.bulk.telling import Counts as Counted

#: Types whose records are rows: what the merge noted is what became of them.
ROWS = ("Product", "ProductVariant", *RECORD_TABLES, "Metafield", "InventoryLevel")
#: Notes about rows that no line of the file stands for alone.
FOLDED = frozenset({"Media", "ProductMedia", "VariantMedia", "MenuItem"})


@dataclass
class Counts:
    """What became of records: read = inserted + updated + unchanged + rejected. Deleted rows were not read."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    deleted: int = 0

    def add(self, other: "Counts") -> None:
        """Add another type's counts."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Outcome:
    """The counts of a run by type of record."""

    by_type: dict[str, Counts] = field(default_factory=dict)

    def of(self, kind: str) -> Counts:
        """The counts of one type."""
        return self.by_type.setdefault(kind, Counts())

    @property
    def total(self) -> Counts:
        """The counts of all types together."""
        total = Counts()
        for counts in self.by_type.values():
            total.add(counts)
        return total

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Plain values, types by name."""
        return {kind: asdict(counts) for kind, counts in sorted(self.by_type.items())}


def from_dict(values: dict[str, Any]) -> Outcome:
    """What `as_dict` gave."""
    return Outcome({kind: Counts(**counts) for kind, counts in values.items()})


async def staged(session: AsyncSession, outcome: Outcome) -> tuple[dict[str, int], Counted]:
    """Add what validation rejected; returns how many rows of each type are staged, usable or not, and the usable ones by file."""
    found: dict[str, int] = {}
    usable: Counted = {}
    for row in await session.execute(queries.STAGED_COUNTS):
        found[row.type] = found.get(row.type, 0) + row.rows
        if row.usable:
            usable.setdefault(row.file_number, {})[row.type] = row.rows
        else:
            outcome.of(row.type).rejected += row.rows
    if "Metafield" in found:
        for row in await session.execute(queries.STAGED_METAFIELDS):
            usable[row.file_number][row.type] = row.rows
    return found, usable


async def merged(session: AsyncSession, parameters: dict[str, Any], outcome: Outcome) -> None:
    """Add what the merge noted, and count the rest as unchanged; refuses to go on when a record is missing.

    Raises EntrepotError, which rolls the merge back: it would be a defect of the merge, not of the file.
    """
    rows = await session.execute(
        text("SELECT kind, action, count(*) AS rows FROM changed GROUP BY kind, action")
    )
    for row in rows:
        if row.action == "DELETE" and row.kind != "MenuItem":
            outcome.of(row.kind).deleted += row.rows
        elif (
            row.kind in ROWS and row.action != "LINES"
        ):  # a row that only its children's lines changed stands in no line
            _add(outcome.of(row.kind), row.action, row.rows)
    lines = await session.execute(text(links.OUTCOME_OF_LINES), bound(links.OUTCOME_OF_LINES, parameters))
    for row in lines:
        _add(outcome.of(row.kind), row.action, row.rows)
    menus = await session.execute(text(_MENUS_CHANGED_INSIDE))
    outcome.of("Menu").updated += menus.scalar_one()
    if not outcome.of("Menu").read:
        del outcome.by_type["Menu"]
    for counts in outcome.by_type.values():
        counts.unchanged = counts.read - counts.inserted - counts.updated - counts.rejected
    await _refuse_loss(session, parameters, outcome)


#: Menus whose own row stayed the same while an item changed.
_MENUS_CHANGED_INSIDE = """
    SELECT count(DISTINCT gid) FROM changed AS item WHERE item.kind = 'MenuItem'
    AND NOT EXISTS (SELECT FROM changed AS menu WHERE menu.kind = 'Menu' AND menu.gid = item.gid)
"""


def _add(counts: Counts, action: str, rows: int) -> None:
    if action == "INSERT":
        counts.inserted += rows
    else:
        counts.updated += rows


async def _refuse_loss(session: AsyncSession, parameters: dict[str, Any], outcome: Outcome) -> None:
    for kind, counts in outcome.by_type.items():
        if counts.unchanged < 0:
            raise EntrepotError(
                f"The merge counted more {kind} records than the file holds.",
                hint="Nothing was changed; please report this.",
            )
    tables = {
        "Product": ("staged_products", "", "shopify_products"),
        "ProductVariant": ("staged_variants", "", "shopify_variants"),
    }
    tables |= {
        kind: ("staged_records", f"AND s.resource_type = '{kind}'", table)
        for kind, (table, _, _) in RECORD_TABLES.items()
    }
    for kind, (source, condition, table) in tables.items():
        merged_counts = outcome.by_type.get(kind)
        if merged_counts is None or merged_counts.inserted == merged_counts.read - merged_counts.rejected:
            continue  # every usable record is a new row: the merge gave back each
        query = f"""
            SELECT count(*) FROM {source} AS s
            WHERE s.fault IS NULL {condition}
              AND NOT EXISTS (SELECT FROM pim.{table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = s.shopify_gid)
        """
        missing = (await session.execute(text(query), bound(query, parameters))).scalar_one()
        if missing:
            raise EntrepotError(
                f"{missing} {kind} records did not reach the mirror.",
                hint="Nothing was changed; please report this.",
            )
