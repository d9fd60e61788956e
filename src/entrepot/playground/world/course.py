"""The course of one part: what its people want and do, day by day, and how tables are written from it."""

from dataclasses import dataclass

import numpy as np

from entrepot.playground.world.browsing import tell_visits
from entrepot.playground.world.catalog import write_products, write_promotions, write_shops
from entrepot.playground.world.fates import Wanted, want
from entrepot.playground.world.movements import write_movements
from entrepot.playground.world.orders import Orders, settle, write_items, write_orders, write_usages
from entrepot.playground.world.payments import write_invoices, write_payments
from entrepot.playground.world.promotions import Promotions, promote
from entrepot.playground.world.randomness import Flags, Ints
from entrepot.playground.world.requests import write_requests
from entrepot.playground.world.reviews import write_reviews
from entrepot.playground.world.scene import Scene
from entrepot.playground.world.stock import Lines, Movements, simulate
from entrepot.playground.world.visits import Carts, Views, Visits, fill, look, visit


@dataclass
class Course:
    """All that happens in a part; the movements and the orders are those from before the moment of the scene."""

    visits: Visits
    views: Views
    carts: Carts
    wanted: Wanted
    moved: Movements
    promotions: Promotions
    orders: Orders
    #: which visits placed an order
    ordered: Flags


def run_course(scene: Scene) -> Course:
    """What happens to the shops of a scene."""
    draws, people, shops, modulation = scene.draws, scene.people, scene.shops, scene.modulation
    visits = visit(draws, people, shops, scene.calendar, modulation)
    views = look(draws, visits, shops, modulation)
    carts = fill(draws, visits, views, shops, modulation)
    wanted = want(draws, people, shops, visits, views, carts, modulation)
    lines = Lines(wanted.line_product, wanted.line_quantity, wanted.time[wanted.line_order], wanted.line_back)
    moved, got = simulate(draws, shops, lines, scene.calendar, modulation)
    promotions = promote(draws, shops, scene.calendar, modulation)
    orders = settle(scene, wanted, got, views.units[wanted.line_view], promotions)
    ordered = np.zeros(len(visits.units), dtype=np.bool_)
    ordered[wanted.visit[wanted.line_order[got > 0]]] = True
    happened = np.flatnonzero(moved.time < scene.until)
    return Course(
        visits, views, carts, wanted, movements(moved, happened), promotions, orders, ordered
    )  # fmt: skip


def write_course(scene: Scene, course: Course) -> None:
    """All tables of a scene."""
    write_standing(scene, course.moved, course.wanted, course.orders, course.promotions, 0)
    write_movements(scene, course.moved, course.wanted, course.orders)
    tell_visits(scene, course.visits, course.views, course.carts, course.ordered)
    write_requests(scene, course.visits, course.views, course.wanted, course.orders)
    scene.tables["global_events"] = scene.events.table(scene.people, scene.shops)
    scene.tables["global_entities"] = scene.registry.table()


def write_standing(
    scene: Scene, moved: Movements, wanted: Wanted, orders: Orders, promotions: Promotions, used: Ints | int
) -> None:
    """The tables whose rows stand differently from moment to moment; promotions were `used` by other orders too."""
    write_shops(scene)
    write_products(scene, moved)
    write_orders(scene, wanted, orders)
    write_items(scene, wanted, orders)
    write_payments(scene, wanted, orders)
    write_invoices(scene, wanted, orders)
    write_promotions(scene, promotions, write_usages(scene, orders, promotions) + used)
    write_reviews(scene, wanted, orders)


def movements(moved: Movements, rows: Ints) -> Movements:
    """Some of the movements."""
    return Movements(
        moved.product[rows], moved.time[rows], moved.kind[rows], moved.before[rows], moved.change[rows],
        moved.line[rows],
    )  # fmt: skip
