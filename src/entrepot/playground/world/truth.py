"""What a part knows to be so: the answers that metrics have to give."""

from typing import Any

import numpy as np

from entrepot.playground.world.accounts import write_people
from entrepot.playground.world.calendars import NEVER
from entrepot.playground.world.fates import Wanted
from entrepot.playground.world.identifiers import spelled
from entrepot.playground.world.orders import Orders
from entrepot.playground.world.scene import Scene, Untidiness


def tell_truth(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """Totals of the part, and for each scenario what it did. Money is in whole cents."""
    until, row, truth = scene.until, orders.row, scene.truth
    outcome = wanted.outcome[row]
    known = outcome < until
    fails = wanted.fails[row] & known
    sold = np.bincount(orders.product, orders.quantity, minlength=scene.shops.products).astype(np.int64)
    names = spelled(scene.shops.product_ids)
    truth |= {
        "orders": orders.count,
        "order_cents": int(orders.total.sum()),
        "gross_cents": int(orders.subtotal.sum()),
        "discount_cents": int(orders.discount.sum()),
        "units_sold": int(orders.quantity.sum()),
        "units_sold_by_product": {
            names[place].tobytes().decode(): int(sold[place]) for place in np.flatnonzero(sold).tolist()
        },
        "orders_cancelled": int((wanted.cancelled[row] < until).sum()),
        "payments_completed": int((known & ~wanted.fails[row]).sum()),
        "payments_failed": int(fails.sum()),
        "lines_refunded": int((orders.line_refund < until).sum()),
    }
    if scene.untidiness.touched:
        truth["dirty-data"] = dict(scene.untidiness.touched)
    for name in ("black-friday", "flash-promotion", "stock-out", "growth"):
        if scene.modulation.spans(name):
            inside = scene.modulation.strength(name, orders.time) > 0
            truth[name] = {"orders": int(inside.sum()), "order_cents": int(orders.total[inside].sum())}
    truth |= _waves(scene, wanted, orders)


def tell_of_people(scene: Scene) -> None:
    """How many people there are and have left, in all and because of churn, and how many of their rows are untidy."""
    people, until, truth = scene.people, scene.until, scene.truth
    gone = people.left < until
    truth |= {"users": int((people.time < until).sum()), "users_left": int(gone.sum())}
    if scene.modulation.spans("churn"):
        inside = scene.modulation.strength("churn", people.left) > 0
        truth["churn"] = {"users_left": int((gone & inside).sum())}
    untidiness = Untidiness(scene.draws, scene.modulation)
    write_people(scene.draws, people, (), until, untidiness)
    if untidiness.touched:
        truth["dirty-data"] = truth.get("dirty-data", {}) | untidiness.touched


def _waves(scene: Scene, wanted: Wanted, orders: Orders) -> dict[str, Any]:
    until, row, modulation = scene.until, orders.row, scene.modulation
    told: dict[str, Any] = {}
    if modulation.spans("payment-outage"):
        begun = modulation.strength("payment-outage", np.minimum(wanted.initiated[row], NEVER)) > 0
        known = wanted.outcome[row] < until
        told["payment-outage"] = {
            "payments": int((begun & known).sum()),
            "payments_failed": int((begun & known & wanted.fails[row]).sum()),
        }
    if modulation.spans("fraud-wave"):
        fraud = wanted.fraud[row]
        told["fraud-wave"] = {
            "orders": int(fraud.sum()),
            "order_cents": int(orders.total[fraud].sum()),
            "orders_found_out": int((fraud & (wanted.held[row] < until)).sum()),
        }
    if modulation.spans("refund-wave"):
        wave = modulation.strength("refund-wave", wanted.delivered[row]) > 0
        lines = wave[orders.line_order] & (orders.line_refund < until)
        told["refund-wave"] = {
            "orders_delivered": int((wave & (wanted.delivered[row] < until)).sum()),
            "orders_returned": int((wave & (wanted.returned[row] < until)).sum()),
            "lines_refunded": int(lines.sum()),
            "units_refunded": int(orders.quantity[lines].sum()),
        }
    return told
