"""What a merchant does with the console, in a real browser. No console error and no CSP violation is let pass."""

import pytest
from playwright.async_api import Browser, expect
from tests.api.conftest import jsonl, product_lines
from tests.browser.conftest import NARROW, Visitor, open_window

pytestmark = pytest.mark.browser

PAGES = (
    "/", "/imports", "/imports/new", "/products", "/products?q=nothing+like+it", "/audit", "/data", "/data?q=price",
    "/data/pim/shopify_products", "/data/pim/shopify_products?view=dictionary", "/data/pim/app_sessions", "/account",
    "/reference", "/nothing/here",
)  # fmt: skip


def shop_file() -> bytes:
    """Products with pictures, one of them with a price that cannot be read."""
    lines = product_lines(6)
    for number, line in enumerate(lines):
        if "handle" in line:
            line["featuredImage"] = {"url": f"https://cdn.shopify.com/s/files/1/0001/mug-{number}.png"}
    lines[-1]["price"] = "12,5"
    return jsonl(lines)


async def test_an_import_is_watched_to_its_end_and_its_product_opened(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in()
    await expect(page.get_by_role("heading", name="The warehouse is empty")).to_be_visible()
    await visitor.upload("shop.jsonl", shop_file())
    await expect(page.locator(".equation")).to_contain_text("1 rejected")
    rejected = page.get_by_role("region", name="Rejected lines")
    await expect(rejected.last).to_contain_text("12,5")

    await page.get_by_role("link", name="Products", exact=True).click()
    await page.wait_for_url("**/products")
    await page.keyboard.press("/")
    await page.keyboard.type("mug-003")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/products?q=mug-003")  # the fields that are empty are not in the address
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="Enamel Mug 3").click()
    await expect(page.get_by_role("heading", name="Enamel Mug 3", level=1)).to_be_visible()
    await expect(page.locator("main")).to_contain_text("MUG-003")
    await expect(page.locator(".gallery img")).to_have_js_property("naturalWidth", 1)

    await page.keyboard.press("g")
    await page.keyboard.press("h")
    await page.wait_for_url(visitor.address + "/")
    await expect(page.locator(".attention")).to_contain_text("Lines rejected in the last import")


