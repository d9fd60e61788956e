"""`entrepot mirakl messages`: conversations, replies, and automatic replies by rule."""

import sys
from typing import Annotated, Any

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    count_of,
    format_cell,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.conversations import automatic, outbox, showing, templates
from entrepot.mirakl.conversations.deciding import Decision
from entrepot.mirakl.conversations.settings import ReplySettings, reply_settings, set_reply_settings
from entrepot.mirakl.conversations.synchronizing import Synchronized, synchronize
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.marketplace_api import open_api

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Read and answer customers, by hand and by rule."
)
KeyArgument = Annotated[
    str, typer.Argument(metavar="CONVERSATION", help="Its identifier, ours or the marketplace's.")
]


@app.command("list")
def list_all(
    only: Annotated[
        str | None, typer.Option(help=f"Only those that are: {', '.join(showing.NARROWED)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show conversations, those that have to be answered first."""

    async def work(session: AsyncSession, chosen: Account) -> list[showing.Conversation]:
        return await showing.list_conversations(session, chosen.account_id, only=only, limit=limit)

    found = in_account(account, work)
    if json:
        print_json({"conversations": [as_record(one) for one in found]})
        return
    print_table(
        [
            "conversation",
            "customer",
            "subject",
            "order",
            "status",
            "answer by",
            "overdue",
            "messages",
            "unsent",
        ],
        [
            [
                one.id,
                one.customer,
                one.subject,
                one.order_id,
                one.status,
                one.answer_by,
                one.is_overdue,
                one.messages,
                one.on_their_way,
            ]
            for one in found
        ],
        empty="There is none. `entrepot mirakl messages sync` takes them in.",
    )


@app.command("show")
def show(conversation: KeyArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Show a conversation with its messages."""
    found, messages = in_account(
        account,
        lambda session, chosen: showing.show_conversation(session, chosen.account_id, conversation),
    )
    shown = {
        name: found[name] for name in ("id", "mirakl_thread_id", "subject", "order_id", "status", "answer_by")
    } | {"automatic replies off": found["automatic_replies_off"] or bool(found["no_automatic_replies"])}
    if json:
        told = {name.replace(" ", "_"): value for name, value in shown.items()}
        print_json(told | {"messages": [as_record(one) for one in messages]})
        return
    print_fields({name.replace("_", " "): value for name, value in shown.items()})
    for one in messages:
        print_line()
        said = f"{format_cell(one.at)}  {one.sender_type}"
        if one.message_type == "auto_reply":
            said += ", automatic"
        if one.sending not in ("received", "sent"):
            said += f", {one.sending}" + (f": {one.error}" if one.error else "")
        print_line(said)
        print_line(one.body)


@app.command("sync")
def sync(
    full: Annotated[bool, typer.Option("--full", help="Read the last 30 days again.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Take in new messages now. A worker does this by itself, as often as the account says."""

    async def work(db: Database, chosen: Account) -> Synchronized:
        async with open_api(db, chosen) as api:
            try:
                return await synchronize(db, api, chosen.account_id, full=full)
            except ServiceError as error:
                raise UnavailableError(
                    f"Not all messages could be taken in: {error}", hint="Ask again; nothing is lost."
                ) from error

    found = with_account(account, work)
    if json:
        print_json(as_record(found))
        return
    print_line(f"{count_of(found.threads, 'thread')} read, {count_of(found.received, 'new message')}.")
    if found.unreadable:
        print_note(
            f"{count_of(len(found.unreadable), 'thread')} could not be read: `entrepot mirakl failures list`."
        )


@app.command("reply")
def reply(
    conversation: KeyArgument,
    body: Annotated[
        str | None, typer.Option("--body", help="The text; read from standard input without it.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="customer or operator.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="A key of your own: under it a reply is sent once.")
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Answer in a conversation; the reply is stored, and sent by the next worker or by `messages send`.

    Example: entrepot mirakl messages reply THREAD --body "It is on its way."
    """
    text = body if body is not None else sys.stdin.read()

    async def work(session: AsyncSession, chosen: Account) -> Any:
        return await outbox.write_reply(
            session, chosen.account_id, conversation, text, dedupe_key=key, recipient=to
        )

    stored = in_account(account, work)
    if json:
        print_json({"message_id": stored, "sending": "pending"})
    else:
        print_line(f"Stored as {stored}; it is sent by the next worker.")


@app.command("send")
def send(account: AccountOption = None, json: JsonOption = False) -> None:
    """Send the replies that are due now, and settle those whose answer was lost."""

    async def work(db: Database, chosen: Account) -> outbox.Sent:
        async with open_api(db, chosen) as api:
            return await outbox.send_due(db, api, chosen.account_id)

    found = with_account(account, work)
    if json:
        print_json(as_record(found))
    else:
        print_line(
            f"{len(found.sent):,} sent, {len(found.settled):,} found in their threads, "
            f"{len(found.put_off):,} put off, {len(found.failed):,} failed."
        )
    if found.failed:
        raise UnavailableError(
            f"{count_of(len(found.failed), 'reply', 'replies')} could not be sent.",
            hint="`entrepot mirakl failures list` says why.",
        )


@app.command("preview")
def preview(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what automatic replies would be sent now, to whom and why, and why not; nothing is sent."""

    async def work(session: AsyncSession, chosen: Account) -> tuple[list[Decision], ReplySettings]:
        found = await automatic.preview(session, chosen.account_id, chosen.time_zone, limit=limit)
        return found, await reply_settings(session, chosen.account_id)

    found, settings = in_account(account, work)
    if json:
        print_json({"enabled": settings.enabled, "decisions": [as_record(one) for one in found]})
        return
    print_table(
        ["customer", "subject", "order", "template", "sent", "why", "text"],
        [
            [
                one.customer,
                one.subject,
                one.order_id,
                one.template_number,
                "now" if one.is_due else one.due_at or "not",
                "; ".join(one.why),
                one.body,
            ]
            for one in found
        ],
        empty="No customer has written lately.",
    )
    due = sum(1 for one in found if one.is_due)
    on = (
        "They are switched on."
        if settings.enabled
        else "Automatic replies are switched off: nothing is sent."
    )
    print_line(f"{count_of(due, 'reply', 'replies')} would be sent now. {on}")


@app.command("rules")
def rules(
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch automatic replies on or off.")] = None,
    after: Annotated[float | None, typer.Option(help="Hours after the customer's last message.")] = None,
    not_after: Annotated[float | None, typer.Option(help="Hours after which no rule answers.")] = None,
    at_most: Annotated[int | None, typer.Option(help="Automatic replies in a conversation: 0 to 2.")] = None,
    days: Annotated[str | None, typer.Option(help="Days of business, such as mon,tue,wed.")] = None,
    opens: Annotated[str | None, typer.Option(help="When business begins, such as 09:00.")] = None,
    closes: Annotated[str | None, typer.Option(help="When it ends.")] = None,
    closed_on: Annotated[str | None, typer.Option(help="Dates without business, with commas.")] = None,
    condition: Annotated[str | None, typer.Option(help="A condition of the rules language, as JSON.")] = None,
    opt_out: Annotated[
        str | None, typer.Option(help="Words that end automatic replies, with commas.")
    ] = None,
    answer_within: Annotated[float | None, typer.Option(help="Hours within which a person answers.")] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change when customers are answered by rule.

    Example: entrepot mirakl messages rules --on --after 4 --opens 09:00 --closes 17:00
    """
    given: dict[str, Any] = {
        "enabled": on,
        "after_hours": after,
        "not_after_hours": not_after,
        "at_most": at_most,
        "days": _listed(days),
        "opens": opens,
        "closes": closes,
        "closed_on": _listed(closed_on),
        "condition": _object(condition),
        "opt_out_words": _listed(opt_out),
        "answer_within_hours": answer_within,
    }
    changes = {name: value for name, value in given.items() if value is not None}

    async def work(session: AsyncSession, chosen: Account) -> ReplySettings:
        if changes:
            return await set_reply_settings(session, chosen.account_id, changes)
        return await reply_settings(session, chosen.account_id)

    found = in_account(account, work).model_dump(mode="json")
    if json:
        print_json(found)
    else:
        print_fields({name.replace("_", " "): value for name, value in found.items()})


@app.command("template")
def template(
    number: Annotated[int | None, typer.Argument(help="1: the first reply, 2: the second.")] = None,
    body: Annotated[str | None, typer.Option("--body", help="The text, with its variables.")] = None,
    locale: Annotated[str, typer.Option(help="Language of the text.")] = automatic.LANGUAGE,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Whether it is sent.")] = True,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Save a text of automatic replies, or show all of them and the variables that they may have.

    Example: entrepot mirakl messages template 1 --body "Hello {{customer.firstname|there}}, we answer soon."
    """

    async def work(session: AsyncSession, chosen: Account) -> list[automatic.Template]:
        if number is not None:
            await automatic.save_template(
                session,
                chosen.account_id,
                number,
                body if body is not None else sys.stdin.read(),
                locale=locale,
                is_active=active,
            )
        return await automatic.list_templates(session, chosen.account_id)

    found = in_account(account, work)
    if json:
        print_json({"templates": [as_record(one) for one in found], "variables": templates.VARIABLES})
        return
    print_table(
        ["number", "language", "active", "text"],
        [[one.number, one.locale, one.is_active, one.body] for one in found],
        empty="There are no templates.",
    )
    if number is None:
        print_table(
            ["variable", "what it is"],
            [[f"{{{{{name}}}}}", said] for name, said in templates.VARIABLES.items()],
        )


@app.command("mark")
def mark(
    conversation: KeyArgument,
    status: Annotated[str, typer.Argument(metavar="STATUS", help="unread, read or archived.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Set a conversation unread, read or archived; one that the customer writes in again is unread by itself."""
    in_account(
        account, lambda session, chosen: showing.mark(session, chosen.account_id, conversation, status)
    )
    if json:
        print_json({"conversation": conversation, "status": status})
    else:
        print_line(f"It is {status}.")


@app.command("opt-out")
def opt_out(
    conversation: KeyArgument,
    again: Annotated[bool, typer.Option("--again", help="The customer wants them again.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Note that the customer of a conversation wants no automatic replies."""
    in_account(
        account,
        lambda session, chosen: showing.opt_out(session, chosen.account_id, conversation, wanted=not again),
    )
    if json:
        print_json({"conversation": conversation, "no_automatic_replies": not again})
    else:
        print_line(
            "The customer gets automatic replies again."
            if again
            else "The customer gets no automatic replies."
        )


def _listed(given: str | None) -> list[str] | None:
    return None if given is None else [part.strip() for part in given.split(",") if part.strip()]


def _object(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"The condition is not JSON: {error}.", where={"path": "condition"}
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError("A condition is a JSON object.", where={"path": "condition"})
    return found
