"""How values are written on a page: the filters of the templates."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from entrepot.kit.web.requests import web_address

MISSING = "–"

#: Status or action → the tone in which it is shown.
TONES = {
    "ok": {
        "completed",
        "active",
        "succeeded",
        "success",
        "insert",
        "confirmed",
        "delivered",
        "enabled",
        "published",
        "allow",
        "allowed",
        "accepted",
        "label_created",
        "labelled",
        "tracking_sent",
        "shipped",
        "received",
        "sent",
        "done",
        "resolved",
    },
    "bad": {
        "failed",
        "error",
        "delete",
        "rejected",
        "dead",
        "cancelled",
        "canceled",
        "deny",
        "denied",
        "acceptance_failed",
        "shipping_failed",
        "tracking_failed",
        "permanent",
    },
    "warn": {
        "partial",
        "draft",
        "completed_with_errors",
        "retrying",
        "uncertain",
        "suspended",
        "inactive",
        "paused",
        "waiting_for_person",
        "waiting_acceptance",
        "refused",
        "refund_requested",
        "shipment_cancelled",
        "unknown",
        "transient",
        "decision",
        "open",
        "unread",
    },
    "info": {
        "pending",
        "queued",
        "update",
        "idle",
        "review",
        "approved",
        "pending_acceptance",
        "ready_to_ship",
        "shipping",
        "planned",
        "bought",
        "intended",
    },
    "info busy": {
        "running",
        "polling",
        "downloading",
        "processing",
        "merging",
        "accepting",
        "refusing",
        "buying",
        "sending",
    },
}

WORDS = {
    "sku": "SKU",
    "url": "URL",
    "id": "id",
    "gid": "gid",
    "api": "API",
    "html": "HTML",
    "seo": "SEO",
    "csv": "CSV",
    "json": "JSON",
    "pdf": "PDF",
}
BREAK = re.compile(r"<\s*(?:br|/p|/li|/div|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)
HIDDEN = re.compile(r"<\s*(script|style)\b.*?<\s*/\s*\1\s*>", re.IGNORECASE | re.DOTALL)
STORED_WORD = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
TAG = re.compile(r"<[^>]*>")


def number(value: Any) -> str:
    """A count with separators between thousands."""
    return MISSING if value is None else f"{value:,}"


def amount(value: Any) -> str:
    """An amount of money with two decimals, without its currency."""
    return MISSING if value is None else f"{Decimal(str(value)):,.2f}"


def percent(value: float) -> str:
    """A share as a percentage: 0.123 → 12.3 %."""
    shown = abs(value) * 100
    return f"{shown:,.0f} %" if shown >= 100 else f"{shown:.1f} %"


def bytes_size(value: Any) -> str:
    """A size in units of 1,000 bytes."""
    if value is None:
        return MISSING
    size = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError


def duration(seconds: Any) -> str:
    """Seconds in words: 0.42 s, 12 s, 3 min 5 s."""
    if seconds is None:
        return MISSING
    total = float(seconds)
    if total < 10:
        return f"{total:.2f} s" if total < 1 else f"{total:.1f} s"
    if total < 60:
        return f"{total:.0f} s"
    minutes, rest = divmod(round(total), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def zone(context: Context) -> ZoneInfo:
    """The time zone of the account, the platform or the shop that the page is for."""
    viewer, tenant = context.get("viewer"), context.get("account") or context.get("platform")
    name = tenant.time_zone if tenant else viewer.timezone if viewer else ""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


@pass_context
def when(context: Context, value: datetime | None) -> str:
    """A point in time in the zone of the shop or platform; the year only where it is not this one."""
    if value is None:
        return MISSING
    local = value.astimezone(zone(context))
    same_year = local.year == datetime.now(UTC).year
    return f"{local.day} {local:%b %H:%M}" if same_year else f"{local.day} {local:%b %Y}"


def utc(value: datetime) -> str:
    """A point in time in full, for the tooltip."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@pass_context
def long_date(context: Context, value: datetime | date) -> str:
    """A day in words: Saturday, 21 November."""
    day = value.astimezone(zone(context)) if isinstance(value, datetime) else value
    return f"{day:%A}, {day.day} {day:%B}"


def label(value: Any) -> str:
    """A stored word as a reader expects it: PARTIALLY_REFUNDED → Partially refunded, ProductVariant → Product variant."""
    text = str(value)
    if not STORED_WORD.fullmatch(text):
        return text
    words = re.split(r"[_-]+", text) if not CAMEL.search(text) else CAMEL.sub(" ", text).split()
    shown = [WORDS.get(word.lower(), word.lower()) for word in words if word]
    return shown[0][:1].upper() + " ".join(shown)[1:] if shown else ""


def tone(status: Any) -> str:
    """The tone of a status badge."""
    word = str(status).lower()
    return next((name for name, words in TONES.items() if word in words), "")


def short(value: Any) -> str:
    """The end of an identifier, which tells UUIDv7 values apart better than their beginning."""
    text = str(value)
    return text[-12:] if len(text) > 16 else text


def plain(value: str | None) -> str:
    """The text of an HTML fragment. The fragment itself is never put on a page."""
    if not value:
        return ""
    text = TAG.sub("", BREAK.sub("\n", HIDDEN.sub("", value)))
    return re.sub(r"\n\s*\n+", "\n", unescape(text)).strip()


def brief(value: Any, length: int = 240) -> str:
    """A value of any type on one line, cut to `length`."""
    if value is None:
        return MISSING
    if isinstance(value, Mapping) and set(value) >= {"value", "type"}:
        value = value["value"]
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, (dict, list, bool))
        else str(value)
    )
    return text if len(text) <= length else text[: length - 1] + "…"


def marked(value: str) -> Markup:
    """Text with `code` and **strong** words marked up, everything else escaped."""
    escaped = str(escape(value))
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped))  # noqa: S704 (escaped just above)


def field_of(row: Any, name: str) -> Any:
    """A field of a mapping or of an object."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def price_range(row: Any) -> str:
    """The least and the greatest price of a product, or its only one."""
    low, high = field_of(row, "min_price"), field_of(row, "max_price")
    if low is None:
        return MISSING
    return amount(low) if high is None or high == low else f"{amount(low)}–{amount(high)}"


def thumbnail(url: str | None, width: int) -> str:
    """The address of a smaller copy, where the host (Shopify's) makes one; empty for what is no web address."""
    address = web_address(url)
    if address is None:
        return ""
    parts = urlsplit(address)
    if parts.hostname != "cdn.shopify.com":
        return address
    query = {**dict(parse_qsl(parts.query)), "width": str(width)}
    return urlunsplit(parts._replace(query=urlencode(query)))


def with_query(url: str, **changes: Any) -> str:
    """The address with parameters changed; None takes one away."""
    parts = urlsplit(str(url))
    query = dict(parse_qsl(parts.query))
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return urlunsplit(("", "", parts.path, urlencode(query), ""))


FILTERS = {
    "amount": amount,
    "brief": brief,
    "bytes": bytes_size,
    "date": long_date,
    "duration": duration,
    "label": label,
    "marked": marked,
    "number": number,
    "percent": percent,
    "plain": plain,
    "price_range": price_range,
    "short": short,
    "thumbnail": thumbnail,
    "tone": tone,
    "utc": utc,
    "when": when,
    "with_query": with_query,
}
