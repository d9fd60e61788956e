"""Variants with their prices, identifiers and stock."""

from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from itertools import product
from random import Random

from entrepot.sandbox.shopify.drafts import Article, Draft, Totals
from entrepot.sandbox.shopify.metafields import Metafields
from entrepot.sandbox.shopify.options import SWATCHES, Choice
from entrepot.sandbox.shopify.values import Node, charm, gid, gtin13, line, money, price
from entrepot.sandbox.shopify.vocabulary import Kind

_LOCATION_SHARES = (0.6, 0.9, 1.0)
_ENDINGS = (99, 99, 99, 95, 90, 50, 0)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What all variants of a product share: cents, the share of the old price, and how they are stocked."""

    base: int
    ending: int
    reduction: float
    tracked: bool
    policy: str
    locations: int


class Variants:
    """Makes variants, each followed by its media and inventory levels."""

    def __init__(
        self,
        random: Random,
        counts: Counter[str],
        metafields: Metafields,
        *,
        currency: str,
        location_gids: list[str],
    ) -> None:
        self._random = random
        self._counts = counts
        self._metafields = metafields
        self._currency = currency
        self._locations = [(identity, identity.rpartition("/")[2]) for identity in location_gids]
        self._first = 44_000_000_000_000 + random.randrange(1_000_000_000) * 64
        self._first_barcode = random.randrange(10_000_000_000)

    def add(self, lines: list[bytes], draft: Draft) -> tuple[Totals, tuple[Article, ...]]:
        """Adds the lines of all variants of the product; gives their sums and what can be ordered of them."""
        terms = self._terms(draft)
        totals = Totals(tracked=terms.tracked)
        image_of_color = self._image_of_color(draft)
        combinations = product(*[values for _, values in draft.axes])
        articles = [
            self._add_variant(lines, draft, terms, totals, position, choices, image_of_color)
            for position, choices in enumerate(combinations, start=1)
        ]
        return totals, tuple(articles)

    def _terms(self, draft: Draft) -> _Terms:
        random = self._random.random
        if draft.is_gift_card:
            return _Terms(draft.kind.cents, 0, 0.0, tracked=False, policy="DENY", locations=0)
        return _Terms(
            # Many cheap ones and a few dear ones.
            base=max(300, round(draft.kind.cents * self._random.lognormvariate(0.0, 0.38))),
            ending=_ENDINGS[int(random() * len(_ENDINGS))],
            reduction=1.15 + random() * 0.5 if random() < 0.14 else 0.0,
            tracked=random() > 0.03,
            policy="CONTINUE" if random() < 0.07 else "DENY",
            locations=1 + bisect(_LOCATION_SHARES, random()),
        )

    def _image_of_color(self, draft: Draft) -> dict[str, Node]:
        colors = next((values for name, values in draft.axes if name == "Color"), [])
        return {choice.label: image for choice, image in zip(colors, draft.images, strict=False)}

    def _add_variant(
        self,
        lines: list[bytes],
        draft: Draft,
        terms: _Terms,
        totals: Totals,
        position: int,
        choices: tuple[Choice, ...],
        image_of_color: dict[str, Node],
    ) -> Article:
        random = self._random.random
        number = self._first + self._counts["ProductVariant"]
        identity = gid("ProductVariant", number)
        item = number + 1_000_000_000
        percent = 100
        color = None
        for choice in choices:
            percent = percent * choice.percent // 100
            if choice.label in SWATCHES:
                color = choice.label
        cents = charm(terms.base * percent // 100, terms.ending)
        before = charm(round(cents * terms.reduction), 0) if terms.reduction else 0
        image = image_of_color.get(color) if color else None
        quantity = self._quantity(terms)
        out = terms.tracked and quantity <= 0
        title = " / ".join([choice.label for choice in choices]) or None
        sku = "-".join([draft.sku_stem, *[choice.code for choice in choices]]) if random() > 0.02 else None
        goods = not draft.is_gift_card
        node = {
            "id": identity,
            "legacyResourceId": str(number),
            "title": title or "Default Title",
            "sku": sku,
            "barcode": gtin13(self._first_barcode + number) if goods and random() > 0.05 else None,
            "price": price(cents),
            "compareAtPrice": price(before) if before else None,
            "inventoryQuantity": quantity,
            "inventoryPolicy": terms.policy,
            "inventoryItem": {
                "id": gid("InventoryItem", item),
                "legacyResourceId": str(item),
                "tracked": terms.tracked,
                "requiresShipping": goods,
                "unitCost": money(cents * (36 + draft.number // 32 % 13) // 100, self._currency)
                if goods
                else None,
                "measurement": {"weight": _weight(draft.kind)},
            },
            "taxable": goods,
            "taxCode": None,
            "availableForSale": draft.status == "ACTIVE" and (not out or terms.policy == "CONTINUE"),
            "requiresComponents": False,
            "position": position,
            "selectedOptions": _selected(draft, choices),
            "image": _as_image(image) if image else None,
            "createdAt": draft.created,
            "updatedAt": draft.updated,
            "__parentId": draft.gid,
        }
        lines.append(line(node))
        self._counts["ProductVariant"] += 1
        if image:
            lines.append(line({"id": image["id"], "__parentId": identity}))
            self._counts["VariantMedia"] += 1
        if terms.tracked:
            self._add_levels(lines, identity, item, quantity, terms.locations)
        if color and random() < 0.04:
            self._metafields.add(lines, identity, "custom", "swatch", "color", SWATCHES[color])
        _add_up(totals, cents, before, quantity, out=out)
        return Article(identity, title, sku, cents)

    def _quantity(self, terms: _Terms) -> int:
        if not terms.tracked:
            return 0
        drawn = self._random.random()
        if drawn < 0.08:
            # What is sold on back order goes below zero.
            return -int(drawn * 100) if terms.policy == "CONTINUE" else 0
        return 1 + int(self._random.expovariate(1 / 26))

    def _add_levels(self, lines: list[bytes], variant: str, item: int, quantity: int, locations: int) -> None:
        """The stock at each location; what is available there adds up to the variant's quantity."""
        rest = quantity
        for place in range(locations):
            location, number = self._locations[place]
            here = rest
            if place < locations - 1 and quantity > 0:
                here = int(rest * (0.5 + self._random.random() * 0.4))
            rest -= here
            committed = here % 4 if here > 8 else 0
            node = {
                "id": f"gid://shopify/InventoryLevel/{number}?inventory_item_id={item}",
                "location": {"id": location},
                "quantities": [
                    {"name": "available", "quantity": here},
                    {"name": "committed", "quantity": committed},
                    {"name": "on_hand", "quantity": here + committed},
                ],
                "__parentId": variant,
            }
            lines.append(line(node))
        self._counts["InventoryLevel"] += locations


def _as_image(media: Node) -> Node:
    return {"id": media["id"].replace("MediaImage", "ProductImage"), "url": media["image"]["url"]}


def _selected(draft: Draft, choices: tuple[Choice, ...]) -> list[Node]:
    if not choices:
        return [{"name": "Title", "value": "Default Title"}]
    return [
        {"name": name, "value": choice.label} for (name, _), choice in zip(draft.axes, choices, strict=True)
    ]


def _weight(kind: Kind) -> Node:
    if kind.grams >= 1_000:
        return {"value": kind.grams / 1_000, "unit": "KILOGRAMS"}
    return {"value": float(kind.grams), "unit": "GRAMS"}


def _add_up(totals: Totals, cents: int, before: int, quantity: int, *, out: bool) -> None:
    totals.cheapest = min(totals.cheapest or cents, cents)
    totals.dearest = max(totals.dearest, cents)
    totals.cheapest_before = min(totals.cheapest_before or before, before)
    totals.dearest_before = max(totals.dearest_before, before)
    totals.stock += quantity
    totals.sold_out |= out
