"""`entrepot mirakl simulate`."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from entrepot.kit.db.migrating import migrate
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.output import JsonOption, print_fields, print_json, print_line, print_note
from entrepot.kit.settings import Settings
from entrepot.mirakl.simulating.conducting import Outcome, Plan
from entrepot.mirakl.simulating.conducting import simulate as conduct

#: Nothing outlives a simulation, so nothing waits for a disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def simulate(
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="How many orders come.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed brings the same orders, failures and deaths.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes, each a scheduler too.")] = 2,
    kills: Annotated[bool, typer.Option(help="Kill workers in the middle of their work.")] = True,
    misbehaves: Annotated[
        bool, typer.Option("--misbehavior/--no-misbehavior", help="Have services fail.")
    ] = True,
    json: JsonOption = False,
) -> None:
    """Simulate orders, failing services and dying workers, and check that nothing is bought, sent or lost twice.

    It has a database and services of its own, and leaves nothing behind. The exit code is 1 when a rule is broken.

    Example: entrepot mirakl simulate --orders 1000 --seed 7
    """
    plan = Plan(orders, seed, workers=workers, kills=kills, misbehaves=misbehaves)
    outcome = _run(plan, quiet=json)
    if json:
        print_json(outcome.as_dict())
    else:
        _show(outcome)
    if outcome.violations:
        raise typer.Exit(1)


def _run(plan: Plan, *, quiet: bool) -> Outcome:
    home = Path(tempfile.mkdtemp(prefix="entrepot-simulation-"))
    settings = Settings(
        home=home,
        database_url=None,
        database_owner_url=None,
        database_app_url=None,
        database_system_url=None,
        secret_key=None,
    )
    server = EmbeddedServer(home, settings=FAST)
    try:
        server.start()
        migrate(settings)
        return asyncio.run(conduct(settings, plan, (lambda _: None) if quiet else print_note))
    finally:
        server.stop("immediate")
        shutil.rmtree(home, ignore_errors=True)


def _show(outcome: Outcome) -> None:
    told = outcome.as_dict()
    print_fields(
        {
            "orders": f"{told['orders']:,}",
            **{f"  {status}": f"{count:,}" for status, count in told["states"].items()},
            "labels bought": f"{told['labels_bought']:,}",
            "labels bought twice": f"{told['labels_duplicated']:,}",
            "messages sent": f"{told['messages_sent']:,}",
            "workers killed": f"{outcome.killed:,}",
            "failures tried again": f"{outcome.retried:,}",
        },
        title="Simulation",
    )
    print_line()
    for one in outcome.violations:
        print_line(f"broken: {one}")
    print_line(f"{len(outcome.violations)} violations." if outcome.violations else "Every rule holds.")
