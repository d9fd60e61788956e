"""The demo from beginning to end: a directory, a shop made and imported, a market, the console.

Everything is in one directory: ENTREPOT_HOME, or `.entrepot` in the checkout. The demo always uses the embedded
server in it, never a PostgreSQL of the user's.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer

from entrepot.api import serving
from entrepot.demo import laptops, market, world
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import (
    ConflictError,
    EntrepotError,
    ForbiddenError,
    LimitedError,
    NotFoundError,
    UnauthenticatedError,
)
from entrepot.kit.output import count_of, format_bytes, format_duration, print_fields, print_line, print_table
from entrepot.kit.progress import Progress, Report, Reporter, reporting
from entrepot.kit.settings import Settings
from entrepot.kit.telemetry import configure_logging, new_trace_id
from entrepot.pim.analytics.queries import select_figures
from entrepot.pim.bulk.commands import show
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Imported, Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.bulk.summaries import all_errors
from entrepot.pim.tenants.passwords import generate_password
from entrepot.pim.tenants.schemas import Shop
from entrepot.pim.tenants.shops import add_shop, find_shop
from entrepot.pim.tenants.signing_in import authenticate
from entrepot.pim.tenants.staff import add_staff, find_staff, set_password
from entrepot.sandbox.shopify.exporting import write_export

DOMAIN = "harbor-goods.myshopify.com"
NAME = "Harbor Goods"
EMAIL = "staff@harbor-goods.example"
CURRENCY = "USD"
TIMEZONE = "America/New_York"
SEED = 1851
BAD_LINES = 5
PORT = 8000
DAYS = 30

#: Settings that would lead out of the demo's directory.
NOT_FROM_THE_ENVIRONMENT = (
    "database_url",
    "database_owner_url",
    "database_app_url",
    "database_system_url",
    "secret_key",
)

MARK = "MADE-BY-DEMO"
MARK_TEXT = "entrepot's demo made this directory; `./dev demo --reset` deletes what is in it.\n"


class Interrupted(Exception):  # noqa: N818 - not an error: somebody pressed Ctrl-C
    """The demo was told to end before it served."""


@dataclass(frozen=True, slots=True)
class Login:
    """What to sign in with."""

    email: str
    password: str


# The directory.


def demo_home() -> Path:
    """ENTREPOT_HOME, or `.entrepot` in the checkout, or in the current directory when this is no checkout."""
    if told := os.environ.get("ENTREPOT_HOME"):
        return Path(told).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[3]
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / ".entrepot"


@contextlib.contextmanager
def claimed(home: Path) -> Iterator[bool]:
    """Have the directory to this demo; gives whether the demo made it, and so may delete what is in it.

    Raises ConflictError while another demo runs in it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = home / MARK
    if not any(home.iterdir()):
        mark.write_text(MARK_TEXT, encoding="utf-8")
    made = mark.is_file() and not mark.is_symlink()
    held = os.open(mark if made else home, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                f"A demo runs in {home} already.",
                hint="End it with Ctrl-C, or set ENTREPOT_HOME to another directory.",
            ) from error
        yield made
    finally:
        os.close(held)


def start_over(home: Path, *, made: bool) -> None:
    """Stop the server and delete everything in a directory that the demo made.

    Raises ForbiddenError for a directory that it did not make.
    """
    if not made:
        raise ForbiddenError(
            f"The demo did not make {home}, so it deletes nothing there.",
            hint="Set ENTREPOT_HOME to another directory, or empty this one yourself.",
        )
    EmbeddedServer(home).stop()
    for path in home.iterdir():
        if path.name == MARK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def demo_settings(home: Path) -> Settings:
    """The settings of the demo: the embedded server whatever the environment says, and a quiet log."""
    chosen: dict[str, Any] = dict.fromkeys(NOT_FROM_THE_ENVIRONMENT)
    if "ENTREPOT_LOG_LEVEL" not in os.environ:
        chosen["log_level"] = "WARNING"
    return Settings(home=home, database_name="entrepot", **chosen)


# The steps.


class Lines(Reporter):
    """Progress where there is no terminal: a line when a step begins, and one with what it came to."""

    def __init__(self) -> None:
        self._latest: Progress | None = None
        self._began = 0.0

    def show(self, progress: Progress) -> None:
        """Note the report; a new step ends the one before."""
        if self._latest is None or self._latest.step != progress.step:
            self.close()
            self._began = time.monotonic()
            print_line(f"  {progress.step} …")
            sys.stdout.flush()
        self._latest = progress

    def close(self, *, failed: bool = False) -> None:
        """Say what the last step came to."""
        latest, self._latest = self._latest, None
        if latest is not None and not failed:
            amount = (
                format_bytes(latest.done)
                if latest.unit == "bytes"
                else count_of(latest.done, latest.unit.removesuffix("s"))
            )
            came_to = f"{amount}, " if latest.done else ""
            print_line(f"  {latest.step}: {came_to}{format_duration(time.monotonic() - self._began)}")


