"""The subscriber that turns the program's events into facts of the warehouse, each once."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import Event, batch_subscriber
from entrepot.flows.facts import marketplaces
from entrepot.flows.facts.marketplaces import read_marketplaces
from entrepot.flows.facts.mirror import TYPES, read_mirror
from entrepot.flows.facts.recording import record
from entrepot.flows.facts.understanding import understood

NAME = "warehouse.facts"
#: Everything that becomes a fact.
HEARD = ("commerce.*", "pim.import.completed", *TYPES, *marketplaces.TYPES)


@batch_subscriber(NAME, types=HEARD, spans_tenants=True, batch=500)
async def record_facts(session: AsyncSession, events: Sequence[Event]) -> None:
    """Write what events tell; committed together with the mark that they were delivered."""
    told = [
        understood(event)
        for event in events
        if event.type.startswith("commerce.") or event.type == "pim.import.completed"
    ]
    mirrored = await read_mirror(session, [event for event in events if event.type.startswith("pim.")])
    sold = await read_marketplaces(session, [event for event in events if event.type.startswith("mirakl.")])
    await record(session, [*mirrored, *sold, *told])
