"""A day's work with an account of a marketplace, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Browser, Route, expect
from tests.api.conftest import Person
from tests.browser.conftest import NARROW, Visitor, open_window
from tests.mirakl.pages.seeding import Seeded, add_account, fill

from entrepot.kit.db import Database

pytestmark = pytest.mark.browser

#: Names of what can be pressed, typed into or followed that nothing can tell apart by ear.
NAMELESS = """
[...document.querySelectorAll("main a, main button, main input:not([type=hidden]), main select, main textarea, main summary")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.innerText || one.getAttribute("aria-label") || one.labels?.[0]?.innerText || "").trim())
  .map((one) => one.outerHTML.slice(0, 120))
"""


@pytest.fixture
async def account(db: Database, person: Person) -> Seeded:
    """An account with something of everything, in which the person is an operator."""
    seeded = await add_account(db, "best-buy", {person.member.user_id: "operator"})
    await fill(db, seeded)
    return seeded


async def test_a_parcel_is_packed_with_the_keyboard_alone(account: Seeded, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in()
    await page.keyboard.press("g")
    await page.keyboard.press("m")
    await page.wait_for_url(f"{visitor.address}{account.base}")
    await expect(page.get_by_role("heading", name="What is due")).to_be_visible()

    await visitor.open(f"{account.base}/packing")
    await expect(page.get_by_role("textbox", name="Scan a label, or type the number")).to_be_focused()
    await page.keyboard.press("Enter")  # nothing typed: the most urgent one
    await page.wait_for_url(f"**/packing/{account.shipments['ORD-1003-A']}")

    # A scanner types and presses Enter; nothing is ever clicked.
    typed = asyncio.Event()

    async def late(route: Route) -> None:
        await typed.wait()
        await route.continue_()

    # Two scans before the server has answered the first: both count.
    await page.route("**/packing/*", late)
    await expect(page.get_by_role("textbox", name="Barcode")).to_be_focused()
    for barcode in ("BASE-14", "RAM-16"):
        await page.keyboard.type(barcode)
        await page.keyboard.press("Enter")
    typed.set()
    await expect(page.locator(".heard")).to_contain_text("Memory 16 GB is in.")
    await expect(page.locator(".ticks .in")).to_have_count(2)
    await page.unroute("**/packing/*", late)
    # What does not reach the server is named.
    await page.route("**/packing/*", lambda route: route.abort())
    await page.keyboard.type("CHG-65")
    await page.keyboard.press("Enter")
    await expect(page.locator(".heard")).to_contain_text("Not taken: CHG-65.")
    await page.unroute_all()
    assert [one for one in visitor.complaints if "ERR_FAILED" not in one] == []
    visitor.complaints.clear()
    for barcode, heard in (
        ("1234567890123456", "The label comes last."),
        ("CHG-65", "does not belong in this parcel"),
        ("SSD-512", "Disk 512 GB is in."),
    ):
        await expect(page.get_by_role("textbox", name="Barcode")).to_be_focused()
        await page.keyboard.type(barcode)
        await page.keyboard.press("Enter")
        await expect(page.locator(".heard")).to_contain_text(heard)
    await expect(page.locator("#next")).to_have_text("Everything is in. Scan the label.")
    await expect(page.get_by_role("textbox", name="Barcode")).to_be_focused()
    await page.keyboard.type("1234567890123456")
    await page.keyboard.press("Enter")
    await expect(page.locator("#next")).to_have_text("Packed. Take the next one.")
    await expect(page.locator(".ticks .in")).to_have_count(4)
    await expect(page.get_by_role("textbox", name="Next: scan a label")).to_be_focused()


async def test_it_fits_a_phone_in_the_dark_and_everything_has_a_name(
    account: Seeded, visitor: Visitor, chromium: Browser
) -> None:
    await visitor.sign_in()
    cookies = await visitor.page.context.cookies()
    context, phone = await open_window(
        chromium, visitor.address, viewport=NARROW, color_scheme="dark", has_touch=True
    )
    await context.add_cookies(
        [{"name": one["name"], "value": one["value"], "url": visitor.address} for one in cookies]
    )
    paths = [
        "",
        "orders",
        "packing",
        "labels",
        "conversations",
        "replies",
        "failures",
        "calls",
        "money",
        "stock",
    ]
    paths += ["orders/ORD-1001-A", "orders/ORD-1003-A", f"packing/{account.shipments['ORD-1003-A']}"]
    paths += [f"stock/{account.components['SSD-512']}", f"conversations/{account.conversations['late']}"]
    for path in paths:
        await phone.open(f"{account.base}/{path}".rstrip("/"))
        assert await phone.overflow() <= 0, path
        wide = "[...document.querySelectorAll('.table')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        assert await phone.page.evaluate(wide) == 0, path
        assert await phone.page.evaluate(NAMELESS) == [], path
    await context.close()
    assert phone.complaints == []
