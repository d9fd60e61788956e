"""`entrepot world verify`: whether the warehouse agrees with itself."""

import asyncio
from typing import Annotated

import typer

from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_table
from entrepot.kit.progress import reporting
from entrepot.playground.checks.rules import Check


def verify(
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="Only this check; may be given several times."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check that facts agree with one another and metrics with facts; exit code 1 where they do not.

    Each check says how many rows it compared, how many of them are wrong, and what the first of those is.

    Example: entrepot world verify --check stock-log --check sales-stock
    """
    checks = asyncio.run(_verify(check or [], quiet=json))
    if json:
        print_json({"checks": [one.as_dict() for one in checks]})
    else:
        _show(checks)
    if any(one.failed for one in checks):
        raise typer.Exit(1)


async def _verify(names: list[str], *, quiet: bool) -> list[Check]:
    from entrepot.kit.db import Database
    from entrepot.playground.checks import verifying

    wanted = verifying.chosen(names)
    async with Database.opened(pool_size=2) as db, db.system() as session:
        with reporting("none" if quiet else "auto") as report:
            return await verifying.verify(session, wanted, report=report)


def _show(checks: list[Check]) -> None:
    print_table(
        ("check", "compared", "wrong", "first difference"),
        [
            (one.name, one.compared, one.failed, one.first or ("" if one.compared else "nothing of the kind"))
            for one in checks
        ],
    )
    failed = [one for one in checks if one.failed]
    if failed:
        print_line(
            f"{count_of(len(failed), 'check')} of {len(checks)} failed: {', '.join(one.name for one in failed)}."
        )
    else:
        compared = sum(one.compared for one in checks)
        print_line(
            f"{count_of(compared, 'comparison')} in {count_of(len(checks), 'check')}: everything agrees."
        )
