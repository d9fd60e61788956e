"""What a context schema declares of an attribute, read from JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.kit.rules.reading import near, wrong
from entrepot.kit.rules.values import TYPE_NAMES, same

#: The types of attributes.
TYPES = ("string", "number", "integer", "boolean", "version", "date-time", "array", "object", "any")
SETTINGS = ("type", "enum", "description", "items", "attributes")


@dataclass(slots=True)
class Declared:
    """One attribute: its type, the values that it may have, what it is; an array's items, an object's attributes.

    An object of which no attribute is declared may hold anything.
    """

    type: str
    enum: tuple[Any, ...] | None = None
    description: str | None = None
    items: "Declared | None" = None
    attributes: dict[str, "Declared"] = field(default_factory=dict)

    def at(self, segments: tuple[str, ...]) -> "Declared | None":
        """What is declared at a path below; None where the schema has nothing there."""
        found: Declared | None = self
        for segment in segments:
            if found is None or found.type == "any" or (found.type == "object" and not found.attributes):
                break
            if found.type == "object":
                found = found.attributes.get(segment)
            elif found.type == "array":
                found = INTEGER if segment == "length" else found.item if segment.isdigit() else None
            else:
                return None
        else:
            return found
        return None if found is None else ANY

    @property
    def item(self) -> "Declared":
        """What is declared of an array's items."""
        return self.items or ANY

    def names(self, above: str = "") -> Iterator[str]:
        """The dotted paths of everything that is declared below."""
        for name, declared in self.attributes.items():
            yield above + name
            yield from declared.names(f"{above}{name}.")


ANY = Declared("any")
INTEGER = Declared("integer")


def read_attributes(source: Mapping[str, Any], at: str) -> Declared:
    """Attributes by their dotted paths, as one object. Raises InvalidInputError naming the path of what is wrong."""
    root = Declared("object")
    for name, value in source.items():
        if not isinstance(name, str) or name.startswith("$"):
            wrong(f"{name!r} cannot be the name of an attribute.", at)
        declared = _declared(value, f"{at}.{name}")
        *parents, last = name.split(".")
        holder = root
        for parent in parents:
            holder = holder.attributes.setdefault(parent, Declared("object"))
            if holder.type != "object":
                wrong(f"{parent} is declared as {holder.type}, and has no attributes.", f"{at}.{name}")
        before = holder.attributes.get(last)
        if before is not None and not (before.type == declared.type == "object"):
            wrong(f"{name} is declared twice.", f"{at}.{name}")
        if before is not None:
            declared.attributes = {**before.attributes, **declared.attributes}
        holder.attributes[last] = declared
    return root


def _declared(source: Any, at: str) -> Declared:
    given: Any = {"type": source} if isinstance(source, str) else source
    if not isinstance(given, Mapping):
        wrong(
            f"the name of a type or an object with one is wanted, not {type(source).__name__}.",
            at,
            f"The types are {', '.join(TYPES)}.",
        )
    for setting in given:
        if setting not in SETTINGS:
            wrong(
                f"there is no setting {setting!r} of an attribute.",
                f"{at}.{setting}",
                near(str(setting), SETTINGS),
            )
    place = at if isinstance(source, str) else f"{at}.type"
    kind = given.get("type", "object" if given.get("attributes") else "any")
    if kind not in TYPES:
        wrong(
            f"there is no type {kind!r}.",
            place,
            near(str(kind), TYPES) or f"The types are {', '.join(TYPES)}.",
        )
    declared = Declared(kind, _enum(given.get("enum"), kind, f"{at}.enum"), given.get("description"))
    if given.get("items") is not None:
        if kind != "array":
            wrong(f"only an array has items; this is declared as {kind}.", f"{at}.items")
        declared.items = _declared(given["items"], f"{at}.items")
    if given.get("attributes") is not None:
        if kind != "object" or not isinstance(given["attributes"], Mapping):
            wrong("attributes are an object, and only an object has them.", f"{at}.attributes")
        declared.attributes = read_attributes(given["attributes"], f"{at}.attributes").attributes
    if declared.description is not None and not isinstance(declared.description, str):
        wrong("a description is a text.", f"{at}.description")
    return declared


def _enum(values: Any, kind: str, at: str) -> tuple[Any, ...] | None:
    if values is None:
        return None
    if not isinstance(values, list | tuple) or not values:
        wrong("enum is a list of the values that there are.", at)
    for index, value in enumerate(values):
        if (
            value.__class__ not in TYPE_NAMES
            or kind in ("array", "object")
            or (kind != "any" and not is_of(value, kind))
        ):
            wrong(f"{value!r} is no value of an attribute declared as {kind}.", f"{at}[{index}]")
    return tuple(values)


def is_of(value: Any, kind: str) -> bool:
    """Whether a JSON value is of a declared type."""
    name = TYPE_NAMES[value.__class__]
    if kind == "integer":
        return name == "number" and (isinstance(value, int) or value.is_integer())
    if kind in ("version", "date-time"):
        return name == "string"
    return kind in (name, "any")


def listed(value: Any, enum: tuple[Any, ...]) -> bool:
    """Whether a value is one of those that an attribute may have."""
    return any(same(value, item, "") for item in enum)
