"""The place where the program that owns the records of jobs hooks itself in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.jobs.registering import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedJob:
    """A job that waits now."""

    id: int
    task: str
    queue: str
    arguments: Mapping[str, Any]
    priority: int
    max_attempts: int
    schedule_at: datetime | None
    shop_id: UUID | None


class Recorder(Protocol):
    """Told of every job and of what became of it."""

    async def waiting(self, session: AsyncSession, job: EnqueuedJob) -> None:
        """A job is enqueued in this transaction."""

    async def active(self, job: Job) -> None:
        """A job begins."""

    async def completed(self, job: Job, result: Any) -> None:
        """A job ended well."""

    async def failed(self, job: Job, error: BaseException, *, again: bool) -> None:
        """A job ended badly; with `again` it waits for another attempt."""


class NoRecorder:
    """Keeps no records."""

    async def waiting(self, session: AsyncSession, job: EnqueuedJob) -> None:
        """Do nothing."""

    async def active(self, job: Job) -> None:
        """Do nothing."""

    async def completed(self, job: Job, result: Any) -> None:
        """Do nothing."""

    async def failed(self, job: Job, error: BaseException, *, again: bool) -> None:
        """Do nothing."""


_recorder: Recorder = NoRecorder()


def record_with(recorder: Recorder) -> None:
    """Make `recorder` the one that is told."""
    global _recorder
    _recorder = recorder


def recorder() -> Recorder:
    """The one that is told."""
    return _recorder
