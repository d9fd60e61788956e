"""What goes into which parcel: sizes and weights of variants put together, and divided where a carrier takes no more."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Units of a line, with what one of them weighs and measures packed."""

    order_line_id: str
    quantity: int
    weight_kg: Decimal
    length_cm: Decimal
    width_cm: Decimal
    height_cm: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A parcel that is to be bought: units by line, weight and sizes."""

    number: int
    lines: tuple[tuple[str, int], ...]
    weight_kg: Decimal
    length_cm: Decimal
    width_cm: Decimal
    height_cm: Decimal


class TooLargeError(ValueError):
    """A single unit is more than the carrier takes."""


def plan(
    units: Sequence[Unit], *, heaviest_kg: Decimal, longest_cm: Decimal, first_number: int = 1
) -> list[Planned]:
    """As few parcels as filling them in the order of the lines gives; units lie on top of one another.

    A parcel is as long and as wide as its largest unit and as high as all of them. Raises TooLargeError for a unit
    that no parcel takes.
    """
    parcels: list[list[Unit]] = [[]]
    for unit in units:
        one = _of(unit, 1)
        if not _fits([one], heaviest_kg, longest_cm):
            raise TooLargeError(
                f"A unit of line {unit.order_line_id} has {unit.weight_kg} kg and "
                f"{unit.length_cm} × {unit.width_cm} × {unit.height_cm} cm; the carrier takes {heaviest_kg} kg and "
                f"{longest_cm} cm."
            )
        for _ in range(unit.quantity):
            if not _fits([*parcels[-1], one], heaviest_kg, longest_cm):
                parcels.append([])
            parcels[-1].append(one)
    return [
        together(parcel, number=number)
        for number, parcel in enumerate((parcel for parcel in parcels if parcel), first_number)
    ]


def together(units: Sequence[Unit], *, number: int) -> Planned:
    """One parcel of all these units."""
    lines: dict[str, int] = {}
    for unit in units:
        lines[unit.order_line_id] = lines.get(unit.order_line_id, 0) + unit.quantity
    return Planned(
        number=number,
        lines=tuple(lines.items()),
        weight_kg=sum((unit.weight_kg * unit.quantity for unit in units), Decimal(0)),
        length_cm=max(unit.length_cm for unit in units),
        width_cm=max(unit.width_cm for unit in units),
        height_cm=sum((unit.height_cm * unit.quantity for unit in units), Decimal(0)),
    )


def reference(order_id: str, parcel_number: int, purchase: int, mark: str) -> str:
    """Our reference of a parcel at the carrier, at most 35 characters: the order, the parcel, which purchase it is.

    `mark` tells the accounts of one customer of the carrier apart: two marketplaces may number their orders alike.
    The same parcel has the same reference however often it is looked up; only what was taken back is bought under a
    new one.
    """
    ending = f"-P{parcel_number}{f'.{purchase}' if purchase > 1 else ''}-{mark}"
    room = 35 - len(ending)
    if len(order_id) > room:
        order_id = f"{order_id[: room - 9]}~{hashlib.sha256(order_id.encode()).hexdigest()[:8]}"
    return order_id + ending


def _of(unit: Unit, quantity: int) -> Unit:
    return Unit(
        order_line_id=unit.order_line_id,
        quantity=quantity,
        weight_kg=unit.weight_kg,
        length_cm=unit.length_cm,
        width_cm=unit.width_cm,
        height_cm=unit.height_cm,
    )


def _fits(units: Sequence[Unit], heaviest_kg: Decimal, longest_cm: Decimal) -> bool:
    parcel = together(units, number=1)
    sizes = sorted((parcel.length_cm, parcel.width_cm, parcel.height_cm), reverse=True)
    # Length and girth are bounded to one and a half times the longest length (Canada Post, domestic parcels: 3 m).
    girth = sizes[0] + 2 * (sizes[1] + sizes[2])
    return parcel.weight_kg <= heaviest_kg and sizes[0] <= longest_cm and girth <= longest_cm * Decimal("1.5")
