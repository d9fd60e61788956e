"""What runs by the clock and how long rows are kept, from the declarations."""

from datetime import timedelta

from entrepot.kit.db import ddl
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.jobs import TASKS, discover
from generators.markdown import code, table

INTRODUCTION = """# Schedules, partitions and retention

## Schedules

What a worker runs by the clock. Times are UTC. These are the times of a new installation; `entrepot jobs schedules`
shows those of yours, and `entrepot jobs pause` and `entrepot jobs resume` change whether a task runs.
"""

PARTITIONS = """## Partitions and retention

Rows of these tables go to the partition of their time. Partitions are made ahead; one whose last row is older than the
retention is detached and dropped. [How to keep partitions in order](../how-to/partitions.md) says more.
"""


def render() -> str:
    """Two tables: tasks with their times, partitioned tables with their retention."""
    load_declarations()
    discover()
    tasks = sorted((task for task in TASKS if task.cron), key=lambda task: task.name)
    schedules = [
        (code(task.name), code(task.cron or ""), code(task.queue), str(task.max_attempts)) for task in tasks
    ]
    partitions = [
        (
            code(found.fullname),
            code(feature.column),
            feature.span,
            f"{feature.ahead} {feature.span}s",
            ", ".join(f"to a {one.span} {_days(one.after)} after it" for one in feature.merge) or "never",
            _days(feature.retain),
        )
        for found in sorted(Base.metadata.tables.values(), key=lambda found: found.fullname)
        if (feature := ddl.feature(found, Partitions)) is not None
    ]
    return "\n".join(
        [
            INTRODUCTION,
            *table(("task", "when", "queue", "attempts"), schedules),
            PARTITIONS,
            *table(("table", "by", "span", "made ahead", "merged", "kept for"), partitions),
        ]
    )


def _days(retain: timedelta | None) -> str:
    if retain is None:
        return "ever"
    return "1 day" if retain.days == 1 else f"{retain.days} days"
