"""Pricing as pages: one recorded quote, step by step and reckoned again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.platforms.access import PlatformVisiting
from entrepot.marketplace.pricing.figures import NAMES
from entrepot.marketplace.pricing.kind import KIND
from entrepot.marketplace.pricing.money import format_amount
from entrepot.marketplace.pricing.replaying import get_decision, replay
from entrepot.marketplace.rulebook.authoring import list_versions
from entrepot.marketplace.rulebook.editing import as_text
from entrepot.marketplace.rulebook.visiting import KeyOf, address, head_of, render_rules

router = APIRouter(include_in_schema=False, prefix="/platforms/{platform_code}/prices/{key}")

#: The figures that every quote shows; of the others those that are not nothing everywhere.
ALWAYS = ("original", "discount", "total")


@router.get("/decisions/{decision_id}")
async def quote_page(request: Request, access: PlatformVisiting, key: KeyOf, decision_id: UUID) -> Response:
    """A recorded quote in which a rule matched."""
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    row = await get_decision(access.session, access.platform_id, decision_id)
    if key not in row["rule_keys"]:
        raise NotFoundError(f"The rule {key!r} had no part in the quote {decision_id}.")
    again = replay(row)
    quote = row["quote_json"]
    figures = figures_of(quote)
    return render_rules(
        request,
        access,
        "quote.html",
        kind=KIND,
        **head_of(access, KIND, versions, "decided"),
        row=row,
        currency=quote["currency"],
        total=f"{_money(quote, quote['totals']['total'])} {quote['currency']}",
        figures=figures,
        lines=lines_of(quote, figures),
        steps=[step["words"] for step in again.quote.trace],
        differences=again.differences,
        rules=[{**rule, "href": address(access, KIND, rule["key"])} for rule in row["applied_rules_json"]],
        cart=as_text(row["cart_json"]),
    )


def figures_of(quote: Mapping[str, Any]) -> list[str]:
    """The names of the figures that are worth a column, in the order of a quote."""
    return [name for name in NAMES if name in ALWAYS or quote["totals"].get(name)]


def lines_of(quote: Mapping[str, Any], figures: list[str]) -> list[dict[str, Any]]:
    """The lines of a quote, its shipping and its totals, with their figures as people read them."""
    found = [
        {"name": line["sku"] or line["id"], "detail": f"× {line['quantity']}", "of": line}
        for line in quote["lines"]
    ]
    if quote["shipping"] is not None:
        found.append({"name": "Shipping", "detail": "", "of": quote["shipping"]})
    found.append({"name": "Total", "detail": "", "of": quote["totals"]})
    return [{**line, "values": [_money(quote, line["of"][name]) for name in figures]} for line in found]


def _money(quote: Mapping[str, Any], minor: int) -> str:
    return format_amount(minor, quote["minor_digits"])
