"""`entrepot mirakl money`: transaction logs taken in, settled against orders, and what differs."""

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Take in and settle transaction logs.")


@app.command("import")
def take_in() -> None:
    """Take the marketplace's transaction logs in."""


@app.command()
def settle() -> None:
    """Settle the transaction logs against the orders."""
