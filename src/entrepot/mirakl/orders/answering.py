"""A person answers an order: accept or refuse it, whole or by line, whatever the rules would say."""

from collections.abc import Collection
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.history import Status, move
from entrepot.mirakl.stock.reserving import release, reserve

#: Statuses in which a person may answer.
ANSWERABLE = ("pending_acceptance", "waiting_for_person", "acceptance_failed")


async def accept_order(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    *,
    person: str,
    reason: str | None = None,
    except_lines: Collection[str] = (),
) -> Status:
    """Accept an order but for some of its lines; its parts are reserved, and the marketplace is told in the background.

    Raises NotFoundError, ConflictError where there is nothing to answer or parts are missing, InvalidInputError for
    lines that it does not have.
    """
    lines = await _lines(session, account_id, order_id)
    if strange := sorted(set(except_lines) - set(lines)):
        raise InvalidInputError(
            f"The order {order_id} has no line {strange[0]}.",
            hint=f"Its lines are {', '.join(lines)}.",
            where={"path": "lines", "order_id": order_id},
        )
    if lines and set(except_lines) == set(lines):
        raise InvalidInputError("That leaves no line to accept.", hint="Refuse the order.")
    await _answerable(session, account_id, order_id)
    answers = {line: "refuse" if line in except_lines else "accept" for line in lines}
    await _write(session, account_id, order_id, answers)
    await queries.map_lines(session, account_id, order_id)
    held = await reserve(session, account_id, order_id, reason=f"accepted by {person}")
    if not held.ok:
        raise ConflictError(
            f"The order {order_id} cannot be built: {held}",
            hint="Receive the parts or map the listing first, or refuse it.",
            where={"order_id": order_id},
        )
    return await move(
        session,
        account_id,
        order_id,
        "accepting",
        actor_type="person",
        actor=person,
        notes=reason or "Accepted by hand.",
    )


async def refuse_order(
    session: AsyncSession, account_id: UUID, order_id: str, *, person: str, reason: str
) -> Status:
    """Refuse an order; the marketplace is told in the background. Raises as `accept_order` does."""
    if not reason.strip():
        raise InvalidInputError("An order is refused for a reason.", hint="Say it with --reason.")
    lines = await _lines(session, account_id, order_id)
    await _answerable(session, account_id, order_id)
    await _write(session, account_id, order_id, dict.fromkeys(lines, "refuse"))
    await release(session, account_id, order_id, reason=f"refused by {person}")
    return await move(
        session,
        account_id,
        order_id,
        "refusing",
        actor_type="person",
        actor=person,
        notes=reason.strip(),
    )


async def _lines(session: AsyncSession, account_id: UUID, order_id: str) -> list[str]:
    return [row["order_line_id"] for row in await queries.select_lines(session, account_id, order_id)]


async def _answerable(session: AsyncSession, account_id: UUID, order_id: str) -> None:
    order = await queries.select_order(session, account_id, order_id)
    if order is None:
        raise NotFoundError(
            f"There is no order {order_id!r}.",
            hint="`entrepot mirakl orders list` shows them.",
            where={"order_id": order_id},
        )
    if order["status"] not in ANSWERABLE:
        raise ConflictError(
            f"The order {order_id} is {order['status'] or order['mirakl_state']}; there is nothing to answer.",
            where={"order_id": order_id, "status": order["status"]},
        )
    if order["mirakl_state"] != "WAITING_ACCEPTANCE":
        raise ConflictError(
            f"The marketplace says {order['mirakl_state']} of the order {order_id}, so it takes no answer.",
            where={"order_id": order_id, "mirakl_state": order["mirakl_state"]},
        )


async def _write(session: AsyncSession, account_id: UUID, order_id: str, answers: dict[str, str]) -> None:
    decided = [{"order_line_id": line, "decision": answer} for line, answer in answers.items()]
    await queries.update_decisions(session, account_id, order_id, orjson.dumps(decided).decode())
