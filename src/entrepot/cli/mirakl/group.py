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
        LazyCommand("poll", "entrepot.mirakl.orders.commands:poll", "Take in what changed.", ORDERS),
        LazyCommand("accept", "entrepot.mirakl.orders.commands:accept", "Accept an order.", ORDERS),
        LazyCommand("refuse", "entrepot.mirakl.orders.commands:refuse", "Refuse an order.", ORDERS),
        LazyCommand(
            "orders", "entrepot.mirakl.orders.commands:app", "Show orders and where they are.", ORDERS
        ),
        LazyCommand(
            "acceptance",
            "entrepot.mirakl.orders.rule_commands:app",
            "Say what is answered to orders by themselves.",
            ORDERS,
        ),
        LazyCommand(
            "work", "entrepot.mirakl.orders.commands:work", "Look after all accounts until Ctrl-C.", ORDERS
        ),
        # Stock and conversations.
        LazyCommand(
            "stock", "entrepot.mirakl.stock.commands:app", "Components, bills of material, listings.", STOCK
        ),
        LazyCommand(
            "messages", "entrepot.mirakl.conversations.commands:app", "Read and answer customers.", MESSAGES
        ),
        # Shipping.
        LazyCommand(
            "labels",
            "entrepot.mirakl.shipping.commands:labels",
            "Look at labels, print and accept them.",
            SHIPPING,
        ),
        LazyCommand(
            "ship",
            "entrepot.mirakl.shipping.ship_commands:ship",
            "Pick, pack, take back and follow parcels.",
            SHIPPING,
        ),
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
