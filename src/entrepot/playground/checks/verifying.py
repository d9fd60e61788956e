"""The checks by name, and how they are made."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.checks import (
    event_queries,
    family_queries,
    metric_queries,
    order_queries,
    queries,
    registry_queries,
    standing_queries,
    stock_queries,
)
from entrepot.playground.checks.rules import Check, Found, Rule
from entrepot.playground.checks.truth import against_truth

_FAMILIES = {"user": family_queries.USERS, "shop": family_queries.SHOPS, "product": family_queries.PRODUCTS}

#: A rule, or what is compared in another way.
Question = Rule | Callable[[AsyncSession], Awaitable[Found]]
#: Every check by its name, in the order in which they are made.
CHECKS: Mapping[str, Sequence[Question]] = {
    "order-totals": (order_queries.LINES, order_queries.ORDERS),
    "invoice-totals": (order_queries.INVOICES,),
    "payments": (order_queries.ORDER_PAYMENTS, order_queries.INVOICE_PAYMENTS),
    "refunds": (order_queries.REFUNDED, order_queries.REFUND_PARTS, order_queries.REFUNDED_LINES),
    "promotions": (standing_queries.USAGES, standing_queries.DISCOUNTS),
    "review-votes": (standing_queries.VOTES,),
    "stock-log": (stock_queries.CHAIN, stock_queries.LAST),
    "sales-stock": (stock_queries.SALES,),
    "statuses": standing_queries.STATUSES,
    "copies": standing_queries.COPIES,
    "uniqueness": standing_queries.UNIQUE,
    "registry": (registry_queries.REGISTRY,),
    "events": (
        *event_queries.NAMED,
        *event_queries.ORDERS,
        *event_queries.PAYMENTS,
        *event_queries.CALLED,
        event_queries.DECIDED,
        event_queries.SHELVES,
    ),
    "carts": (event_queries.ABANDONED,),
    "metrics-rolled": (metric_queries.ROLLED,),
    "hours-days": tuple(metric_queries.hours_against_days(family) for family in _FAMILIES.values()),
    **{
        f"{name}-metrics": tuple(metric_queries.against_facts(family, span) for span in family_queries.SPANS)
        for name, family in _FAMILIES.items()
    },
    "ground-truth": (against_truth,),
}


def chosen(names: Collection[str]) -> list[str]:
    """The checks to make: those named, or all; InvalidInputError for a name that no check has."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise InvalidInputError(
            f"There is no check {unknown[0]!r}.",
            hint=f"The checks are: {', '.join(CHECKS)}.",
            where={"check": unknown[0]},
        )
    return [name for name in CHECKS if not names or name in names]


async def verify(
    session: AsyncSession, names: Collection[str] = (), *, report: Report = SILENT
) -> list[Check]:
    """Make the checks named, or all of them, in one transaction of entrepot_system.

    Raises ConflictError where there is nothing to verify, InvalidInputError for a check that does not exist.
    """
    wanted = chosen(names)
    if not await queries.is_anything_there(session):
        raise ConflictError(
            "The warehouse is empty: there is nothing to verify.",
            hint="Make a world with `entrepot world generate`, then roll its metrics with `entrepot metrics roll`.",
        )
    await queries.give_room(session)
    found: list[Check] = []
    for name in wanted:
        report("verify", done=len(found), total=len(wanted), unit="checks", note=name)
        found.append(await _made(session, name))
    report("verify", done=len(found), total=len(wanted), unit="checks")
    return found


async def _made(session: AsyncSession, name: str) -> Check:
    found = [
        await (queries.ask(session, question) if isinstance(question, Rule) else question(session))
        for question in CHECKS[name]
    ]
    return Check(
        name,
        compared=sum(one.compared for one in found),
        failed=sum(one.failed for one in found),
        first=next((one.first for one in found if one.first is not None), None),
    )
