"""Runs as they are listed, shown and watched: what was read, what became of it, how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.paging import Page, page_of, place
from entrepot.pim.bulk import summary_queries

#: What every run goes through, in order.
STEPS = ("parse", "validate", "merge")
STATUSES = ("pending", "running", "completed", "failed", "cancelled")
ACTIVE = ("pending", "running")
#: What a step does, in the words of the page.
DOING = {
    "download": "Fetching the file",
    "parse": "Reading the file",
    "validate": "Checking the records",
    "merge": "Merging into the shop",
}
#: How much of a run is done when a step begins; reading the file is most of the way.
REACHED = {"merge": 0.8, "validate": 0.7}


@dataclass(frozen=True, slots=True)
class StepSummary:
    """One step of a run."""

    name: str
    status: str
    records: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class TypeSummary:
    """What became of the records of one type."""

    type: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    deleted: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run and its figures; `applied` is what was inserted or updated."""

    id: UUID
    status: str
    file_name: str | None
    format: str | None
    bytes_size: int | None
    checksum: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    deleted: int
    by_type: tuple[TypeSummary, ...]
    steps: tuple[StepSummary, ...]
    error_message: str | None
    share: float | None
    snapshot_withheld: bool

    @property
    def active(self) -> bool:
        """Whether it is still to end."""
        return self.status in ACTIVE

    @property
    def applied(self) -> int:
        """Records that were inserted or updated."""
        return self.inserted + self.updated

    @property
    def balanced(self) -> bool:
        """Whether read = applied + unchanged + rejected; only a completed run has counted to the end."""
        return self.status != "completed" or self.read == self.applied + self.unchanged + self.rejected

    @property
    def message(self) -> str:
        """How far it is, in words."""
        if self.status == "pending":
            return "Waiting for a worker"
        if self.status == "running":
            step = next((step for step in reversed(self.steps) if step.status == "running"), None)
            return DOING.get(step.name, step.name) if step else "Starting"
        return {"completed": "Done", "failed": "Failed", "cancelled": "Canceled"}[self.status]


async def list_runs(
    session: AsyncSession,
    *,
    status: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 25,
) -> Page[RunSummary]:
    """A page of the shop's runs, the newest first."""
    at = place("newest", (UUID,), after=after, before=before)
    rows = await summary_queries.select_runs(session, status=status, at=at, limit=limit + 1)
    return page_of([summarize(row) for row in rows], at, limit, lambda run: (run.id,), "newest")


async def get_run(session: AsyncSession, run_id: UUID) -> RunSummary:
    """One run; NotFoundError when the shop has none with this id."""
    row = await summary_queries.select_run(session, run_id)
    if row is None:
        raise NotFoundError(
            f"There is no import {run_id}.", hint="`entrepot shopify runs --shop DOMAIN` lists them."
        )
    return summarize(row)


async def list_errors(
    session: AsyncSession,
    run_id: UUID,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[dict[str, Any]]:
    """A page of the lines that a run rejected, in the order of its files' names and their lines."""
    at = place("line", (str, int, UUID), after=after, before=before)
    rows = await summary_queries.select_errors(session, run_id, at=at, limit=limit + 1)
    page = page_of(rows, at, limit, lambda row: (row["file"], row["line_number"] or 0, row["id"]), "line")
    return Page([rejected_line(row) for row in page.rows], page.after, page.before, page.first_page)


async def all_errors(session: AsyncSession, run_id: UUID) -> list[dict[str, Any]]:
    """Every line that a run rejected, as `list_errors` gives them; NotFoundError for a run that the shop has not."""
    await get_run(session, run_id)
    rows = await summary_queries.select_errors(session, run_id, at=None, limit=None)
    return [rejected_line(row) for row in rows]


def rejected_line(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A rejected line: where it stands, what in it is wrong, and why."""
    payload = row["payload"] or {}
    return {
        **{name: row[name] for name in ("id", "error_type", "error_code", "line_number", "created_at")},
        "message": row["error_message"],
        **{name: payload.get(name) for name in ("file", "type", "field", "value", "record")},
    }


def summarize(row: Mapping[Any, Any]) -> RunSummary:
    """A row of the queries as figures."""
    state, artifacts = row["cursor_state"] or {}, row["artifacts"]
    steps = {step["step_name"]: step for step in row["steps"]}
    counts = by_type(state, steps)
    started = row["started_at"]
    ended = row["completed_at"] or (now() if row["status"] == "running" else None)
    names = [PurePath(name).name for name in state.get("files") or [item["file_path"] for item in artifacts]]
    return RunSummary(
        id=row["id"],
        status=row["status"],
        file_name=", ".join(names) or None,
        format=artifacts[0]["artifact_type"] if artifacts else None,
        bytes_size=sum(item["bytes_size"] or 0 for item in artifacts) or None,
        checksum=artifacts[0]["checksum"] if artifacts else None,
        created_at=row["created_at"],
        started_at=started,
        completed_at=row["completed_at"],
        seconds=max((ended - started).total_seconds(), 0.0) if started and ended else None,
        read=sum(count.read for count in counts) or row["records_processed"] or 0,
        inserted=sum(count.inserted for count in counts),
        updated=sum(count.updated for count in counts),
        unchanged=sum(count.unchanged for count in counts),
        rejected=sum(count.rejected for count in counts),
        deleted=sum(count.deleted for count in counts),
        by_type=counts,
        steps=tuple(_step(name, steps.get(name)) for name in STEPS),
        error_message=row["error_message"],
        share=share(row["status"], steps, row["bytes_processed"] or 0, artifacts),
        snapshot_withheld=bool(state.get("snapshot_withheld")),
    )


def by_type(state: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> tuple[TypeSummary, ...]:
    """The figures of each type: all of them from a run that ended, what was read and rejected before that."""
    noted = state.get("by_type")
    if noted is None:
        parsed = (steps.get("parse", {}).get("metadata") or {}) if "parse" in steps else {}
        read, rejected = parsed.get("read") or {}, parsed.get("rejected") or {}
        noted = {kind: {"read": rows, "rejected": rejected.get(kind, 0)} for kind, rows in read.items()}
    fields = ("read", "inserted", "updated", "unchanged", "rejected", "deleted")
    return tuple(
        TypeSummary(kind, *(figures.get(name, 0) for name in fields))
        for kind, figures in sorted(noted.items(), key=lambda item: (-item[1].get("read", 0), item[0]))
    )


def share(
    status: str, steps: Mapping[str, Any], bytes_done: int, artifacts: Sequence[Mapping[str, Any]]
) -> float | None:
    """How much of a run is done, from 0 to 1; None where nobody can tell."""
    if status == "completed":
        return 1.0
    if status == "pending":
        return 0.0
    for name, reached in REACHED.items():
        if name in steps:
            return reached
    total = sum(item["bytes_size"] or 0 for item in artifacts)
    return round(REACHED["validate"] * min(bytes_done / total, 1.0), 3) if total else None


def _step(name: str, row: Mapping[str, Any] | None) -> StepSummary:
    if row is None:
        return StepSummary(name, "pending", 0, None)
    started, ended = (
        datetime.fromisoformat(row[field]) if row[field] else None for field in ("started_at", "completed_at")
    )
    seconds = (ended - started).total_seconds() if started and ended else None
    return StepSummary(name, row["status"], row["records_processed"] or 0, seconds)
