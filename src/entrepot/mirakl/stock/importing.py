"""Components, variants, bills of material, listings and counts taken in from files.

Every line is applied, unchanged or rejected with its reason: read = applied + unchanged + rejected. A line that is
rejected stops no other.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.progress import SILENT, Report
from entrepot.mirakl.stock import importing_queries as queries
from entrepot.mirakl.stock import levels, levels_queries, pushing_queries
from entrepot.mirakl.stock.reading import Row, find_kind, read_rows

Apply = Callable[[AsyncSession, Mapping[str, Any]], Awaitable[bool]]


#: Kind of file → the column that names the components that its lines change.
LOCKED = {"components": "name", "parts": "component", "stock": "component"}


class UnknownNameError(Exception):
    """A line names what there is not."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class Imported:
    """What became of the lines of a file."""

    kind: str
    read: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def check(self) -> None:
        """Assert that no line was lost."""
        assert self.read == self.applied + self.unchanged + len(self.rejected), "a line was lost"


async def import_file(
    session: AsyncSession,
    account_id: UUID,
    kind_name: str,
    content: bytes,
    *,
    name: str = "the file",
    report: Report = SILENT,
) -> Imported:
    """Take a file in; what became of each line.

    An empty cell of a column that is not required leaves what is known as it is. Raises InvalidInputError for a file
    that cannot be read as a whole.
    """
    kind = find_kind(kind_name)
    rows = list(read_rows(kind, content, name))
    found = Imported(kind.name)
    if kind.name in LOCKED:
        # All at once and in the one order: lines come in any order, and orders reserve meanwhile.
        names = [row.values[LOCKED[kind.name]] for row in rows if row.reason is None]
        await levels_queries.lock_components(session, account_id, names)
    if kind.name == "listings":
        skus = [row.values["shop_sku"] for row in rows if row.reason is None]
        await pushing_queries.hold_listings(session, account_id, skus)
    blank = dict.fromkeys(column.name for column in kind.columns)
    for row in rows:
        found.read += 1
        values = {**blank, **row.values, "account_id": account_id}
        if kind.name == "stock" and values["reason"] is None:
            values["reason"] = f"counted ({name})"
        reason = row.reason or await _applied(session, APPLY[kind.name], row, values, found)
        if reason is not None:
            found.rejected.append(Rejected(row.line, reason))
        if found.read % 100 == 0:
            report("import", done=found.read, total=len(rows))
    found.check()
    return found


async def map_listing(
    session: AsyncSession, account_id: UUID, shop_sku: str, sku: str, *, title: str | None = None
) -> bool:
    """Say which variant is sold under a shop SKU; whether that is new. Raises NotFoundError, InvalidInputError."""
    if not 0 < len(shop_sku.strip()) <= 255:
        raise InvalidInputError("A shop SKU has from 1 to 255 characters.", where={"path": "shop_sku"})
    values = {
        "account_id": account_id,
        "shop_sku": shop_sku.strip(),
        "sku": sku,
        "title": title,
        "active": None,
        "safety_stock": None,
    }
    if not await queries.knows_variant(session, values):
        raise NotFoundError(
            f"There is no variant {sku!r}.",
            hint="`entrepot mirakl stock buildable` shows them.",
            where={"sku": sku},
        )
    return await queries.upsert_listing(session, values)


async def _applied(
    session: AsyncSession, apply: Apply, row: Row, values: Mapping[str, Any], found: Imported
) -> str | None:
    """Apply a line, alone in a savepoint; the reason where it cannot be."""
    try:
        async with session.begin_nested():
            changed = await apply(session, values)
    except UnknownNameError as unknown:
        return str(unknown)
    except EntrepotError as error:
        return error.detail
    except IntegrityError as error:
        if "uq_component_barcode" in str(error.orig):
            return f"The barcode {row.values.get('barcode')} is another component's."
        raise
    if changed:
        found.applied += 1
    else:
        found.unchanged += 1
    return None


async def _component(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    return await queries.upsert_component(session, values)


async def _variant(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    return await queries.upsert_variant(session, values)


async def _bill(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    await _require_variant(session, values)
    await _require_component(session, values, "component")
    return await queries.upsert_bill(session, values)


async def _part(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    await _require_component(session, values, "component")
    await _require_component(session, values, "part")
    if values["component"] == values["part"] and values["quantity"]:
        raise UnknownNameError(
            f"The bill of materials would be circular: {values['part']} → {values['part']}."
        )
    with levels.refusals():
        return await queries.upsert_part(session, values)


async def _listing(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    await _require_variant(session, values)
    return await queries.upsert_listing(session, values)


async def _stock(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    counted = await levels.count(
        session, values["account_id"], values["component"], values["on_hand"], reason=values["reason"]
    )
    return counted.change != 0


async def _require_variant(session: AsyncSession, values: Mapping[str, Any]) -> None:
    if not await queries.knows_variant(session, values):
        raise UnknownNameError(f"There is no variant {values['sku']!r}.")


async def _require_component(session: AsyncSession, values: Mapping[str, Any], column: str) -> None:
    if not await queries.knows_component(session, {**values, "name": values[column]}):
        raise UnknownNameError(f"There is no component {values[column]!r}.")


#: Kind of file → what applies a line of it; each says whether anything changed.
APPLY: dict[str, Apply] = {
    "components": _component,
    "parts": _part,
    "variants": _variant,
    "bill": _bill,
    "listings": _listing,
    "stock": _stock,
}
