"""The shop's offers and their stock (OF21, OF22, OF24, OF02, STO01, STO02)."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from entrepot.kit.clock import Clock
from entrepot.sandbox.mirakl.values import amount, cents
from entrepot.sandbox.moving import told
from entrepot.sandbox.operating import Refusal

#: Offers a call of OF24 takes, and lines a stock file.
MOST_OFFERS = 5_000
COLUMNS = ("offer-sku", "quantity", "warehouse-code", "update-delete")


@dataclass(slots=True)
class Offer:
    """An offer of the shop; the price in cents."""

    offer_id: int
    sku: str
    title: str
    price: int
    quantity: int = 0
    active: bool = True
    changes: int = 0


class Offers:
    """The shop's offers by their shop SKU, and the imports that changed them."""

    def __init__(self, clock: Clock, currency: str) -> None:
        self._clock = clock
        self._currency = currency
        self._offers: dict[str, Offer] = {}
        self.imports: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._offers)

    def add(self, sku: str, *, title: str | None = None, price: int = 50_000, quantity: int = 0) -> Offer:
        """Offer something, or change the offer that there is."""
        offer = self._offers.get(sku)
        if offer is None:
            offer = Offer(2_000 + len(self._offers), sku, title or sku, price, quantity)
            self._offers[sku] = offer
        else:
            offer.price, offer.quantity = price, quantity
        return offer

    def get(self, sku: str) -> Offer | None:
        """The offer of a shop SKU."""
        return self._offers.get(sku)

    def sold(self, sku: str, quantity: int) -> None:
        """An order takes what it orders off the offer."""
        offer = self._offers.get(sku)
        if offer is not None:
            offer.quantity = max(0, offer.quantity - quantity)

    def all(self) -> Sequence[Offer]:
        """Every offer, as they were added."""
        return list(self._offers.values())

    def shown(self, offer: Offer) -> dict[str, Any]:
        """An offer as OF21 shows it."""
        return {
            "offer_id": offer.offer_id,
            "shop_sku": offer.sku,
            "product_sku": f"P{offer.offer_id}",
            "product_title": offer.title,
            "price": amount(offer.price),
            "total_price": amount(offer.price),
            "currency_iso_code": self._currency,
            "quantity": offer.quantity,
            "active": offer.active and offer.quantity > 0,
            "inactivity_reasons": [] if offer.quantity else ["ZERO_QUANTITY"],
            "state_code": "11",
            "leadtime_to_ship": 1,
        }

    def change(self, given: Sequence[Mapping[str, Any]]) -> str:
        """OF24: create, update or delete offers; what is not told of one is put back to its default."""
        if len(given) > MOST_OFFERS:
            raise Refusal(400, f"A call takes at most {MOST_OFFERS} offers.")
        errors: list[tuple[int, str, str]] = []
        for line, one in enumerate(given, start=1):
            sku = str(one.get("shop_sku") or "")
            wanted = one.get("update_delete") or "update"
            if not sku:
                errors.append((line, sku, "The attribute 'shop_sku' is required."))
            elif wanted == "delete":
                if self._offers.pop(sku, None) is None:
                    errors.append((line, sku, "The offer does not exist."))
            elif wanted != "update" or "price" not in one:
                errors.append((line, sku, "An offer needs a price; update_delete is update or delete."))
            else:
                offer = self.add(sku, price=cents(one["price"]), quantity=int(one.get("quantity") or 0))
                offer.changes += 1
        return self._imported("OF24", len(given), errors)

    def read_stock(self, file: bytes) -> str:
        """STO01: the quantities of a file; the import's identifier."""
        try:
            text = file.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refusal(400, f"The file is not UTF-8: {error}") from error
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))
        if not rows or "offer-sku" not in rows[0] or "quantity" not in rows[0]:
            raise Refusal(400, "The file's first line has to name the columns offer-sku and quantity.")
        if strange := [name for name in rows[0] if name not in COLUMNS]:
            raise Refusal(400, f"A stock file has no column {strange[0]!r}.")
        errors = list(self._take_stock(rows))
        return self._imported("STO01", len(rows) - 1, errors)

    def status(self, import_id: str) -> dict[str, Any]:
        """What became of an import; Refusal 404 for one that nobody made."""
        found = self.imports.get(import_id)
        if found is None:
            raise Refusal(404, f"Import with identifier [{import_id}] not found.")
        return found

    def _take_stock(self, rows: Sequence[Sequence[str]]) -> Iterable[tuple[int, str, str]]:
        for line, row in enumerate(rows[1:], start=2):
            if len(row) != len(rows[0]):
                yield line, row[0] if row else "", "The line has another number of columns than the first."
                continue
            told_row = dict(zip(rows[0], row, strict=True))
            sku = told_row["offer-sku"]
            offer = self._offers.get(sku)
            if offer is None:
                yield line, sku, f"The offer with shop SKU '{sku}' does not exist."
            elif not told_row["quantity"].isdigit():
                yield line, sku, f"The quantity {told_row['quantity']!r} is not a whole number."
            else:
                offer.quantity = int(told_row["quantity"])
                offer.changes += 1

    def _imported(self, kind: str, lines: int, errors: Sequence[tuple[int, str, str]]) -> str:
        number = len(self.imports) + 1
        import_id = str(number) if kind == "OF24" else str(uuid5(NAMESPACE_URL, f"import {number}"))
        self.imports[import_id] = {
            "import_id": import_id,
            "kind": kind,
            "status": "COMPLETE",
            "date_created": told(self._clock()),
            "has_error_report": bool(errors),
            "lines_read": lines,
            "lines_in_success": lines - len(errors),
            "lines_in_error": len(errors),
            "offer_inserted": 0,
            "offer_updated": lines - len(errors),
            "errors": [{"line": line, "sku": sku, "message": message} for line, sku, message in errors],
        }
        return import_id
