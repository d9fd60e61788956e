"""Products as a bulk operation delivers them, each with its variants, stock, media, metafields and publications."""

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from random import Random

from entrepot.sandbox.shopify.copywriting import describe
from entrepot.sandbox.shopify.drafts import Draft, Sellable, Totals
from entrepot.sandbox.shopify.media import Media
from entrepot.sandbox.shopify.metafields import Metafields
from entrepot.sandbox.shopify.options import OPTION_SETS, Axis, Choice
from entrepot.sandbox.shopify.values import Calendar, Node, gid, handle, line, money
from entrepot.sandbox.shopify.variants import Variants
from entrepot.sandbox.shopify.vocabulary import (
    BRANDS,
    DEPARTMENTS,
    EXTRA_TAGS,
    GIFT_CARD,
    LINES,
    MATERIALS,
)

_STATUSES = ("ACTIVE", "DRAFT", "ARCHIVED")
_STATUS_SHARES = (0.92, 0.97, 1.0)
# In the order of the departments: this shop sells more clothes than pet beds.
_DEPARTMENT_SHARES = list(accumulate((18, 17, 20, 12, 10, 9, 6, 4, 4)))
# Orders name at most about this many different products, whatever the size of the catalog.
_ORDERED_PRODUCTS = 4_000
# Shopify's numbers grow in uneven steps; ours grow in even ones.
_STEP = 32


