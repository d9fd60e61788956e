"""The definitions of the metrics, as the comments of their columns say them."""

from dataclasses import dataclass

from entrepot.kit.db.tables import Base
from entrepot.playground.metrics.kind_queries import KINDS


@dataclass(frozen=True)
class Definition:
    """What one column of a kind of metrics (user, shop, product) holds; hours and days mean the same by it."""

    kind: str
    table: str
    column: str
    type: str
    definition: str


def definitions() -> list[Definition]:
    """Every metric, in the order of the tables."""
    found = []
    for kind in KINDS:
        table = Base.metadata.tables[kind.target("hour")]
        for name in kind.columns:
            column = table.columns[name]
            type_ = str(column.type).lower()
            found.append(Definition(kind.name, kind.table, name, type_, str(column.comment)))
    return found
