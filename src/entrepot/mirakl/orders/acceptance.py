"""Answering orders: decided by rule with the stock reserved in the same transaction, told to the marketplace (OR21),
and believed only when the order is read again.

A lost answer is settled by reading. What still waits for acceptance then may be told again: the marketplace takes an
answer once and refuses the second.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.deciding import Decision, Policy, Rule, decide
from entrepot.mirakl.orders.facts import LineFacts, OrderFacts
from entrepot.mirakl.orders.history import current, move, rest
from entrepot.mirakl.orders.rules import active_rules
from entrepot.mirakl.orders.steps import Taken, step
from entrepot.mirakl.orders.taking_in import take_in
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping.addresses import read_address
from entrepot.mirakl.stock.reserving import Buildable, Line, check, reserve

#: When the order is read after an answer was told, or may have been. Longer than the call may take (30 seconds), so
#: that nobody reads while somebody else still tells.
VERIFY_AFTER = timedelta(seconds=40)
#: How often an answer is told before a person is asked.
MOST_TELLINGS = 6
#: When an order that somebody has to mend is looked at again by itself.
LOOK_AGAIN = timedelta(minutes=15)
#: Names of failures.
ANSWERING, DECIDING, MAPPING, LINES = "OrderAcceptance", "OrderDecision", "ListingMapping", "OrderLines"
#: A line that is over is not answered any more.
OVER = ("REFUSED", "CANCELED")


@step("pending_acceptance", DECIDING)
async def decide_and_answer(services: Services, taken: Taken) -> None:
    """Decide about an order that waits for acceptance, and tell the marketplace."""
    account = await services.account(taken.account_id)
    rules = await services.keep(("rules", taken.account_id), lambda: _rules(services, taken.account_id))
    async with services.db.tenant(account_id=taken.account_id) as session:
        answers = await _decide(session, account, rules, taken)
    if answers:
        await _tell(services, account, taken.order_id, answers)


@asynccontextmanager
async def _rules(services: Services, account_id: UUID) -> AsyncIterator[Sequence[Rule]]:
    """The rules of an account, read once a run of a worker."""
    async with services.db.tenant(account_id=account_id) as session:
        rules = await active_rules(session, account_id)
    yield rules


@step("accepting", ANSWERING)
async def see_accepted(services: Services, taken: Taken) -> None:
    """See whether an order is accepted; tell it (again) where it is not."""
    await _verify(services, taken)


@step("refusing", "OrderRefusal")
async def see_refused(services: Services, taken: Taken) -> None:
    """See whether an order is refused; tell it (again) where it is not."""
    await _verify(services, taken)


def lines_unread(order: RowMapping, lines: Sequence[RowMapping]) -> str | None:
    """What is missing of an order's lines; None where each that the marketplace tells could be read."""
    if not lines:
        return "The order has no line that could be read, so there is nothing to build."
    if order["lines_told"] > len(lines):
        return f"Of {order['lines_told']} lines of the order {len(lines)} could be read, so it is not known what it is."
    return None


async def facts_of(
    session: AsyncSession, order: RowMapping, lines: Sequence[RowMapping]
) -> tuple[OrderFacts, Buildable]:
    """What is known of an order when it is decided upon, stock included; nothing is reserved."""
    wanted = [Line(line["order_line_id"], line["sku"], line["quantity"]) for line in lines]
    account_id = order["account_id"]
    together = await check(session, account_id, wanted)
    possible = set(together.variants) if together.ok else set()
    if not together.ok and len(wanted) > 1:
        # Which of the lines can be built beside those before them.
        fit: list[Line] = []
        for line in wanted:
            if (await check(session, account_id, [*fit, line])).ok:
                fit.append(line)
        possible = {line.line_id for line in fit}
    address = order["shipping_address"]
    facts = OrderFacts(
        order_id=order["order_id"],
        total_price=order["total_price"],
        shipping_price=order["shipping_price"],
        commission=order["total_commission"],
        currency=order["currency_code"],
        shipping_type=order["shipping_type_code"],
        address=address,
        address_problems=tuple(read_address(address)[1]) if address else (),
        customer_id=order["mirakl_customer_id"],
        is_blocked=order["is_blocked"],
        acceptance_deadline=order["acceptance_deadline"],
        at=now(),
        lines=tuple(
            LineFacts(
                line_id=line["order_line_id"],
                sku=line["sku"],
                internal_sku=line["internal_sku"],
                quantity=line["quantity"],
                unit_price=line["unit_price"],
                price=line["price"],
                floor_price=line["floor_price"],
                commission=line["commission"],
                can_be_built=line["order_line_id"] in possible,
            )
            for line in lines
        ),
        missing=None if together.ok else str(together),
    )
    return facts, together


