"""What the six metrics tables hold, as SELECTs over the facts.

A kind of metrics (of users, shops, products) is a list of branches, one a table of facts. The facts of all branches are
stacked, sorted by entity and time and grouped once, by the hour and by the day at a time; the columns of the metrics are
made of what was counted. The same text serves two scopes: all cells of a stretch of time (one scan of each table of facts),
and the cells of the temporary table `roll_cells` (probes of the indexes on entity and time, a day at a time).

Parameters: `low` and `high`, between which all buckets are; both begin and end a day.
"""

from collections.abc import Mapping
from typing import Literal

from entrepot.playground.metrics.kind_queries import OF_DAY, OF_HOUR, PRODUCT, SHOP, Branch, Kind, Span

Scope = Literal["stretch", "cells"]

LOW = "CAST(:low AS timestamptz)"
HIGH = "CAST(:high AS timestamptz)"
#: Buckets are counted from here; what it is does not matter, as long as an hour and a day begin with it.
ORIGIN = "timestamptz '2000-01-01 00:00:00+00'"
BETWEEN = f"f.event_time >= {LOW} AND f.event_time < {HIGH}"
#: The bucket of what an entity came with; none of the rows that are asked for.
_BEFORE = "timestamptz '-infinity'"


def bucket(time: str, span: Span) -> str:
    """The start of the bucket of a time."""
    return f"date_bin(interval '1 {span}', {time}, {ORIGIN})"


def computed(kind: Kind, scope: Scope) -> str:
    """A query of what rows of both metrics tables should be: the entity, its event_time, the bucket, whether it is a day,
    the columns; sorted by entity and time."""
    branches = [_branch(kind, branch, scope) for branch in kind.branches]
    head: list[str] = []
    rows = "grouped"
    if kind is SHOP:
        head = [f"movements AS MATERIALIZED ({_shop_movements(scope)})"]
        branches += _shop_branches()
        rows = _SHOP_ROWS
    elif kind is PRODUCT:
        head = [f"movements AS MATERIALIZED ({_product_movements(scope)})"]
        branches += _product_branches()
        rows = _PRODUCT_ROWS
    slots = ", ".join(f"{aggregate} AS {name}" for name, aggregate in kind.slots.items())
    grouped = (
        f"SELECT entity_id, any_value(entity_time) AS entity_time, day, coalesce(hour, day) AS bucket, hour IS NULL AS daily, {slots} "
        f"FROM ({' UNION ALL '.join(branches)}) AS f GROUP BY GROUPING SETS ((entity_id, day, hour), (entity_id, day))"
    )
    head.append(f"grouped AS ({grouped})")
    columns = ", ".join(f"{expression} AS {name}" for name, expression in kind.columns.items())
    return (
        f"WITH {', '.join(head)} SELECT s.entity_id, s.entity_time, s.bucket, s.daily, {columns} FROM {rows} AS s "
        f"{_ONLY if scope == 'cells' else ''} WHERE s.bucket > {_BEFORE}"
    )


#: Of whole days, the cells that are asked for.
_ONLY = "JOIN roll_cells AS d ON d.entity_id = s.entity_id AND d.bucket = s.bucket AND d.daily = s.daily"


def _stack(kind: Kind, entity: str, time: str, day: str, hour: str, given: Mapping[str, str]) -> str:
    """The beginning of a SELECT of one branch: every value of the kind, null where the branch has none."""
    values = ", ".join(f"{given.get(name, 'NULL')}::{type_} AS {name}" for name, type_ in kind.values.items())
    return f"SELECT {entity} AS entity_id, {time} AS entity_time, {day} AS day, {hour} AS hour, {values} FROM"


def _branch(kind: Kind, branch: Branch, scope: Scope) -> str:
    entity = branch.entity or kind.name
    source = f"data_playground.{branch.table} AS f WHERE {BETWEEN}"
    if scope == "cells":
        source = (
            f"roll_cells AS d JOIN data_playground.{branch.table} AS f ON f.{entity}_id = d.entity_id "
            f"AND f.event_time >= d.bucket AND f.event_time < d.bucket + interval '1 day' WHERE d.daily AND {BETWEEN}"
        )
    source = f"{source} AND {branch.where} AND f.{entity}_id IS NOT NULL"
    given = dict(branch.values)
    if branch.first:
        name, column = branch.first
        source = (
            f"(SELECT f.*, lag(f.event_time) OVER (PARTITION BY f.{entity}_id, f.{column} ORDER BY f.event_time) AS last_time "
            f"FROM {source}) AS f"
        )
        given[name] = (
            f"CASE WHEN f.last_time >= {bucket('f.event_time', 'hour')} THEN NULL "
            f"WHEN f.last_time >= {bucket('f.event_time', 'day')} THEN {OF_HOUR} ELSE {OF_DAY} END"
        )
    day, hour = bucket("f.event_time", "day"), bucket("f.event_time", "hour")
    return f"{_stack(kind, f'f.{entity}_id', f'f.{entity}_event_time', day, hour, given)} {source}"


