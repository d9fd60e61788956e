"""`entrepot mirakl acceptance`: what is answered to orders by themselves, and trying it out."""

from typing import Annotated, Any

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.output import JsonOption, as_record, print_fields, print_json, print_line, print_table
from entrepot.kit.rules import compile_condition
from entrepot.mirakl.accounts.accounts import Account, get_account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account
from entrepot.mirakl.accounts.queries import update_settings
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.acceptance import facts_of
from entrepot.mirakl.orders.deciding import CHECKS, Decision, Policy, decide
from entrepot.mirakl.orders.facts import LINE_ATTRIBUTES, ORDER_ATTRIBUTES
from entrepot.mirakl.orders.rules import StoredRule, active_rules, list_rules, remove_rule, set_rule

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Say what is answered to orders by themselves."
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.")]


@app.command("rules")
def rules(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show the rules of acceptance, in the order in which they are asked."""

    async def work(session: AsyncSession, chosen: Account) -> list[StoredRule]:
        return await list_rules(session, chosen.account_id)

    found = in_account(account, work)
    if json:
        print_json({"rules": [as_record(rule) for rule in found]})
        return
    print_table(
        ["priority", "name", "of", "when", "answer", "why", "active"],
        [
            [
                rule.priority,
                rule.name,
                rule.applies_to,
                compile_condition(rule.condition).words(),
                rule.outcome,
                rule.reason,
                rule.is_active,
            ]
            for rule in found
        ],
        empty="There is no rule; the checks decide. `entrepot mirakl acceptance checks` shows them.",
    )


@app.command("set")
def set_one(
    name: NameArgument,
    condition: Annotated[str, typer.Option(help="When it holds, as JSON in the language of rules.")],
    answer: Annotated[str, typer.Option(help="accept, refuse or ask.")],
    line: Annotated[bool, typer.Option("--line", help="Ask each line, not the order.")] = False,
    priority: Annotated[int, typer.Option(help="The highest is asked first.")] = 0,
    reason: Annotated[str | None, typer.Option(help="Why, for the history of orders.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep it without asking it.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a rule, in place of one of the same name.

    Example: entrepot mirakl acceptance set dear --condition '{"total_price": {"$gte": 3000}}' --answer ask
    """
    rule = StoredRule(
        name=name,
        condition=_condition(condition),
        outcome=answer,
        applies_to="line" if line else "order",
        priority=priority,
        reason=reason,
        is_active=not inactive,
    )

    async def work(session: AsyncSession, chosen: Account) -> None:
        await set_rule(session, chosen.account_id, rule)

    in_account(account, work)
    if json:
        print_json(as_record(rule))
    else:
        print_line(f"{name}: when {compile_condition(rule.condition).words()}, {answer}.")


@app.command("remove")
def remove(name: NameArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Forget a rule."""

    async def work(session: AsyncSession, chosen: Account) -> None:
        await remove_rule(session, chosen.account_id, name)

    in_account(account, work)
    if json:
        print_json({"name": name, "removed": True})
    else:
        print_line(f"The rule {name} is gone.")


@app.command("checks")
def checks(
    otherwise: Annotated[
        str | None, typer.Option(help="Answer where nothing speaks against an order.")
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK=ANSWER", help="Answer when a check fails, as stock=refuse; may be given again."
        ),
    ] = None,
    most_units: Annotated[
        int | None, typer.Option(help="Most units that are accepted unasked; 0: any.")
    ] = None,
    most_value: Annotated[
        float | None, typer.Option(help="Highest total that is accepted unasked; 0: any.")
    ] = None,
    by_line: Annotated[
        bool | None,
        typer.Option("--by-line/--whole", help="Refuse single lines of an order, or the order as a whole."),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what is answered where no rule does, or change it.

    Example: entrepot mirakl acceptance checks --check stock=refuse --check price_floor=refuse --most-units 5
    """
    wanted = dict(_pair(one) for one in check or ())

    async def work(session: AsyncSession, chosen: Account) -> Policy:
        settings = dict((await get_account(session, chosen.account_id)).settings)
        held: dict[str, Any] = dict(settings.get("acceptance") or {})
        limits = dict(held.get("limits") or {})
        if otherwise is not None:
            held["otherwise"] = otherwise
        if by_line is not None:
            held["by_line"] = by_line
        for name, value in (("units", most_units), ("value", most_value)):
            if value is not None:
                limits[name] = value or None
        held["limits"] = {name: value for name, value in limits.items() if value is not None}
        held["checks"] = {**(held.get("checks") or {}), **wanted}
        settings["acceptance"] = held
        policy = Policy.read(settings)
        if wanted or any(one is not None for one in (otherwise, by_line, most_units, most_value)):
            await update_settings(session, chosen.account_id, "acceptance", orjson.dumps(held).decode())
        return policy

    found = in_account(account, work)
    if json:
        print_json(as_record(found))
        return
    print_fields(
        {
            **{f"{name} fails": found.checks[name] for name in CHECKS},
            "most units": found.most_units,
            "most value": None if found.most_value is None else f"{found.most_value:f}",
            "otherwise": found.otherwise,
            "lines alone": found.by_line,
        }
    )


@app.command("try")
def try_out(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="An order that was taken in.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Say what would be answered to an order now, and why; nothing is done."""

    async def work(session: AsyncSession, chosen: Account) -> Decision:
        found = await queries.select_order(session, chosen.account_id, order)
        if found is None:
            raise NotFoundError(
                f"There is no order {order!r}.", hint="`entrepot mirakl orders list` shows them."
            )
        lines = await queries.select_lines(session, chosen.account_id, order)
        if not lines:
            raise InvalidInputError(f"The order {order} has no lines to decide upon.")
        facts, _ = await facts_of(session, found, lines)
        return decide(facts, await active_rules(session, chosen.account_id), Policy.read(chosen.settings))

    found = in_account(account, work)
    if json:
        print_json(as_record(found))
        return
    print_line(f"{order}: {found.answer}, by {found.by}. {found.why}")
    if len(set(found.lines.values())) > 1:
        print_table(["line", "answer"], [[line, answer] for line, answer in found.lines.items()])


@app.command("block")
def block(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="An order of the buyer.")],
    undo: Annotated[bool, typer.Option("--undo", help="Let them buy again.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Block the buyer of an order: their next orders are answered as the check `blocked` says, which is to ask."""

    async def work(session: AsyncSession, chosen: Account) -> str:
        found = await queries.update_blocked(session, chosen.account_id, order, is_blocked=not undo)
        if found is None:
            raise NotFoundError(
                f"There is no order {order!r} of a known buyer.",
                hint="`entrepot mirakl orders list` shows the orders.",
            )
        return found

    customer = in_account(account, work)
    if json:
        print_json({"customer_id": customer, "is_blocked": not undo})
    else:
        print_line(f"The buyer {customer} is {'blocked no more' if undo else 'blocked'}.")


@app.command("attributes")
def attributes(
    line: Annotated[bool, typer.Option("--line", help="Those of lines.")] = False, json: JsonOption = False
) -> None:
    """Show what a condition may ask of an order, or of a line."""
    held = LINE_ATTRIBUTES if line else ORDER_ATTRIBUTES
    if json:
        print_json(held)
        return
    print_table(
        ["attribute", "type", "what it is"],
        [
            [
                name,
                declared["type"],
                declared.get("description") or "The order: order.total_price, order.country …",
            ]
            for name, declared in held.items()
        ],
    )


def _pair(given: str) -> tuple[str, str]:
    name, equals, answer = given.partition("=")
    if not equals:
        raise InvalidInputError(
            f"{given!r} names no answer.", hint="Write --check stock=refuse.", where={"path": "check"}
        )
    return name.strip(), answer.strip()


def _condition(given: str) -> dict[str, Any]:
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"The condition is no JSON: {error}.",
            hint="""For one: --condition '{"total_price": {"$gte": 3000}}'""",
            where={"path": "condition"},
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError(
            f"A condition is an object, not {type(found).__name__}.", where={"path": "condition"}
        )
    return found
