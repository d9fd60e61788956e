"""What can run in the background: tasks, which jobs call, and companions, which run beside the worker."""

import importlib
import pkgutil
from asyncio import Event as StopEvent
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.database import Database
from entrepot.kit.jobs import queries

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
CompanionFunction = Callable[[Database, StopEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One execution of a task, as the task receives it."""

    db: Database
    id: int
    task: str
    queue: str
    arguments: Mapping[str, Any]
    priority: int = 0
    attempt: int = 1
    max_attempts: int = 1
    shop_id: UUID | None = None
    platform_id: UUID | None = None
    account_id: UUID | None = None
    user_id: UUID | None = None
    trace_id: str | None = None
    schedule_id: UUID | None = None

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction of the job's tenant; of entrepot_system when it has none."""
        if self.shop_id or self.platform_id or self.account_id:
            return self.db.tenant(
                shop_id=self.shop_id,
                platform_id=self.platform_id,
                account_id=self.account_id,
                user_id=self.user_id,
                trace_id=self.trace_id,
            )
        return self.db.system(user_id=self.user_id, trace_id=self.trace_id)

    async def first(self, session: AsyncSession, effect: str = "done") -> bool:
        """Whether this job has not committed `effect` yet; committing `session` is what marks it.

        A job may run twice (its worker died after its commit, before it could say so). A task whose writes are not
        repeatable by nature asks this first, in the transaction that makes them.
        """
        found = await session.execute(queries.FIRST_EFFECT, {"job_id": self.id, "effect": effect})
        return bool(found.scalar_one())


@dataclass(frozen=True, slots=True)
class Task:
    """A function that jobs call, and how they are run."""

    name: str
    function: Callable[..., Awaitable[Any]]
    queue: str = "default"
    max_attempts: int = 3
    cron: str | None = None
    for_shops: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """A loop that runs beside the worker until it is told to stop."""

    name: str
    function: CompanionFunction


class Tasks:
    """The tasks and companions of a program, by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._companions: dict[str, Companion] = {}

    def task(
        self,
        name: str,
        *,
        queue: str = "default",
        max_attempts: int = 3,
        cron: str | None = None,
        for_shops: bool = False,
    ) -> Callable[[F], F]:
        """Register `async def function(job, **arguments)`, which may return something that JSON can hold.

        It can be run twice with the effect of once. It opens its own transactions. When it raises it is run again,
        after a delay that doubles, up to `max_attempts` times; invalid input, a thing not found and a thing not
        allowed fail at once. `cron` (UTC) is its schedule until an operator changes it; with `for_shops` a shop may
        have a schedule of its own for it.
        """

        def register(function: F) -> F:
            self.add(Task(name, function, queue, max_attempts, cron, for_shops))
            return function

        return register

    def companion(self, name: str) -> Callable[[CompanionFunction], CompanionFunction]:
        """Register `async def function(db, stop)`, which runs beside every worker until `stop` is set."""

        def register(function: CompanionFunction) -> CompanionFunction:
            if name in self._companions:
                raise ValueError(f"there are two companions {name!r}")
            self._companions[name] = Companion(name, function)
            return function

        return register

    def add(self, task: Task) -> None:
        """Register a task that is made at run time."""
        if task.name in self._tasks:
            raise ValueError(f"there are two tasks {task.name!r}")
        self._tasks[task.name] = task

    def find(self, name: str) -> Task | None:
        """The task of that name, if there is one."""
        return self._tasks.get(name)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    @property
    def companions(self) -> list[Companion]:
        """Every companion."""
        return list(self._companions.values())


#: The tasks of this program; `task` and `companion` add to them.
TASKS = Tasks()
task = TASKS.task
companion = TASKS.companion


def discover() -> None:
    """Import every module named `tasks`, and every module of the flows, so that what they register is known."""
    import entrepot

    for module in pkgutil.walk_packages(entrepot.__path__, "entrepot."):
        if module.name.rpartition(".")[2] == "tasks" or module.name.startswith("entrepot.flows."):
            importlib.import_module(module.name)
