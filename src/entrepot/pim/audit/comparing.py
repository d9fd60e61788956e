"""What changed between two states of a row, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

#: Kept by the program at every write; they say nothing that the entry's own time does not.
UNTOLD = frozenset({"updated_at", "synced_at", "created_at"})
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not what it was; None where there was nothing or is nothing."""

    field: str
    old: Any
    new: Any


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Change]:
    """The fields that differ, in the row's order; of a row inserted or deleted, those that hold something."""
    before, after = old or {}, new or {}
    names = dict.fromkeys([*after, *before])
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if name not in UNTOLD and before.get(name) != after.get(name)
    ]


def shown(change: Change) -> Change:
    """The change as text for a page: what is not text as JSON, what is very long cut."""
    return Change(change.field, _text(change.old), _text(change.new))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
