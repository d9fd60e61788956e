"""`entrepot mirakl poll`, `accept`, `refuse`, `work` and `orders`: orders taken in, answered, carried on and shown."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    count_of,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.mirakl.accounts.accounts import Account, choose_account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.failures.inbox import what_next
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.failures.queries import select_failures
from entrepot.mirakl.orders import history_queries, queries
from entrepot.mirakl.orders.acceptance import read_now
from entrepot.mirakl.orders.answering import accept_order, refuse_order
from entrepot.mirakl.orders.driving import SIDE_BY_SIDE, drive
from entrepot.mirakl.orders.following import is_known
from entrepot.mirakl.orders.history import Status, wake
from entrepot.mirakl.orders.polling import poll as poll_account
from entrepot.mirakl.orders.taking_in import TakenIn
from entrepot.mirakl.scheduling.queries import select_work
from entrepot.mirakl.scheduling.working import run, work_once
from entrepot.mirakl.services import Services
from entrepot.mirakl.values import STATUSES

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show orders and where they are.")
OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER", help="The marketplace's identifier of the order.")
]
MAX = 500
#: Who a command is, in the history of orders.
PERSON = "command line"


def poll(
    full: Annotated[
        bool, typer.Option("--full", help="Read all orders of the last 90 days, not only what changed.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Take in the orders that changed on the marketplace since the last look.

    Example: entrepot mirakl poll --account best-buy
    """

    async def work(db: Database, chosen: Account) -> TakenIn:
        async with Services.opened(db) as services:
            try:
                return await poll_account(services, chosen, full=full)
            except ServiceError as error:
                raise _unavailable(chosen, error) from error

    found = with_account(account, work)
    if json:
        print_json({"read": found.read, **as_record(found)})
        return
    print_line(
        f"Read {count_of(found.read, 'order')}: {found.new:,} new, {found.changed:,} changed, "
        f"{found.unchanged:,} unchanged, {found.rejected:,} rejected."
    )
    if found.rejected:
        print_note("`entrepot mirakl failures list` says why they were rejected.")


