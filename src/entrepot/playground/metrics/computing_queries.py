"""What the six metrics tables hold, as SELECTs over the facts.

A kind of metrics (of users, shops, products) is a list of branches, one a table of facts. Each branch is grouped by
entity and bucket; the branches are stacked and grouped once more, and the columns of the metrics are made of what they
counted. The same text serves two scopes: all cells of a stretch of time (one scan of each table of facts), and the cells
of the temporary tables `roll_hours` and `roll_days` (probes of the indexes on entity and time; what happened to the
stock is in `roll_movements`, for both).

Parameters: `low` and `high`, between which all buckets are; both begin and end a day.
"""

from collections.abc import Mapping
from typing import Literal

from entrepot.playground.metrics.kind_queries import NUMERIC, PRODUCT, SHOP, Branch, Kind, Span

Scope = Literal["stretch", "cells"]

LOW = "CAST(:low AS timestamptz)"
HIGH = "CAST(:high AS timestamptz)"
#: Buckets are counted from here; what it is does not matter, as long as an hour and a day begin with it.
ORIGIN = "timestamptz '2000-01-01 00:00:00+00'"
BETWEEN = f"f.event_time >= {LOW} AND f.event_time < {HIGH}"


def length(span: Span) -> str:
    """The length of a bucket."""
    return f"interval '1 {span}'"


def bucket(time: str, span: Span) -> str:
    """The start of the bucket of a time."""
    return f"date_bin({length(span)}, {time}, {ORIGIN})"


def computed(kind: Kind, span: Span, scope: Scope) -> str:
    """A query of what rows of a metrics table should be: the entity, its event_time, the bucket, the columns."""
    columns = ", ".join(f"{expression} AS {name}" for name, expression in kind.columns.items())
    slots = _slots(kind)
    head: list[str] = []
    own: list[str] = []
    rows = "stacked AS s"
    if kind is SHOP:
        head, rows = _shop_stock(span, scope), _shop_rows(span, scope)
        own = [_stack(slots, "moved", {name: f"f.{name}" for name in kind.own_slots})]
    elif kind is PRODUCT:
        head, rows = _product_stock(span, scope), _product_rows(span, scope)
        own = [
            _stack(slots, "moved", {name: f"f.{name}" for name in ("restocked", "last_stock")}),
            _stack(slots, "empty", {"empty_time": "f.empty_time"}),
        ]
    branches = [_branch(kind, branch, slots, span, scope) for branch in kind.branches] + own
    counted = {slot for branch in kind.branches if branch.counted for slot in branch.slots}
    merged = ", ".join(f"{'count' if slot in counted else 'any_value'}({slot}) AS {slot}" for slot in slots)
    stacked = (
        f"stacked AS (SELECT entity_id, any_value(entity_time) AS entity_time, bucket, {merged} "
        f"FROM ({' UNION ALL '.join(branches)}) AS b GROUP BY entity_id, bucket)"
    )
    given = ", ".join([*head, stacked])
    return f"WITH {given} SELECT entity_id, entity_time, bucket, {columns} FROM {rows}"


def _slots(kind: Kind) -> dict[str, str]:
    """The slots of a kind with their types."""
    names = [slot for branch in kind.branches for slot in branch.slots] + list(kind.own_slots)
    return {name: "numeric" if name in NUMERIC else "bigint" for name in dict.fromkeys(names)}


def _branch(kind: Kind, branch: Branch, slots: Mapping[str, str], span: Span, scope: Scope) -> str:
    entity = branch.entity or kind.name
    given = {
        name: f"CASE WHEN {expression} THEN 1 END" if branch.counted else expression
        for name, expression in branch.slots.items()
    }
    filled = ", ".join(f"{given.get(name, 'NULL')}::{type_} AS {name}" for name, type_ in slots.items())
    start, source = scoped(branch.table, f"{entity}_id", span, scope)
    time = f"f.{entity}_event_time" if branch.counted else f"any_value(f.{entity}_event_time)"
    grouped = "" if branch.counted else f" GROUP BY f.{entity}_id, {start}"
    return (
        f"SELECT f.{entity}_id AS entity_id, {time} AS entity_time, {start} AS bucket, {filled} "
        f"FROM {source} AND {branch.where} AND f.{entity}_id IS NOT NULL{grouped}"
    )


