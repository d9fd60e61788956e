"""`entrepot mirakl stock`: what is there, what can be built and ordered, files taken in, stock told."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import EntrepotError, InvalidInputError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    count_of,
    print_fields,
    print_json,
    print_line,
    print_table,
)
from entrepot.kit.progress import reporting
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.marketplace_api import open_api
from entrepot.mirakl.stock import levels
from entrepot.mirakl.stock import pushing as told
from entrepot.mirakl.stock.confirming import confirm
from entrepot.mirakl.stock.importing import Imported, import_file, map_listing
from entrepot.mirakl.stock.ordering import to_order as find_to_order
from entrepot.mirakl.stock.pushing_queries import tell_again
from entrepot.mirakl.stock.reading import KINDS, find_kind
from entrepot.mirakl.stock.reserving import availability
from entrepot.mirakl.stock.sharing import StockSettings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show and move the stock of components, take in bills of material, tell the marketplace.",
)
ComponentArgument = Annotated[
    str, typer.Argument(metavar="COMPONENT", help="Name or barcode of the component.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")]
#: Rejected lines that a person is shown; --json has all of them.
SHOWN = 20


@app.command("list")
def list_all(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what is in stock of each component."""
    found = in_account(account, lambda session, chosen: levels.list_components(session, chosen.account_id))
    if json:
        print_json({"components": [as_record(one) for one in found]})
        return
    print_table(
        ["component", "type", "barcode", "on hand", "reserved", "free", "order at", "unit cost"],
        [
            [
                one.name,
                f"{one.type} (built)" if one.is_kit else one.type,
                one.barcode,
                one.on_hand,
                one.reserved,
                one.free,
                one.reorder_point,
                one.unit_cost,
            ]
            for one in found
        ],
        empty="There are no components. `entrepot mirakl stock import components FILE` takes them in.",
    )


