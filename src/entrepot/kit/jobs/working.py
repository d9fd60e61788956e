"""The worker: runs jobs and the loops beside them, and stops without losing either."""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job as StoredJob
from procrastinate.worker import WORKER_NAME, Worker

from entrepot.kit import clock
from entrepot.kit.db.database import Database
from entrepot.kit.errors import (
    ForbiddenError,
    InvalidInputError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from entrepot.kit.jobs import queries
from entrepot.kit.jobs.recording import recorder
from entrepot.kit.jobs.registering import TASKS, Job, Task, Tasks
from entrepot.kit.jobs.schema import SCHEMA
from entrepot.kit.jobs.waking import first_of
from entrepot.kit.telemetry import bound, get_logger

log = get_logger(__name__)

PERMANENT = (InvalidInputError, NotFoundError, ForbiddenError)
FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 3600.0
#: A worker that has not said for so long that it lives is dead, and its jobs are given to others.
STALLED_SECONDS = 30.0
GRACE_SECONDS = 30.0
LONGEST_RESTART_SECONDS = 30.0


async def run_worker(
    db: Database,
    *,
    queues: Iterable[str] | None = None,
    concurrency: int = 4,
    wait: bool = True,
    stop: asyncio.Event | None = None,
    handle_signals: bool = False,
    grace: float = GRACE_SECONDS,
    tasks: Tasks = TASKS,
) -> None:
    """Run jobs and companions until `stop` is set; with `wait` false, run the jobs that are due and return.

    Once stopped it takes no more work and lets what runs finish for `grace` seconds; then jobs are interrupted and
    put back to be run again, and leases of events are released. With `handle_signals` SIGINT and SIGTERM stop it.
    """
    stop = stop or asyncio.Event()
    with _stopping_on_signals(stop) if handle_signals else contextlib.nullcontext():
        names = list(queues) if queues else None
        if not wait:
            await rescue_stalled(db, tasks)
            await _run_jobs(db, stop, tasks, names, concurrency, grace, wait=False)
            return
        loops: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("jobs", partial(_run_jobs, db, stop, tasks, names, concurrency, grace, wait=True)),
            ("rescue of stalled jobs", partial(_keep_rescuing, db, stop, tasks)),
            *((found.name, partial(found.function, db, stop)) for found in tasks.companions),
        ]
        running = [asyncio.create_task(_keep(name, loop, stop), name=name) for name, loop in loops]
        try:
            await asyncio.gather(*running)
        finally:
            stop.set()
            await asyncio.gather(*running, return_exceptions=True)


