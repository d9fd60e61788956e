"""Taking orders in: written set by set, each then led to where the marketplace says that it is.

read = new + changed + unchanged + rejected. What cannot be kept goes into the inbox with what is wrong about it, and
never stops the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.telemetry import get_logger
from entrepot.mirakl.accounts.accounts import Account, get_account
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.failures.queries import select_failure
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.following import statuses_to_follow
from entrepot.mirakl.orders.history import begin, move
from entrepot.mirakl.orders.reading import (
    ACCEPTANCE_HOURS,
    LineRead,
    OrderRead,
    UnreadableError,
    named,
    read_order,
)
from entrepot.mirakl.values import MIRAKL_STATES

log = get_logger(__name__)
#: What the database says of an order that it cannot keep. A deadlock or a lost connection is not the order's fault:
#: it breaks the look off, which is made again.
UNKEEPABLE = (DataError, IntegrityError)
#: Names of the failures of orders that cannot be kept as they came, and of those that cannot follow the marketplace.
PROCESS, FOLLOWING = "OrderIntake", "OrderFollowing"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of orders that were read; `updated_at` is the newest change among them."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    updated_at: datetime | None = None

    @property
    def read(self) -> int:
        """All of them."""
        return self.new + self.changed + self.unchanged + self.rejected

    def __add__(self, other: Self) -> Self:
        moments = [at for at in (self.updated_at, other.updated_at) if at is not None]
        return type(self)(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
            max(moments) if moments else None,
        )


async def take_in(session: AsyncSession, account: Account, raw_orders: Iterable[Any]) -> TakenIn:
    """Take in orders as the marketplace gives them (OR11), in the account's transaction."""
    given = list(raw_orders)
    orders: dict[str, OrderRead] = {}
    rejected = 0
    for raw in given:
        try:
            order = read_order(
                raw, currency=account.currency, acceptance_hours=acceptance_hours(account.settings)
            )
        except UnreadableError as error:
            rejected += 1
            await _reject(session, account, raw, str(error))
            continue
        held = orders.get(order.order_id)
        if held is None or held.updated_at <= order.updated_at:
            orders[order.order_id] = order
    found, refused = await _write(session, account, list(orders.values()))
    rejected += refused
    changed = {row["order_id"]: bool(row["is_new"]) for row in found}
    fine = [order_id for order_id in changed if not await _tell_of(session, account, orders[order_id])]
    if fine:
        await queries.settle_intake(
            session,
            account.account_id,
            PROCESS,
            fine,
            at=now(),
            resolution="The marketplace gave the order again, and it could be read.",
        )
    await _follow(session, account, {order_id: orders[order_id].mirakl_state for order_id in changed})
    new = sum(changed.values())
    return TakenIn(
        new=new,
        changed=len(changed) - new,
        # An order that came twice in one set was read twice and written once.
        unchanged=len(given) - rejected - len(changed),
        rejected=rejected,
        updated_at=max((order.updated_at for order in orders.values()), default=None),
    )


def acceptance_hours(settings: Any) -> float:
    """How long the account's marketplace waits for an answer, where orders do not say it themselves."""
    held = settings.get("acceptance") or {}
    hours = held.get("hours", ACCEPTANCE_HOURS)
    return float(hours) if isinstance(hours, int | float) and 0 < hours <= 24 * 60 else ACCEPTANCE_HOURS


async def _write(
    session: AsyncSession, account: Account, orders: Sequence[OrderRead]
) -> tuple[Sequence[RowMapping], int]:
    """Write orders, all at once; one by one where the database takes them not together. How many it takes not at all."""
    try:
        async with session.begin_nested():
            return await _upsert(session, account, orders), 0
    except UNKEEPABLE:
        found: list[RowMapping] = []
        refused = 0
    for order in orders:
        try:
            async with session.begin_nested():
                found += await _upsert(session, account, [order])
        except UNKEEPABLE as error:
            refused += 1
            said = str(error.orig).strip().splitlines()[0]
            await _reject(session, account, order.raw, f"The database refuses it: {said}.")
    return found, refused


async def _upsert(
    session: AsyncSession, account: Account, orders: Sequence[OrderRead]
) -> Sequence[RowMapping]:
    return await queries.upsert_orders(session, account.account_id, _rows(orders), _line_rows(orders))