@app.command("ledger")
def ledger(
    component: ComponentArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what moved a component, newest first, and the level after each movement."""
    found = in_account(
        account,
        lambda session, chosen: levels.ledger(session, chosen.account_id, component, limit=limit),
    )
    if json:
        print_json({"movements": [as_record(one) for one in found]})
        return
    print_table(
        ["at", "movement", "on hand", "reserved", "then on hand", "then reserved", "order", "why"],
        [
            [
                one.moved_at,
                one.movement,
                f"{one.on_hand_change:+d}" if one.on_hand_change else None,
                f"{one.reserved_change:+d}" if one.reserved_change else None,
                one.on_hand,
                one.reserved,
                one.order_id,
                one.reason,
            ]
            for one in found
        ],
        empty="It has not moved yet.",
    )


@app.command("buildable")
def buildable(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show how many units of each variant can be built now, and which component allows no more."""
    found = in_account(account, lambda session, chosen: availability(session, chosen.account_id))
    if json:
        print_json({"variants": [as_record(one) for one in found]})
        return
    print_table(
        ["sku", "variant", "can be built", "scarcest"],
        [
            [one.internal_sku, one.description, one.buildable, one.limiting or "no bill of materials"]
            for one in found
        ],
        empty="There are no variants. `entrepot mirakl stock import variants FILE` takes them in.",
    )


@app.command("to-order")
def to_order(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what to order: what open orders are short of, and what is down to its reorder point."""
    found = in_account(account, lambda session, chosen: find_to_order(session, chosen.account_id))
    if json:
        print_json({"to_order": [as_record(one) for one in found]})
        return
    print_table(
        ["component", "type", "free", "orders need", "order", "why", "cost"],
        [[one.name, one.type, one.free, one.demand, one.quantity, one.reason, one.cost] for one in found],
        empty="Nothing is to be ordered.",
    )


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"What the file holds: {', '.join(KINDS)}.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; commas or semicolons.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Take in components, parts, variants, bills of material, listings or counts; the exit code is 2 for rejected lines.

    Example: entrepot mirakl stock import components components.csv
    """
    find_kind(kind)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"{file} cannot be read: {error.strerror}.", where={"file": str(file)}
        ) from error

    async def work(session: AsyncSession, chosen: Account) -> Imported:
        with reporting("none" if json else "auto") as report:
            return await import_file(session, chosen.account_id, kind, content, name=file.name, report=report)

    found = in_account(account, work)
    if json:
        print_json(as_record(found) | {"rejected": [as_record(one) for one in found.rejected]})
    else:
        print_line(
            f"{count_of(found.read, 'line')} read: {found.applied:,} applied, {found.unchanged:,} unchanged, "
            f"{len(found.rejected):,} rejected."
        )
        if found.rejected:
            print_table(["line", "why"], [[one.line, one.reason] for one in found.rejected[:SHOWN]])
        if len(found.rejected) > SHOWN:
            print_line(f"And {len(found.rejected) - SHOWN:,} more; --json shows all of them.")
    if found.rejected:
        raise typer.Exit(InvalidInputError.exit_code)


@app.command("map")
def map_(
    shop_sku: Annotated[str, typer.Argument(metavar="SHOP-SKU", help="SKU on the marketplace.")],
    sku: Annotated[str, typer.Argument(metavar="SKU", help="Our SKU of the variant that is sold under it.")],
    title: Annotated[str | None, typer.Option(help="Title of the listing.")] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Say which variant is sold under a shop SKU.

    Example: entrepot mirakl stock map BBY-1001 TB14-16-512
    """

    async def work(session: AsyncSession, chosen: Account) -> bool:
        return await map_listing(session, chosen.account_id, shop_sku, sku, title=title)

    changed = in_account(account, work)
    if json:
        print_json({"shop_sku": shop_sku, "sku": sku, "changed": changed})
    else:
        print_line(f"{shop_sku} is {sku}." if changed else f"{shop_sku} was {sku} before.")


@app.command("receive")
def receive(
    component: ComponentArgument,
    quantity: Annotated[int, typer.Argument(metavar="UNITS", help="Units that came in.")],
    reason: ReasonOption = "received",
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="A number of the delivery; under it they come in once."),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Add units that came in.

    Example: entrepot mirakl stock receive "8 GB DDR4" 20 --reason "delivery 4711" --key 4711
    """

    async def work(session: AsyncSession, chosen: Account) -> levels.Component:
        return await levels.receive(
            session, chosen.account_id, component, quantity, reason=reason, dedupe_key=key
        )

    found = in_account(account, work)
    if json:
        print_json(as_record(found))
    else:
        print_line(f"{found.name}: {found.on_hand:,} on hand, {found.free:,} free.")


@app.command("count")
def count(
    component: ComponentArgument,
    counted: Annotated[int, typer.Argument(metavar="UNITS", help="Units that are there.")],
    reason: ReasonOption,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Set a component to what was counted.

    Example: entrepot mirakl stock count "8 GB DDR4" 17 --reason "inventory, shelf 3"
    """

    async def work(session: AsyncSession, chosen: Account) -> levels.Counted:
        return await levels.count(session, chosen.account_id, component, counted, reason=reason)

    found = in_account(account, work)
    if json:
        print_json({**as_record(found), "change": found.change})
    else:
        print_line(f"{found.name}: {found.counted:,} on hand ({found.change:+d}).")


@app.command("return")
def return_(
    line: Annotated[str, typer.Argument(metavar="LINE", help="Order line that comes back.")],
    reason: ReasonOption,
    component: Annotated[str | None, typer.Option(help="Only this component of it.")] = None,
    units: Annotated[int | None, typer.Option(help="Only so many units of the component.")] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Take back into stock what an order line consumed, and no more than that.

    Example: entrepot mirakl stock return ORDER-1-A-1 --reason "customer changed their mind"
    """

    async def work(session: AsyncSession, chosen: Account) -> list[levels.Back]:
        return await levels.take_back(
            session, chosen.account_id, line, name=component, quantity=units, reason=reason
        )

    found = in_account(account, work)
    if json:
        print_json({"returned": [as_record(one) for one in found]})
        return
    for one in found:
        print_line(f"{one.name}: {one.quantity:,} came back, {one.outside:,} still out.")


@app.command("check")
def check(account: AccountOption = None, json: JsonOption = False) -> None:
    """Check that every level is the sum of its movements; the exit code is 70 where one is not."""
    found = in_account(account, lambda session, chosen: levels.differences(session, chosen.account_id))
    if json:
        print_json({"differences": [as_record(one) for one in found]})
    else:
        print_table(
            ["component", "on hand", "reserved", "moved on hand", "moved reserved"],
            [[one.name, one.on_hand, one.reserved, one.moved_on_hand, one.moved_reserved] for one in found],
            empty="Every level is the sum of its movements.",
        )
    if found:
        raise typer.Exit(EntrepotError.exit_code)


@app.command("listings")
def listings(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show what each listing should offer, and what the marketplace was last told."""
    found = in_account(account, lambda session, chosen: told.listings(session, chosen.account_id))
    if json:
        print_json({"listings": [{**as_record(one), "is_changed": one.is_changed} for one in found]})
        return
    print_table(
        ["shop sku", "sku", "told", "at", "offers now", "to be told", "error"],
        [
            [
                one.shop_sku,
                one.internal_sku,
                one.pushed_quantity,
                one.pushed_at,
                one.quantity if one.is_active else "not told",
                one.is_changed,
                one.push_error,
            ]
            for one in found
        ],
        empty="There are no listings. `entrepot mirakl stock import listings FILE` takes them in.",
    )


@app.command("push")
def push(
    everything: Annotated[
        bool, typer.Option("--all", help="Tell every listing, not only what changed.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Tell the marketplace what changed. A worker does this every minute by itself."""

    async def work(db: Database, chosen: Account) -> told.Pushed:
        if everything:
            async with db.tenant(account_id=chosen.account_id) as session:
                await tell_again(session, chosen.account_id)
        async with open_api(db, chosen) as api:
            await confirm(db, api, chosen.account_id)
            return await told.push(db, api, chosen.account_id)

    found = with_account(account, work)
    if json:
        print_json(as_record(found))
    else:
        print_table(
            ["shop sku", "told"], [[sku, one] for sku, one in found.told.items()], empty="Nothing was told."
        )
    if found.failed:
        first = next(iter(found.failed.values()))
        raise UnavailableError(
            f"{count_of(len(found.failed), 'listing')} could not be told: {first}",
            hint="It is tried again with a growing pause; `entrepot mirakl stock listings` shows them.",
        )


@app.command("settings")
def settings(
    safety_stock: Annotated[
        int | None, typer.Option(help="Units of a variant kept back from every listing.")
    ] = None,
    sharing: Annotated[
        str | None,
        typer.Option(
            help="Listings of one variant `split` what there is, or each offers the `full` quantity."
        ),
    ] = None,
    most: Annotated[int | None, typer.Option(help="Most that a listing offers.")] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change how stock is told to the marketplace.

    Example: entrepot mirakl stock settings --safety-stock 1 --sharing split
    """
    changes: dict[str, Any] = {"safety_stock": safety_stock, "sharing": sharing, "most": most}

    async def work(session: AsyncSession, chosen: Account) -> StockSettings:
        if any(value is not None for value in changes.values()):
            return await told.set_stock_settings(session, chosen.account_id, **changes)
        return await told.stock_settings(session, chosen.account_id)

    found = in_account(account, work)
    if json:
        print_json(found)
    else:
        print_fields({name.replace("_", " "): value for name, value in found.model_dump().items()})
