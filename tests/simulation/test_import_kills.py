"""An import that is killed, loses its database, or meets another one: the same command finishes the work, once."""

import asyncio
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.conftest import FAST, add_shop
from tests.pim.bulk.conftest import NOW, Mirror, product, variant

from entrepot.kit.db import Database
from entrepot.kit.db.migrating import migrate
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import ConflictError
from entrepot.kit.settings import Settings
from entrepot.pim.bulk import importing
from entrepot.pim.bulk.context import Context
from entrepot.sandbox.shopify.exporting import write_export

COMMAND = [sys.executable, "-c", "from entrepot.cli.main import run; run()", "shopify", "import"]
VISIBLE = """
    SELECT (SELECT count(*) FROM pim.shopify_products), (SELECT count(*) FROM pim.shopify_variants), (SELECT count(*) FROM pim.shopify_orders),
           (SELECT count(*) FROM pim.shopify_collection_products), (SELECT count(*) FROM pim.inventory_ledger),
           (SELECT count(*) FROM marketplace.hm_event_queue)
"""


async def domain_of(mirror: Mirror, shop: UUID) -> str:
    found: str = await mirror.one(shop, "SELECT shopify_domain FROM pim.shops")
    return found


def start(path: Path, domain: str, environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """The command, running."""
    command = [*COMMAND, str(path), "--shop", domain, "--json", *options]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Its exit code, what it printed, and what it said."""
    out, err = await asyncio.to_thread(process.communicate)
    assert "Traceback" not in err, err
    return process.returncode, json.loads(out) if out.strip() else {}, err


def children(pid: int) -> list[int]:
    """The children of a process, where the system tells."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


async def visible(mirror: Mirror, shop: UUID) -> tuple[int, ...]:
    """How many rows of what another reader sees."""
    async with mirror.db.tenant(shop_id=shop) as session:
        return tuple((await session.execute(text(VISIBLE))).one())


def parses(pid: int) -> bool:
    """Whether a process is still one of ours that parses."""
    with suppress(OSError):
        return "entrepot.pim.bulk.parsed" in Path(f"/proc/{pid}/cmdline").read_text()
    return False


@asynccontextmanager
async def watching(mirror: Mirror, shop: UUID) -> AsyncIterator[set[tuple[int, ...]]]:
    """What another reader sees of the shop, all the time."""
    seen: set[tuple[int, ...]] = set()
    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            seen.add(await visible(mirror, shop))
            await asyncio.sleep(0.01)

    watcher = asyncio.create_task(watch())
    yield seen
    over.set()
    await watcher
    seen.add(await visible(mirror, shop))


async def reached(mirror: Mirror, shop: UUID, process: subprocess.Popen[str], moment: str) -> bool:
    """Wait until the import has come to a moment; False when it ended before."""
    queries = {
        "parse": "SELECT EXISTS (SELECT FROM pim.bulk_steps WHERE step_name = 'parse' AND status = 'running')",
        "validate": "SELECT EXISTS (SELECT FROM pim.bulk_steps WHERE step_name = 'validate')",
        "staged": "SELECT EXISTS (SELECT FROM pim.bulk_steps WHERE step_name = 'validate' AND status = 'completed')",
        "merge": "SELECT EXISTS (SELECT FROM pim.bulk_steps WHERE step_name = 'merge')",
    }
    # What the attempt before left says nothing about this one.
    run = "EXISTS (SELECT FROM pim.bulk_runs WHERE status = 'running' AND retry_count >= :retries)"
    retries = await mirror.one(shop, "SELECT coalesce(max(retry_count) + 1, 0) FROM pim.bulk_runs")
    while process.poll() is None:
        if await mirror.one(shop, f"SELECT ({queries[moment]}) AND {run}", retries=retries):
            return True
        await asyncio.sleep(0.005)
    return False


#: When kills come, and how long after the moment at most, in seconds: the merge of a small shop does not take longer.
MOMENTS = {"parse": 0.2, "validate": 0.05, "staged": 0.01, "merge": 0.1}
KILLS = 8


@pytest.mark.parametrize("seed", [1])
async def test_kills_at_any_moment(
    mirror: Mirror, neighbor: UUID, ground_home: dict[str, str], seed: int
) -> None:
    chance = random.Random(seed)
    path = mirror.write(b"", "shop.jsonl")
    write_export(path, seed=seed, products=120, now=NOW, bad_lines=5, shuffle=True)
    # Blocks are parsed by other processes only in large files.
    with path.open("ab") as file:
        file.write((b" " * 1023 + b"\n") * (9 << 10))
    await mirror.take_files(neighbor, path)
    expected = await mirror.contents(neighbor)
    whole = await visible(mirror, neighbor)
    orphans: list[int] = []
    kills = 0
    # A kill may come too late, and the import be complete: then the next shop has its turn.
    while kills < KILLS:
        shop = await add_shop(mirror.db, f"{secrets.token_hex(6)}.myshopify.com")
        domain = await domain_of(mirror, shop)
        killed = True
        async with watching(mirror, shop) as seen:
            while killed and kills < KILLS:
                process = start(path, domain, ground_home)
                moment = chance.choice(list(MOMENTS))
                if await reached(mirror, shop, process, moment):
                    await asyncio.sleep(chance.choice([0, chance.uniform(0, MOMENTS[moment])]))
                    orphans += children(process.pid)
                    process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.communicate)
                killed = process.returncode == -signal.SIGKILL
                kills += killed
            code, printed, _ = await ended(start(path, domain, ground_home))
        assert (code, printed["rejected"]) == (1, 5)
        parts = ("inserted", "updated", "unchanged", "rejected")
        assert printed["read"] == sum(printed[part] for part in parts)
        # One run, taken up again and again; nothing of it twice, nothing missing, nothing left.
        assert await mirror.count(shop, "bulk_runs") == 1
        assert await mirror.count(shop, "bulk_errors") == 5
        assert await mirror.contents(shop) == expected
        for table in ("staging_products", "staging_variants", "staging_records"):
            assert await mirror.count(shop, table) == 0
        # A reader saw the shop before or after, never in between.
        assert seen == {(0,) * len(whole), whole}
    # What the killed ones had started has ended with them.
    deadline = time.monotonic() + 20
    while any(map(parses, orphans)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("after", ["the same", "forced", "another"])
async def test_a_kill_between_the_merge_and_its_end(
    mirror: Mirror, merchant: UUID, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    level = {
        "id": "gid://shopify/InventoryLevel/1",
        "location": {"id": "gid://shopify/Location/1"},
        "available": 5,
        "__parentId": "gid://shopify/ProductVariant/11",
    }
    records = [product(1), variant(11, 1), {"id": "gid://shopify/Location/1", "name": "L"}, level]
    with monkeypatch.context() as patch:

        async def killed(*_: object, **__: object) -> None:
            raise asyncio.CancelledError

        patch.setattr(importing, "_settle", killed)
        with pytest.raises(asyncio.CancelledError):
            await mirror.take(merchant, *records, name="shop.jsonl")
    assert await mirror.rows(merchant, "SELECT quantity FROM pim.inventory_current") == []
    if after == "another":
        records = records[:1]
    again = await mirror.take(merchant, *records, name="shop.jsonl", force=after == "forced")
    assert again.repeated == (after == "the same")
    assert again.outcome.total.unchanged == len(records)
    assert await mirror.rows(merchant, "SELECT quantity FROM pim.inventory_current") == [{"quantity": 5}]


async def test_another_file_after_a_kill(mirror: Mirror, merchant: UUID, ground_home: dict[str, str]) -> None:
    path = mirror.write(b"", "large.jsonl")
    write_export(path, seed=2, products=150, now=NOW)
    domain = await domain_of(mirror, merchant)
    process = start(path, domain, ground_home)
    assert await reached(mirror, merchant, process, "merge")
    process.kill()
    await asyncio.to_thread(process.communicate)
    await mirror.take(merchant, product(1))
    runs = await mirror.rows(merchant, "SELECT status FROM pim.bulk_runs ORDER BY id")
    assert [run["status"] for run in runs] == ["failed", "completed"]
    assert await mirror.count(merchant, "shopify_products") == 1
    assert await mirror.count(merchant, "staging_products") == 0


async def test_two_imports_of_one_shop_at_once(
    mirror: Mirror, merchant: UUID, ground_home: dict[str, str]
) -> None:
    path = mirror.write(b"", "shop.jsonl")
    write_export(path, seed=3, products=60, now=NOW)
    domain = await domain_of(mirror, merchant)
    both = [start(path, domain, ground_home) for _ in range(2)]
    ends = [await ended(process) for process in both]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert sorted(printed["repeated"] for _, printed, _ in ends) == [False, True]
    assert await mirror.count(merchant, "bulk_runs") == 1
    events = await mirror.one(
        merchant, "SELECT count(*) FROM marketplace.hm_event_queue WHERE event_type = 'pim.product.created'"
    )
    assert events == 60


async def test_an_import_that_does_not_get_its_turn_says_so(
    mirror: Mirror, merchant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PATIENCE", 0)
    async with importing._only_import(Context(mirror.db, merchant)):
        with pytest.raises(ConflictError, match="Another import of this shop is running") as caught:
            await mirror.take(merchant, product(1))
    assert caught.value.exit_code == 4
    assert await mirror.count(merchant, "bulk_runs") == 0
    assert (await mirror.take(merchant, product(1))).outcome.total.inserted == 1


async def test_imports_of_two_shops_go_side_by_side(mirror: Mirror, merchant: UUID, neighbor: UUID) -> None:
    async with importing._only_import(Context(mirror.db, merchant)):
        assert (await mirror.take(neighbor, product(1))).outcome.total.inserted == 1


async def test_a_database_that_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = EmbeddedServer(home, settings=FAST)
    settings = Settings(home=home, database_name="entrepot")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    environment = kept | {"ENTREPOT_HOME": str(home)}
    server.start()
    try:
        migrate(settings)
        async with Database.opened(settings) as db:
            mirror = Mirror(db, tmp_path)
            shop, other = (
                await add_shop(db, "harbor.myshopify.com"),
                await add_shop(db, "lagoon.myshopify.com"),
            )
            path = mirror.write(b"", "shop.jsonl")
            write_export(path, seed=5, products=400, now=NOW)
            for moment in ("parse", "merge"):
                process = start(path, "harbor.myshopify.com", environment)
                assert await reached(mirror, shop, process, moment)
                server.stop("immediate")
                code, printed, said = await ended(process)
                assert code == 7, (printed, said)
                assert "database" in json.dumps(printed).lower()
                server.start()
                await db.close()
                db._app, db._system = Database(settings)._app, Database(settings)._system
                assert await mirror.count(shop, "shopify_products") == 0
            code, printed, said = await ended(start(path, "harbor.myshopify.com", environment))
            assert code == 0, said
            assert printed["resumed"] is True
            assert await mirror.count(shop, "bulk_runs") == 1
            await mirror.take_files(other, path)
            assert await mirror.contents(shop) == await mirror.contents(other)
    finally:
        server.stop("immediate")
