"""Metrics against facts, and hours against days: every column of the six tables, in every row."""

from entrepot.playground.checks.family_queries import Family, Span
from entrepot.playground.checks.rules import Rule

# Minutes out of stock are rounded to 4 decimals, an hour at a time.
ROUNDING = "0.0001"

# What a mark is about waits for a roll, and what comes after it may hang on it: buckets before the first mark are compared.
_SETTLED = """
    (SELECT coalesce(min(hour), 'infinity') FROM data_playground.metrics_dirty)
"""

ROLLED = Rule(
    """
    SELECT min(hour) AS at, NULL::uuid AS id, count(*) AS marks, NULL::text AS error
    FROM data_playground.metrics_dirty HAVING count(*) > 0
    UNION ALL
    SELECT started_time, run_id, 0,
           CASE WHEN outcome = 'failed' AND started_time = max(started_time) OVER () THEN coalesce(error, 'no reason is known') END
    FROM data_playground.metrics_runs
    """,
    "marks > 0 OR error IS NOT NULL",
    """
    CASE WHEN marks > 0
        THEN format('%s marks of changed facts, the first of %s, wait for entrepot metrics roll; metrics were compared before that',
                    marks, at)
        ELSE format('the last roll (%s, %s) failed: %s', id, at, error)
    END
    """,
    "marks DESC, at, id",
)


def against_facts(family: Family, span: Span) -> Rule:
    """Every row of a metrics table is what the facts amount to, and no row is missing."""
    columns = family.columns
    counted = [name for name in columns if name not in (family.gauges or {})]
    formulas = {**{name: f"coalesce(e.{name}, 0)" for name in family.added}, **family.derived}
    differs = {name: _differs(name) for name in columns}
    cases = " ".join(
        f"WHEN {differs[name]} THEN format('{name} is %s, the facts say %s', {name}, want_{name})"
        for name in columns
    )
    standing = f", {family.standing}" if family.standing else ""
    gauges = "".join(f", {formula} AS want_{name}" for name, formula in (family.gauges or {}).items())
    return Rule(
        f"""
        WITH cells AS (
            SELECT coalesce(m.{family.entity}, e.entity_id) AS entity_id, coalesce(m.event_time, e.bucket) AS bucket,
                   coalesce(m.event_time, e.bucket) + interval '1 {span}' AS until, m.{family.entity} IS NULL AS missing,
                   {", ".join(f"m.{name}" for name in columns)},
                   {", ".join(f"{formulas[name]} AS want_{name}" for name in counted)}
            FROM {family.table(span)} AS m
            FULL JOIN ({_expected(family, span)}) AS e ON e.entity_id = m.{family.entity} AND e.bucket = m.event_time
            WHERE coalesce(m.event_time, e.bucket) + interval '1 {span}' <= {_SETTLED}
        ){standing}
        SELECT c.bucket AS at, c.entity_id AS id, c.* {gauges}
        FROM cells AS c
        {family.tables}
        """,
        f"missing OR {' OR '.join(differs.values())}",
        f"""
        format('{family.entity.removesuffix("_id")} %s, {span} %s: ', id, at)
        || CASE WHEN missing THEN 'it has facts and no metrics' {cases} END
        """,
    )


#: Columns whose hours do not add up to the day.
DISTINCT = ("unique_shops_ordered_from", "unique_customers_count", "unique_products_sold")


def hours_against_days(family: Family) -> Rule:
    """What adds up does: the hours of a day sum to the day, and a day has hours as hours have a day."""
    columns = [name for name in family.added if name not in DISTINCT] + [
        name for name in family.derived if name.startswith("net_")
    ]
    # Each of 24 hours may be half a rounding away.
    differs = {
        name: f"abs({name} - hours_{name}) > {'0.002' if name == 'time_out_of_stock_minutes' else '0'}"
        for name in columns
    }
    cases = " ".join(
        f"WHEN {differs[name]} THEN format('{name} of the hours sums to %s, the day says %s', hours_{name}, {name})"
        for name in columns
    )
    return Rule(
        f"""
        SELECT coalesce(d.event_time, h.day) AS at, coalesce(d.{family.entity}, h.entity_id) AS id,
               d.{family.entity} IS NULL AS without_day, h.entity_id IS NULL AS without_hours,
               {", ".join(f"d.{name}, h.{name} AS hours_{name}" for name in columns)}
        FROM {family.table("day")} AS d
        FULL JOIN (SELECT {family.entity} AS entity_id, date_trunc('day', event_time, 'UTC') AS day,
                          {", ".join(f"sum({name}) AS {name}" for name in columns)}
                   FROM {family.table("hour")} GROUP BY 1, 2) AS h
               ON h.entity_id = d.{family.entity} AND h.day = d.event_time
        WHERE coalesce(d.event_time, h.day) + interval '1 day' <= {_SETTLED}
        """,
        f"without_day OR without_hours OR {' OR '.join(differs.values())}",
        f"""
        format('{family.entity.removesuffix("_id")} %s, day %s: ', id, at) || CASE
            WHEN without_day THEN 'there are hours and no day'
            WHEN without_hours THEN 'there is a day and no hours'
            {cases}
        END
        """,
    )


def _differs(column: str) -> str:
    if column == "time_out_of_stock_minutes":
        return f"abs({column} - want_{column}) > {ROUNDING}"
    return f"{column} IS DISTINCT FROM want_{column}"


def _expected(family: Family, span: Span) -> str:
    names = [*family.added, *family.auxiliary, *family.least, *family.highest]
    parts = [
        f"""
        SELECT {source.entity} AS entity_id, date_trunc('{span}', {source.at}, 'UTC') AS bucket,
               {", ".join(f"{source.counted.get(name, 'NULL::numeric')} AS {name}" for name in names)}
        FROM {source.facts.format(span=span) if source.at == "cut" else source.facts}
        GROUP BY 1, 2
        """
        for source in family.sources
    ]
    totals = [
        *(f"coalesce(sum({name}), 0) AS {name}" for name in (*family.added, *family.auxiliary)),
        *(f"min({name}) AS {name}" for name in family.least),
        *(f"max({name}) AS {name}" for name in family.highest),
    ]
    return f"""
        SELECT entity_id, bucket, {", ".join(totals)} FROM ({" UNION ALL ".join(parts)}) AS parts
        WHERE entity_id IS NOT NULL GROUP BY entity_id, bucket
    """
