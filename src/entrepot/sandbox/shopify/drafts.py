"""A product while it is being made: what its own line and the lines of its children have in common."""

from dataclasses import dataclass

from entrepot.sandbox.shopify.options import Choice
from entrepot.sandbox.shopify.values import Node
from entrepot.sandbox.shopify.vocabulary import Department, Kind


@dataclass(slots=True)
class Draft:
    """A product of which everything is decided but its variants."""

    number: int
    gid: str
    department: Department
    kind: Kind
    material: str
    title: str
    handle: str
    vendor: str
    sku_stem: str
    status: str
    is_gift_card: bool
    axes: list[tuple[str, list[Choice]]]
    images: list[Node]
    created: str
    updated: str


@dataclass(slots=True)
class Totals:
    """What a product says about its variants; amounts in cents, 0 where there are none."""

    cheapest: int = 0
    dearest: int = 0
    cheapest_before: int = 0
    dearest_before: int = 0
    stock: int = 0
    tracked: bool = False
    sold_out: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    """One variant that can be ordered."""

    gid: str
    title: str | None
    sku: str | None
    cents: int


@dataclass(frozen=True, slots=True)
class Sellable:
    """One active product that orders may name."""

    gid: str
    title: str
    vendor: str
    is_gift_card: bool
    articles: tuple[Article, ...]