def _stack(slots: Mapping[str, str], table: str, filled: Mapping[str, str]) -> str:
    columns = ", ".join(f"{filled.get(name, 'NULL')}::{type_} AS {name}" for name, type_ in slots.items())
    return f"SELECT f.entity_id, f.entity_time, f.bucket, {columns} FROM {table} AS f"


def scoped(table: str, entity: str, span: Span, scope: Scope) -> tuple[str, str]:
    """The bucket of a fact `f`, and FROM and WHERE of the facts in scope."""
    if scope == "stretch":
        return bucket("f.event_time", span), f"data_playground.{table} AS f WHERE {BETWEEN}"
    return (
        "d.bucket",
        (
            f"roll_{span}s AS d JOIN data_playground.{table} AS f ON f.{entity} = d.entity_id "
            f"AND f.event_time >= d.bucket AND f.event_time < d.bucket + {length(span)} WHERE {BETWEEN}"
        ),
    )


def _last_before(product: str, moment: str) -> str:
    """The last log of a product before a moment."""
    return (
        "SELECT l.product_event_time, l.quantity_after FROM data_playground.shop_inventory_logs AS l "
        f"WHERE l.product_id = {product} AND l.event_time < {moment} AND l.event_time < {HIGH} ORDER BY l.event_time DESC, l.id DESC LIMIT 1"
    )


def stock(kind: Kind, scope: Scope) -> str:
    """What happened to the stock of the products in scope, with what they came into the first of their days with.

    Tracks are whole days, so that the same rows serve hours and days.
    """
    return _shop_movements(scope) if kind is SHOP else _product_movements(scope)


def _movements(kind: Kind, scope: Scope) -> list[str]:
    """`movements` of a stretch; for cells they are a temporary table, made once for both spans."""
    return [f"movements AS MATERIALIZED ({stock(kind, scope)})"] if scope == "stretch" else []


def _source(scope: Scope) -> str:
    return "movements AS m" if scope == "stretch" else "roll_movements AS m"


#: The first and the last moment of the marked days of each entity.
_TRACKS = """
    SELECT d.entity_id, min(d.bucket) AS start_time, max(d.bucket) + interval '1 day' AS end_time
    FROM roll_days AS d GROUP BY d.entity_id"""


def _product_movements(scope: Scope) -> str:
    """Stock along tracks: a product from its first day to its last; with what it came into that with."""
    product = "p.event_time AS entity_time, p.origin"
    if scope == "stretch":
        tracks = f"""
            SELECT p.id AS entity_id, {product}, {LOW} AS start_time, {HIGH} AS end_time
            FROM data_playground.shop_products AS p WHERE p.event_time < {HIGH}"""
        in_track = "f.product_id = t.entity_id"
    else:
        tracks = f"""
            SELECT d.entity_id, {product}, d.start_time, d.end_time
            FROM ({_TRACKS}) AS d JOIN data_playground.shop_products AS p ON p.id = d.entity_id"""
        in_track = "f.product_id = t.entity_id AND f.event_time >= t.start_time AND f.event_time < t.end_time"
    return f"""
        WITH tracks AS MATERIALIZED ({tracks})
        SELECT m.entity_id, m.entity_time, m.origin, m.end_time, m.event_time, m.quantity_after, m.change_type, m.carried,
               lead(m.event_time) OVER (PARTITION BY m.entity_id ORDER BY m.event_time, m.id NULLS FIRST) AS next_time
        FROM (
            SELECT t.entity_id, t.entity_time, t.origin, t.end_time, f.event_time, f.id, f.quantity_after, f.change_type,
                   false AS carried
            FROM tracks AS t JOIN data_playground.shop_inventory_logs AS f ON {in_track} WHERE {BETWEEN}
            UNION ALL
            SELECT t.entity_id, t.entity_time, t.origin, t.end_time, t.start_time, NULL, last.quantity_after, NULL, true
            FROM tracks AS t CROSS JOIN LATERAL ({_last_before("t.entity_id", "t.start_time")}) AS last
        ) AS m"""


