"""`entrepot db`: the server, the schema, backups and partitions."""

import asyncio
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from entrepot.kit.errors import ConflictError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    count_of,
    format_bytes,
    format_duration,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.progress import reporting
from entrepot.kit.settings import Settings, get_settings

if TYPE_CHECKING:
    from entrepot.kit.db.database import Database
    from entrepot.kit.db.partitions import PartitionChange

RoleName = Literal["owner", "app", "system", "admin"]
RoleOption = Annotated[
    RoleName, typer.Option("--role", help="Who signs in: app and system serve, owner migrates.")
]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Start, migrate, check and back up the database."
)
partitions_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show the partitions, and make, drain, merge and drop them.",
)
app.add_typer(partitions_app, name="partitions")


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """The embedded server, where it is used, for the length of the block; a server of one's own is left alone."""
    if not settings.embedded:
        yield
        return
    from entrepot.kit.db.server import EmbeddedServer

    with EmbeddedServer(settings.home).lease():
        yield


@contextmanager
def _working(step: str, json: bool) -> Iterator[None]:
    """Show on a terminal that something is being done whose length is not known."""
    with reporting("none" if json else "auto") as report:
        report(step)
        yield


def _require_embedded(settings: Settings) -> None:
    if not settings.embedded:
        raise ConflictError(
            "ENTREPOT_DATABASE_URL names a server of your own; this command is for the embedded one.",
            hint="Start and stop that server where it runs, or unset the variable.",
        )


@app.command()
def start(json: JsonOption = False) -> None:
    """Start the embedded server and leave it running.

    Without this, each command starts it when it needs it and stops it again.
    """
    from entrepot.kit.db.server import EmbeddedServer

    settings = get_settings()
    _require_embedded(settings)
    found = EmbeddedServer(settings.home).start()
    if json:
        print_json(as_record(found))
    else:
        print_line(f"PostgreSQL {found.version} runs as process {found.pid}. `entrepot db stop` stops it.")


@app.command()
def stop(
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Do not wait for transactions to end; they are rolled back on the next start."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Stop the embedded server, whoever uses it."""
    from entrepot.kit.db.server import EmbeddedServer

    settings = get_settings()
    _require_embedded(settings)
    ran = EmbeddedServer(settings.home).stop("immediate" if now else "fast")
    if json:
        print_json({"stopped": ran})
    else:
        print_line("The server has stopped." if ran else "The server was not running.")


@app.command()
def status(json: JsonOption = False) -> None:
    """Show whether the embedded server runs, and where its data is. Exit code 7 when it does not run."""
    from entrepot.kit.db.server import EmbeddedServer

    settings = get_settings()
    _require_embedded(settings)
    found = EmbeddedServer(settings.home).status()
    if json:
        print_json(as_record(found))
    else:
        print_fields(
            {
                "server": f"PostgreSQL {found.version}, process {found.pid}"
                if found.running
                else "not running",
                "stays": found.stays,
                "data": str(found.data),
                "size": format_bytes(found.size_bytes),
                "socket": str(found.socket_dir),
            }
        )
    if not found.running:
        raise typer.Exit(UnavailableError.exit_code)


@app.command()
def url(role: RoleOption = "app", json: JsonOption = False) -> None:
    """Print the URL by which a role reaches the database, with its password where it has one.

    Example: psql "$(entrepot db url --role owner)"
    """
    from entrepot.kit.db.urls import libpq_url, role_url

    found = libpq_url(role_url(get_settings(), role))
    if json:
        print_json({"role": role, "url": found})
    else:
        print_line(found)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, role: RoleOption = "app") -> None:
    """Open psql as a role; what follows is passed on to psql.

    Example: entrepot db psql --role system -c "SELECT count(*) FROM pim.shops"
    """
    from entrepot.kit.db.urls import libpq_url, role_url

    settings = get_settings()
    found = role_url(settings, role)
    environment = {**os.environ, "PGAPPNAME": "entrepot psql"}
    if found.password:
        # Arguments can be read by every user of the machine, the environment only by this one.
        environment["PGPASSWORD"] = str(found.password)
    address = libpq_url(found._replace(password=None))
    with serving(settings):
        done = subprocess.run([str(_psql_program()), address, *context.args], env=environment, check=False)
    raise typer.Exit(done.returncode)


def _psql_program() -> Path:
    from entrepot.kit.db.cluster import program

    try:
        return program("psql")
    except UnavailableError:
        found = shutil.which("psql")
        if found is None:
            raise
        return Path(found)


@app.command()
def migrate(
    target: Annotated[str, typer.Option(help="The revision to go to.")] = "head", json: JsonOption = False
) -> None:
    """Make the database, its roles and its schema, or bring them up to date. Run again, it changes nothing."""
    from entrepot.kit.db import migrating

    settings = get_settings()
    with _working("migrate", json), serving(settings):
        applied = migrating.migrate(settings, target=target)
    if json:
        print_json({"applied": [as_record(one) for one in applied]})
    elif applied:
        rows = [(one.name, format_duration(one.milliseconds / 1000)) for one in applied]
        print_table(("migration", "took"), rows, align={"took": "right"})
    else:
        print_line("The database is up to date.")


