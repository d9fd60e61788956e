"""`entrepot mirakl money`: transaction logs taken in, settled against orders, and what differs."""

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Take in and settle transaction logs.")
