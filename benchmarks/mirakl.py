"""Orders a minute, from a look at the marketplace to shipped, with services that take 50 ms to answer.

One worker, then four: `entrepot mirakl work` as a user starts it, each with as many hands, on the same server. The
services are the sandboxes, in processes of their own. What is compared: four workers with one, and the server's share of
the time that passes: of the processors, and of one processor, since a single transaction can use no more. Whether the
processors were the limit is told by what all processes of the benchmark used of them.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx
from sqlalchemy import text

from benchmarks import Result
from entrepot.kit.clock import VARIABLE, SharedClock, clock, system_clock
from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.settings import Settings
from entrepot.mirakl.orders.driving_queries import ring
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.simulating.arranging import arrange
from entrepot.mirakl.simulating.catalog import LISTINGS, stock_for
from entrepot.mirakl.simulating.standins import CarrierBooks, MarketplaceBooks, running

LATENCY_MS = 50
#: Orders a worker in each round; each has as many, so that it works as long: about a minute, so that the beginning and the
#: end of a round are a small part of it.
ORDERS = 90
#: One worker and four in turns, so that a machine that grows slower or faster does so to both.
ROUNDS = 2
#: Orders that a worker has in hand at a time.
HANDS = 1
WORKERS = (1, 4)
#: After the answer until a worker reads whether the marketplace took it, and until that has the customer's money.
VERIFIED, PAID = timedelta(minutes=1), timedelta(minutes=5)
#: Seconds that orders may take, far beyond what they take.
PATIENCE = 120.0
THERE = text("SELECT count(*) FROM mirakl.order_status WHERE account_id = :account_id AND status = :status")


async def run(settings: Settings) -> Result:
    """Each number of workers in turn, on an account, a marketplace and a carrier of its own."""
    load_steps()
    took = dict.fromkeys(WORKERS, 0.0)
    used: dict[int, Counter[str]] = {workers: Counter() for workers in WORKERS}
    for part in range(ROUNDS):
        for workers in WORKERS:
            seconds, found = await _measure(settings, workers, f"bench-{part}-{workers}")
            took[workers] += seconds
            used[workers].update(found)
    rates = {workers: ROUNDS * ORDERS * workers / took[workers] for workers in WORKERS}
    whole = {workers: took[workers] * (os.cpu_count() or 1) for workers in WORKERS}
    shares = {
        workers: {name: seconds / whole[workers] for name, seconds in used[workers].items()}
        for workers in WORKERS
    }
    most = max(WORKERS)
    return {
        "name": "mirakl",
        "ratios": {
            "four_workers_to_one": round(rates[most] / rates[1], 2),
            "database_of_all_processors": round(shares[most]["database"], 2),
            "database_of_one_processor": round(shares[most]["database"] * (os.cpu_count() or 1), 2),
        },
        "details": {
            "orders_a_minute": {str(workers): round(rate * 60) for workers, rate in rates.items()},
            "latency_ms": LATENCY_MS,
            "orders_a_worker": ROUNDS * ORDERS,
            "orders_in_hand": HANDS,
            "processors": os.cpu_count(),
            "share_of_all_processors": {
                str(workers): {name: round(share, 2) for name, share in found.items()}
                for workers, found in shares.items()
            },
        },
    }


async def _measure(settings: Settings, workers: int, code: str) -> tuple[float, dict[str, float]]:
    """Seconds from the first look until all are shipped, and who used how many seconds of processors meanwhile."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="entrepot-bench-")))
        moment = SharedClock.made(directory / "clock", system_clock())
        stack.enter_context(clock(moment))
        latency = ("--latency-ms", str(LATENCY_MS))
        told = await stack.enter_async_context(running("mirakl", "--orders", "0", *latency))
        marketplace = MarketplaceBooks(told, await _client(stack, told["url"]))
        told = await stack.enter_async_context(running("canadapost", *latency))
        carrier = CarrierBooks(told, await _client(stack, told["url"]))
        db = await stack.enter_async_context(Database.opened(settings, pool_size=2))
        account = await arrange(
            db,
            code=code,
            marketplace="A marketplace",
            api_url=marketplace.told["api_url"],
            api_key=marketplace.told["api_key"],
            carrier_url=carrier.told["url"],
            user=carrier.told["username"],
            password=carrier.told["password"],
            customer_number=carrier.told["customer"],
            stock=stock_for((ORDERS + 1) * workers, 4),
        )
        processes = [_worker(stack, settings, directory / "clock") for _ in range(workers)]

        async def pass_time(by: timedelta) -> None:
            moment.set(moment() + by)
            await marketplace.set_clock(moment())
            await carrier.set_clock(moment())
            async with db.system() as session:
                await ring(session)

        async def ship(orders: int) -> None:
            """Have customers order, and wait until all that they ever ordered is shipped."""
            placed.extend(await marketplace.place(orders, list(LISTINGS), seed=len(placed), mix=None))
            await pass_time(timedelta(seconds=account.poll_seconds))
            await _all_there(db, account.account_id, "accepting", orders, processes)
            # Told first, and answered then: the marketplace counts from the answer.
            while await marketplace.in_state("WAITING_ACCEPTANCE"):  # noqa: ASYNC110 - another process answers
                await asyncio.sleep(0.05)
            await pass_time(VERIFIED)
            await _all_there(db, account.account_id, "accepted", orders, processes)
            await pass_time(PAID)
            await _all_there(db, account.account_id, "shipped", len(placed), processes)

        placed: list[str] = []
        # Connections, imports and plans are there before it counts.
        await ship(workers)
        began, before = time.perf_counter(), _used(settings)
        await ship(ORDERS * workers)
        took, after = time.perf_counter() - began, _used(settings)
    return took, {name: after[name] - before[name] for name in after}