def _product_stock(span: Span, scope: Scope) -> list[str]:
    """What each bucket knows of a product's stock."""
    return [
        *_movements(PRODUCT, scope),
        f"""moved AS (
            SELECT m.entity_id, any_value(m.entity_time) AS entity_time, {bucket("m.event_time", span)} AS bucket,
                   nullif(count(*) FILTER (WHERE m.change_type IN ('purchase', 'transfer_in')), 0) AS restocked,
                   any_value(m.quantity_after) FILTER (
                       WHERE m.next_time IS NULL OR m.next_time >= {bucket("m.event_time", span)} + {length(span)}) AS last_stock
            FROM {_source(scope)} WHERE NOT m.carried GROUP BY m.entity_id, {bucket("m.event_time", span)})""",
        f"""empty AS (
            SELECT i.entity_id, any_value(i.entity_time) AS entity_time, b.bucket,
                   sum((extract(epoch FROM least(i.until, b.bucket + {length(span)}) - greatest(i.event_time, b.bucket)) * 1000000)::bigint) AS empty_time
            FROM (SELECT m.entity_id, m.entity_time, m.event_time,
                         coalesce(m.next_time, greatest(least(c.reached, m.end_time), m.event_time)) AS until
                  FROM {_source(scope)} LEFT JOIN data_playground.metrics_clocks AS c ON c.origin = m.origin
                  WHERE m.quantity_after <= 0) AS i
            CROSS JOIN LATERAL generate_series({bucket("i.event_time", span)}, i.until - interval '1 microsecond', {length(span)}) AS b(bucket)
            WHERE i.until > i.event_time
            GROUP BY i.entity_id, b.bucket)""",
        f"carried AS (SELECT m.entity_id, m.quantity_after FROM {_source(scope)} WHERE m.carried)",
    ]


def _product_rows(span: Span, scope: Scope) -> str:
    """The cells with the stock at their ends: the last log in the bucket, or the last before it."""
    # The bucket's number above, the stock below: the greatest so far is the last that is known.
    numbered = f"(extract(epoch FROM s.bucket - {LOW})::bigint << 32) + s.last_stock + 2147483648"
    return f"""(SELECT s.*, CASE WHEN s.known IS NULL THEN c.quantity_after ELSE (s.known & 4294967295) - 2147483648 END AS stock
            FROM (SELECT s.*, max(CASE WHEN s.last_stock IS NOT NULL THEN {numbered} END)
                             OVER (PARTITION BY s.entity_id ORDER BY s.bucket ROWS UNBOUNDED PRECEDING) AS known
                  FROM stacked AS s) AS s
            LEFT JOIN carried AS c ON c.entity_id = s.entity_id
            {_only(span, scope)}) AS s"""


def _only(span: Span, scope: Scope) -> str:
    """Of a track, the cells that are asked for."""
    if scope == "stretch":
        return ""
    return f"JOIN roll_{span}s AS d ON d.entity_id = s.entity_id AND d.bucket = s.bucket"


