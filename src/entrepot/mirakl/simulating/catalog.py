"""The shop of a simulation: refurbished laptops, the components that they are built from, and their listings."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Components: name → type. A kit is built from parts, and has no stock of its own.
COMPONENTS = {
    "Chassis 13": "BASE",
    "Chassis 14": "BASE",
    "Chassis 15": "BASE",
    "RAM 8 GB": "RAM",
    "RAM 16 GB": "RAM",
    "SSD 256 GB": "SSD",
    "SSD 512 GB": "SSD",
    "Charger 65 W": "POWER",
    "Power cord": "POWER",
}
KITS: Mapping[str, Mapping[str, int]] = {"Power kit": {"Charger 65 W": 1, "Power cord": 1}}


@dataclass(frozen=True, slots=True)
class Variant:
    """A laptop as it is sold: its SKU, its base, what it is built from, what a packed one weighs."""

    sku: str
    base: str
    bill: Mapping[str, int]
    weight_kg: str = "1.8"


VARIANTS = (
    Variant("LAP-13-8", "Laptop 13", {"Chassis 13": 1, "RAM 8 GB": 1, "SSD 256 GB": 1, "Power kit": 1}),
    Variant("LAP-13-16", "Laptop 13", {"Chassis 13": 1, "RAM 8 GB": 2, "SSD 512 GB": 1, "Power kit": 1}),
    Variant("LAP-14-16", "Laptop 14", {"Chassis 14": 1, "RAM 16 GB": 1, "SSD 512 GB": 1, "Power kit": 1}),
    Variant("LAP-14-32", "Laptop 14", {"Chassis 14": 1, "RAM 16 GB": 2, "SSD 512 GB": 1, "Power kit": 1}),
    Variant(
        "LAP-15-32", "Laptop 15", {"Chassis 15": 1, "RAM 16 GB": 2, "SSD 512 GB": 2, "Power kit": 1}, "2.9"
    ),
)
#: Listing → variant; a variant may be listed more than once.
LISTINGS = {f"SHOP-{variant.sku}": variant.sku for variant in VARIANTS} | {"SHOP-LAP-14-16-B": "LAP-14-16"}


def needs(sku: str | None, quantity: int) -> dict[str, int]:
    """The components that units of a variant take, kits taken apart; none for what is no variant."""
    variant = next((one for one in VARIANTS if one.sku == sku), None)
    found: dict[str, int] = {}
    for name, units in variant.bill.items() if variant else ():
        for part, count in KITS.get(name, {name: 1}).items():
            found[part] = found.get(part, 0) + units * count * quantity
    return found


def stock_for(orders: int, share: float = 1.0) -> dict[str, int]:
    """Units of each component that a share of so many orders takes, where every listing is ordered as often."""
    taken = dict.fromkeys(COMPONENTS, 0)
    for sku in LISTINGS.values():
        for name, count in needs(sku, 1).items():
            taken[name] += count
    # An order is 1.25 laptops on average: some have several lines, some several pieces.
    return {
        name: max(2, round(orders * 1.25 * share * count / len(LISTINGS))) for name, count in taken.items()
    }
