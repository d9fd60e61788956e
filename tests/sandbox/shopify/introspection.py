"""The Admin API's own description of itself, and whether an object of an export follows it."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

_SCALARS: dict[str, type | tuple[type, ...]] = {
    "ID": str,
    "String": str,
    "HTML": str,
    "URL": str,
    "Boolean": bool,
    "Int": int,
    "Float": float,
}
_PATTERNS = {
    "DateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "Money": re.compile(r"-?\d+\.\d\d"),
    "Decimal": re.compile(r"-?\d+\.\d+"),
    "UnsignedInt64": re.compile(r"\d+"),
}


class AdminSchema:
    """The types of one version of the Admin API."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path) as file:
            document = json.load(file)
        self._types = {kind["name"]: kind for kind in document.get("data", document)["__schema"]["types"]}

    def faults(self, type_name: str, value: dict[str, Any], where: str = "") -> list[str]:
        """Everything in the object that the Admin API would not have sent."""
        fields = {field["name"]: field["type"] for field in self._types[type_name]["fields"]}
        faults = []
        for name, inner in value.items():
            if name == "__parentId":
                continue
            place = f"{where or type_name}.{name}"
            if name in fields:
                faults += self._value_faults(fields[name], inner, place)
            else:
                faults.append(f"{place}: {type_name} has no such field")
        return faults

    def _value_faults(self, expected: dict[str, Any], value: Any, place: str) -> list[str]:
        kind = expected["kind"]
        if kind == "NON_NULL":
            return (
                [f"{place}: null"] if value is None else self._value_faults(expected["ofType"], value, place)
            )
        if value is None:
            return []
        if kind == "LIST":
            if not isinstance(value, list):
                return [f"{place}: no list"]
            return [fault for item in value for fault in self._value_faults(expected["ofType"], item, place)]
        name = expected["name"]
        if kind == "ENUM":
            known = {choice["name"] for choice in self._types[name]["enumValues"]}
            return [] if value in known else [f"{place}: {value!r} is no {name}"]
        if kind in ("OBJECT", "INTERFACE"):
            return self.faults(name, value, place) if isinstance(value, dict) else [f"{place}: no object"]
        return [] if _is_scalar(name, value) else [f"{place}: {value!r} is no {name}"]


def _is_scalar(name: str, value: Any) -> bool:
    if name in _PATTERNS:
        return isinstance(value, str) and _PATTERNS[name].fullmatch(value) is not None
    expected = _SCALARS[name]
    return isinstance(value, expected) and not (expected is int and isinstance(value, bool))
