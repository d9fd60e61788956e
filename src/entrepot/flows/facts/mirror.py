"""Reading the mirror: events that say that something changed, as what they tell of it now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import Event
from entrepot.flows.facts import queries
from entrepot.flows.facts.fact import Source
from entrepot.flows.facts.mirroring import (
    Teller,
    customer_told,
    order_told,
    product_told,
    shop_told,
    variants_of,
)
from entrepot.flows.facts.schemas import Told

#: What events of the mirror are about: pim.<noun>.created and pim.<noun>.updated.
NOUNS = ("product", "customer", "order")
TYPES = tuple(f"pim.{noun}.{change}" for noun in NOUNS for change in ("created", "updated"))


async def read_mirror(session: AsyncSession, events: Sequence[Event]) -> list[Told]:
    """What events of the mirror tell, with whatever they speak of; a statement a kind, however many events there are."""
    if not events:
        return []
    ids: defaultdict[str, set[str]] = defaultdict(set)
    times: dict[UUID, datetime] = {}
    for event in events:
        if event.type in TYPES:
            ids[event.type.split(".")[1]].add(str(event.data["id"]))
        if event.shop_id:
            times[event.shop_id] = max(event.time, times.get(event.shop_id, event.time))
    tellers = {shop: Teller(str(shop), time) for shop, time in times.items()}

    orders = await _rows(session, queries.ORDERS, ids=sorted(ids["order"]))
    variants = await _rows(session, queries.VARIANTS_OF_PRODUCTS, ids=sorted(ids["product"]))
    customers = await _rows(session, queries.CUSTOMERS, ids=sorted(ids["customer"]))
    # What an order speaks of is told with it, so that it does not matter which of their events comes first.
    wanted = _wanted(orders)
    variants += await _rows(session, queries.VARIANTS_BY_GID, **wanted["variants"])
    customers += await _rows(session, queries.CUSTOMERS_BY_GID, **wanted["customers"])

    shops = await _rows(session, queries.SHOPS, ids=await _unknown(session, times))
    told = [shop_told(row) for row in shops]
    told += [customer_told(tellers[row["shop_id"]], row) for row in _once(customers)]
    for row in _once(variants):
        told += product_told(tellers[row["shop_id"]], row)
    for row in orders:
        told += order_told(tellers[row["shop_id"]], row)
    return told


async def _unknown(session: AsyncSession, times: Mapping[UUID, datetime]) -> list[str]:
    """The shops that are no facts yet; how old a shop is is asked once."""
    ids = {Source(str(shop), "pim", time).shop(None): str(shop) for shop, time in times.items()}
    found = await session.execute(queries.KNOWN, {"ids": [str(id_) for id_ in ids]})
    known = {row.fact_id for row in found}
    return sorted(shop for id_, shop in ids.items() if id_ not in known)


def _wanted(orders: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    variants = sorted({(str(row["shop_id"]), gid) for row in orders for gid in variants_of([row])})
    customers = sorted({(str(row["shop_id"]), row["customer_gid"]) for row in orders if row["customer_gid"]})
    return {
        name: {"shops": [shop for shop, _ in pairs], "gids": [gid for _, gid in pairs]}
        for name, pairs in (("variants", variants), ("customers", customers))
    }


def _once(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(row["shop_id"], row["shopify_gid"]): row for row in rows}.values())


async def _rows(session: AsyncSession, statement: TextClause, **parameters: Any) -> list[dict[str, Any]]:
    if not any(parameters.values()):
        return []
    return [dict(row) for row in (await session.execute(statement, parameters)).mappings()]
