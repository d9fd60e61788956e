"""Orders a minute, from a look at the marketplace to shipped, with services that take 50 ms to answer.

One worker, then four, each a process of its own with the same hands, on the same server. The services are the sandboxes, in
processes of their own. What is compared: four workers with one, and the server's share of the time that passes: of the
processors, and of one processor, since a single transaction can use no more.
"""

import os
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import text

from benchmarks import Result
from entrepot.kit.clock import SharedClock, clock, system_clock
from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.settings import Settings
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.simulating.arranging import arrange
from entrepot.mirakl.simulating.catalog import LISTINGS, stock_for
from entrepot.mirakl.simulating.crew import Crew
from entrepot.mirakl.simulating.standins import CarrierBooks, MarketplaceBooks, running

LATENCY_MS = 50
#: Orders a worker; each has as many, so that it works as long.
ORDERS = 40
#: Orders that a worker has in hand at a time.
HANDS = 1
WORKERS = (1, 4)
#: After acceptance until the marketplace has the customer's money.
PAID = timedelta(minutes=5)
SHIPPED = text(
    "SELECT count(*) FROM mirakl.order_status WHERE account_id = :account_id AND status = 'shipped'"
)


async def run(settings: Settings) -> Result:
    """Each number of workers on an account, a marketplace and a carrier of its own."""
    load_steps()
    rates: dict[int, float] = {}
    shares: dict[int, dict[str, float]] = {}
    for workers in WORKERS:
        rates[workers], shares[workers] = await _measure(settings, workers)
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
            "orders_a_worker": ORDERS,
            "orders_in_hand": HANDS,
            "processors": os.cpu_count(),
            "share_of_all_processors": {
                str(workers): {name: round(share, 2) for name, share in found.items()}
                for workers, found in shares.items()
            },
        },
    }


async def _measure(settings: Settings, workers: int) -> tuple[float, dict[str, float]]:
    """Orders a second, and who used the processors meanwhile."""
    orders = ORDERS * workers
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="entrepot-bench-")))
        moment = SharedClock.made(directory / "clock", system_clock())
        stack.enter_context(clock(moment))
        latency = ("--latency-ms", str(LATENCY_MS))
        told = await stack.enter_async_context(running("mirakl", "--orders", "0", *latency))
        marketplace = MarketplaceBooks(told, await _client(stack, told["url"]))
        told = await stack.enter_async_context(running("canadapost", *latency))
        carrier = CarrierBooks(told, await _client(stack, told["url"]))

        async def pass_time(by: timedelta) -> None:
            moment.set(moment() + by)
            await marketplace.set_clock(moment())
            await carrier.set_clock(moment())

        await pass_time(timedelta())
        db = await stack.enter_async_context(Database.opened(settings, pool_size=2))
        account = await arrange(
            db,
            code=f"bench-{workers}",
            marketplace="A marketplace",
            api_url=marketplace.told["api_url"],
            api_key=marketplace.told["api_key"],
            carrier_url=carrier.told["url"],
            user=carrier.told["username"],
            password=carrier.told["password"],
            customer_number=carrier.told["customer"],
            stock=stock_for(orders, 4),
        )
        crew = Crew(settings, directory / "clock", size=workers, seed=1, hands=HANDS)
        stack.callback(crew.end)
        # Connections, imports and plans are there before it counts.
        await crew.work(deadly=False)
        await marketplace.place(orders, list(LISTINGS), seed=workers, mix=None)
        await pass_time(timedelta(seconds=account.poll_seconds))
        server = EmbeddedServer(settings.home)
        began, before = time.perf_counter(), _used(server)
        await crew.work(deadly=False)
        await pass_time(PAID)
        await crew.work(deadly=False)
        took, after = time.perf_counter() - began, _used(server)
        async with db.tenant(account_id=account.account_id) as session:
            shipped = (await session.execute(SHIPPED, {"account_id": account.account_id})).scalar_one()
        assert shipped == orders, f"{shipped} of {orders} orders were shipped"
    whole = took * (os.cpu_count() or 1)
    return orders / took, {"database": (after - before) / whole}


async def _client(stack: AsyncExitStack, url: str) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))


def _used(server: EmbeddedServer) -> float:
    """Seconds of processors that the server's processes have used, those that have ended included (Linux)."""
    postmaster = server.status().pid
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
    return ticks / os.sysconf("SC_CLK_TCK")