def _worker(stack: AsyncExitStack, settings: Settings, clock_file: Path) -> subprocess.Popen[bytes]:
    """A worker as a user starts it; ended with the stack."""
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "mirakl", "work", "--side-by-side", str(HANDS)],
        env={
            **os.environ,
            VARIABLE: str(clock_file),
            "ENTREPOT_HOME": str(settings.home),
            "ENTREPOT_LOG_LEVEL": "ERROR",
        },
        stdout=subprocess.DEVNULL,
    )

    def end() -> None:
        process.terminate()
        process.wait(30)

    stack.callback(end)
    return process


async def _all_there(
    db: Database,
    account_id: UUID,
    status: str,
    orders: int,
    processes: Sequence[subprocess.Popen[bytes]],
) -> None:
    """Wait until so many orders are at a status."""
    deadline = time.monotonic() + PATIENCE
    values = {"account_id": account_id, "status": status}
    while True:
        async with db.tenant(account_id=account_id) as session:
            found = (await session.execute(THERE, values)).scalar_one()
        if found >= orders:
            return
        if time.monotonic() > deadline or any(one.poll() is not None for one in processes):
            raise SystemExit(f"{found} of {orders} orders came to be {status}; do all workers still work?")
        await asyncio.sleep(0.1)


async def _client(stack: AsyncExitStack, url: str) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))


def _used(settings: Settings) -> dict[str, float]:
    """Seconds of processors that the server's processes have used, those that have ended included, and all (Linux)."""
    postmaster = EmbeddedServer(settings.home).status().pid
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, fields = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid == postmaster:
            ticks += sum(int(field) for field in fields[11:15])
        elif int(fields[1]) == postmaster:
            ticks += sum(int(field) for field in fields[11:13])
    busy = Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    # User, nice, system, and what interrupts took; neither idle nor waiting for a disk.
    used = sum(int(busy[place]) for place in (0, 1, 2, 5, 6))
    return {"database": ticks / os.sysconf("SC_CLK_TCK"), "everything": used / os.sysconf("SC_CLK_TCK")}
