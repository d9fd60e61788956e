"""How values are written."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from jinja2 import Environment

from entrepot.console import formats
from entrepot.console.environment import make_environment


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("PARTIALLY_REFUNDED", "Partially refunded"),
        ("wrong_type", "Wrong type"),
        ("ProductVariant", "Product variant"),
        ("Model3d", "Model3d"),
        ("", ""),
        ("missing_sku", "Missing SKU"),
        ("ACTIVE", "Active"),
        ("any words, as they are", "any words, as they are"),
    ],
)
def test_stored_words_are_made_readable(value: str, written: str) -> None:
    assert formats.label(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0.4213, "0.42 s"),
        (3.25, "3.2 s"),
        (12.4, "12 s"),
        (59.7, "60 s"),
        (185, "3 min 5 s"),
        (3725, "1 h 2 min"),
    ],
)
def test_durations(seconds: float | None, written: str) -> None:
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(
    ("size", "written"),
    [(None, "–"), (0, "0 bytes"), (999, "999 bytes"), (48_210_332, "48.2 MB"), (3 * 10**12, "3,000.0 GB")],
)
def test_sizes(size: int | None, written: str) -> None:
    assert formats.bytes_size(size) == written


def test_money_keeps_its_cents() -> None:
    assert formats.amount(Decimal("1234567.891")) == "1,234,567.89"
    assert formats.price_range({"min_price": Decimal("19.5"), "max_price": Decimal(21)}) == "19.50–21.00"
    assert formats.price_range({"min_price": Decimal("19.5"), "max_price": Decimal("19.50")}) == "19.50"


def test_html_becomes_text_and_scripts_vanish() -> None:
    html = "<p>Two &amp; more</p><ul><li>a</li><li>b</li></ul><script>alert(1)</script><STYLE>p{}</STYLE >"
    assert formats.plain(html) == "Two & more\na\nb"


def test_only_shopify_is_asked_for_a_smaller_picture() -> None:
    assert (
        formats.thumbnail("https://cdn.shopify.com/a.jpg?v=1", 96)
        == "https://cdn.shopify.com/a.jpg?v=1&width=96"
    )
    assert formats.thumbnail("https://img.example/a.jpg", 96) == "https://img.example/a.jpg"
    assert formats.thumbnail("javascript:alert(1)", 96) == ""
    assert formats.thumbnail(None, 96) == ""


def test_parameters_are_changed_and_taken_away() -> None:
    assert (
        formats.with_query("/products?q=a%26b&sort=title", sort="-title") == "/products?q=a%26b&sort=-title"
    )
    assert formats.with_query("/products?q=a&after=x", after=None) == "/products?q=a"
    # An address that leads elsewhere is made to lead here.
    assert formats.with_query("https://evil.example/x?y=1", z="2") == "/x?y=1&z=2"


@pytest.fixture(scope="module")
def environment() -> Environment:
    """The templates' environment."""
    return make_environment()


def test_times_are_the_shops(environment: Environment) -> None:
    class Viewer:
        timezone = "America/Toronto"

    template = environment.from_string("{{ at | when }}")
    at = datetime(2020, 7, 1, 2, 30, tzinfo=UTC)
    assert template.render(at=at, viewer=Viewer) == "30 Jun 2020"
    Viewer.timezone = "Nowhere/At-all"
    assert template.render(at=at, viewer=Viewer) == "1 Jul 2020"


def test_marked_text_stays_escaped(environment: Environment) -> None:
    rendered = environment.from_string("{{ t | marked }}").render(t="**a** `b` <script>")
    assert rendered == "<strong>a</strong> <code>b</code> &lt;script&gt;"
