"""The record of a run: beginning it or taking it up again, its steps, its failure."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy.exc import SQLAlchemyError

from entrepot.kit.errors import EntrepotError, NotFoundError
from entrepot.pim.bulk import outcomes, queries
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.outcomes import Outcome
from entrepot.pim.bulk.reading import Source


@dataclass(frozen=True)
class Run:
    """A run; `resumed` when an earlier attempt was interrupted, `settled` when no merge before waits for its end."""

    id: UUID
    resumed: bool
    settled: bool = False


@dataclass
class Step:
    """What a step did, written down at its end."""

    records: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


def fingerprint(sources: list[Source], *, snapshot: bool) -> str:
    """What makes two imports the same: the bytes of the files, in any order, and the way of importing."""
    digest = hashlib.sha256()
    for source in sorted(source.sha256 for source in sources):
        digest.update(bytes.fromhex(source))
    digest.update(b"snapshot" if snapshot else b"upsert")
    return digest.hexdigest()


async def begin(
    context: Context, sources: list[Source], *, snapshot: bool, force: bool, run_id: UUID | None
) -> tuple[Run, Outcome | None]:
    """Write a run down, or take the interrupted one up again.

    Returns the run, and the outcome to report where the shop's last import was of the same files and there is
    nothing to do.
    """
    digest = fingerprint(sources, snapshot=snapshot)
    state = orjson.dumps(
        {"fingerprint": digest, "snapshot": snapshot, "files": [source.name for source in sources]}
    ).decode()
    kind = "+".join(sorted({source.format for source in sources}))
    async with context.transaction() as session:
        shop = {"shop": context.shop_id}
        last = (await session.execute(queries.LAST_RUN, shop)).one_or_none()
        settled = last is None or _settled(last)
        same = last is not None and (last.cursor_state or {}).get("fingerprint") == digest
        if run_id is not None:
            row = (await session.execute(queries.WAITING_RUN, {**shop, "run": run_id})).one_or_none()
            if row is None:
                raise NotFoundError(f"There is no import {run_id}.")
            settled = settled and (row.status == "pending" or _settled(row))
            run = Run(run_id, resumed=row.status == "running", settled=settled)
        elif same and last is not None and last.status == "completed" and not force:
            run = Run(last.id, resumed=False, settled=settled)
            return run, unchanged(outcomes.from_dict(last.cursor_state["by_type"]))
        elif same and last is not None and last.status in ("running", "failed"):
            run = Run(last.id, resumed=True, settled=settled)
        else:
            values = {
                **shop,
                "query_type": kind,
                "status": "running",
                "idempotency_key": f"{context.shop_id.hex}:{digest[:24]}:{uuid4().hex}",
                "state": state,
            }
            run = Run(
                (await session.execute(queries.INSERT_RUN, values)).scalar_one(),
                resumed=False,
                settled=settled,
            )
            run_id = None
        if run.resumed or run_id is not None:
            for statement in queries.CLEAR_RUN:
                await session.execute(statement, {**shop, "run": run.id})
            await session.execute(
                queries.RESTART_RUN, {**shop, "run": run.id, "state": state, "query_type": kind}
            )
        # The import lock is held: whatever else is noted as running is not.
        for statement in queries.ABANDON:
            await session.execute(statement, {**shop, "run": run.id})
        for source in sources:
            values = {
                **shop,
                "run": run.id,
                "type": source.format,
                "path": str(source.path),
                "size": source.size,
                "checksum": source.sha256,
            }
            await session.execute(queries.INSERT_ARTIFACT, values)
    return run, None


def _settled(run: Any) -> bool:
    """Whether an earlier run came to its very end: the views show what it merged."""
    return bool((run.cursor_state or {}).get("settled"))


def unchanged(last: Outcome) -> Outcome:
    """The outcome of importing the same files again: what was taken is unchanged, what was rejected still is."""
    for counts in last.by_type.values():
        counts.unchanged = counts.read - counts.rejected
        counts.inserted = counts.updated = counts.deleted = 0
    return last


@asynccontextmanager
async def step(context: Context, run_id: UUID, name: str) -> AsyncIterator[Step]:
    """A step of a run, in transactions of its own, so that who watches sees it begin and end."""
    values = {"shop": context.shop_id, "run": run_id}
    async with context.transaction() as session:
        step_id = (await session.execute(queries.START_STEP, {**values, "step": name})).scalar_one()
    done = Step()
    yield done
    async with context.transaction() as session:
        await session.execute(
            queries.END_STEP,
            {
                "shop": context.shop_id,
                "step": step_id,
                "status": "completed",
                "records": done.records,
                "metadata": orjson.dumps(done.metadata).decode(),
            },
        )


async def fail(context: Context, run_id: UUID, error: Exception) -> None:
    """Mark a run as failed, with the reason; where the database is gone the run stays unfinished, which is true too."""
    reason = (
        str(error)
        if isinstance(error, EntrepotError)
        else f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    )
    values = {"shop": context.shop_id, "run": run_id, "error": reason[:2000]}
    try:
        async with context.transaction() as session:
            await session.execute(queries.FAIL_STEPS, values)
            await session.execute(queries.FAIL_RUN, values)
    except (EntrepotError, SQLAlchemyError):
        return