def _shop_movements(scope: Scope) -> str:
    """What each log changed in the stock gauges of its shop; without a time, what the shop came into its first day with."""
    start, end = (LOW, HIGH) if scope == "stretch" else ("t.start_time", "t.end_time")
    tracks = "" if scope == "stretch" else f"tracks AS MATERIALIZED ({_TRACKS}),"
    track = "" if scope == "stretch" else "JOIN tracks AS t ON t.entity_id = p.shop_id"
    goods = "p.id, p.shop_id, p.shop_event_time, coalesce(p.cost_price, 0) AS cost, coalesce(p.low_stock_threshold, 0) AS low"
    low, out = "(m.{0} > 0 AND m.{0} <= m.low)::integer", "(m.{0} <= 0)::integer"
    return f"""
        WITH {tracks}
        goods AS MATERIALIZED (
            SELECT {goods}, {start} AS start_time, {end} AS end_time FROM data_playground.shop_products AS p {track}),
        carried AS MATERIALIZED (
            SELECT g.id, g.shop_id, g.cost, g.low, last.quantity_after AS after
            FROM goods AS g CROSS JOIN LATERAL ({_last_before("g.id", "g.start_time")}) AS last)
        SELECT m.shop_id AS entity_id, CAST(NULL AS timestamptz) AS entity_time, CAST(NULL AS timestamptz) AS event_time,
               {low.format("after")} AS low_change, {out.format("after")} AS out_change, m.after * m.cost AS value_change
        FROM carried AS m
        UNION ALL
        SELECT m.shop_id, m.shop_event_time, m.event_time,
               {low.format("after")} - coalesce({low.format("before")}, 0),
               {out.format("after")} - coalesce({out.format("before")}, 0), (m.after - coalesce(m.before, 0)) * m.cost
        FROM (SELECT g.shop_id, g.shop_event_time, g.cost, g.low, f.event_time, f.quantity_after AS after,
                     coalesce(lag(f.quantity_after) OVER (PARTITION BY f.product_id ORDER BY f.event_time, f.id), c.after) AS before
              FROM goods AS g
              JOIN data_playground.shop_inventory_logs AS f ON f.product_id = g.id
                   AND f.event_time >= {start if scope == "stretch" else "g.start_time"}
                   AND f.event_time < {end if scope == "stretch" else "g.end_time"}
              LEFT JOIN carried AS c ON c.id = g.id
              WHERE {BETWEEN}) AS m"""


def _shop_stock(span: Span, scope: Scope) -> list[str]:
    """What each bucket changed in a shop's stock gauges, and what the shop came into the first of them with."""
    changes = "sum(m.low_change) AS low_change, sum(m.out_change) AS out_change, sum(m.value_change) AS value_change"
    return [
        *_movements(SHOP, scope),
        f"opening AS MATERIALIZED (SELECT m.entity_id, {changes} FROM {_source(scope)} WHERE m.event_time IS NULL GROUP BY m.entity_id)",
        f"""moved AS (
            SELECT m.entity_id, any_value(m.entity_time) AS entity_time, {bucket("m.event_time", span)} AS bucket, {changes}
            FROM {_source(scope)} WHERE m.event_time IS NOT NULL GROUP BY m.entity_id, {bucket("m.event_time", span)})""",
    ]


def _shop_rows(span: Span, scope: Scope) -> str:
    """The cells with the gauges at their ends: what the shop opened with, and every change since."""
    running = "OVER (PARTITION BY s.entity_id ORDER BY s.bucket ROWS UNBOUNDED PRECEDING)"
    return f"""(SELECT s.*, coalesce(o.low_change, 0) + coalesce(s.low_moved, 0) AS low_products,
                   coalesce(o.out_change, 0) + coalesce(s.out_moved, 0) AS out_products,
                   coalesce(o.value_change, 0) + coalesce(s.value_moved, 0) AS stock_value, coalesce(a.promotions, 0) AS promotions
            FROM (SELECT s.*, sum(s.low_change) {running} AS low_moved, sum(s.out_change) {running} AS out_moved,
                         sum(s.value_change) {running} AS value_moved
                  FROM stacked AS s) AS s
            LEFT JOIN opening AS o ON o.entity_id = s.entity_id
            LEFT JOIN (SELECT s.entity_id, s.bucket, count(*) AS promotions
                       FROM stacked AS s JOIN data_playground.shop_promotions AS a ON a.shop_id = s.entity_id
                         AND a.valid_from < s.bucket + {length(span)} AND a.valid_until > s.bucket
                       WHERE a.status NOT IN ('draft', 'cancelled')
                       GROUP BY s.entity_id, s.bucket) AS a ON a.entity_id = s.entity_id AND a.bucket = s.bucket
            {_only(span, scope)}) AS s"""
