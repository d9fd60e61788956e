"""Requests of the world's clients: what was asked, how it was answered and how long it took."""

import numpy as np
import pyarrow as pa

from entrepot.playground.values import PAYMENT_METHOD_TYPES
from entrepot.playground.world import arrow
from entrepot.playground.world.calendars import SECOND
from entrepot.playground.world.fates import Wanted
from entrepot.playground.world.identifiers import Ids, identify, spelled
from entrepot.playground.world.orders import Orders
from entrepot.playground.world.randomness import Choice, Ints, log_normal
from entrepot.playground.world.scene import Scene
from entrepot.playground.world.visits import MOST_VIEWS, Views, Visits

#: (method, route, median milliseconds, median bytes)
_ROUTES = (
    ("GET", "/products/{product_id}", 38, 5200),
    ("POST", "/sessions", 95, 420),
    ("POST", "/orders", 160, 1400),
    ("POST", "/payments", 420, 380),
    ("POST", "/carts/items", 24, 260),
)
PRODUCT, SESSION, ORDER, PAYMENT, CART = range(5)
#: Share of the views, and of what is put into carts, whose request is logged: logs are sampled.
_SAMPLED = 0.3
#: Requests that go wrong on any day.
_ERRORS = 0.004

#: Bodies: of what is put into a cart, of orders, and of payments by values.PAYMENT_METHOD_TYPES.
_BODIES = (
    *(f'{{"quantity": {quantity}}}' for quantity in range(1, 7)),
    '{"terms": "immediate"}',
    '{"terms": "invoice"}',
    *(f'{{"method": "{method}"}}' for method in PAYMENT_METHOD_TYPES),
)

_FACTOR = log_normal(1.0, 0.55)
_SIZE = log_normal(1.0, 0.3)
_STATUS = Choice([0.55, 0.25, 0.2])


def write_requests(scene: Scene, visits: Visits, views: Views, wanted: Wanted, orders: Orders) -> None:
    """request_response_logs."""
    draws, until = scene.draws, scene.until
    seen = np.flatnonzero(draws.chance("request/seen", views.units, _SAMPLED) & (views.time < until))
    put = np.flatnonzero(
        views.added & draws.chance("request/put", views.units, _SAMPLED) & (views.added_time < until)
    )
    login = np.flatnonzero(visits.login & (visits.time < until))
    placed = np.zeros(len(wanted.units), dtype=np.bool_)
    placed[orders.row] = True
    asked = np.flatnonzero(wanted.time < until)
    payment, attempt = np.nonzero(wanted.initiated[orders.row] < until)
    paid = wanted.initiated[orders.row][payment, attempt]
    route = np.repeat(np.arange(5), [len(seen), len(login), len(asked), len(payment), len(put)])
    time = np.concatenate([
        views.time[seen], visits.time[login], wanted.time[asked], paid, views.added_time[put],
    ])  # fmt: skip
    numbers = np.concatenate([
        views.units[seen], visits.units[login] * MOST_VIEWS, wanted.units[asked] * MOST_VIEWS,
        orders.units[payment] * MOST_VIEWS + attempt, views.units[put],
    ])  # fmt: skip
    units = draws.bits("request", numbers) ^ route.astype(np.uint64)
    failed = wanted.fails[orders.row][payment, attempt]
    took = np.minimum(wanted.outcome[orders.row][payment, attempt] - paid, 30 * SECOND)
    status = np.choose(route, [200, 201, 201, 201, 201])
    start = len(seen) + len(login)
    status[start : start + len(asked)] = np.where(placed[asked], 201, 409)
    pay = slice(start + len(asked), start + len(asked) + len(payment))
    outage = scene.modulation.strength("payment-outage", paid) > 0
    status[pay] = np.where(failed, np.where(outage, 504, 402), 201)
    wrong = draws.chance("request/wrong", units, _ERRORS) & (route != ORDER) & (route != PAYMENT)
    status = np.where(
        wrong, np.array([500, 503, 429])[_STATUS(draws.uniform("request/status", units))], status
    )
    load = 1 + 0.6 * np.minimum(scene.modulation.strength("black-friday", time), 2.0)
    median = np.array([found[2] for found in _ROUTES])[route]
    duration = (median * _FACTOR(draws.uniform("request/duration", units)) * load * 1000).astype(np.int64)
    duration[pay] = np.where(failed & outage, 30_000_000, np.minimum(duration[pay], took))
    size = np.array([found[3] for found in _ROUTES])[route] * _SIZE(draws.uniform("request/size", units))
    body = np.full(len(time), -1)
    body[route == CART] = views.quantity[put] - 1
    body[route == ORDER] = 6 + wanted.on_terms[asked]
    body[route == PAYMENT] = 8 + wanted.method_type[orders.row][payment]
    ids = identify(draws, "request", units, time)
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        "method": arrow.chosen([found[0] for found in _ROUTES], route),
        "url": _urls(route, scene.shops.product_ids[views.product[seen]]),
        "route": arrow.chosen([found[1] for found in _ROUTES], route),
        "request_body": arrow.chosen(_BODIES, body, body >= 0),
        "response_body": arrow.chosen(
            ['{"error": "try again later"}', '{"error": "payment refused"}', '{"error": "out of stock"}'],
            np.select([status == 402, status == 409], [1, 2], 0), status >= 400,
        ),
        "status_code": arrow.integers(status, kind=arrow.SMALL),
        "duration_ms": arrow.thousandths(np.maximum(duration, 200), 12),
        "response_bytes": arrow.integers(np.where(status >= 400, 60, size.astype(np.int64))),
    }  # fmt: skip
    scene.write("request_response_logs", columns, time, ids)
    scene.truth["requests_failed"] = int((status >= 500).sum())


def _urls(route: Ints, products: Ids) -> pa.Array:
    """Paths: those of products first, as the rows are."""
    named = arrow.fixed(arrow.spelling("/products/", spelled(products), rows=len(products)))
    rest = arrow.chosen([found[1] for found in _ROUTES], route[len(products) :])
    return pa.concat_arrays([named, rest])
