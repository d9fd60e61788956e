"""Dated rates between currencies: which one held at a moment, and amounts converted with it."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.compiling import as_refusal
from entrepot.marketplace.pricing.money import minor_digits, parse_decimal, round_half_up
from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.schemas import RateDocument

RATE_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in another from a moment on: `scaled` over ten to the tenth."""

    from_currency: str
    to_currency: str
    text: str
    scaled: int
    effective: datetime
    source: str

    def convert(self, minor: int) -> int:
        """Minor units of the one currency in minor units of the other, rounded half up."""
        up = minor_digits(self.to_currency)
        down = minor_digits(self.from_currency) + RATE_DIGITS
        return round_half_up(minor * self.scaled * 10**up, 10**down)

    def as_dict(self) -> dict[str, Any]:
        """The rate as a decision keeps it."""
        return {
            "from": self.from_currency,
            "to": self.to_currency,
            "rate": self.text,
            "date": self.effective.isoformat().replace("+00:00", "Z"),
            "source": self.source,
        }


class Rates:
    """The rates that are known. There is no rate but those given: none is turned around, none made of two others."""

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        self._by_pair: dict[tuple[str, str], list[Rate]] = {}
        for rate in rates:
            self._by_pair.setdefault((rate.from_currency, rate.to_currency), []).append(rate)
        for pair, dated in self._by_pair.items():
            dated.sort(key=lambda rate: rate.effective)
            for earlier, later in pairwise(dated):
                if earlier.effective == later.effective:
                    refuse(
                        "rates",
                        f"there are two rates from {pair[0]} to {pair[1]} from {later.effective.isoformat()} on.",
                        "Keep one of them.",
                    )

    def all(self) -> list[Rate]:
        """Every rate, by currencies and date."""
        return [rate for _, dated in sorted(self._by_pair.items()) for rate in dated]

    def at(self, from_currency: str, to_currency: str, moment: datetime) -> Rate | None:
        """The rate that held at a moment: the newest one that began by then."""
        dated = self._by_pair.get((from_currency, to_currency), [])
        place = bisect_right(dated, moment, key=lambda rate: rate.effective)
        return dated[place - 1] if place else None

    def needed(self, from_currency: str, to_currency: str, moment: datetime, *, rule: str) -> Rate:
        """The rate that a rule needs; InvalidInputError where there is none."""
        found = self.at(from_currency, to_currency, moment)
        if found is None:
            raise InvalidInputError(
                f"The rule {rule!r} is in {from_currency} and the cart in {to_currency}, and no rate from {from_currency} "
                f"to {to_currency} held at {moment.isoformat()}.",
                hint="Give the rate with its date; it is not made of the opposite one.",
                where={
                    "path": "rates",
                    "rule": rule,
                    "from": from_currency,
                    "to": to_currency,
                    "at": moment.isoformat(),
                },
            )
        return found


def read_rate(given: Any, path: str) -> Rate:
    """A rate as it is written: {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"}."""
    if not isinstance(given, RateDocument):
        if not isinstance(given, Mapping):
            refuse(path, "a rate is an object.", 'It has "from", "to", "rate" and "date".')
        try:
            given = RateDocument.model_validate(given)
        except ValidationError as error:
            raise as_refusal(error, path) from error
    minor_digits(given.from_currency, f"{path}.from")
    minor_digits(given.to_currency, f"{path}.to")
    if given.from_currency == given.to_currency:
        refuse(f"{path}.to", f"{given.to_currency} is converted into itself.", "Name two currencies.")
    scaled = parse_decimal(given.rate, RATE_DIGITS, f"{path}.rate", noun="rate")
    if scaled <= 0:
        refuse(f"{path}.rate", f"{given.rate} is no rate.", "Give one above zero.")
    return Rate(
        given.from_currency, given.to_currency, given.rate, scaled, given.effective_date, given.source
    )


def read_rates(given: Any, path: str = "rates") -> Rates:
    """Rates as they are written, in any order; InvalidInputError with the path of what is wrong."""
    if isinstance(given, Rates):
        return given
    if given is None:
        return Rates()
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        refuse(path, "rates are a list.", "Write each rate as an object in it.")
    return Rates(read_rate(rate, f"{path}[{index}]") for index, rate in enumerate(given))