class Catalog:
    """Makes products one after the other; counts what it makes and keeps a sample of what can be ordered."""

    def __init__(
        self,
        random: Random,
        calendar: Calendar,
        counts: Counter[str],
        *,
        currency: str,
        products: int,
        location_gids: list[str],
        publication_gids: list[str],
        material_gids: dict[str, str],
    ) -> None:
        self._random = random
        self._calendar = calendar
        self._counts = counts
        self._currency = currency
        self._products = products
        self._publication_gids = publication_gids
        self._first = 8_000_000_000_000 + random.randrange(1_000_000_000) * 64
        self._media = Media(random, counts)
        self._metafields = Metafields(random, counts, material_gids)
        self._variants = Variants(
            random, counts, self._metafields, currency=currency, location_gids=location_gids
        )
        self._handles: Counter[str] = Counter()
        self._ordered_every = max(1, products // _ORDERED_PRODUCTS)
        self.department_tags: list[str] = []
        self.sellable: list[Sellable] = []

    def product_gid(self, index: int) -> str:
        """The id of the product at that place of the catalog."""
        return gid("Product", self._first + index * _STEP)

    def products(self) -> Iterator[list[bytes]]:
        """Each product's lines: its own first, then its children, those of a variant right after the variant."""
        for index in range(self._products):
            yield self._product(index)

    def _product(self, index: int) -> list[bytes]:
        draft = self._draft(index)
        children: list[bytes] = []
        totals, articles = self._variants.add(children, draft)
        children += [line(image) for image in draft.images]
        self._media.add_moving(children, draft)
        self._metafields.add_to_product(children, draft)
        self._add_publications(children, draft)
        self._counts["Product"] += 1
        self.department_tags.append(draft.department.tag)
        if draft.status == "ACTIVE" and index % self._ordered_every == 0:
            self.sellable.append(Sellable(draft.gid, draft.title, draft.vendor, draft.is_gift_card, articles))
        return [line(self._node(draft, totals)), *children]

    def _pick(self, choices: tuple[str, ...]) -> str:
        return choices[int(self._random.random() * len(choices))]

    def _draft(self, index: int) -> Draft:
        random = self._random.random
        department = DEPARTMENTS[bisect(_DEPARTMENT_SHARES, random() * _DEPARTMENT_SHARES[-1])]
        # One product of a shop is its gift card.
        is_gift_card = index == 0 and self._products > 20
        kind = GIFT_CARD if is_gift_card else department.kinds[int(random() * len(department.kinds))]
        material = self._pick(MATERIALS[kind.made_of])
        vendor = self._pick(BRANDS)
        title = kind.noun if is_gift_card else _title(self._pick(LINES), material, kind.noun)
        if random() < 0.08 and not is_gift_card:
            title = f"{title} by {vendor}"
        plain = random() < 0.06 and not is_gift_card
        axes = () if plain else OPTION_SETS[kind.options]
        draft = Draft(
            number=self._first + index * _STEP,
            gid=self.product_gid(index),
            department=department,
            kind=kind,
            material=material,
            title=title,
            handle=self._handle(title),
            vendor=vendor,
            sku_stem=f"{vendor[:3].upper()}-{kind.noun.replace('-', '')[:3].upper()}-{index:05d}",
            status="ACTIVE" if is_gift_card else _STATUSES[bisect(_STATUS_SHARES, random())],
            is_gift_card=is_gift_card,
            axes=[(axis.name, self._values(axis)) for axis in axes],
            images=[],
            created=self._calendar.between(1_500, 40),
            updated=self._calendar.between(39, 1),
        )
        draft.images = self._media.images(draft)
        return draft

    def _handle(self, title: str) -> str:
        """The title's handle, numbered when it is taken, as Shopify does."""
        name = handle(title)
        taken = self._handles[name]
        self._handles[name] += 1
        return f"{name}-{taken}" if taken else name

    def _values(self, axis: Axis) -> list[Choice]:
        count = axis.fewest + int(self._random.random() * (axis.most - axis.fewest + 1))
        if axis.neighbors:
            start = int(self._random.random() * (len(axis.choices) - count + 1))
            return list(axis.choices[start : start + count])
        return self._random.sample(axis.choices, count)

    def _node(self, draft: Draft, totals: Totals) -> Node:
        random = self._random.random
        html, text = describe(draft, self._random)
        department = draft.department
        tags = {department.tag, handle(draft.kind.product_type)}
        tags.update(self._pick(EXTRA_TAGS) for _ in range(int(random() * 3)))
        options = [
            {"name": name, "position": position, "values": [choice.label for choice in values]}
            for position, (name, values) in enumerate(draft.axes, start=1)
        ]
        has_seo = random() < 0.6
        return {
            "id": draft.gid,
            "legacyResourceId": str(draft.number),
            "title": draft.title,
            "handle": draft.handle,
            "description": text,
            "descriptionHtml": html,
            "vendor": draft.vendor,
            "productType": draft.kind.product_type,
            "status": draft.status,
            "tags": sorted(tags),
            "isGiftCard": draft.is_gift_card,
            "hasOnlyDefaultVariant": not options,
            "hasOutOfStockVariants": totals.sold_out,
            "requiresSellingPlan": False,
            "options": options or [{"name": "Title", "position": 1, "values": ["Default Title"]}],
            "seo": {
                "title": f"{draft.title} | {draft.vendor}" if has_seo else None,
                "description": text[:155] if has_seo else None,
            },
            "priceRangeV2": {
                "minVariantPrice": money(totals.cheapest, self._currency),
                "maxVariantPrice": money(totals.dearest, self._currency),
            },
            "compareAtPriceRange": self._range_before(totals),
            "featuredMedia": _featured(draft),
            "templateSuffix": "story" if random() < 0.05 else None,
            "category": {
                "id": gid("TaxonomyCategory", department.taxonomy),
                "fullName": department.taxonomy_name,
            },
            "publishedAt": draft.created if draft.status == "ACTIVE" else None,
            "createdAt": draft.created,
            "updatedAt": draft.updated,
            "totalInventory": totals.stock,
            "tracksInventory": totals.tracked,
        }

    def _range_before(self, totals: Totals) -> Node | None:
        if not totals.dearest_before:
            return None
        return {
            "minVariantCompareAtPrice": money(totals.cheapest_before, self._currency),
            "maxVariantCompareAtPrice": money(totals.dearest_before, self._currency),
        }

    def _add_publications(self, lines: list[bytes], draft: Draft) -> None:
        published = draft.status == "ACTIVE"
        shown = 1 + int(self._random.random() * len(self._publication_gids))
        for identity in self._publication_gids[:shown]:
            node = {
                "isPublished": published,
                "publishDate": draft.created if published else None,
                "publication": {"id": identity},
                "__parentId": draft.gid,
            }
            lines.append(line(node))
        self._counts["ResourcePublicationV2"] += shown


def _featured(draft: Draft) -> Node | None:
    if not draft.images:
        return None
    first = draft.images[0]
    return {"id": first["id"], "preview": {"image": {"url": first["image"]["url"]}}}


def _title(name: str, material: str, noun: str) -> str:
    # No "Leather Leather Belt".
    return f"{name} {noun}" if noun.split()[0] in material else f"{name} {material} {noun}"
