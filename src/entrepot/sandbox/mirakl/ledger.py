"""The shop's account with the marketplace (TL02)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from entrepot.kit.clock import Clock
from entrepot.sandbox.mirakl.values import amount, cents, figure, lines_of
from entrepot.sandbox.moving import told

#: Price, shipping and commission of a line: where each is in the line, and the types it is entered and refunded as.
ENTRIES = (
    ("price", 1, "ORDER_AMOUNT", "REFUND_ORDER_AMOUNT"),
    ("taxes", 1, "ORDER_AMOUNT_TAX", "REFUND_ORDER_AMOUNT_TAX"),
    ("shipping_price", 1, "ORDER_SHIPPING_AMOUNT", "REFUND_ORDER_SHIPPING_AMOUNT"),
    ("shipping_taxes", 1, "ORDER_SHIPPING_AMOUNT_TAX", "REFUND_ORDER_SHIPPING_AMOUNT_TAX"),
    ("commission_fee", -1, "COMMISSION_FEE", "REFUND_COMMISSION_FEE"),
    ("commission_vat", -1, "COMMISSION_VAT", "REFUND_COMMISSION_VAT"),
)


@dataclass(slots=True)
class Ledger:
    """Transaction lines, oldest first; the balance is their sum."""

    clock: Clock
    shop_id: int
    currency: str = "CAD"
    lines: list[dict[str, Any]] = field(default_factory=list)
    balance: int = 0
    _by_order: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def debited(self, order: Mapping[str, Any]) -> None:
        """The customer has paid: what is to be paid out for each line, and what the marketplace keeps of it."""
        for line in lines_of(order):
            for source, sign, kind, _ in ENTRIES:
                self._enter(kind, sign * _cents_of(line.get(source)), order, line)

    def refunded(self, order: Mapping[str, Any], line: Mapping[str, Any], share: float = 1.0) -> None:
        """A share of a line is paid back, and the marketplace gives its commission back."""
        for source, sign, _, kind in ENTRIES:
            self._enter(kind, -sign * round(_cents_of(line.get(source)) * share), order, line)

    def payable(self, order_id: str) -> None:
        """The customer has the order: its lines may be paid out."""
        self._move(order_id, "PENDING", "PAYABLE")

    def pay(self) -> int:
        """Pay out what is payable; cents."""
        due = [line for line in self.lines if line["payment_state"] == "PAYABLE"]
        total = sum(cents(line["amount"]) for line in due)
        at = told(self.clock())
        for line in due:
            line["payment_state"], line["last_updated"] = "PAID", at
        if due:
            self._enter("PAYMENT", -total, None, None, state="PAID")
        return total

    def page(
        self,
        wanted: Mapping[str, datetime],
        types: tuple[str, ...],
        states: tuple[str, ...],
        order_id: str | None,
    ) -> list[dict[str, Any]]:
        """The lines asked for, oldest first."""
        since, until, updated = (
            wanted.get("date_created_from"),
            wanted.get("date_created_to"),
            wanted.get("last_updated_from"),
        )
        found = self.lines if order_id is None else self._by_order.get(order_id, [])
        oldest = told(since) if since else ""
        newest = told(until) if until else "9"
        changed = told(updated) if updated else ""
        return [
            line
            for line in found
            if oldest <= line["date_created"] <= newest
            and line["last_updated"] >= changed
            and (not types or line["type"] in types)
            and (not states or line["payment_state"] in states)
        ]

    def _move(self, order_id: str, before: str, after: str) -> None:
        at = told(self.clock())
        for line in self._by_order.get(order_id, []):
            if line["payment_state"] == before:
                line["payment_state"], line["last_updated"] = after, at

    def _enter(
        self,
        kind: str,
        value: int,
        order: Mapping[str, Any] | None,
        line: Mapping[str, Any] | None,
        *,
        state: str = "PENDING",
    ) -> None:
        if value == 0:
            return
        self.balance += value
        at = told(self.clock())
        entities: dict[str, Any] = {"domain": "PRODUCT"}
        if order is not None and line is not None:
            entities["order"] = {
                "id": order["order_id"],
                "commercial_id": order.get("commercial_id"),
                "creation_date": order["created_date"],
            }
            entities["order_line"] = {"id": line.get("order_line_id"), "offer_sku": line.get("offer_sku")}
        found = {
            "id": str(uuid5(NAMESPACE_URL, f"transaction {self.shop_id} {len(self.lines)}")),
            "type": kind,
            "amount": amount(value),
            "amount_credited": amount(max(value, 0)),
            "amount_debited": amount(max(-value, 0)),
            "balance": amount(self.balance),
            "currency_iso_code": self.currency,
            "date_created": at,
            "last_updated": at,
            "payment_state": state,
            "entities": entities,
            "accounting_document_id": None,
            "accounting_document_number": None,
            "accounting_document_creation_date": None,
        }
        self.lines.append(found)
        if order is not None:
            self._by_order.setdefault(order["order_id"], []).append(found)


def _cents_of(value: Any) -> int:
    """A line's amount, or the sum of its taxes; 0 for what is neither."""
    if isinstance(value, list):
        return sum(cents(figure(tax, "amount")) for tax in value if isinstance(tax, dict))
    return cents(value) if isinstance(value, int | float) else 0