def accept(
    order: OrderArgument,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="LINE", help="Refuse this line of it; may be given again."),
    ] = None,
    later: Annotated[
        bool, typer.Option("--later", help="Leave telling the marketplace to the worker.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Accept an order that waits for an answer: its parts are reserved and the marketplace is told.

    Example: entrepot mirakl accept 1234-A --reason "The customer confirmed."
    """

    async def answer(session: AsyncSession, chosen: Account) -> Status:
        return await accept_order(
            session,
            chosen.account_id,
            order,
            person=PERSON,
            reason=reason,
            except_lines=without or (),
        )

    _answer(account, answer, order, later=later, as_json=json)


def refuse(
    order: OrderArgument,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    later: Annotated[
        bool, typer.Option("--later", help="Leave telling the marketplace to the worker.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Refuse an order that waits for an answer.

    Example: entrepot mirakl refuse 1234-A --reason "We cannot build it in time."
    """

    async def answer(session: AsyncSession, chosen: Account) -> Status:
        return await refuse_order(session, chosen.account_id, order, person=PERSON, reason=reason)

    _answer(account, answer, order, later=later, as_json=json)


def work(
    once: Annotated[bool, typer.Option(help="Do what is due now, and end.")] = False,
    side_by_side: Annotated[
        int, typer.Option(min=1, max=64, help="Orders that are worked on at once.")
    ] = SIDE_BY_SIDE,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Look after all accounts until Ctrl-C: poll, decide, answer, ship, follow; --account with --once does one only.

    Any number may run at the same time. `entrepot worker` and `entrepot serve` do the same beside their jobs.
    """
    if account and not once:
        raise InvalidInputError(
            "A worker that goes on looks after all accounts.", hint="Give --once with --account."
        )

    async def go() -> dict[str, int] | None:
        async with Database.opened(pool_size=max(4, side_by_side // 2)) as db:
            if not once:
                print_note("Looks after all accounts. Ctrl-C ends it.")
                await run(db, asyncio.Event(), side_by_side=side_by_side, handle_signals=True)
                return None
            chosen = await choose_account(db, account) if account else None
            found = await work_once(
                db, account_id=chosen.account_id if chosen else None, side_by_side=side_by_side
            )
            return {"works": found.works, "failed": found.failed, "steps": found.steps}

    done = asyncio.run(go())
    if done is None:
        return
    if json:
        print_json(done)
        return
    print_line(
        f"Looked after {count_of(done['works'], 'thing')}, of which {done['failed']:,} failed, "
        f"and did {count_of(done['steps'], 'step')} of orders."
    )


@app.command("list")
def list_all(
    status: Annotated[
        list[str] | None, typer.Option(help="Only orders that are there; may be given again.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Only orders of this state on the marketplace.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show orders, newest first: where they are, and by when what has to happen."""
    for one in status or ():
        if one not in STATUSES:
            raise InvalidInputError(
                f"There is no status {one!r}.",
                hint=f"There are {', '.join(STATUSES)}.",
                where={"path": "status"},
            )

    async def work(session: AsyncSession, chosen: Account) -> Sequence[RowMapping]:
        return await queries.select_orders(
            session, chosen.account_id, statuses=status, states=state, limit=limit
        )

    found = in_account(account, work)
    if json:
        print_json({"orders": [dict(row) for row in found]})
        return
    print_table(
        ["order", "status", "marketplace says", "total", "", "accept by", "ship by", "failures"],
        [
            [
                row["order_id"],
                row["status"] or "not acted on",
                row["mirakl_state"]
                if is_known(row["mirakl_state"])
                else f"{row['mirakl_state']} (not known)",
                f"{row['total_price']:,.2f}",
                row["currency_code"],
                row["acceptance_deadline"] if row["mirakl_state"] == "WAITING_ACCEPTANCE" else None,
                row["shipping_deadline"] if row["mirakl_state"] == "SHIPPING" else None,
                row["failures"] or None,
            ]
            for row in found
        ],
        empty="There is no such order. `entrepot mirakl poll` takes orders in.",
    )


@app.command("show")
def show(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Show an order: its lines, what happened to it, who or what did it and why, and what went wrong."""
    found = in_account(account, lambda session, chosen: _shown(session, chosen, order))
    if json:
        print_json(found)
        return
    head = found["order"]
    print_fields(
        {
            "status": head["status"] or "not acted on",
            "marketplace says": head["mirakl_state"],
            "total": f"{head['total_price']:,.2f} {head['currency_code']}",
            "ordered": head["order_created_at"],
            "accept by": head["acceptance_deadline"],
            "ship by": head["shipping_deadline"],
            "next step": head["next_attempt_at"],
        },
        title=f"Order {order}",
    )
    print_table(
        ["line", "SKU", "variant", "units", "price", "state", "answer"],
        [
            [
                line["order_line_id"],
                line["sku"],
                line["internal_sku"] or "maps to nothing",
                line["quantity"],
                f"{line['price']:,.2f}",
                line["line_state"],
                line["decision"],
            ]
            for line in found["lines"]
        ],
        empty="It has no lines.",
    )
    print_table(
        ["when", "status", "by", "why"],
        [
            [
                entry["timestamp"],
                entry["status"],
                f"{entry['actor_type']} {entry['actor']}" if entry["actor"] else entry["actor_type"],
                entry["notes"],
            ]
            for entry in found["history"]
        ],
        title="History",
        empty="Nothing was done with it.",
    )
    if found["failures"]:
        print_table(
            ["since", "step", "what", "next"],
            [
                [row["timestamp"], row["process_name"], row["details"], what_next(row)]
                for row in found["failures"]
            ],
            title="What went wrong",
        )


@app.command("retry")
def retry(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Have the next step of an order done now, by the next worker that looks."""

    async def again(session: AsyncSession, chosen: Account) -> None:
        await wake(session, chosen.account_id, order)

    in_account(account, again)
    if json:
        print_json({"order_id": order, "due": True})
    else:
        print_line(f"The next step of {order} is due.")


@app.command("schedule")
def schedule(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what is looked after for an account: when it was last done, when it is next, what fails."""

    async def work(session: AsyncSession, chosen: Account) -> Sequence[RowMapping]:
        return await select_work(session, chosen.account_id)

    found = in_account(account, work)
    if json:
        print_json({"work": [dict(row) for row in found]})
        return
    print_table(
        ["what", "last done", "next", "failed", "why"],
        [
            [row["work"], row["last_at"], row["next_at"], row["failures"] or None, row["last_error"]]
            for row in found
        ],
        empty="No worker has looked after the account yet: `entrepot mirakl work`.",
    )


async def _shown(session: AsyncSession, account: Account, order_id: str) -> dict[str, Any]:
    order = await queries.select_order(session, account.account_id, order_id)
    if order is None:
        raise NotFoundError(
            f"There is no order {order_id!r}.", hint="`entrepot mirakl orders list` shows them."
        )
    return {
        "order": {name: value for name, value in order.items() if name not in ("account_id", "customer_id")},
        "lines": [dict(row) for row in await queries.select_lines(session, account.account_id, order_id)],
        "history": [
            dict(row) for row in await history_queries.select_history(session, account.account_id, order_id)
        ],
        "failures": [
            dict(row) for row in await select_failures(session, account.account_id, order_id=order_id)
        ],
    }


def _answer(account: str | None, answer: Any, order_id: str, *, later: bool, as_json: bool) -> None:
    async def go(db: Database, chosen: Account) -> dict[str, Any]:
        async with db.tenant(account_id=chosen.account_id) as session:
            await answer(session, chosen)
        if not later:
            async with Services.opened(db) as services:
                await drive(db, services, account_id=chosen.account_id, order_id=order_id)
                # A person is told what came of it; where it cannot be read now, the worker reads it later.
                with contextlib.suppress(ServiceError):
                    await read_now(services, chosen, order_id)
        async with db.tenant(account_id=chosen.account_id) as session:
            return await _shown(session, chosen, order_id)

    found = with_account(account, go)
    last = found["history"][-1]
    if as_json:
        print_json(
            {"order_id": order_id, "status": last["status"], "mirakl_state": found["order"]["mirakl_state"]}
        )
        return
    print_line(f"{order_id} is {last['status']}.")
    for row in found["failures"]:
        print_note(f"{row['details']} {what_next(row)}")


def _unavailable(account: Account, error: ServiceError) -> UnavailableError:
    return UnavailableError(
        f"The marketplace {account.marketplace} cannot be read: {error}",
        hint="What was taken in until then stays; `entrepot mirakl calls` shows what was said.",
        where={"account": account.code},
    )