async def _decide(
    session: AsyncSession, account: Account, rules: Sequence[Rule], taken: Taken
) -> Mapping[str, bool] | None:
    """Decide, write it down, reserve; what is to be told, None where nothing is."""
    order = await queries.select_order(session, taken.account_id, taken.order_id)
    if order is None or order["mirakl_state"] != "WAITING_ACCEPTANCE":
        # A state that nobody knows is acted on by nobody; the poll wakes the order when it changes.
        await rest(session, taken, None)
        return None
    lines = await lines_of(session, taken)
    unread = lines_unread(order, lines)
    if unread is not None:
        await _mend(
            session,
            taken,
            LINES,
            unread,
            "Look at it on the marketplace; it is taken up again when its lines come.",
        )
        return None
    facts, stock = await facts_of(session, order, lines)
    if stock.unmapped:
        names = ", ".join(
            line["sku"] or line["order_line_id"] for line in lines if line["order_line_id"] in stock.unmapped
        )
        await _mend(
            session,
            taken,
            MAPPING,
            f"No variant is sold under {names}.",
            "Map it: `entrepot mirakl stock map`. Then it goes on by itself, or at once with a retry.",
        )
        return None
    policy = Policy.read(account.settings)
    decision = decide(facts, rules, policy)
    await write_decision(session, taken.account_id, taken.order_id, decision)
    if decision.answer == "accept" and not (await reserve(session, taken.account_id, taken.order_id)).ok:
        # Somebody took the parts between the look and the reservation: decided again with what is left.
        facts, _ = await facts_of(session, order, lines)
        decision = decide(facts, rules, policy)
        if decision.answer == "accept":
            await rest(session, taken, now() + VERIFY_AFTER, failed=True)
            return None
        await write_decision(session, taken.account_id, taken.order_id, decision)
    if order["failures"]:
        await resolved_by_itself(
            session,
            taken.account_id,
            taken.order_id,
            MAPPING,
            LINES,
            resolution="It was mended, and decided.",
        )
    return await _carry_out(session, taken, decision, order)


async def lines_of(session: AsyncSession, taken: Taken) -> Sequence[RowMapping]:
    """The lines of an order; the listings of those without a variant are looked up anew."""
    lines = await queries.select_lines(session, taken.account_id, taken.order_id)
    if any(line["variant_id"] is None for line in lines):
        await queries.map_lines(session, taken.account_id, taken.order_id)
        lines = await queries.select_lines(session, taken.account_id, taken.order_id)
    return lines


async def _carry_out(
    session: AsyncSession, taken: Taken, decision: Decision, order: RowMapping
) -> Mapping[str, bool] | None:
    by = decision.by[:200]
    if decision.answer == "ask":
        await move(
            session,
            taken.account_id,
            taken.order_id,
            "waiting_for_person",
            actor_type="rule",
            actor=by,
            notes=decision.why,
            taken=taken,
        )
        await ask_person(session, order, decision.why)
        return None
    await move(
        session,
        taken.account_id,
        taken.order_id,
        "accepting" if decision.answer == "accept" else "refusing",
        actor_type="rule",
        actor=by,
        notes=decision.why,
        taken=taken,
        # Read then, by whoever comes: this worker may be killed before, in or after the call.
        next_attempt_at=now() + VERIFY_AFTER,
    )
    return {line: answer == "accept" for line, answer in decision.lines.items()}


async def ask_person(session: AsyncSession, order: RowMapping, why: str) -> None:
    """Put into the inbox that a person has to answer an order, and until when."""
    order_id, until = order["order_id"], order["acceptance_deadline"]
    await fail(
        session,
        order["account_id"],
        DECIDING,
        order_id,
        kind="decision",
        details=f"A person has to decide: {why}",
        next_step=(
            f"`entrepot mirakl accept {order_id}`, or refuse"
            + (f", by {until:%Y-%m-%d %H:%M} UTC." if until else ".")
        ),
        order_id=order_id,
    )