@contextlib.contextmanager
def watching() -> Iterator[Report]:
    """Bars on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        with reporting("bars") as report:
            yield report
        return
    lines = Lines()
    try:
        yield lines
    except BaseException:
        lines.close(failed=True)
        raise
    lines.close()


def export_file(home: Path, products: int, report: Report) -> Path:
    """The shop's export, written where it is not there yet; its orders are of the days before."""
    directory = home / "demo"
    directory.mkdir(mode=0o700, exist_ok=True)
    file = directory / f"harbor-goods-{products}.jsonl"
    if file.is_file():
        return file
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Under its own name only when it is whole, so that an interrupted demo is not taken for a small shop.
    unfinished = file.with_suffix(".unfinished")
    summary = write_export(
        unfinished,
        seed=SEED,
        products=products,
        now=today,
        bad_lines=BAD_LINES if products else 0,
        currency=CURRENCY,
        on_line=lambda lines: report("generate", done=lines, unit="lines"),
    )
    report("generate", done=summary.lines, total=summary.lines, unit="lines")
    unfinished.replace(file)
    return file


async def have_shop(db: Database) -> tuple[Shop, bool]:
    """The demo's shop, and whether it was added now."""
    async with db.system(trace_id=new_trace_id()) as session:
        try:
            return await find_shop(session, DOMAIN), False
        except NotFoundError:
            keyring = Keyring.open(db.settings)
            shop = await add_shop(session, keyring, DOMAIN, currency=CURRENCY, timezone=TIMEZONE, name=NAME)
            return shop, True


async def have_login(db: Database, shop: Shop) -> Login:
    """A login that works: the one of the last run, unless its password was changed since."""
    file = db.settings.home / "demo" / "login.json"
    with contextlib.suppress(OSError, orjson.JSONDecodeError, TypeError, UnauthenticatedError, LimitedError):
        login = Login(**orjson.loads(file.read_bytes()))
        await authenticate(db, shop.domain, login.email, login.password)
        return login
    login = Login(EMAIL, generate_password())
    async with db.system(trace_id=new_trace_id()) as session:
        try:
            member = await find_staff(session, shop, login.email)
        except NotFoundError:
            await add_staff(
                session, shop, login.email, login.password, first_name="Robin", last_name="Quay", admin=True
            )
        else:
            await set_password(session, member, login.password)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(orjson.dumps({"email": login.email, "password": login.password}))
    return login


async def show_result(db: Database, shop: Shop, imported: Imported) -> None:
    """Print what the import did, what it rejected, and what the shop looks like now."""
    show(imported, hints=False)
    async with db.tenant(shop_id=shop.shop_id) as session:
        rejected = await all_errors(session, imported.run_id)
        figures = await select_figures(session, days=DAYS)
    if rejected:
        print_line()
        rows = [
            (
                row["line_number"],
                ".".join(filter(None, (row["type"], row["field"]))),
                row["value"],
                row["message"],
            )
            for row in rejected
        ]
        print_table(["line", "field", "value", "reason"], rows, title="Rejected lines")
    print_line()
    print_fields(
        {
            "products": f"{figures['products']:,}, of which {figures['active_products']:,} active",
            "variants": f"{figures['variants']:,}, with {figures['units']:,} units in stock",
            "customers": f"{figures['customers']:,}",
            f"orders of {DAYS} days": f"{figures['orders']:,} for {figures['revenue']:,.2f} {shop.currency}",
        },
        title=NAME,
    )


async def prepare(db: Database, products: int, workshop: laptops.Workshop) -> tuple[Shop, Login]:
    """Fill the database with the shop, and say so."""
    shop, added = await have_shop(db)
    if not added:
        print_line(f"{DOMAIN} is here from an earlier run; `--reset` starts over.")
    with watching() as report:
        file = await asyncio.to_thread(export_file, db.settings.home, products, report)
        source = await asyncio.to_thread(examine, file, file.name)
        context = Context(db, shop.shop_id, trace_id=new_trace_id())
        imported = await import_files(context, [source], Options(), report)
    print_line()
    await show_result(db, shop, imported)
    login = await have_login(db, shop)
    platform, asked = await market.have_market(db, shop, login.email)
    if asked is not None:
        print_line()
        print_fields(
            {
                "rules": f"{asked.definitions} definitions, from {market.RULES.name}",
                "policy": f"{asked.decisions:,} products decided on",
                "experiment": f"{asked.visitors:,} visitors assigned",
                "prices": f"{asked.carts:,} carts quoted",
            },
            title=platform.name,
        )
    print_line()
    with watching() as report:
        trade = await world.have_world(db, report)
    if trade is not None:
        print_line()
        print_fields(
            {
                "facts": f"{trade.facts:,} of {world.START} to {world.END}, made from seed {world.SEED}",
                "Black Friday": f"{trade.orders:,} orders for {trade.revenue:,.2f} USD",
                "the Friday before": f"{trade.orders_before:,} orders for {trade.revenue_before:,.2f} USD",
            },
            title="Simulated world",
        )
    await show_laptops(db, shop, login, workshop)
    return shop, login


