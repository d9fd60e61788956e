"""`entrepot sandbox shopify-export`: an invented shop to try things on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from entrepot.sandbox.shopify.exporting import ExportSummary, write_export

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def sandbox() -> None:
    """Stand-ins for outside services."""


@app.command("shopify-export")
def shopify_export(
    file: Annotated[
        Path, typer.Argument(help="Where to write the JSONL; compressed if the name ends in .gz.")
    ],
    products: Annotated[int, typer.Option(help="How many products.")] = 2_000,
    orders: Annotated[
        int | None, typer.Option(help="How many orders.", show_default="3 for 4 products")
    ] = None,
    customers: Annotated[
        int | None, typer.Option(help="How many customers.", show_default="2 for 5 orders")
    ] = None,
    bad_lines: Annotated[int, typer.Option(help="How many extra lines that an import must reject.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 1,
    currency: Annotated[str, typer.Option(help="The shop's currency.")] = "EUR",
    now: Annotated[
        datetime | None,
        typer.Option(
            help="The moment of the export, in UTC; orders are of the 90 days before.", show_default="now"
        ),
    ] = None,
    grouped: Annotated[bool, typer.Option(help="Children behind their parent, or all parents first.")] = True,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="All lines in any order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Write the bulk export of an invented Shopify shop."""
    moment = datetime.now(UTC) if now is None else now.replace(tzinfo=now.tzinfo or UTC)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("Writing…")
        summary = write_export(
            file,
            seed=seed,
            products=products,
            orders=orders,
            customers=customers,
            bad_lines=bad_lines,
            currency=currency,
            now=moment,
            grouped=grouped,
            shuffle=shuffle,
            on_line=lambda lines: progress.update(task, description=f"Writing… {lines:,} lines"),
        )
    if as_json:
        typer.echo(orjson.dumps(summary.as_dict()))
    else:
        _show(summary, file)


def _show(summary: ExportSummary, file: Path) -> None:
    console = Console()
    size = f"{summary.lines:,} lines, {summary.bytes / 1e6:,.1f} MB before compression"
    console.print(f"{file}: {size}", markup=False, highlight=False, soft_wrap=True)
    table = Table("Type", "Lines")
    table.columns[1].justify = "right"
    for kind, count in summary.counts.items():
        table.add_row(kind, f"{count:,}")
    if summary.rejections:
        table.add_row("bad lines", f"{len(summary.rejections):,}")
    console.print(table)
    for rejection in summary.rejections:
        console.print(
            f"Line {rejection.line_number:,}: {rejection.kind} ({rejection.reason})", highlight=False
        )
