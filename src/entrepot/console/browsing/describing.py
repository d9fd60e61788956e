"""The declared tables and views as the browser shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from entrepot.kit.db import dictionary
from entrepot.kit.db.dictionary import ColumnEntry, TableEntry
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import MATERIALIZED_VIEWS
from entrepot.kit.errors import NotFoundError

NUMERIC = ("INTEGER", "BIGINT", "SMALLINT", "NUMERIC", "FLOAT", "DOUBLE", "REAL")


@dataclass(frozen=True, slots=True)
class Described:
    """A table or view: its entry in the dictionary, its noun, and how its rows are told apart."""

    entry: TableEntry
    noun: str
    key: tuple[str, ...]

    @property
    def shown(self) -> tuple[ColumnEntry, ...]:
        """The columns that may be shown: all but secrets."""
        return tuple(column for column in self.entry.columns if not column.secret)

    @property
    def pages(self) -> bool:
        """Whether rows come in pages: there is a key, and a cursor may hold it."""
        return bool(self.key) and all(not self.column(name).secret for name in self.key)

    def column(self, name: str) -> ColumnEntry:
        """A column by name; NotFoundError for one that the table does not have."""
        for column in self.entry.columns:
            if column.name == name:
                return column
        raise NotFoundError(f"{self.entry.fullname} has no column {name}.")


@dataclass(frozen=True, slots=True)
class Group:
    """The tables of one noun."""

    schema: str
    title: str
    tables: tuple[Described, ...]


@cache
def described() -> dict[str, Described]:
    """Everything that is declared, by schema and name."""
    nouns = {
        mapper.local_table.fullname: mapper.class_.__module__.split(".")[-2]  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
    }
    keys = {f"{view.schema}.{view.name}": view.unique[1] for view in MATERIALIZED_VIEWS}
    return {
        entry.fullname: Described(
            entry=entry,
            noun=nouns.get(entry.fullname, "views"),
            key=entry.primary_key or keys.get(entry.fullname, ()),
        )
        for entry in dictionary.tables()
    }


def find(schema: str, name: str) -> Described:
    """A table or view; NotFoundError for one that is not declared."""
    found = described().get(f"{schema}.{name}")
    if found is None:
        raise NotFoundError(f"There is no table {schema}.{name}.", hint="The page Data lists every table.")
    return found


def search(q: str) -> list[Group]:
    """The tables that speak of every word, by noun; all of them for no word."""
    words = q.lower().split()
    groups: dict[tuple[str, str], list[Described]] = {}
    for table in described().values():
        if all(word in _text(table) for word in words):
            groups.setdefault((table.entry.schema, table.noun), []).append(table)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] == "views", item[0][1]))
    return [Group(schema, noun, tuple(tables)) for (schema, noun), tables in ordered]


def is_numeric(column: ColumnEntry) -> bool:
    """Whether values stand to the right."""
    return column.type.upper().startswith(NUMERIC)


def is_code(column: ColumnEntry) -> bool:
    """Whether values are for machines: keys, times, documents."""
    return (
        column.type.upper().startswith(("UUID", "JSON", "TIMESTAMP", "BYTEA", "VECTOR", "INET"))
        or "[]" in column.type
    )


def href(column: ColumnEntry, value: str) -> str | None:
    """Where a reference leads: to the row that it names."""
    if column.references is None:
        return None
    schema, _, table = column.references.partition(".")
    target = described().get(column.references)
    if target is None or not target.key:
        return None
    key = next(
        (name for name in target.key if name not in ("shop_id", "platform_id", "account_id")), target.key[0]
    )
    return f"/data/{schema}/{table}?column={key}&op=eq&value={value}"


def notes(entry: TableEntry, start: str, otherwise: str) -> str:
    """The note of an entry that begins so, or what is said where there is none."""
    return next((note for note in entry.notes if note.startswith(start)), otherwise)


def _text(table: Described) -> str:
    entry = table.entry
    parts: Sequence[str] = [entry.schema, entry.name, entry.comment, table.noun]
    return " ".join([*parts, *(f"{column.name} {column.comment}" for column in entry.columns)]).lower()
