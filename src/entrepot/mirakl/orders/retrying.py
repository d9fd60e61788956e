"""What a retry of a failed answer does: told again, looked at again, or decided anew with what is there now."""

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.mirakl.accounts.accounts import get_account
from entrepot.mirakl.failures.inbox import retried_by
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.acceptance import (
    ANSWERING,
    DECIDING,
    LINES,
    MAPPING,
    ask_person,
    facts_of,
    write_decision,
)
from entrepot.mirakl.orders.deciding import Policy, decide
from entrepot.mirakl.orders.history import current, move, wake
from entrepot.mirakl.orders.polling import AGAIN
from entrepot.mirakl.orders.rules import active_rules
from entrepot.mirakl.scheduling.queries import hasten
from entrepot.mirakl.stock.reserving import reserve


@retried_by(ANSWERING, "OrderRefusal")
async def tell_again(session: AsyncSession, failure: RowMapping) -> None:
    """A retry of an answer that was not taken: it is told again, once the order was read."""
    account_id, order_id = failure["account_id"], failure["related_id"]
    at = await current(session, account_id, order_id)
    if at is None or at.status != "acceptance_failed":
        await wake(session, account_id, order_id)
        return
    was = (failure["payload"] or {}).get("was")
    again = "refusing" if was == "refusing" else "accepting"
    if again == "accepting":
        await reserve(session, account_id, order_id)
    await move(session, account_id, order_id, again, actor_type="person", notes="Tried again.")


@retried_by(MAPPING, LINES, "OrderIntake")
async def look_again(session: AsyncSession, failure: RowMapping) -> None:
    """A retry of what had to be mended: the order is looked at now, by the next worker."""
    if failure["order_id"] is not None:
        await wake(session, failure["account_id"], failure["order_id"])
    else:
        # It was never kept: it has to be read again.
        await hasten(session, failure["account_id"], AGAIN, now())


@retried_by(DECIDING)
async def decide_again(session: AsyncSession, failure: RowMapping) -> None:
    """A retry of an order that waits for a person: decided anew, as when parts came or a rule was changed since.

    What is decided is told by the next worker; where a person is still needed, the failure is open again.
    """
    account_id, order_id = failure["account_id"], failure["related_id"]
    at = await current(session, account_id, order_id)
    order = await queries.select_order(session, account_id, order_id)
    lines = await queries.select_lines(session, account_id, order_id)
    if at is None or order is None or at.status != "waiting_for_person" or not lines:
        await wake(session, account_id, order_id)
        return
    facts, _ = await facts_of(session, order, lines)
    account = await get_account(session, account_id)
    decision = decide(facts, await active_rules(session, account_id), Policy.read(account.settings))
    answer, why = decision.answer, decision.why
    await write_decision(session, account_id, order_id, decision)
    if answer == "accept":
        held = await reserve(session, account_id, order_id)
        if not held.ok:
            answer, why = "ask", str(held)
    if answer == "ask":
        await ask_person(session, order, why)
        return
    await move(
        session,
        account_id,
        order_id,
        "accepting" if answer == "accept" else "refusing",
        actor_type="rule",
        actor=decision.by[:200],
        notes=why,
        expected="waiting_for_person",
    )
