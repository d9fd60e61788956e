"""The events of visits: sign-ins, views and carts."""

import numpy as np

from entrepot.playground.world.calendars import MINUTE, NEVER
from entrepot.playground.world.randomness import Flags, Ints
from entrepot.playground.world.scene import Scene
from entrepot.playground.world.visits import Carts, Views, Visits

#: A cart without an order is given up after this time without activity.
ABANDONED_AFTER = 30 * MINUTE


def tell_visits(scene: Scene, visits: Visits, views: Views, carts: Carts, ordered: Flags) -> None:
    """Events of all visits; `ordered` says which of them placed an order."""
    events, shops = scene.events, scene.shops
    login = visits.login
    events.add(
        "user_logged_in", visits.units[login], visits.time[login], user=visits.user[login], session=visits.ids[login]
    )  # fmt: skip
    user, shop, session = visits.user[views.visit], visits.shop[views.visit], visits.ids[views.visit]
    events.add(
        "product_viewed", views.units, views.time, user=user, shop=shop, product=views.product, session=session
    )  # fmt: skip
    worth = views.quantity * shops.prices(views.product, views.added_time)
    for kind, rows, time in (
        ("cart_item_added", np.flatnonzero(views.added), views.added_time),
        ("cart_item_removed", np.flatnonzero(views.removed), views.removed_time),
    ):
        events.add(
            kind, views.units[rows], time[rows], user=user[rows], shop=shop[rows], product=views.product[rows],
            session=session[rows], quantity=views.quantity[rows], amount=worth[rows],
        )  # fmt: skip
    events.add(
        "checkout_started", visits.units, np.where(carts.checkout, carts.checkout_time, NEVER),
        user=visits.user, shop=visits.shop, session=visits.ids, amount=carts.value,
    )  # fmt: skip
    given_up = abandoned(carts, ordered)
    events.add(
        "cart_abandoned", visits.units, np.where(given_up, left_at(carts) + ABANDONED_AFTER, NEVER),
        user=visits.user, shop=visits.shop, session=visits.ids, amount=carts.value,
    )  # fmt: skip
    scene.truth["carts_abandoned"] = int((given_up & (left_at(carts) + ABANDONED_AFTER < scene.until)).sum())


def abandoned(carts: Carts, ordered: Flags) -> Flags:
    """Carts with something in them that became no order."""
    return np.asarray((carts.value > 0) & ~ordered)


def left_at(carts: Carts) -> Ints:
    """Microseconds of the last activity; a try to order that found no stock is one."""
    return np.where(carts.wants_order, carts.order_time, carts.last_time)
