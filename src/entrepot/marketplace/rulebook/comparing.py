"""What differs between two documents, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.kit.output import to_json


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"


#: The fields by which the parts of a definition are told apart.
NAMES = ("key", "variant_key", "rule_key", "rule_name", "name")
#: Stands for a field that is not there, which is not the same as null.
NOTHING: Any = _Nothing()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that was one thing and is another; `NOTHING` where it was not, or is not any more."""

    path: str
    old: Any
    new: Any

    def as_dict(self) -> dict[str, Any]:
        """The difference as plain values; `old` or `new` is left out where there is nothing."""
        found: dict[str, Any] = {"path": self.path}
        if self.old is not NOTHING:
            found["old"] = self.old
        if self.new is not NOTHING:
            found["new"] = self.new
        return found

    @property
    def old_text(self) -> str | None:
        """What was, on one line."""
        return _text(self.old)

    @property
    def new_text(self) -> str | None:
        """What is, on one line."""
        return _text(self.new)


def differences(old: Any, new: Any, path: str = "") -> list[Difference]:
    """The fields in which two JSON values differ, in the order of the new one; empty for equal ones.

    Objects in a list that have names of their own are compared name by name, wherever they stand: `rules[ce-mark].priority`.
    """
    return list(_differences(old, new, path))


def _differences(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if _equal(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*new, *(name for name in old if name not in new)]:
            inner = f"{path}.{name}" if path else name
            yield from _differences(old.get(name, NOTHING), new.get(name, NOTHING), inner)
    elif _is_list(old) and _is_list(new) and (keyed := _by_key(old, new)) is not None:
        before, after = keyed
        for name in [*after, *(name for name in before if name not in after)]:
            yield from _differences(before.get(name, NOTHING), after.get(name, NOTHING), f"{path}[{name}]")
        if [name for name in before if name in after] != [name for name in after if name in before]:
            yield Difference(f"{path} (order)", list(before), list(after))
    elif _is_list(old) and _is_list(new) and any(isinstance(item, Mapping | list) for item in (*old, *new)):
        for index in range(max(len(old), len(new))):
            yield from _differences(
                old[index] if index < len(old) else NOTHING,
                new[index] if index < len(new) else NOTHING,
                f"{path}[{index}]",
            )
    else:
        yield Difference(path, old, new)


def _equal(old: Any, new: Any) -> bool:
    # 1 and 1.0 are one number in JSON; true is none.
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_equal(old[name], new[name]) for name in old)
    if _is_list(old) and _is_list(new):
        return len(old) == len(new) and all(map(_equal, old, new))
    return bool(type(old) is type(new) or _numbers(old, new)) and bool(old == new)


def _numbers(old: Any, new: Any) -> bool:
    return isinstance(old, int | float) and isinstance(new, int | float)


def _by_key(old: Sequence[Any], new: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    if not old and not new:
        return None
    for name in NAMES:
        before, after = _named(old, name), _named(new, name)
        if before is not None and after is not None:
            return before, after
    return None


def _named(items: Sequence[Any], name: str) -> dict[str, Any] | None:
    found = {
        item[name]: item for item in items if isinstance(item, Mapping) and isinstance(item.get(name), str)
    }
    return found if len(found) == len(items) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _text(value: Any) -> str | None:
    if value is NOTHING:
        return None
    return value if isinstance(value, str) else to_json(value).decode().strip()
