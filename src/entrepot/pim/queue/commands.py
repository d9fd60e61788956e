"""`entrepot jobs`: what runs, what ran, and what runs by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.jobs import discover
from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_table
from entrepot.pim.queue import queries, scheduling

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and control background jobs.")
T = TypeVar("T")
STATUSES = ("waiting", "active", "completed", "failed")
Name = Annotated[str, typer.Argument(help="Name of the task, as `entrepot jobs schedules` shows it.")]


def _in_system(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened() as db, db.system() as session:
            return await work(session)

    return asyncio.run(run())


async def _rows(
    session: AsyncSession, statement: Any, parameters: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(statement, parameters or {})).mappings()]


@app.command("list")
def list_runs(
    status: Annotated[str | None, typer.Option(help=f"Only those that are {', '.join(STATUSES)}.")] = None,
    task: Annotated[str | None, typer.Option(help="Only those of this task.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 30,
    json: JsonOption = False,
) -> None:
    """Show jobs, the newest first."""
    if status is not None and status not in STATUSES:
        raise InvalidInputError(f"A job is never {status!r}.", hint=f"It is {', '.join(STATUSES)}.")
    rows = _in_system(lambda s: _rows(s, queries.RUNS, {"status": status, "task": task, "limit": limit}))
    if json:
        print_json({"jobs": rows})
        return
    print_table(
        ["job", "task", "status", "attempt", "shop", "enqueued", "ended", "error"],
        [
            [
                row["job_id"],
                row["job_name"],
                row["status"],
                f"{row['attempts']} of {row['max_attempts']}",
                row["shop_id"],
                row["created_at"],
                row["ended_at"],
                row["error_message"],
            ]
            for row in rows
        ],
        empty="No job has run yet.",
    )


@app.command()
def schedules(json: JsonOption = False) -> None:
    """Show what runs by the clock (UTC)."""
    discover()

    async def load() -> list[dict[str, Any]]:
        async with Database.opened() as db:
            await scheduling.store_schedules(db)
            async with db.system() as session:
                return await _rows(session, queries.SCHEDULES)

    rows = asyncio.run(load())
    if json:
        print_json({"schedules": rows})
        return
    print_table(
        ["task", "shop", "when", "active", "last run", "next run", "runs", "errors"],
        [
            [
                row["task_name"],
                row["shop_id"],
                row["cron_expression"],
                row["is_active"],
                row["last_run_at"],
                row["next_run_at"],
                row["run_count"],
                row["error_count"],
            ]
            for row in rows
        ],
    )


@app.command("run")
def run_task(name: Name, json: JsonOption = False) -> None:
    """Enqueue a task now, whatever its schedule says; a worker runs it."""
    discover()
    ids = _in_system(lambda session: scheduling.run_now(session, name))
    if json:
        print_json({"job_ids": ids})
    elif ids:
        print_line(f"Enqueued {count_of(len(ids), 'job')}: {', '.join(map(str, ids))}.")
    else:
        print_line("It waits in the queue already.")


@app.command()
def pause(name: Name, json: JsonOption = False) -> None:
    """Stop running a task by the clock."""
    _set_active(name, active=False, json=json)


@app.command()
def resume(name: Name, json: JsonOption = False) -> None:
    """Run a task by the clock again."""
    _set_active(name, active=True, json=json)


def _set_active(name: str, *, active: bool, json: bool) -> None:
    count = _in_system(lambda session: scheduling.set_active(session, name, active=active))
    if json:
        print_json({"task": name, "is_active": active, "schedules": count})
    else:
        print_line(
            f"{name} {'runs by the clock again' if active else 'is paused'} ({count_of(count, 'schedule')})."
        )
