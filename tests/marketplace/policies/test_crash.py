"""A process that is killed while it decides: what it answered is in the database, but for one second at most."""

import asyncio
import os
import sys
from uuid import UUID

from tests.marketplace.policies.conftest import RETURNS, Publish
from tests.marketplace.policies.test_outages import locked, recorded

from entrepot.kit.batching import LONGEST_WAIT
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings

#: Decides without end, and tells of each decision when it was answered.
DECIDE = """
import asyncio, sys, time
from uuid import UUID
from entrepot.kit.db import Database
from entrepot.marketplace.engines import Engines

async def main():
    async with Database.opened(pool_size=2) as db, Engines.opened(db) as engines:
        while True:
            decision = await engines.policies.evaluate(UUID(sys.argv[1]), "RETURN", {"days": 1})
            print(decision.id, time.monotonic(), flush=True)
            await asyncio.sleep(0.002)

asyncio.run(main())
"""


async def test_a_crash_loses_decisions_of_one_second_at_most_even_while_nothing_can_be_written(
    db: Database, settings: Settings, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    environment = os.environ | {
        "ENTREPOT_HOME": str(settings.home),
        "ENTREPOT_DATABASE_NAME": settings.database_name or "",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DECIDE, str(platform), stdout=asyncio.subprocess.PIPE, env=environment
    )
    answered: dict[UUID, float] = {}
    assert process.stdout is not None
    try:
        while len(await recorded(db, platform)) < 50:  # it decides, and what it decides is written
            for _ in range(50):
                note(await process.stdout.readline(), answered)
        async with locked(settings):
            held = len(answered)
            # It stops answering by itself; where it went on, this would read more than could be lost.
            while len(answered) < held + 5_000:
                try:
                    async with asyncio.timeout(1.0):
                        note(await process.stdout.readline(), answered)
                except TimeoutError:
                    break
            process.kill()
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    kept = await recorded(db, platform)
    lost = sorted(at for made, at in answered.items() if made not in kept)
    assert len(lost) > 50
    assert lost[-1] - lost[0] <= LONGEST_WAIT + 0.5


def note(line: bytes, answered: dict[UUID, float]) -> None:
    """Remember an answer."""
    made, at = line.split()
    answered[UUID(made.decode())] = float(at)