async def show_laptops(db: Database, shop: Shop, login: Login, workshop: laptops.Workshop) -> None:
    """Have the account on a marketplace with its orders, and print what became of them."""
    async with db.system() as session:
        member = await find_staff(session, shop, login.email)
    sold = await laptops.have_laptops(db, workshop, member.user_id)
    if sold is None:
        return
    print_line()
    print_fields(
        {
            "orders": f"{sold.orders} of refurbished laptops, {sold.delivered} delivered, {sold.refused} refused",
            "labels": f"{sold.labels} bought, each once; {sold.failures} failed and waits in the inbox",
            "customers": f"{sold.answered} answered, one more waits",
        },
        title=f"{laptops.MARKETPLACE} on a marketplace",
    )


async def run(settings: Settings, listener: socket.socket | None, products: int) -> None:
    """Start, fill and, with a listener, serve until a signal comes."""
    with serving.stopping_on_signals() as stop:
        print_line(f"Starting PostgreSQL 18 in {settings.home} …")
        sys.stdout.flush()
        began = time.monotonic()
        async with Database.opened(settings) as db, laptops.opened() as workshop:
            print_line(f"Ready after {format_duration(time.monotonic() - began)}.")
            filling = asyncio.create_task(prepare(db, products, workshop))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([filling, stopped], return_when=asyncio.FIRST_COMPLETED)
                if not filling.done():
                    raise Interrupted
                shop, login = filling.result()
            finally:
                for task in (filling, stopped):
                    task.cancel()
                await asyncio.gather(filling, stopped, return_exceptions=True)
            try:
                if listener is None:
                    show_login(shop, login, None)
                    return
                address = serving.address_of(listener)
                await serving.serve(db, listener, stop=stop, ready=lambda: show_login(shop, login, address))
            finally:
                await laptops.leave(db)
    print_line("Stopped; nothing is left running.")


def show_login(shop: Shop, login: Login, address: str | None) -> None:
    """Print where to go and what to type there."""
    where = {"address": address} if address else {}
    print_line()
    print_fields(
        {**where, "shop": shop.domain, "email": login.email, "password": login.password}, title="Sign in"
    )
    print_line()
    print_line(f"On the command line: ENTREPOT_HOME={demo_home()} ./dev entrepot shops show {shop.domain}")
    print_line(f"The market: ENTREPOT_HOME={demo_home()} ./dev entrepot experiment results CHECKOUT_BUTTON")
    print_line("Ctrl-C ends it." if address else "`./dev demo` shows it in the console.")
    sys.stdout.flush()


def listen(port: int | None) -> socket.socket:
    """The port that was asked for; without one the usual, or any when that is taken."""
    if port is not None:
        return serving.listen("127.0.0.1", port)
    try:
        return serving.listen("127.0.0.1", PORT)
    except ConflictError:
        return serving.listen("127.0.0.1", 0)


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End when the shop is imported.")] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Start over: delete what the last demo made.")
    ] = False,
    products: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many products the shop has.")
    ] = 2000,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the console.", show_default=f"{PORT}, or a free one"),
    ] = None,
) -> None:
    """Make a shop, a market, a simulated world and orders of a marketplace, and show all of it in the console."""
    home = demo_home()
    with claimed(home) as made, contextlib.ExitStack() as open_until_the_end:
        if reset:
            start_over(home, made=made)
        listener = None if no_serve else open_until_the_end.enter_context(listen(port))
        settings = demo_settings(home)
        configure_logging(settings)
        asyncio.run(run(settings, listener, products))


def main() -> NoReturn:
    """The entry of `python -m entrepot.demo`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(demo)
    try:
        app(prog_name="./dev demo")
    except EntrepotError as error:
        sys.stdout.flush()
        hint = f"\nhint:  {error.hint}" if error.hint else ""
        sys.stderr.write(f"error: {error.detail}{hint}\n")
        sys.exit(error.exit_code)
    except (Interrupted, KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("\nInterrupted; nothing is left running. The same command goes on.\n")
        sys.exit(130)
    sys.exit(0)