@app.command()
def check(json: JsonOption = False) -> None:
    """Compare the live database with what is declared. Exit code 1 on any difference."""
    from entrepot.kit.db.check import differences

    settings = get_settings()
    with _working("check", json), serving(settings):
        found = differences(settings)
    if json:
        print_json({"differences": [as_record(one) for one in found]})
    else:
        rows = [(one.kind, one.name, one.expected, one.found) for one in found]
        empty = "The database is as it is declared."
        print_table(("kind", "name", "declared", "found"), rows, empty=empty)
    if found:
        raise typer.Exit(1)


@app.command()
def dictionary(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the data dictionary: every table and column with its meaning, as Markdown or JSON."""
    from entrepot.kit.db.check import load_declarations
    from entrepot.kit.db.dictionary import render_markdown, tables

    load_declarations()
    if json:
        print_json({"tables": [dataclasses.asdict(table) for table in tables()]})
    elif output is not None:
        output.write_text(render_markdown(), encoding="utf-8")
        print_note(f"Wrote {output}.")
    else:
        print_line(render_markdown().rstrip("\n"))


@app.command()
def backup(
    target: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; in the home's backups without it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write the whole database to one file. The keyring is not in it: keep a copy of that in another place.

    Example: entrepot db backup /backups/entrepot-today.dump
    """
    from entrepot.kit.clock import now
    from entrepot.kit.db.backup import backup as write_backup
    from entrepot.kit.db.urls import libpq_url, role_url

    settings = get_settings()
    if target is None:
        directory = settings.home / "backups"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = directory / f"entrepot-{now():%Y%m%dT%H%M%SZ}.dump"
    with _working("back up", json), serving(settings):
        done = write_backup(libpq_url(role_url(settings, "admin")), target, overwrite=overwrite)
    if json:
        print_json(as_record(done))
        return
    print_line(f"Wrote {done.path}: {format_bytes(done.size_bytes)} in {format_duration(done.seconds)}.")
    print_line(f"SHA-256 {done.sha256}")
    if settings.secret_key is None:
        print_note(
            f"Keep {settings.home / 'keyring.json'} as well; without it the secrets in the backup cannot be read."
        )


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `entrepot db backup` wrote.")],
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Drop everything that is in the database first; asks before it does."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring the database to what a backup holds, all of it or nothing.

    Example: entrepot db restore /backups/entrepot-today.dump --clean
    """
    from entrepot.kit.db import bootstrap
    from entrepot.kit.db.backup import restore as read_backup
    from entrepot.kit.db.urls import libpq_url, role_url

    if clean and not yes:
        typer.confirm("Everything that is in the database now will be gone. Go on?", abort=True, err=True)
    settings = get_settings()
    with _working("restore", json), serving(settings):
        bootstrap.prepare(settings)
        done = read_backup(libpq_url(role_url(settings, "admin")), source, clean=clean)
    if json:
        print_json(as_record(done))
    else:
        print_line(
            f"Restored {done.path} in {format_duration(done.seconds)}. `entrepot db migrate` brings it up to date."
        )


@partitions_app.command("list")
def list_partitions(json: JsonOption = False) -> None:
    """Show every partition with its bounds and size."""
    from entrepot.kit.db import Database, partitions
    from entrepot.kit.db.check import load_declarations

    load_declarations()

    async def read() -> list[partitions.Partition]:
        async with Database.opened() as db:
            return await partitions.listing(db)

    found = asyncio.run(read())
    if json:
        print_json({"partitions": [as_record(one) for one in found]})
    else:
        rows = [
            (one.table, one.name, one.bounds, one.rows_estimate, format_bytes(one.bytes)) for one in found
        ]
        print_table(
            ("table", "partition", "bounds", "rows (estimate)", "size"), rows, align={"size": "right"}
        )


@partitions_app.command("maintain")
def maintain_partitions(json: JsonOption = False) -> None:
    """Make the partitions of the time to come, drain the default ones, and drop those that are past their retention."""
    from entrepot.kit.db import partitions

    _change_partitions("maintain partitions", partitions.maintain, json, "Every partition is in place.")


@partitions_app.command("merge")
def merge_partitions(json: JsonOption = False) -> None:
    """Make days of the hours that are over, and months of the days; readers and writers go on meanwhile."""
    from entrepot.kit.db import merging

    _change_partitions("merge partitions", merging.merge, json, "Nothing is to be merged.")


def _change_partitions(
    step: str, change: "Callable[[Database], Awaitable[list[PartitionChange]]]", json: bool, nothing: str
) -> None:
    from entrepot.kit.db import Database
    from entrepot.kit.db.check import load_declarations

    load_declarations()

    async def work() -> "list[PartitionChange]":
        async with Database.opened() as db:
            return await change(db)

    with _working(step, json):
        changes = asyncio.run(work())
    if json:
        print_json({"changes": [as_record(one) for one in changes]})
    else:
        rows = [(one.table, one.partition, one.action, one.rows) for one in changes]
        print_table(("table", "partition", "done", "rows moved"), rows, empty=nothing)
        if changes:
            print_note(count_of(len(changes), "change") + ".")