async def write_decision(session: AsyncSession, account_id: UUID, order_id: str, decision: Decision) -> None:
    """Note what was decided of each line."""
    answered = [
        {"order_line_id": line, "decision": None if answer == "ask" else answer}
        for line, answer in decision.lines.items()
    ]
    await queries.update_decisions(session, account_id, order_id, orjson.dumps(answered).decode())


async def _mend(session: AsyncSession, taken: Taken, process: str, details: str, next_step: str) -> None:
    """Something about the order has to be mended by somebody: told, and looked at again after a while."""
    if not await rest(session, taken, now() + LOOK_AGAIN):
        return
    await fail(
        session,
        taken.account_id,
        process,
        taken.order_id,
        kind="permanent",
        details=details,
        next_step=next_step,
        order_id=taken.order_id,
    )


async def _tell(services: Services, account: Account, order_id: str, answers: Mapping[str, bool]) -> None:
    """Tell the marketplace; what it says is seen when the order is read, and a refusal is looked into at once."""
    api = await services.api(account)
    try:
        await api.accept(order_id, answers)
    except ServiceError as error:
        if error.outcome is Outcome.PERMANENT:
            await _look_into(services, account, order_id, error)


async def _look_into(services: Services, account: Account, order_id: str, refused: ServiceError) -> None:
    """The marketplace took no answer: it has one already, the order is gone, or the answer is wrong."""
    try:
        await read_now(services, account, order_id)
    except ServiceError:
        return  # The step of the order reads it when it is due.
    async with services.db.tenant(account_id=account.account_id) as session:
        at = await current(session, account.account_id, order_id)
        if at is None or at.status not in ("accepting", "refusing"):
            return
        await _give_up(
            session,
            account,
            order_id,
            at.status,
            kind="permanent",
            details=f"The marketplace did not take the answer. {refused}",
        )


async def read_now(services: Services, account: Account, order_id: str) -> Mapping[str, Any] | None:
    """Read an order and follow what the marketplace says of it; None where it knows none. Raises ServiceError."""
    raw = await (await services.api(account)).order(order_id)
    if raw is not None:
        async with services.db.tenant(account_id=account.account_id) as session:
            await take_in(session, account, [raw])
    return raw


async def _verify(services: Services, taken: Taken) -> None:
    """Read the order and follow the marketplace; tell the answer (again) where it still waits for one."""
    account = await services.account(taken.account_id)
    raw = await (await services.api(account)).order(taken.order_id)
    answers: dict[str, bool] = {}
    async with services.db.tenant(account_id=taken.account_id) as session:
        if raw is not None:
            await take_in(session, account, [raw])
        else:
            await _give_up(
                session,
                account,
                taken.order_id,
                taken.status,
                kind="permanent",
                details="The marketplace knows no such order any more.",
            )
            return
        at = await current(session, taken.account_id, taken.order_id)
        if at is None or at.step != taken.step:
            return
        if raw.get("order_state") != "WAITING_ACCEPTANCE":
            await rest(session, taken, now() + LOOK_AGAIN)
            return
        if taken.attempts >= MOST_TELLINGS:
            await _give_up(
                session,
                account,
                taken.order_id,
                taken.status,
                kind="unknown",
                details=f"The answer was told {MOST_TELLINGS} times, and the order still waits for acceptance.",
            )
            return
        lines = await queries.select_lines(session, taken.account_id, taken.order_id)
        accepting = taken.status == "accepting"
        answers = {
            line["order_line_id"]: accepting and line["decision"] != "refuse"
            for line in lines
            if line["line_state"] not in OVER
        }
        if not await rest(session, taken, now() + VERIFY_AFTER * 2**taken.attempts, failed=True):
            return
    await _tell(services, account, taken.order_id, answers)


async def _give_up(
    session: AsyncSession, account: Account, order_id: str, status: str, *, kind: str, details: str
) -> None:
    await move(
        session,
        account.account_id,
        order_id,
        "acceptance_failed",
        actor_type="worker",
        notes=details,
        expected=status,
    )
    await fail(
        session,
        account.account_id,
        ANSWERING,
        order_id,
        kind=kind,
        details=details,
        next_step="Look at it on the marketplace. A retry tells the answer again.",
        order_id=order_id,
        payload={"was": status},
    )
