"""How pricing rules refer to one another: found when they are saved, where it cannot be.

Every function raises InvalidInputError with the path of what is wrong.
"""

import difflib
from collections.abc import Iterator, Sequence

from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.schemas import DEFAULT_GROUP, EXCLUSIVE_GROUP, PricingRuleDocument


def check_stack(documents: Sequence[PricingRuleDocument], paths: Sequence[str]) -> None:
    """Check how rules refer to one another: to known rules of the same type, in an order that there can be."""
    by_key: dict[str, PricingRuleDocument] = {}
    for document, path in zip(documents, paths, strict=True):
        if document.key in by_key:
            refuse(f"{path}.key", f"there are two rules {document.key!r}.", "Give each a key of its own.")
        by_key[document.key] = document
    for document, path in zip(documents, paths, strict=True):
        for place, field, other in references(document, path):
            found = by_key.get(other)
            if found is None:
                near = difflib.get_close_matches(other, by_key, n=1)
                refuse(place, f"there is no rule {other!r}.", f"Did you mean {near[0]!r}?" if near else None)
            check_reference(document, found, field, place)
    _check_circles(documents, paths)


def check_reference(
    document: PricingRuleDocument, other: PricingRuleDocument, field: str, place: str
) -> None:
    """Check that one rule can come after another, or exclude it."""
    if (document.type, payer(document)) != (other.type, payer(other)):
        refuse(
            place,
            f"{other.key!r} is a {other.type}, and {document.key!r} a {document.type}.",
            "Rules refer to rules of their own type; the order of the types is fixed.",
        )
    if (document.level == "shipping") != (other.level == "shipping"):
        refuse(place, "a rule on the shipping and one on lines never meet.", "Remove the reference.")
    if field != "after":
        return
    if document.level == "line" and other.level == "cart" and document.type == "DISCOUNT":
        refuse(
            place,
            f"discounts on lines are reckoned before {other.key!r}, which is one on the cart.",
            "Give both the same level.",
        )
    if other.stacking_group == EXCLUSIVE_GROUP:
        refuse(
            place,
            f"nothing of its type applies together with {other.key!r}, which is EXCLUSIVE.",
            "Remove the reference, or the exclusivity.",
        )
    if document.stacking_group == other.stacking_group != DEFAULT_GROUP:
        refuse(
            place,
            f"only one rule of the stacking group {other.stacking_group!r} applies, so {document.key!r} never comes "
            f"after {other.key!r}.",
            "Give one of them another group.",
        )


def references(document: PricingRuleDocument, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Place, field and key of each rule that a rule refers to."""
    at = f"{path}." if path else ""
    for field, keys in (("after", document.after), ("excludes", document.excludes)):
        for index, key in enumerate(keys):
            yield f"{at}{field}[{index}]", field, key


def _check_circles(documents: Sequence[PricingRuleDocument], paths: Sequence[str]) -> None:
    """Follow the references from each rule; InvalidInputError for a way that leads back."""
    following = {
        document.key: list(references(document, path))
        for document, path in zip(documents, paths, strict=True)
    }
    done: set[str] = set()
    for start in following:
        # The rules on the way, and of each the references that are still to be followed.
        way = {start: iter(following[start])}
        while way:
            key = next(reversed(way))
            place, _, other = next(way[key], ("", "", None)) if key not in done else ("", "", None)
            if other is None:
                done.add(key)
                del way[key]
            elif other in way:
                circle = [*way][[*way].index(other) :]
                refuse(
                    place,
                    f"the rules refer to one another in a circle: {' → '.join([*circle, other])}.",
                    "Remove one of the references.",
                )
            else:
                way[other] = iter(following[other])


def payer(document: PricingRuleDocument) -> str:
    """Who pays what the rule makes: "buyer" or "seller"."""
    if document.type == "COMMISSION":
        return "seller"
    return document.charged_to if document.type == "FEE" else "buyer"
