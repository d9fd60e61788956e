"""`entrepot shopify`: importing a shop from the files that Shopify gave, and looking at what the imports did."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.output import (
    JsonOption,
    format_duration,
    format_number,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.progress import reporting
from entrepot.kit.settings import get_settings
from entrepot.kit.telemetry import new_trace_id
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Imported, Options, import_files
from entrepot.pim.bulk.reading import CHUNK, Source, examine
from entrepot.pim.bulk.summaries import RunSummary, all_errors, list_runs
from entrepot.pim.tenants.shops import add_shop, find_shop

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Import a shop from Shopify's export files."
)
ShopOption = Annotated[
    str,
    typer.Option("--shop", metavar="DOMAIN", help="The shop's domain; a shop that is not here yet is added."),
]
#: How many runs are listed.
RUNS = 100
_CURRENCY = re.compile(rb'"currencyCode"\s*:\s*"([A-Z]{3})"')


@app.command("import")
def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="JSONL of a bulk operation or product CSV, plain or .gz; - reads standard input.",
        ),
    ],
    shop: ShopOption,
    currency: Annotated[
        str | None,
        typer.Option(
            help="Currency of a shop that is added now (ISO 4217); found in the file where it names one."
        ),
    ] = None,
    snapshot: Annotated[
        bool,
        typer.Option(
            "--snapshot",
            help="The files are the whole shop: delete what is not in them, for the types that they hold.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Import again what was imported last.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Import files into the mirror of a shop.

    Rows that cannot be used are set aside with line, field, value and reason; the good ones are imported. The exit
    code is 1 when any row was rejected, 2 when a file cannot be read at all. After an interruption the same command
    finishes the work.

    [bold]entrepot shopify import export.jsonl.gz --shop my-shop.myshopify.com[/bold]
    """
    imported = asyncio.run(
        _import([Path(file) for file in files], shop, currency, Options(snapshot, force), quiet=as_json)
    )
    if as_json:
        print_json(imported.as_dict())
    else:
        show(imported)
    if imported.outcome.total.rejected:
        raise typer.Exit(1)


async def _import(
    files: list[Path], domain: str, currency: str | None, options: Options, *, quiet: bool
) -> Imported:
    with ExitStack() as spools:
        sources = [_spooled(spools) if str(file) == "-" else examine(file) for file in files]
        return await _import_sources(sources, domain, currency, options, quiet=quiet)


async def _import_sources(
    sources: list[Source], domain: str, currency: str | None, options: Options, *, quiet: bool
) -> Imported:
    settings = get_settings()
    async with Database.opened(settings, pool_size=4) as db:
        async with db.system(trace_id=new_trace_id()) as session:
            try:
                shop = await find_shop(session, domain)
            except NotFoundError:
                found = currency or currency_of(sources)
                shop = await add_shop(session, Keyring.open(settings), domain, currency=found or "USD")
                if not quiet:
                    print_note(
                        f"Added the shop {shop.domain} with currency {shop.currency}"
                        + ("." if found else ", since the file names none; give --currency to say otherwise.")
                    )
        with reporting("none" if quiet and not sys.stderr.isatty() else "auto") as report:
            context = Context(db, shop.shop_id, trace_id=new_trace_id())
            return await import_files(context, sources, options, report)


def _spooled(spools: ExitStack) -> Source:
    """Standard input as a file in the home, since an import reads twice; it is deleted when the import is over."""
    directory = get_settings().home / "artifacts"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    spool = spools.enter_context(tempfile.NamedTemporaryFile(dir=directory, prefix="input-"))  # noqa: SIM115 - the stack closes it
    while chunk := sys.stdin.buffer.read(CHUNK):
        spool.write(chunk)
    spool.flush()
    return examine(Path(spool.name), "standard input")


def currency_of(sources: list[Source]) -> str | None:
    """The currency that the beginning of an export names, if it does."""
    for source in sources:
        if source.format == "jsonl":
            from entrepot.pim.bulk.reading import Bytes

            found = _CURRENCY.search(next(iter(Bytes(source)), b""))
            if found:
                return found[1].decode()
    return None


