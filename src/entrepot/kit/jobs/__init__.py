"""Background jobs: enqueued in the transaction that causes them, run by any worker, each with the effect of once."""

from entrepot.kit.jobs.enqueueing import enqueue
from entrepot.kit.jobs.recording import EnqueuedJob, Recorder, record_with
from entrepot.kit.jobs.registering import TASKS, Job, Task, Tasks, companion, discover, task
from entrepot.kit.jobs.working import run_worker

__all__ = [
    "TASKS",
    "EnqueuedJob",
    "Job",
    "Recorder",
    "Task",
    "Tasks",
    "companion",
    "discover",
    "enqueue",
    "record_with",
    "run_worker",
    "task",
]
