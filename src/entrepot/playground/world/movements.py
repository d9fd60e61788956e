"""The table of movements of stock, and the events of empty and refilled shelves."""

import numpy as np
import pyarrow.compute as pc

from entrepot.playground.values import INVENTORY_CHANGES
from entrepot.playground.world import arrow, words
from entrepot.playground.world.catalog import unit_costs
from entrepot.playground.world.fates import Wanted
from entrepot.playground.world.identifiers import identify
from entrepot.playground.world.orders import Orders, order_numbers, return_reasons
from entrepot.playground.world.scene import Scene, references
from entrepot.playground.world.stock import RETURN, SALE, Movements

#: Why stock moved, by values.INVENTORY_CHANGES; the last is a return that is a cancellation.
_REASONS = (
    "supply",
    "sold",
    "returned",
    "counted",
    "lost",
    "counted",
    "moved from another shop",
    "cancelled",
)


def write_movements(scene: Scene, moved: Movements, wanted: Wanted, orders: Orders) -> None:
    """shop_inventory_logs; `moved` is what happened before `until`."""
    shops, draws = scene.shops, scene.draws
    product, shop = moved.product, shops.product_shop[moved.product]
    after = moved.before + moved.change
    place = np.full(len(wanted.units), -1)
    place[orders.row] = np.arange(orders.count)
    of_order = np.flatnonzero(moved.line >= 0)
    rows = place[wanted.line_order[moved.line[of_order]]]  # orders that these movements belong to
    order = np.full(len(product), -1)
    order[of_order] = rows
    mover = shops.owner[shop]
    sold = moved.kind[of_order] == SALE
    mover[of_order[sold]] = orders.user[rows[sold]]
    reason = moved.kind.copy()
    back = moved.kind[of_order] == RETURN
    cancelled = back & (wanted.cancelled[orders.row[rows]] < scene.until)
    reason[of_order[cancelled]] = len(_REASONS) - 1
    why = np.full(len(product), -1)
    sent_back = back & ~cancelled
    why[of_order[sent_back]] = return_reasons(draws, orders.units[rows[sent_back]])
    number = draws.bits("movement", shops.product_units[product]) ^ moved.time.astype(np.uint64)
    ids = identify(draws, "movement", number, moved.time)
    note = arrow.fixed(
        arrow.spelling("DN-", arrow.hexadecimal(draws.bits("movement/note", number), 8), rows=len(product))
    )
    cost = unit_costs(shops, draws)[product]
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(moved.time),
        **scene.shop(shop),
        **scene.product(product),
        **references("order", orders.ids, orders.time, order),
        "change_type": arrow.chosen(INVENTORY_CHANGES, moved.kind),
        "quantity_before": arrow.integers(moved.before),
        "quantity_change": arrow.integers(moved.change),
        "quantity_after": arrow.integers(after),
        "unit_cost": arrow.money(cost),
        "total_cost": arrow.money(cost * np.abs(moved.change)),
        "reference_number": pc.coalesce(arrow.taken(order_numbers(orders.units), order), note),
        "reason": arrow.chosen(_REASONS, reason),
        **scene.user(mover, "created_by_user"),
        "notes": arrow.chosen(words.RETURN_REASONS, why, why >= 0),
    }
    scene.write("shop_inventory_logs", columns, moved.time, ids)
    empty = (after <= 0) & (moved.before > 0)
    refilled = (after > 0) & (moved.before <= 0) & (moved.time > shops.listed[product])
    for kind, found in (("product_out_of_stock", empty), ("product_back_in_stock", refilled)):
        scene.events.add(
            kind, number[found], moved.time[found],
            shop=shop[found], product=product[found], quantity=after[found],
        )  # fmt: skip
