"""How many units each listing offers of what can be built: safety stock, and listings that share a variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StockSettings(BaseModel):
    """How an account's stock is told to its marketplace (`stock` of the account's settings)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    safety_stock: int = Field(
        0, ge=0, le=1_000_000, description="Units of a variant that are kept back from every listing"
    )
    sharing: Literal["split", "full"] = Field(
        "split",
        description="Listings of one variant: `split` what there is among them, or each offers the `full` quantity",
    )
    most: int = Field(999, ge=0, le=1_000_000, description="Most that a listing offers")


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing that shares a variant with others; `safety_stock` None: as the account says."""

    shop_sku: str
    safety_stock: int | None = None


def shares(buildable: int, listings: Sequence[Offer], settings: StockSettings) -> dict[str, int]:
    """The quantity that each listing of one variant offers.

    No listing offers more than what can be built less its safety stock. Where they split, all of them together offer
    no more than what can be built less the smallest safety stock; what cannot be split evenly goes to the first.
    """
    kept = [settings.safety_stock if one.safety_stock is None else one.safety_stock for one in listings]
    ceilings = [max(0, min(buildable - back, settings.most)) for back in kept]
    if settings.sharing == "full" or not listings:
        return {one.shop_sku: ceiling for one, ceiling in zip(listings, ceilings, strict=True)}
    pool = max(0, buildable - min(kept))
    found: dict[str, int] = {}
    left = len(listings)
    # Those that can take least are served first, so that what they leave goes to the others.
    for one, ceiling in sorted(zip(listings, ceilings, strict=True), key=lambda pair: pair[1]):
        share = min(ceiling, -(-pool // left))
        found[one.shop_sku] = share
        pool -= share
        left -= 1
    return found
