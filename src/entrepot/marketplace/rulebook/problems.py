"""What is wrong with a document: each problem with its path, in a sentence, with the near miss where there is one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from entrepot.kit.errors import InvalidInputError

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `path` is empty for the document as a whole."""

    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """The problem on one line."""
        said = f"{self.path}: {self.message}" if self.path else self.message
        return f"{said} {self.hint}" if self.hint else said

    def as_dict(self) -> dict[str, Any]:
        """The problem as plain values."""
        return asdict(self)


def refusal(problems: Sequence[Problem]) -> InvalidInputError:
    """The error that tells of the first problem, and of all of them in `where["problems"]`."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    said = f"{first.path}: {first.message}" if first.path else first.message
    where = {"path": first.path or "$", "problems": [problem.as_dict() for problem in problems]}
    return InvalidInputError(f"{said}{more}", hint=first.hint, where=where)


def problems_of(error: InvalidInputError, under: str = "") -> list[Problem]:
    """The problems that an error tells of, with their paths below `under`."""
    listed = error.where.get("problems")
    if listed:
        return [
            Problem(join(under, item["path"]), item["message"], item.get("hint"))
            for item in listed
            if isinstance(item, Mapping)
        ]
    path = str(error.where.get("path", ""))
    path = "" if path == "$" else path
    # Whoever raised it may have said the path in the sentence already.
    message = error.detail.removeprefix(f"{path}: ") if path else error.detail
    return [Problem(join(under, path), sentence(message), error.hint)]


def validation_problems(model: type[BaseModel], given: Any, error: ValidationError) -> list[Problem]:
    """What pydantic has against a value, in our words; several things about one place are told as one."""
    found: dict[str, list[Problem]] = {}
    for item in error.errors(include_url=False):
        location = true_location(given, item["loc"], missing=item["type"] == "missing")
        path = write_path(location)
        message, hint = _told(model, location, item)
        found.setdefault(path, []).append(Problem(path, message, hint))
    return [_joined(problems) for problems in found.values()]


def true_location(given: Any, location: Location, *, missing: bool) -> Location:
    """The place in the value that was given: pydantic's own, without the names of a union's branches."""
    found: list[int | str] = []
    here = given
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(part, int) and isinstance(here, Sequence) and not isinstance(here, str):
            found.append(part)
            here = here[part] if part < len(here) else None
        elif isinstance(part, str) and isinstance(here, Mapping) and part in here:
            found.append(part)
            here = here[part]
        elif last and missing and isinstance(here, Mapping):
            found.append(part)
    return tuple(found)


def write_path(location: Iterable[int | str], under: str = "") -> str:
    """`("rules", 0, "condition")` → `rules[0].condition`."""
    found = under
    for part in location:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else str(part)
    return found


def join(under: str, path: str) -> str:
    """A path below another."""
    if not under or not path:
        return under or path
    return f"{under}{path}" if path.startswith("[") else f"{under}.{path}"


def sentence(message: str) -> str:
    """A message with a capital and a full stop."""
    message = message.strip()
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _told(model: type[BaseModel], location: Location, item: Any) -> tuple[str, str | None]:
    kind, message = item["type"], str(item["msg"])
    if kind == "missing":
        return "It is missing.", None
    if kind == "extra_forbidden":
        known = sorted(set(_fields(model.model_json_schema(), location[:-1])))
        near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}." if known else None
        return f"There is no field {location[-1]!r} here.", hint
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return sentence(message.replace("Input should", "It should", 1).replace("Input tag", "The tag", 1)), None


def _joined(problems: list[Problem]) -> Problem:
    first = problems[0]
    others = [problem.message for problem in problems[1:] if problem.message != first.message]
    if not others:
        return first
    # The branches of a union each say what they would have taken.
    message = " Or: ".join([first.message, *dict.fromkeys(others)])
    return Problem(first.path, message, first.hint)


def _fields(schema: Mapping[str, Any], location: Location) -> Iterator[str]:
    """The fields that an object at a location may have, of every branch that leads there."""
    definitions = schema.get("$defs", {})
    here = [schema]
    for part in location:
        here = [found for one in here for found in _below(_branches(one, definitions), part)]
    for one in here:
        for branch in _branches(one, definitions):
            yield from branch.get("properties", {})


def _branches(schema: Any, definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return []
    if "$ref" in schema:
        return _branches(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}), definitions)
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    return [schema, *(found for option in options for found in _branches(option, definitions))]


def _below(branches: list[Mapping[str, Any]], part: int | str) -> Iterator[Any]:
    for branch in branches:
        if isinstance(part, int):
            prefixed = branch.get("prefixItems", ())
            yield prefixed[part] if part < len(prefixed) else branch.get("items")
        else:
            yield branch.get("properties", {}).get(part) or branch.get("additionalProperties")
