"""Ground truth: what the simulator knows of the world that it made, against what the warehouse shows of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.checks import truth_queries
from entrepot.playground.checks.rules import Found

#: What the simulator counts → the figures of the metrics that have to show it.
SHOWN_BY = {
    "orders": ("orders", "orders_of_users"),
    "order_amount": ("order_amount",),
    "gross": ("gross",),
    "discount": ("discount",),
    "units_sold": ("units_sold", "units_sold_to_users", "units_sold_of_products"),
    "orders_cancelled": ("orders_cancelled",),
    "payments_completed": ("payments_completed",),
    "payments_failed": ("payments_failed",),
    "carts_abandoned": ("carts_abandoned",),
}
Figures = Mapping[str, Decimal]


async def against_truth(session: AsyncSession) -> Found:
    """Compare figure by figure; nothing is compared where there is no simulated world, or it is still being loaded.

    The truth is that of the moment at which the world was made to end; what a live world did later is left out.
    Figures of metrics that wait for a roll are left out too.
    """
    world = await truth_queries.select_world(session)
    if world is None:
        return Found(0, 0, None)
    settings = world["settings"]
    end = datetime.fromisoformat(settings["end"]).replace(tzinfo=UTC)
    truth = added(world["truths"])
    told: list[tuple[str, Figures, Figures]] = []
    facts = await truth_queries.select_facts(session, end)
    told.append(("the facts", truth[""], facts))
    if not await truth_queries.metrics_wait(session, end):
        metrics = await truth_queries.select_metrics(session, end)
        known = {
            shown: truth[""][name] for name, all_ in SHOWN_BY.items() if name in truth[""] for shown in all_
        }
        told.append(("the metrics", known, metrics))
        units = await truth_queries.select_units(session, end)
        sold = truth["units_sold_by_product"]
        none = dict.fromkeys({*units, *sold}, Decimal(0))
        told.append(("the metrics, units of product", {**none, **sold}, {**none, **units}))
    for name in truth_queries.SCENARIOS:
        if name in truth:
            windows = [
                (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
                for one in settings["scenarios"]
                if one["name"] == name
            ]
            shown = await truth_queries.select_scenario(session, name, windows, end)
            told.append((f"the facts of {name}", truth[name], shown))
    return judged(told)


def judged(told: Iterable[tuple[str, Figures, Figures]]) -> Found:
    """How many figures were compared and differ, and the first that does; each is (who shows it, truth, shown)."""
    compared, said = 0, []
    for who, truth, shown in told:
        for name in sorted(truth.keys() & shown.keys()):
            compared += 1
            if truth[name] != shown[name]:
                said.append(f"{who}: {name} is {shown[name]}, the simulator made {truth[name]}")
    return Found(compared, len(said), said[0] if said else None)


def added(parts: Iterable[Mapping[str, Any]]) -> Mapping[str, Figures]:
    """The truths of the parts added up: totals under "", and those of each scenario under its name.

    Amounts come as whole cents, named so, and leave as amounts.
    """
    total: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for part in parts:
        for group, name, value in _figures(part):
            if name.endswith("_cents"):
                total[group][f"{name.removesuffix('_cents')}{_AMOUNTS.get(name, '')}"] += value / 100
            else:
                total[group][name] += value
    return total


#: order_cents is an amount of orders; gross_cents and discount_cents say already what they are.
_AMOUNTS = {"order_cents": "_amount"}


def _figures(part: Mapping[str, Any]) -> Iterator[tuple[str, str, Decimal]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            for inner, count in value.items():
                yield name, inner, Decimal(count)
        elif isinstance(value, int):
            yield "", name, Decimal(value)
