"""`entrepot`: the nouns of the command line, and what becomes of errors."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from entrepot import __version__
from entrepot.cli.errors import report_error
from entrepot.cli.lazy import LazyCommand, LazyGroup

DATA = "Shops and their data"
RULES = "Marketplace and its rules"
SELLING = "Selling on marketplaces"
WAREHOUSE = "Warehouse"
RUNNING = "Running"
DATABASE = "Database"


class Entrepot(LazyGroup):
    """Every noun, and where its commands are."""

    lazy = (
        LazyCommand(
            "shopify", "entrepot.pim.bulk.commands:app", "Import a shop from Shopify's export files.", DATA
        ),
        LazyCommand("shops", "entrepot.pim.tenants.commands:shops", "Add and show shops.", DATA),
        LazyCommand(
            "staff",
            "entrepot.pim.tenants.commands:staff",
            "Add the people of a shop and set their passwords.",
            DATA,
        ),
        LazyCommand(
            "tokens", "entrepot.pim.tenants.commands:tokens", "Make, list and revoke API tokens.", DATA
        ),
        LazyCommand(
            "rules",
            "entrepot.marketplace.rulebook.commands:app",
            "Keep rules in files, publish them and roll them back; check conditions.",
            RULES,
        ),
        LazyCommand(
            "policy",
            "entrepot.marketplace.policies.commands:app",
            "Ask policies, and show what they have decided.",
            RULES,
        ),
        LazyCommand(
            "experiment",
            "entrepot.marketplace.experiments.commands:app",
            "Assign entities to variants, and show the results.",
            RULES,
        ),
        LazyCommand(
            "price",
            "entrepot.marketplace.pricing.commands:app",
            "Quote carts, and show what was quoted and at which rates.",
            RULES,
        ),
        LazyCommand(
            "limit",
            "entrepot.marketplace.limits.commands:app",
            "Consume limits, hold parts of them, and show their use.",
            RULES,
        ),
        LazyCommand(
            "governance",
            "entrepot.marketplace.governance.commands:app",
            "Keep the centralized policies by country and seller type.",
            RULES,
        ),
        LazyCommand("platform", "entrepot.cli.platforms:app", "Add platforms and their members.", RULES),
        LazyCommand(
            "mirakl",
            "entrepot.cli.mirakl.group:app",
            "Run orders on Mirakl marketplaces: accept, build, label, ship, answer.",
            SELLING,
        ),
        LazyCommand(
            "world",
            "entrepot.cli.worlds:app",
            "Simulate a world of commerce in the warehouse, have it go on, and take it out as files.",
            WAREHOUSE,
        ),
        LazyCommand(
            "metrics",
            "entrepot.playground.metrics.commands:app",
            "Roll the warehouse's metrics up, and show what they mean.",
            WAREHOUSE,
        ),
        LazyCommand(
            "serve", "entrepot.api.commands:serve", "Serve the console, the API and a worker.", RUNNING
        ),
        LazyCommand(
            "worker", "entrepot.kit.jobs.commands:worker", "Run background jobs and scheduled tasks.", RUNNING
        ),
        LazyCommand("jobs", "entrepot.pim.queue.commands:app", "Show and control background jobs.", RUNNING),
        LazyCommand(
            "events",
            "entrepot.events.commands:app",
            "Show events and their deliveries, and redrive them.",
            RUNNING,
        ),
        LazyCommand(
            "sandbox", "entrepot.sandbox.commands:app", "Run stand-ins of outside services.", RUNNING
        ),
        LazyCommand(
            "db", "entrepot.kit.db.commands:app", "Start, migrate, check and back up the database.", DATABASE
        ),
        LazyCommand(
            "doctor",
            "entrepot.kit.doctor.commands:doctor",
            "Check the installation and say how to mend it.",
            DATABASE,
        ),
        LazyCommand(
            "keys",
            "entrepot.pim.tenants.commands:keys",
            "Show and rotate the keys that seal secrets.",
            DATABASE,
        ),
    )


app = typer.Typer(
    name="entrepot",
    cls=Entrepot,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"entrepot {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """A commerce backbone on one PostgreSQL 18 database.

    Start with [bold]entrepot shops add my-shop.myshopify.com --currency EUR[/bold], then
    [bold]entrepot shopify import export.jsonl --shop my-shop.myshopify.com[/bold], then
    [bold]entrepot serve[/bold].
    """
    if not {"-h", "--help"} & set(sys.argv[1:]):
        from entrepot.kit.telemetry import configure_logging

        configure_logging()


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is printed, as JSON where `--json` is given."""
    as_json = "--json" in _before_dashes(arguments)
    try:
        result: Any = get_command(app).main(list(arguments), prog_name="entrepot", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\nInterrupted.\n")
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`entrepot … | head`); nothing can be said to it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        return report_error(error, as_json=as_json)
    return result if isinstance(result, int) else 0


def run() -> NoReturn:
    """The entry of the `entrepot` script."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main(sys.argv[1:]))


def _terminate(_number: int, _frame: FrameType | None) -> None:
    # As an exception, so that every block on the way out cleans up as it does for Ctrl-C.
    raise SystemExit(143)


def _before_dashes(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments
