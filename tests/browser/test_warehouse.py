"""The warehouse's dashboard in a real browser: looked at, walked down to a fact, and a scenario seen happening."""

import re
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect
from tests.api.conftest import AddPerson, Person
from tests.browser.conftest import NARROW, Visitor, open_window
from tests.playground.dashboard.conftest import measure
from tests.playground.village import Village, settle

from entrepot.kit.db import Database

pytestmark = pytest.mark.browser

#: A world is made and goes on: this machine may have other things to do.
PATIENCE = 240_000


@pytest.fixture
async def person(add_person: AddPerson, shop: UUID) -> Person:
    """Somebody who may look at the warehouse."""
    return await add_person(shop, admin=True)


@pytest.fixture
async def village(db: Database) -> Village:
    """The village, rolled up."""
    found = Village()
    async with db.system() as session:
        await settle(session, found)
        await measure(session)
    return found


async def test_from_what_needs_attention_down_to_an_order(visitor: Visitor, village: Village) -> None:
    page = visitor.page
    await visitor.sign_in()
    await page.keyboard.press("g")
    await page.keyboard.press("w")
    await page.wait_for_url(visitor.address + "/warehouse")
    await expect(page.locator(".attention")).to_contain_text("Product out of stock")
    await page.get_by_role("link", name="Last 30 days").click()
    await page.wait_for_url("**/warehouse?range=30d")
    await expect(page.locator("[data-figure=orders] .value")).to_have_text("5")
    # The chart's table is reached and opened with the keyboard, and leads to the day.
    orders = page.get_by_role("region", name="Orders", exact=True).first
    await orders.get_by_text("The figures as a table").focus()
    await page.keyboard.press("Enter")
    await orders.get_by_role("link", name="3 Nov", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Monday 2025-11-03")
    await page.get_by_role("link", name="Orders", exact=True).last.click()
    await page.get_by_role("link", name="N-second").click()
    await expect(page.locator(".timeline li").first).to_contain_text("Order placed")
    await expect(page.locator(".timeline .bad")).to_contain_text("Payment failed")


async def test_a_point_of_a_chart_leads_to_its_bucket(visitor: Visitor, village: Village) -> None:
    page = visitor.page
    await visitor.sign_in("/warehouse?from=2025-11-01&to=2025-11-11&grain=day")
    await page.locator("#chart-orders .slot").nth(2).click()
    await page.wait_for_url(re.compile("at=2025-11-03"))


async def test_the_dashboard_fits_a_phone_in_the_dark(visitor: Visitor, village: Village) -> None:
    page = visitor.page
    await visitor.sign_in()
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    wide = []
    for path in (
        "/warehouse?range=30d",
        "/warehouse?range=24h&origin=simulated",
        "/warehouse/bucket?at=2025-11-03&grain=day",
        "/warehouse/scenarios",
        *(
            f"/warehouse/{kind}?range=all"
            for kind in ("orders", "events", "payments", "stock", "products", "users")
        ),
        f"/warehouse/orders/{village.id('second')}",
        f"/warehouse/products/{village.id('cable')}?range=all",
        f"/warehouse/shops/{village.id('lamps')}?range=all",
        f"/warehouse/users/{village.id('dee')}?range=all",
    ):
        await visitor.open(path)
        if await visitor.overflow() > 0:
            wide.append(path)
    assert wide == []


async def test_a_world_is_made_and_a_scenario_seen_happening(chromium: Browser, visitor: Visitor) -> None:
    page = visitor.page
    page.set_default_timeout(PATIENCE)
    await visitor.sign_in("/warehouse")
    await expect(page.get_by_role("heading", name="No facts yet")).to_be_visible()
    await page.get_by_role("link", name="Make a world").click()
    await page.get_by_label("First day (UTC)").fill("2025-10-01")
    await page.get_by_label("Until, not included").fill("2025-10-04")
    await page.get_by_label("Scenario").select_option("steady")
    await page.get_by_role("button", name="Make the world").click()
    await expect(page.locator("[data-live-badge]")).to_have_text("Completed", timeout=PATIENCE)
    await page.get_by_role("link", name="To the overview").click()
    await expect(page.locator(".page-head")).to_contain_text("2025-10-03 23:")

    await page.get_by_role("link", name="Run a scenario").click()
    await page.get_by_role("radio", name="Steady").check()
    await page.get_by_label("Simulated time").select_option("6")
    await page.get_by_label("Speed").select_option("14400")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("heading", name="What to expect")).to_be_visible()
    # Nobody reloads the page: the clock reaches its end, the charts are there, the button to stop is gone.
    await expect(page.locator("[data-live-badge]")).to_have_text("Completed", timeout=PATIENCE)
    await expect(page.locator("[data-clock]")).to_have_text("2025-10-04 06:00")
    await expect(page.locator("#chart-orders .curve")).to_have_count(1)
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert int((await page.locator("[data-field=facts]").inner_text()).replace(",", "")) > 0

    # Without scripts the page shows the same, and says it in words.
    context, plain = await open_window(chromium, visitor.address, java_script_enabled=False)
    await plain.sign_in("/warehouse/scenarios")
    await expect(plain.page.get_by_role("heading", name="Runs")).to_be_visible()
    await context.close()
