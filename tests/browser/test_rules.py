"""What somebody does with the rules of a platform, in a real browser."""

from uuid import UUID

import pytest
from playwright.async_api import Browser, expect
from tests.api.conftest import Person
from tests.browser.conftest import NARROW, Visitor, open_window
from tests.console.crew import DOCUMENTS, POLICY, draft_on, publish_on

from entrepot.kit.db import Database
from entrepot.marketplace.platforms.platforms import set_member

pytestmark = pytest.mark.browser

BASE = "/platforms/quayside"
EDIT = f"{BASE}/policies/RETURN/edit"


@pytest.fixture
async def author(db: Database, platform: UUID, person: Person, visitor: Visitor) -> Visitor:
    """An admin of the platform, signed in; there is one published policy."""
    async with db.system() as session:
        await set_member(session, platform, person.member.user_id, "admin")
    await publish_on(db, platform, "policies", POLICY)
    await visitor.sign_in()
    return visitor


async def test_a_rule_is_written_checked_tried_saved_and_published(author: Visitor) -> None:
    page = author.page
    await page.keyboard.press("g")
    await page.keyboard.press("u")
    await page.wait_for_url(author.address + BASE)
    await page.get_by_role("link", name="Policies", exact=True).first.click()
    await page.get_by_role("link", name="RETURN").click()
    await page.get_by_role("link", name="Write a new version").click()
    await page.wait_for_url(author.address + EDIT)
    text, verdict = page.get_by_role("textbox", name="The policy in YAML"), page.locator("[data-verdict]")
    await expect(verdict).to_have_text("No problems")
    written = await text.input_value()

    await text.fill(written.replace("$lte: 30", "$lte: thirty"))  # nothing is pressed: typing is enough
    await expect(verdict).to_contain_text("1 problem, in line")
    await expect(page.get_by_role("heading", name="Problems")).to_be_visible()
    await expect(text).to_have_attribute("aria-invalid", "true")
    problem = page.locator(".problems a")
    await expect(page.locator(".gutter .wrong")).to_have_text(
        (await problem.inner_text()).removeprefix("Line ")
    )
    await problem.click()
    await expect(text).to_be_focused()
    chosen = "const t = document.activeElement; t.value.slice(t.selectionStart, t.selectionEnd)"
    assert "thirty" in await page.evaluate(chosen)

    await text.fill(written.replace("$lte: 30", "$lte: 14"))
    await expect(verdict).to_have_text("No problems")
    await expect(page.locator("[data-findings]")).to_contain_text("days is at most 14")
    await page.get_by_role("textbox", name="Try it on an example").fill("days: 20")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-tried]")).to_contain_text("DENY by the default")
    await expect(page.locator("[data-tried]")).to_contain_text("days is at most 14")
    await expect(page.locator("[data-tried-said]")).to_contain_text("Tried: DENY by the default")

    await text.focus()
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("status").first).to_contain_text("The draft is saved")
    await page.get_by_role("link", name="Publish version 2").click()
    await expect(page.locator(".diff")).to_contain_text("14")
    await page.get_by_label("Why (optional)").fill("two weeks are enough")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.locator(".states")).to_contain_text("version 2")
    await expect(page.locator("main")).to_contain_text("two weeks are enough")
    # What was kept in the browser is gone with the saving.
    await author.open(EDIT)
    await expect(page.locator("[data-restore]")).to_be_hidden()


async def test_what_was_typed_outlives_leaving_the_page_and_the_session(author: Visitor) -> None:
    page = author.page
    page.on("dialog", lambda dialog: dialog.accept())
    await author.open(EDIT)
    text = page.get_by_role("textbox", name="The policy in YAML")
    await text.fill("key: RETURN\nname: half a thought")
    await expect(page.locator("[data-verdict]")).to_contain_text("problem")
    await author.open(BASE)
    await author.open(EDIT)
    await expect(text).not_to_have_value("key: RETURN\nname: half a thought")
    await page.get_by_role("button", name="Bring it back").click()
    await expect(text).to_have_value("key: RETURN\nname: half a thought")
    await page.context.clear_cookies()
    await text.press("End")
    await text.press_sequentially("s")
    await expect(page.locator("[data-verdict]")).to_contain_text("sign in again")
    assert "thoughts" in await text.input_value()
    await author.open(EDIT)
    await author.sign_in(EDIT)
    await page.get_by_role("button", name="Bring it back").click()
    assert "thoughts" in await text.input_value()
    # The browser logs the status of what was refused; that is no complaint of ours.
    author.complaints = [one for one in author.complaints if "401" not in one and "403" not in one]


async def test_lines_are_indented_and_undone(author: Visitor) -> None:
    await author.open(f"{BASE}/new/limits")
    text = author.page.get_by_role("textbox", name="The limit in YAML")
    await text.fill("scopes:")
    await text.press("End")
    await text.press("Enter")
    await text.press_sequentially("- limit: 3")
    await text.press("Enter")
    await text.press_sequentially("x")
    await expect(text).to_have_value("scopes:\n  - limit: 3\n  x")
    for _ in range(2):
        await text.press("Control+z")
    assert not (await text.input_value()).endswith("x")
    author.page.on("dialog", lambda dialog: dialog.accept())


async def test_the_editor_works_without_scripts(
    chromium: Browser, db: Database, platform: UUID, author: Visitor
) -> None:
    state = await author.page.context.storage_state()
    context, plain = await open_window(
        chromium, author.address, java_script_enabled=False, storage_state=state
    )
    await plain.open(EDIT)
    text = plain.page.get_by_role("textbox", name="The policy in YAML")
    written = (await text.input_value()).replace("name: Returns", "name: Plain")
    await text.fill(written.replace("result: ALLOW", "result: MAYBE"))
    await plain.page.get_by_role("button", name="Check").click()
    await expect(plain.page.locator(".problems").first).to_be_visible()
    await text.fill(written)
    await plain.page.get_by_role("button", name="Try", exact=True).click()
    await expect(plain.page.locator("[data-tried]")).to_contain_text("How it comes to that")
    await expect(text).to_have_value(written)
    await draft_on(db, platform, "policies", POLICY | {"name": "Theirs"})
    await plain.page.get_by_role("button", name="Save draft").click()
    await expect(plain.page.get_by_role("alert")).to_contain_text("has been changed since you opened it")
    await expect(plain.page.locator(".meanwhile .diff")).to_contain_text("Theirs")
    await plain.page.get_by_role("button", name="Save mine over it").click()
    await expect(plain.page.get_by_role("status").first).to_contain_text("The draft is saved")
    await context.close()


async def test_no_page_is_wider_than_a_phone(
    chromium: Browser, db: Database, platform: UUID, author: Visitor
) -> None:
    for plural, document in DOCUMENTS.items():
        await draft_on(db, platform, plural, document)
    paths = [BASE, f"{BASE}/policies", f"{BASE}/prices", f"{BASE}/new/prices", EDIT]
    for plural, document in DOCUMENTS.items():
        place = f"{BASE}/{plural}/{document['key']}"
        paths += [place, f"{place}/versions", f"{place}/decided"]
    paths += [f"{BASE}/policies/RETURN/{end}" for end in ("what-if", "steps?step=publish&version=2")]
    state = await author.page.context.storage_state()
    context, narrow = await open_window(
        chromium, author.address, viewport=NARROW, color_scheme="dark", storage_state=state
    )
    for path in paths:
        await narrow.open(path)
        await expect(narrow.page.locator("h1")).to_be_visible()
        assert await narrow.overflow() <= 0, path
    await context.close()
    assert narrow.complaints == []