def show(imported: Imported, *, hints: bool = True) -> None:
    """Print what an import did, as people read it; `hints` name the commands that go on from here."""
    if imported.repeated:
        print_line(
            "These files were imported last; nothing was done."
            + (" --force imports them again." if hints else "")
        )
    if imported.resumed:
        print_line("An earlier attempt had been interrupted; it was taken up again.")
    rows = [
        [kind, c.read, c.inserted, c.updated, c.unchanged, c.rejected, c.deleted]
        for kind, c in sorted(imported.outcome.by_type.items())
    ]
    total = imported.outcome.total
    rows.append(
        ["total", total.read, total.inserted, total.updated, total.unchanged, total.rejected, total.deleted]
    )
    print_table(
        ["type", "read", "inserted", "updated", "unchanged", "rejected", "deleted"],
        rows,
        title=f"Import {imported.run_id}",
    )
    applied = total.inserted + total.updated
    print_line(
        f"{format_number(total.read)} read = {format_number(applied)} applied + {format_number(total.unchanged)} unchanged "
        f"+ {format_number(total.rejected)} rejected, in {format_duration(imported.seconds)}."
    )
    if imported.snapshot_withheld:
        print_line(
            "Nothing was deleted, because records were rejected: a record that cannot be read must not count as deleted."
        )
    if total.rejected and hints:
        print_line(
            f"`entrepot shopify errors {imported.run_id} --shop DOMAIN` shows what was rejected, and why."
        )


def _run(run: RunSummary) -> dict[str, object]:
    """A run as the command line shows it."""
    return {
        "id": run.id,
        "status": run.status,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "records": run.read,
        "rejected": run.rejected,
        "files": run.file_name,
        "error_message": run.error_message,
    }


def _error(row: dict[str, object]) -> dict[str, object]:
    """A rejected line as the command line shows it."""
    return {
        "file": row["file"],
        "line": row["line_number"],
        "type": row["type"],
        "field": row["field"],
        "value": row["value"],
        "code": row["error_code"],
        "reason": row["message"],
    }


@app.command("runs")
def runs(shop: ShopOption, as_json: JsonOption = False) -> None:
    """List the imports of a shop, newest first."""

    async def read() -> Sequence[RunSummary]:
        async with Database.opened(pool_size=2) as db:
            async with db.system() as session:
                shop_id = (await find_shop(session, shop)).shop_id
            async with db.tenant(shop_id=shop_id) as session:
                return (await list_runs(session, limit=RUNS)).rows

    found = [_run(run) for run in asyncio.run(read())]
    if as_json:
        print_json({"runs": found})
    else:
        print_table(
            ["run", "status", "started", "records", "rejected", "files"],
            [[r["id"], r["status"], r["started_at"], r["records"], r["rejected"], r["files"]] for r in found],
        )


@app.command("errors")
def errors(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    shop: ShopOption,
    as_json: JsonOption = False,
) -> None:
    """Show what an import rejected: file, line, field, value and reason."""
    try:
        run_id = UUID(run)
    except ValueError as error:
        raise InvalidInputError(
            f"{run!r} is not the id of a run.", hint="`entrepot shopify runs --shop DOMAIN` lists them."
        ) from error

    async def read() -> list[dict[str, Any]]:
        async with Database.opened(pool_size=2) as db:
            async with db.system() as session:
                shop_id = (await find_shop(session, shop)).shop_id
            async with db.tenant(shop_id=shop_id) as session:
                return await all_errors(session, run_id)

    found = [_error(row) for row in asyncio.run(read())]
    if as_json:
        print_json({"errors": found})
    else:
        print_table(
            ["file", "line", "type", "field", "value", "reason"],
            [[e["file"], e["line"], e["type"], e["field"], e["value"], e["reason"]] for e in found],
        )
