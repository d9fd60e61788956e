"""The hash for pipes: lines of JSON in, lines of JSON out, as many at once as there are."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.versions import written_number
from entrepot.marketplace.experiments.hashing import PLACES, Hasher, hash_many, second_rounds

Asked = tuple[str, str, int]


def answer_lines(lines: Sequence[bytes], first: int = 1) -> Iterator[bytes]:
    """An answer a line, `{"n": 0.4915}`, to lines of `{"seed", "value", "version"}`; `first` is the first one's number.

    `n` is null for a version that GrowthBook does not know, and the version is 2 where none is given. A line that cannot
    be used is answered with `{"error": …}`, and an empty one not at all.
    """
    asked: list[Asked | InvalidInputError | None] = []
    for line in lines:
        try:
            asked.append(_read(line) if line.strip() else None)
        except InvalidInputError as error:
            asked.append(error)
    numbers = iter(hash_asked([one for one in asked if isinstance(one, tuple)]))
    for number, one in enumerate(asked, first):
        if isinstance(one, InvalidInputError):
            yield orjson.dumps({"error": {**one.problem(), "line": number}}) + b"\n"
        elif one is not None:
            yield orjson.dumps({"n": next(numbers)}) + b"\n"


def hash_asked(asked: Sequence[Asked]) -> list[float | None]:
    """GrowthBook's numbers of seeds, values and versions, hashed together."""
    found: list[float | None] = [None] * len(asked)
    by_version: defaultdict[int, list[int]] = defaultdict(list)
    for index, (_, _, version) in enumerate(asked):
        by_version[version].append(index)
    for version, indexes in by_version.items():
        if version not in PLACES:
            continue
        for index, place in zip(indexes, _places(asked, indexes, version), strict=True):
            found[index] = place / PLACES[version]
    return found


def _places(asked: Sequence[Asked], indexes: Sequence[int], version: int) -> Iterable[int]:
    if version == 1:
        return [first % PLACES[1] for first in hash_many([asked[i][1] + asked[i][0] for i in indexes])]
    seeds = {asked[i][0] for i in indexes}
    if len(seeds) == 1:  # the usual case: one experiment, many entities
        return Hasher(seeds.pop()).places([asked[i][1] for i in indexes])
    return second_rounds(hash_many([asked[i][0] + asked[i][1] for i in indexes]))


def _read(line: bytes) -> Asked:
    given = _parsed(line)
    if not isinstance(given, dict):
        raise InvalidInputError(
            "A line is an object.",
            hint='{"seed": "exp", "value": "user-1", "version": 2}',
            where={"path": "$"},
        )
    seed, value, version = given.get("seed"), given.get("value"), given.get("version", 2)
    if not isinstance(seed, str):
        raise InvalidInputError("The seed is a text.", where={"path": "seed"})
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = written_number(value)
    if not isinstance(value, str):
        raise InvalidInputError("The value is a text or a number.", where={"path": "value"})
    if isinstance(version, bool) or not isinstance(version, int):
        raise InvalidInputError(
            "The version is a whole number.", hint="GrowthBook has 1 and 2.", where={"path": "version"}
        )
    return seed, value, version


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        try:
            # JavaScript's texts may hold half of a surrogate pair, and orjson's may not.
            return json.loads(line, parse_constant=_refuse)
        except ValueError:
            raise InvalidInputError(f"This is no JSON: {error}.", where={"path": "$"}) from error


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
