"""Reading Mirakl accounts: events that say that an order moved or a message came, as what they tell of it now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import Event
from entrepot.flows.facts import marketplace_queries as queries
from entrepot.flows.facts.mirroring import Teller
from entrepot.flows.facts.schemas import Told
from entrepot.flows.facts.selling import account_told, message_told, sale_told

#: What is heard of: the subject of an event is the order, or the message.
ORDER, MESSAGE = "mirakl.order.", "mirakl.message."
TYPES = (f"{ORDER}*", f"{MESSAGE}*")


async def read_marketplaces(session: AsyncSession, events: Sequence[Event]) -> list[Told]:
    """What events of accounts tell; a statement a kind, however many events there are."""
    orders: set[tuple[UUID, str]] = set()
    messages: set[str] = set()
    times: defaultdict[UUID, list[datetime]] = defaultdict(list)
    for event in events:
        if event.account_id is None or event.subject is None:
            continue
        times[event.account_id].append(event.time)
        if event.type.startswith(ORDER):
            orders.add((event.account_id, event.subject))
        elif event.type.startswith(MESSAGE):
            messages.add(event.subject)
    if not times:
        return []
    tellers = {account: Teller(str(account), max(moments), "mirakl") for account, moments in times.items()}
    wanted = sorted(orders)
    sold = await _rows(
        session,
        queries.ORDERS,
        accounts=[str(account) for account, _ in wanted],
        orders=[order for _, order in wanted],
    )
    told = [
        account_told(row) for row in await _rows(session, queries.ACCOUNTS, ids=[str(one) for one in times])
    ]
    for row in sold:
        told += sale_told(tellers[row["account_id"]], row)
    for row in await _rows(session, queries.MESSAGES, ids=sorted(messages)):
        told.append(message_told(tellers[row["account_id"]], row))
    return told


async def _rows(session: AsyncSession, statement: TextClause, **parameters: Any) -> list[dict[str, Any]]:
    if not any(parameters.values()):
        return []
    return [dict(row) for row in (await session.execute(statement, parameters)).mappings()]
