"""Tying: which golden record is sold under which listing of a Mirakl account, as rows of channel `mirakl`."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.flows.channels import queries
from entrepot.kit.clock import now


@dataclass(frozen=True, slots=True)
class Tied:
    """How many mappings were written, and how many are gone."""

    tied: int
    untied: int


async def tie_listings(session: AsyncSession) -> Tied:
    """Bring the mappings of channel `mirakl` up to date with the listings; takes a session of `db.system()`.

    A listing belongs to the golden record that has the internal SKU of its variant. One whose variant has no golden
    record (yet) has no mapping.
    """
    untied = await session.execute(queries.UNTIE)
    tied = await session.execute(queries.TIE, {"at": now()})
    # What text() returns is typed without the count that statements that write have.
    return Tied(tied.rowcount, untied.rowcount)  # type: ignore[attr-defined]
