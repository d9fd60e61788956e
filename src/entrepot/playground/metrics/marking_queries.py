"""Which cells of the metrics a changed fact belongs to: the triggers that mark them dirty."""

from collections.abc import Iterator
from importlib import resources

from entrepot.playground.columns import SCHEMA

#: The types of events that each kind of metrics counts.
USER_EVENTS = ("order_cancelled", "payment_completed", "payment_failed", "payment_refunded", "cart_abandoned")
SHOP_EVENTS = ("order_cancelled", "payment_refunded")
PRODUCT_EVENTS = ("payment_refunded", "cart_item_added", "cart_item_removed", "product_viewed")


def listed(types: tuple[str, ...]) -> str:
    """Types of events as a list of SQL."""
    return ", ".join(f"'{name}'" for name in types)


def _cell(kind: str, entity: str, *, when: str = "", time: str = "event_time", until: str = "NULL") -> str:
    column = f"CASE WHEN {when} THEN r.{entity} END" if when else f"r.{entity}"
    return f"('{kind}', {column}, r.{time}, {until}::timestamptz)"


_APPROVED = "r.status = 'approved'"

#: Table of facts → the columns that metrics hang on, the cells of a row.
MARKED = {
    "shop_orders": (
        "id, event_time, user_id, shop_id, total_amount, discount_amount",
        [_cell("user", "user_id"), _cell("shop", "shop_id")],
    ),
    "shop_order_items": (
        "id, event_time, user_id, shop_id, product_id, quantity, subtotal, discount_amount, total_amount",
        [_cell("user", "user_id"), _cell("shop", "shop_id"), _cell("product", "product_id")],
    ),
    "global_events": (
        "event_id, event_time, event_type, user_id, shop_id, product_id, quantity, amount, net_amount",
        [
            _cell("user", "user_id", when=f"r.event_type IN ({listed(USER_EVENTS)})"),
            _cell("shop", "shop_id", when=f"r.event_type IN ({listed(SHOP_EVENTS)})"),
            _cell("product", "product_id", when=f"r.event_type IN ({listed(PRODUCT_EVENTS)})"),
        ],
    ),
    "shop_promotion_usages": (
        "id, event_time, user_id, shop_id",
        [_cell("user", "user_id"), _cell("shop", "shop_id")],
    ),
    "shop_reviews": (
        "id, event_time, user_id, shop_id, product_id, status, rating",
        [
            _cell("user", "user_id", when=_APPROVED),
            _cell("shop", "shop_id", when=_APPROVED),
            _cell("product", "product_id", when=_APPROVED),
        ],
    ),
    "shop_review_votes": (
        "id, event_time, author_id, is_helpful",
        [_cell("user", "author_id", when="r.is_helpful")],
    ),
    "shop_inventory_logs": (
        "id, event_time, shop_id, product_id, change_type, quantity_after",
        [
            _cell("shop", "shop_id"),
            _cell("product", "product_id"),
            _cell("stock", "product_id"),
            _cell("shop_stock", "product_id"),
        ],
    ),
    "shop_promotions": (
        "id, event_time, shop_id, valid_from, valid_until, status",
        [
            _cell(
                "promotion",
                "shop_id",
                when="r.status NOT IN ('draft', 'cancelled')",
                time="valid_from",
                until="r.valid_until",
            )
        ],
    ),
    # What a unit costs and when stock is low are the product's as it stands: they change its shop's whole past.
    "shop_products": (
        "id, event_time, shop_id, cost_price, low_stock_threshold, origin",
        [_cell("stock", "id", until="'infinity'"), _cell("shop_stock", "id", until="'infinity'")],
    ),
}
_ROWS = {
    "insert": "NEW TABLE AS new_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
}


def statements() -> Iterator[str]:
    """The functions that mark, and a trigger for each operation on each table of facts."""
    yield resources.files(__package__).joinpath("functions.sql").read_text(encoding="utf-8")
    for table, (columns, cells) in MARKED.items():
        values = ", ".join(cells).replace("'", "''")
        for operation, rows in _ROWS.items():
            # A product that comes or goes has no stock before or after: only a change of it changes metrics.
            if table == "shop_products" and operation != "update":
                continue
            yield (
                f"CREATE TRIGGER {table}_metrics_{operation} AFTER {operation.upper()} ON {SCHEMA}.{table} "
                f"REFERENCING {rows} FOR EACH STATEMENT "
                f"EXECUTE FUNCTION {SCHEMA}.mark_cells('{columns}', '{values}')"
            )