def _last_before(product: str, moment: str) -> str:
    """The last log of a product before a moment."""
    return (
        "SELECT l.product_event_time, l.quantity_after FROM data_playground.shop_inventory_logs AS l "
        f"WHERE l.product_id = {product} AND l.event_time < {moment} AND l.event_time < {HIGH} ORDER BY l.event_time DESC, l.id DESC LIMIT 1"
    )


#: The first and the last moment of the marked days of each entity.
_TRACKS = """
    SELECT d.entity_id, min(d.bucket) AS start_time, max(d.bucket) + interval '1 day' AS end_time
    FROM roll_cells AS d WHERE d.daily GROUP BY d.entity_id"""


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


def _product_branches() -> list[str]:
    """What movements say of a product: how often it came in, how long there was none, and what is left.

    `known` has the hour's number above and the stock below: the greatest so far is the last that is known.
    """
    day, hour = bucket("m.event_time", "day"), bucket("m.event_time", "hour")
    known = "({} << 32) + m.quantity_after + 2147483648"
    last = f"m.next_time IS NULL OR m.next_time >= {hour} + interval '1 hour'"
    number = f"((extract(epoch FROM {hour} - {LOW}) / 3600)::bigint + 1)"
    moved = {
        "restocked": "CASE WHEN m.change_type IN ('purchase', 'transfer_in') THEN 1 END",
        "known": f"CASE WHEN {last} THEN {known.format(number)} END",
    }
    empty = "(extract(epoch FROM least(i.until, b.hour + interval '1 hour') - greatest(i.event_time, b.hour)) * 1000000)::bigint"
    of_movement = ("m.entity_id", "m.entity_time")
    return [
        f"{_stack(PRODUCT, *of_movement, day, hour, moved)} movements AS m WHERE NOT m.carried",
        f"{_stack(PRODUCT, *of_movement, _BEFORE, _BEFORE, {'known': known.format('0::bigint')})} movements AS m WHERE m.carried",
        f"""{_stack(PRODUCT, "i.entity_id", "i.entity_time", bucket("b.hour", "day"), "b.hour", {"empty_time": empty})}
            (SELECT m.entity_id, m.entity_time, m.event_time,
                    coalesce(m.next_time, greatest(least(c.reached, m.end_time), m.event_time)) AS until
             FROM movements AS m LEFT JOIN data_playground.metrics_clocks AS c ON c.origin = m.origin
             WHERE m.quantity_after <= 0) AS i
            CROSS JOIN LATERAL generate_series({bucket("i.event_time", "hour")}, i.until - interval '1 microsecond', interval '1 hour') AS b(hour)
            WHERE i.until > i.event_time""",
    ]


#: The cells with the stock at their ends: the last log in the bucket, or the last before it. A day comes after its hours.
_PRODUCT_ROWS = """(
    SELECT s.*, (s.last_known & 4294967295) - 2147483648 AS stock
    FROM (SELECT g.*, max(g.known) OVER (PARTITION BY g.entity_id ORDER BY g.day, g.daily, g.bucket ROWS UNBOUNDED PRECEDING) AS last_known
          FROM grouped AS g) AS s)"""


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
            SELECT g.id, g.shop_id, g.shop_event_time, g.cost, g.low, last.quantity_after AS after
            FROM goods AS g CROSS JOIN LATERAL ({_last_before("g.id", "g.start_time")}) AS last)
        SELECT m.shop_id AS entity_id, m.shop_event_time AS entity_time, CAST(NULL AS timestamptz) AS event_time,
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


def _shop_branches() -> list[str]:
    """What movements change in a shop's stock gauges, and what the shop came into the first bucket with."""
    changes = {name: f"m.{name}" for name in SHOP.own_values}
    day, hour = (f"coalesce({bucket('m.event_time', span)}, {_BEFORE})" for span in ("day", "hour"))
    return [f"{_stack(SHOP, 'm.entity_id', 'm.entity_time', day, hour, changes)} movements AS m"]


#: The cells with the gauges at their ends: every change until then. A day comes after its hours.
_RUNNING = (
    "FILTER (WHERE NOT g.daily) OVER (PARTITION BY g.entity_id "
    "ORDER BY g.day, g.daily, g.bucket ROWS UNBOUNDED PRECEDING)"
)
_SHOP_ROWS = f"""(
    SELECT g.*, coalesce(sum(g.low_change) {_RUNNING}, 0) AS low_products, coalesce(sum(g.out_change) {_RUNNING}, 0) AS out_products,
           coalesce(sum(g.value_change) {_RUNNING}, 0) AS stock_value, coalesce(a.promotions, 0) AS promotions
    FROM grouped AS g
    LEFT JOIN (SELECT g.entity_id, g.bucket, g.daily, count(*) AS promotions
               FROM grouped AS g JOIN data_playground.shop_promotions AS a ON a.shop_id = g.entity_id AND a.valid_until > g.bucket
                 AND a.valid_from < g.bucket + CASE WHEN g.daily THEN interval '1 day' ELSE interval '1 hour' END
               WHERE a.status NOT IN ('draft', 'cancelled')
               GROUP BY g.entity_id, g.bucket, g.daily) AS a
      ON a.entity_id = g.entity_id AND a.bucket = g.bucket AND a.daily = g.daily)"""