async def _keep(name: str, loop: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Run a loop again when it breaks (the database restarts, the network goes), ever more slowly."""
    delay = 1.0
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await loop()
        except Exception:
            log.exception("a loop of the worker broke and is started again", loop=name, seconds=delay)
        else:
            if stop.is_set():
                return
        await first_of(stop, timeout=delay)
        lasted = asyncio.get_running_loop().time() - started
        delay = 1.0 if lasted > 2 * LONGEST_RESTART_SECONDS else min(delay * 2, LONGEST_RESTART_SECONDS)


async def _run_jobs(
    db: Database,
    stop: asyncio.Event,
    tasks: Tasks,
    queues: list[str] | None,
    concurrency: int,
    grace: float,
    *,
    wait: bool,
) -> None:
    _quieten_library()
    connector = PsycopgConnector(
        conninfo=db.url("system"),
        kwargs={"options": f"-c search_path={SCHEMA},pg_catalog -c timezone=UTC"},
        min_size=1,
        max_size=4,
    )
    app = App(connector=connector)
    for found in tasks:
        app.task(name=found.name, queue=found.queue, retry=Backoff(found.max_attempts), pass_context=True)(
            _runner(db, found)
        )
    async with app.open_async():
        worker = Worker(
            app=app,
            queues=queues,
            concurrency=concurrency,
            wait=wait,
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=grace,
            stalled_worker_timeout=STALLED_SECONDS,
        )
        stopper = asyncio.create_task(_stop_worker(worker, stop))
        try:
            await worker.run()  # type: ignore[no-untyped-call]
        finally:
            stopper.cancel()
    if wait and not stop.is_set():
        raise UnavailableError("The worker lost the database.")


async def _stop_worker(worker: Worker, stop: asyncio.Event) -> None:
    await stop.wait()
    worker.stop()  # type: ignore[no-untyped-call]


def _runner(db: Database, task: Task) -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, **stored: Any) -> None:
        job = _job(db, task, context.job, stored)
        with bound(job_id=job.id, task=job.task, shop_id=job.shop_id, trace_id=job.trace_id):
            await _record(recorder().active(job))
            try:
                result = await task.function(job, **job.arguments)
            except asyncio.CancelledError as error:
                shutdown = context.abort_reason() is not AbortReason.USER_REQUEST
                await _record(recorder().failed(job, error, again=shutdown))
                if shutdown:
                    raise
                raise JobAborted from error
            except Exception as error:
                again = retry_delay(error, job.attempt, task.max_attempts) is not None
                log.warning("a job failed", attempt=job.attempt, again=again, exc_info=error)
                await _record(recorder().failed(job, error, again=again))
                raise
            log.info("a job is done", attempt=job.attempt)
            await _record(recorder().completed(job, result))

    return run


def _job(db: Database, task: Task, stored_job: StoredJob, stored: dict[str, Any]) -> Job:
    context: dict[str, Any] = stored.get("_context", {})

    def identifier(name: str) -> UUID | None:
        return UUID(context[name]) if context.get(name) else None

    return Job(
        db=db,
        id=stored_job.id or 0,
        task=task.name,
        queue=stored_job.queue,
        arguments={name: value for name, value in stored.items() if not name.startswith("_")},
        priority=stored_job.priority,
        attempt=stored_job.attempts + 1,
        max_attempts=task.max_attempts,
        shop_id=identifier("shop_id"),
        platform_id=identifier("platform_id"),
        account_id=identifier("account_id"),
        user_id=identifier("user_id"),
        trace_id=context.get("trace_id"),
        schedule_id=identifier("schedule_id"),
    )


async def _record(telling: Awaitable[None]) -> None:
    # A record that cannot be written must not undo the work that it is about.
    try:
        await telling
    except Exception:
        log.exception("a job could not be recorded")


class Backoff(BaseRetryStrategy):
    """Runs a failed job again after a delay that doubles, unless its error is permanent or its attempts are spent."""

    def __init__(self, max_attempts: int) -> None:
        self.max_attempts = max_attempts

    def get_retry_decision(self, *, exception: BaseException, job: StoredJob) -> RetryDecision | None:
        """When to run it again, or None for never."""
        delay = retry_delay(exception, job.attempts + 1, self.max_attempts)
        return None if delay is None else RetryDecision(retry_at=clock.now() + timedelta(seconds=delay))


def retry_delay(
    error: BaseException, attempt: int, max_attempts: int, draw: Callable[[], float] = random.random
) -> float | None:
    """Seconds until a failed job is run again; None when it is not."""
    if isinstance(error, asyncio.CancelledError):
        return 0.0  # the worker is stopping: not the job's failure, so it costs no attempt
    if isinstance(error, PERMANENT) or attempt >= max_attempts:
        return None
    if isinstance(error, LimitedError):
        return error.retry_after
    longest: float = min(FIRST_RETRY_SECONDS * 2.0 ** (attempt - 1), LONGEST_RETRY_SECONDS)
    return longest * (0.5 + draw() / 2)


async def rescue_stalled(db: Database, tasks: Tasks = TASKS, *, seconds: float = STALLED_SECONDS) -> int:
    """Put back the jobs whose worker died, or fail those whose attempts are spent; returns how many."""
    failed: list[Job] = []
    async with db.system() as session:
        await session.execute(queries.USE_LIBRARY_SCHEMA)
        rows = (await session.execute(queries.STALLED, {"seconds": seconds})).all()
        for row in rows:
            found = tasks.find(row.task_name)
            spent = found is not None and row.attempts + 1 >= found.max_attempts
            await session.execute(queries.GIVE_UP if spent else queries.RUN_AGAIN, {"job_id": row.id})
            if spent and found is not None:
                stored = StoredJob(
                    id=row.id, queue=row.queue_name, lock=None, queueing_lock=None, task_name=row.task_name,
                    priority=row.priority, attempts=row.attempts,
                )  # fmt: skip
                failed.append(_job(db, found, stored, row.args))
    for job in failed:
        await _record(
            recorder().failed(job, UnavailableError("The worker died while it ran the job."), again=False)
        )
    return len(rows)


async def _keep_rescuing(db: Database, stop: asyncio.Event, tasks: Tasks) -> None:
    while not stop.is_set():
        if count := await rescue_stalled(db, tasks):
            log.warning("jobs of workers that died were put back", jobs=count)
        await first_of(stop, timeout=STALLED_SECONDS)


def _quieten_library() -> None:
    # It writes the arguments of jobs into its lines; ours say the same without them.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    for name in ("procrastinate.worker", f"procrastinate.worker.{WORKER_NAME}"):
        logging.getLogger(name).addFilter(_not_about_a_job)


def _not_about_a_job(record: logging.LogRecord) -> bool:
    return not hasattr(record, "job")


@contextlib.contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Any:
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
