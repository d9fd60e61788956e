"""The nightly job of partitions makes those of the time to come, and merges those that are over."""

from datetime import timedelta

from entrepot.kit.clock import now
from entrepot.kit.db import Database, ddl, partitions
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.jobs import Job
from entrepot.pim.queue.tasks import maintain_partitions


async def test_the_job_maintains_and_merges(db: Database) -> None:
    table = Base.metadata.tables["data_playground.request_response_logs"]
    declared = ddl.feature(table, Partitions)
    assert declared is not None
    await partitions.maintain_table(db, table, declared, at=now() - timedelta(days=100))
    done = await maintain_partitions(
        Job(db=db, id=1, task="partitions.maintain", queue="maintenance", arguments={})
    )
    assert done["created"] > 300
    assert done["merged"] >= 1
    names = [one.name for one in await partitions.listing(db) if one.table == table.fullname]
    assert len([name for name in names if name.count("_") == 4]) == done["merged"]  # months