async def test_filters_and_order_stay_in_the_address(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in()
    await visitor.upload("shop.jsonl", jsonl(product_lines(5)))
    await visitor.open("/products")
    await page.get_by_label("Status").select_option("ACTIVE")  # searches at once
    await page.wait_for_url("**/products?status=ACTIVE")
    await page.get_by_role("columnheader", name="Product").get_by_role("link").click()
    await page.wait_for_url("**/products?status=ACTIVE&sort=title")
    await expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Product")
    titles = await page.locator("tbody .item a").all_inner_texts()
    assert titles == ["Enamel Mug 2", "Enamel Mug 4"]
    await page.reload()
    assert await page.locator("tbody .item a").all_inner_texts() == titles
    await page.go_back()
    await page.wait_for_url("**/products?status=ACTIVE")


async def test_what_was_wanted_comes_after_signing_in(visitor: Visitor) -> None:
    await visitor.sign_in("/products?q=mug&sort=title")
    await expect(visitor.page.get_by_label("Search")).to_have_value("mug")


async def test_signing_out_closes_the_console(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.page.get_by_role("button", name="Sign out").click()
    await visitor.page.wait_for_url("**/sign-in")
    await visitor.open("/products")
    await expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_wrong_password_says_so_and_keeps_what_was_typed(chromium: Browser, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/sign-in")
    await page.get_by_label("Shop").fill("harbor.myshopify.com")
    await page.get_by_label("Email").fill("mara@harbor.example")
    await page.get_by_label("Password").fill("not the right one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("is wrong")
    await expect(page.get_by_label("Email")).to_have_value("mara@harbor.example")
    await expect(page.get_by_label("Password")).to_have_value("")
    # The browser logs the status of the answer; that is no complaint of ours.
    visitor.complaints = [text for text in visitor.complaints if "401" not in text]


async def test_the_theme_follows_the_system_until_it_is_chosen(chromium: Browser, visitor: Visitor) -> None:
    page = visitor.page
    paper = "getComputedStyle(document.body).backgroundColor"
    await visitor.sign_in()
    light = await page.evaluate(paper)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(paper)
    assert light != dark
    await page.get_by_role("button", name="Theme").click()
    assert await page.evaluate(paper) == light
    await page.reload()
    assert await page.evaluate(paper) == light  # the choice is kept, without a flash: the server wrote it
    await page.keyboard.press("t")
    assert await page.evaluate(paper) == dark


async def test_the_keyboard_reaches_everything(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    for key, path in (
        ("p", "/products"),
        ("i", "/imports"),
        ("a", "/audit"),
        ("d", "/data"),
        ("s", "/account"),
    ):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await page.wait_for_url(visitor.address + path)
        await expect(page.locator(".routes [aria-current=page]")).to_have_count(1)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    # What is typed into a field is text and leads nowhere.
    await visitor.open("/products")
    await page.get_by_label("Search").fill("")
    await page.get_by_label("Search").press_sequentially("gap/t?")
    await expect(page.get_by_label("Search")).to_have_value("gap/t?")


async def test_no_page_is_wider_than_a_phone(chromium: Browser, visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.upload("a-file-with-quite-a-long-name-that-nobody-cut-short.jsonl", shop_file())
    paths = [*PAGES, visitor.page.url.removeprefix(visitor.address)]
    await visitor.open("/products")
    product = await visitor.page.locator("tbody .item a").first.get_attribute("href")
    paths.append(str(product))
    wide = []
    for width in (NARROW["width"], 360):
        await visitor.page.set_viewport_size({"width": width, "height": 800})
        for path in paths:
            await visitor.open(path)
            if await visitor.overflow() > 0:
                wide.append((width, path))
    assert wide == []
    visitor.complaints = [text for text in visitor.complaints if "404" not in text]


async def test_on_a_phone_the_menu_opens_and_closes(chromium: Browser, visitor: Visitor) -> None:
    page = visitor.page
    await page.set_viewport_size({"width": 390, "height": 800})
    await visitor.sign_in()
    menu = page.get_by_role("navigation", name="Main")
    await expect(menu).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await expect(menu).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await menu.get_by_role("link", name="Products").click()
    await page.wait_for_url("**/products")


async def test_everything_works_without_scripts(chromium: Browser, visitor: Visitor) -> None:
    context, plain = await open_window(chromium, visitor.address, java_script_enabled=False)
    page = plain.page
    await plain.sign_in()
    await page.goto(visitor.address + "/imports/new")
    await page.set_input_files(
        "input[type=file]", {"name": "a.jsonl", "mimeType": "text/plain", "buffer": jsonl(product_lines(2))}
    )
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.wait_for_url("**/imports/*-*")
    await page.goto(visitor.address + "/products?q=mug")
    await page.get_by_label("Status").select_option("DRAFT")
    await page.get_by_role("button", name="Search").click()
    await page.wait_for_url("**status=DRAFT**")
    await page.get_by_role("button", name="Theme").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await context.close()


async def test_what_the_shop_wrote_never_runs(visitor: Visitor) -> None:
    lines = product_lines(1)
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'>"
    for name in ("title", "vendor", "productType", "descriptionHtml"):
        lines[0][name] = attack
    lines[0]["tags"] = [attack]
    lines[0]["featuredImage"] = {"url": "javascript:alert(3)"}
    lines[1]["title"] = attack
    opened: list[str] = []
    visitor.page.on("dialog", lambda dialog: opened.append(dialog.message))
    await visitor.sign_in()
    await visitor.upload("attack.jsonl", jsonl(lines))
    for path in ("/products", "/", "/data/pim/shopify_products", "/audit"):
        await visitor.open(path)
    await visitor.open("/products")
    await visitor.page.locator("tbody .item a").first.click()
    await expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    assert await visitor.page.locator("a[href^=javascript]").count() == 0
    assert opened == []


async def test_a_dropped_file_is_taken(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in("/imports/new")
    transfer = await page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['{}'], 'dropped.jsonl')); return data; }"
    )
    await page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    await expect(page.locator("[data-drop-name]")).to_have_text("dropped.jsonl")


async def test_a_file_that_cannot_be_imported_brings_the_form_back(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in("/imports/new")
    await page.set_input_files(
        "input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    )
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("neither")
    await page.set_input_files(
        "input[type=file]", {"name": "b.jsonl", "mimeType": "text/plain", "buffer": jsonl(product_lines(1))}
    )
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.wait_for_url("**/imports/*-*")
    visitor.complaints = [text for text in visitor.complaints if "422" not in text]
