"""A real Chromium against the real server: application, worker, database."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, async_playwright
from tests.api.conftest import PASSWORD, add_person, person

from entrepot.api.serving import address_of, listen, serve
from entrepot.kit.db import Database

__all__ = ["add_person", "person"]

SHOP = "harbor.myshopify.com"
EMAIL = "mara@harbor.example"
WIDE = {"width": 1360, "height": 900}
NARROW = {"width": 390, "height": 844}
#: A red pixel, for every picture of Shopify's: tests ask nobody outside.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser, started once."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def address(db: Database) -> AsyncIterator[str]:
    """A server with its worker, on a port of its own."""
    stop, ready = asyncio.Event(), asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(serve(db, listener, stop=stop, ready=ready.set))
        started = asyncio.create_task(ready.wait())
        await asyncio.wait([serving, started], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield address_of(listener)
        stop.set()
        await serving


@dataclass
class Visitor:
    """Somebody with a browser window; remembers whatever the browser complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to a page of the console."""
        await self.page.goto(self.address + path)

    async def sign_in(self, path: str = "/") -> None:
        """Sign in, from the page that was asked for."""
        await self.open(path)
        await self.page.get_by_label("Shop").fill(SHOP)
        await self.page.get_by_label("Email").fill(EMAIL)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(self.address + path)

    async def upload(self, name: str, content: bytes) -> None:
        """Import a file and wait for the end."""
        await self.open("/imports/new")
        await self.page.set_input_files(
            "input[type=file]", {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        await self.page.get_by_role("button", name="Import", exact=True).click()
        await self.page.wait_for_url("**/imports/*-*")
        await self.page.locator("[data-live-badge]").get_by_text("Completed").wait_for()

    async def overflow(self) -> float:
        """By how many pixels the page is wider than the window."""
        width: float = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width


async def open_window(browser: Browser, address: str, **options: object) -> tuple[BrowserContext, Visitor]:
    """A window of its own, with its own cookies."""
    context = await browser.new_context(**({"viewport": WIDE} | options))  # type: ignore[arg-type]
    context.set_default_timeout(20_000)

    async def picture(route: Route) -> None:
        await route.fulfill(body=PIXEL, content_type="image/png")

    await context.route("https://cdn.shopify.com/**", picture)
    visitor = Visitor(await context.new_page(), address)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visitor.complaints.append(message.text)

    visitor.page.on("console", heard)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    return context, visitor


@pytest.fixture
async def visitor(chromium: Browser, address: str, shop: UUID, person: object) -> AsyncIterator[Visitor]:
    """Somebody of the shop, before signing in; at the end the browser must have complained of nothing."""
    context, found = await open_window(chromium, address)
    yield found
    await context.close()
    assert found.complaints == []