async def _follow(session: AsyncSession, account: Account, orders: Mapping[str, str]) -> None:
    """Lead orders (with the marketplace's state of each) to where it says that they are.

    Those that stay have their step looked at anew. One that cannot be led there stops no other.
    """
    statuses = await queries.select_statuses(session, account.account_id, list(orders))
    ways = {order_id: statuses_to_follow(state, statuses[order_id]) for order_id, state in orders.items()}
    beginning = {order_id: way[:1] for order_id, way in ways.items() if way and statuses[order_id] is None}
    if beginning:
        try:
            async with session.begin_nested():
                await begin(
                    session,
                    account.account_id,
                    {order_id: first for order_id, (first,) in beginning.items()},
                    actor=account.marketplace,
                    notes={order_id: _note(orders[order_id]) for order_id in beginning},
                )
        except Exception as error:
            # One of them is in the way of all: each for itself, below, where what fails is told in the inbox.
            log.info("orders could not begin together", orders=len(beginning), exc_info=error)
            beginning = {}
    led = [order_id for order_id, way in ways.items() if way and statuses[order_id] is not None]
    if len(led) > 1:
        await queries.lock_parts(session, account.account_id, led)
    for order_id, way in ways.items():
        await _lead(session, account, order_id, orders[order_id], way[len(beginning.get(order_id, ())) :])
    # What was missing (an address, a payment, a line) may have come with the change.
    staying = [
        order_id
        for order_id, way in ways.items()
        if not way and statuses[order_id] in ("pending_acceptance", "accepted")
    ]
    if staying:
        await queries.wake_orders(session, account.account_id, staying, now())


async def _lead(
    session: AsyncSession, account: Account, order_id: str, state: str, way: Sequence[str]
) -> None:
    if not way:
        return
    try:
        async with session.begin_nested():
            for status in way:
                await move(
                    session,
                    account.account_id,
                    order_id,
                    status,
                    actor_type="marketplace",
                    actor=account.marketplace,
                    notes=_note(state),
                )
    except Exception as error:
        log.warning("an order could not follow the marketplace", order_id=order_id, exc_info=error)
        await fail(
            session,
            account.account_id,
            FOLLOWING,
            order_id,
            kind="unknown",
            details=f"The marketplace says {state}, and the order could not follow. {error}",
            order_id=order_id,
            automatic=True,
        )


def _note(state: str) -> str:
    return f"The marketplace says {state}."


@retried_by(FOLLOWING)
async def follow_again(session: AsyncSession, failure: RowMapping) -> None:
    """A retry: the order is led to where the marketplace said that it is when it was last read."""
    account = await get_account(session, failure["account_id"])
    order = await queries.select_order(session, account.account_id, failure["related_id"])
    if order is None:
        return
    before = failure["times"]
    await _follow(session, account, {order["order_id"]: order["mirakl_state"]})
    again = await select_failure(session, account.account_id, failure["failure_id"])
    if again is not None and again["times"] == before:
        await resolved_by_itself(
            session,
            account.account_id,
            order["order_id"],
            FOLLOWING,
            resolution=f"The order follows the marketplace: {order['mirakl_state']}.",
        )


async def _tell_of(session: AsyncSession, account: Account, order: OrderRead) -> bool:
    """Say which lines could not be read, and which state nobody knows; whether there was anything to say."""
    said = list(order.wrong)
    if order.mirakl_state not in MIRAKL_STATES:
        said.append(f"The marketplace gives it the state {order.mirakl_state}, which is not known here.")
    if said:
        await fail(
            session,
            account.account_id,
            PROCESS,
            order.order_id,
            kind="permanent" if order.wrong else "decision",
            details=" ".join(said),
            next_step="Nothing is done with the order while it is so: look at it on the marketplace.",
            order_id=order.order_id,
        )
    return bool(said)


async def _reject(session: AsyncSession, account: Account, raw: Any, why: str) -> None:
    await fail(
        session,
        account.account_id,
        PROCESS,
        named(raw),
        kind="permanent",
        details=f"The order cannot be taken in. {why}",
        next_step="It is read again when the marketplace changes it: `entrepot mirakl poll --full` reads all.",
    )


def _rows(orders: Iterable[OrderRead]) -> str:
    return _json([{**_fields(order), "mirakl_state": order.mirakl_state} for order in orders])


def _fields(read: OrderRead | LineRead) -> dict[str, Any]:
    """As it is: dataclasses.asdict would copy all that the marketplace said of it."""
    return {name: getattr(read, name) for name in read.__slots__ if name not in ("lines", "wrong")}


def _line_rows(orders: Iterable[OrderRead]) -> str:
    """The lines, each identifier once: a line of two orders belongs to the first, and the other lacks it."""
    rows: dict[str, dict[str, Any]] = {}
    for order in orders:
        for line in order.lines:
            rows.setdefault(line.order_line_id, {**_fields(line), "order_id": order.order_id})
    return _json(list(rows.values()))


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str).decode()
