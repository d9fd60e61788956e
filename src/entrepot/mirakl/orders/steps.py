"""What is to be done with an order, by its status: each noun registers the steps that are its own.

A step is: a transaction that records the intent, the call outside with no transaction open, a transaction that
records the outcome and moves the order on. It may be killed anywhere and is then taken again by another worker, so
whatever is not idempotent is settled by reading the service, never by calling again. It never sleeps: waiting is
`next_attempt_at`. It gives the order as it has it in hand for the step that follows at once (`history.advance`), or
None where it has let go of it.

    @step("ready_to_ship", "BuyLabel")
    async def buy_label(services: Services, taken: Taken) -> Taken | None: ...

    @watches("cancelled", "refused")
    async def give_stock_back(session: AsyncSession, change: Change) -> None: ...

    settles("cancelled", "refused", names=("OrderAddress",), resolution="There is nothing to send any more.")
"""

import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.values import STATUSES

if TYPE_CHECKING:
    from entrepot.mirakl.services import Services

#: Modules of a noun that hold no steps: the edges, which assemble what the nouns offer, and what they stand on.
EDGES = frozenset({"pages", "routes", "commands", "tasks", "access", "visiting", "choosing"})
EDGE_ENDINGS = ("_pages", "_routes", "_commands")

#: How long an order is kept from others. Longer than a step may take: every call in it is bounded to 30 seconds.
LEASE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that a worker has taken to do its next step.

    `attempts`: how often the step of this status was tried before and has to be tried again.
    """

    account_id: UUID
    order_id: str
    status: str
    step: int
    attempts: int
    worker: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """An order that has just moved; its new step is written, the transaction is still open."""

    account_id: UUID
    order_id: str
    step: int
    status: str
    previous: str | None
    actor_type: str
    actor: str | None
    notes: str | None


StepFunction = Callable[["Services", Taken], Awaitable[Taken | None]]
Watcher = Callable[[AsyncSession, Change], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with orders of a status; `name` is that of its failures in the inbox."""

    status: str
    name: str
    function: StepFunction


STEPS: dict[str, Step] = {}
WATCHERS: dict[str, list[Watcher]] = {}
#: Status → name of failures → how they are resolved when an order comes there.
SETTLED: dict[str, dict[str, str]] = {}
_loaded = False


def step(status: str, name: str) -> Callable[[StepFunction], StepFunction]:
    """Register what is done with orders of a status. An order that comes there is due at once."""

    def register(function: StepFunction) -> StepFunction:
        _known(status)
        if status in STEPS:
            raise ValueError(f"there are two steps for {status}: {STEPS[status].name} and {name}")
        STEPS[status] = Step(status, name, function)
        return function

    return register


def watches(*statuses: str) -> Callable[[Watcher], Watcher]:
    """Register what is done, in the same transaction, whenever an order comes to one of some statuses."""

    def register(function: Watcher) -> Watcher:
        for status in statuses:
            _known(status)
            WATCHERS.setdefault(status, []).append(function)
        return function

    return register


def settles(*statuses: str, names: Sequence[str], resolution: str) -> None:
    """Declare failures of an order that are over whenever it comes to one of some statuses; the first to say so says how.

    In the statement that moves the order: nearly always there is none, and looking for them costs as much as moving it.
    """
    for status in statuses:
        _known(status)
        SETTLED[status] = dict.fromkeys(names, resolution) | SETTLED.get(status, {})


def load_steps() -> None:
    """Import every module of Mirakl operations that is no edge (nor simulates), so that what they register is known.

    Whoever moves an order needs all of it: an order cancelled by a page has to free its stock as well.
    """
    global _loaded
    if _loaded:
        return
    import entrepot.mirakl

    for module in pkgutil.walk_packages(entrepot.mirakl.__path__, "entrepot.mirakl."):
        name = module.name.rpartition(".")[2]
        if not (name in EDGES or name.endswith(EDGE_ENDINGS) or ".simulating" in module.name):
            import_module(module.name)
    _loaded = True


def _known(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"there is no status {status!r}")
