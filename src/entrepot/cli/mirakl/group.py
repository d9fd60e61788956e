"""The group `entrepot mirakl`; a command is imported when it is run."""

import typer

from entrepot.cli.lazy import LazyCommand, LazyGroup

ORDERS = "Orders"
STOCK = "Stock"
SHIPPING = "Shipping"
MESSAGES = "Messages"
MENDING = "Looking into and mending"
ACCOUNTS = "Accounts"
TRYING = "Trying it out"


class Mirakl(LazyGroup):
    """Every noun of order operations, and where its commands are."""

    # A line a command: its name, the place of its Typer app or function, what it does, its panel.
    lazy = (
        # Orders.
        # Stock and conversations.
        LazyCommand(
            "stock", "entrepot.mirakl.stock.commands:app", "Components, bills of material, listings.", STOCK
        ),
        # Shipping.
        # What went wrong, and money.
        LazyCommand(
            "failures", "entrepot.mirakl.failures.commands:app", "Show, retry and resolve failures.", MENDING
        ),
        LazyCommand(
            "calls", "entrepot.mirakl.failures.commands:calls", "Show calls to outside services.", MENDING
        ),
        LazyCommand(
            "money", "entrepot.mirakl.money.commands:app", "Take in and settle transaction logs.", MENDING
        ),
        # Accounts.
        LazyCommand("accounts", "entrepot.cli.mirakl.accounts:accounts", "Add and show accounts.", ACCOUNTS),
        LazyCommand(
            "members", "entrepot.cli.mirakl.accounts:members", "Give people roles in accounts.", ACCOUNTS
        ),
        LazyCommand("carriers", "entrepot.mirakl.accounts.commands:app", "Set carriers up.", ACCOUNTS),
        # Trying it out.
        LazyCommand(
            "simulate",
            "entrepot.mirakl.simulating.commands:simulate",
            "Simulate orders, failing services and dying workers.",
            TRYING,
        ),
    )


app = typer.Typer(
    cls=Mirakl,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Run orders on Mirakl marketplaces: from acceptance to the parcel and the answered customer.",
)


@app.callback()
def root() -> None:
    """Run orders on Mirakl marketplaces: from acceptance to the parcel and the answered customer.

    Start with [bold]entrepot mirakl accounts add best-buy --url https://marketplace.example/api[/bold].
    """
