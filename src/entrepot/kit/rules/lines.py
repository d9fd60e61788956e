"""Conditions in a pipe: a question a line as JSON, an answer a line as JSON, in the same order."""

import json
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, BinaryIO, NoReturn

from entrepot.kit.errors import EntrepotError, InvalidInputError
from entrepot.kit.rules.condition import Condition, compile_condition

#: How much is read at once, at most; what has arrived is answered without waiting for more.
CHUNK = 1 << 18
#: The longest line that is read.
LONGEST_LINE = 16 << 20
#: Compiled conditions that are kept; most lines of a pipe ask one of a few.
REMEMBERED = 10_000

_ANSWERS = {True: b'{"match": true}\n', False: b'{"match": false}\n'}
_FIELDS = ("condition", "context", "groups")


def answer_lines(asked: BinaryIO, answered: BinaryIO, answer: Callable[[bytes], bytes]) -> None:
    """Answer each line of a stream by one line; whatever has been read is answered, and flushed, before more is read."""
    left = b""
    while chunk := asked.read1(CHUNK):  # type: ignore[attr-defined]
        *lines, left = (left + chunk).split(b"\n") if b"\n" in chunk else (left + chunk,)
        if len(left) > LONGEST_LINE:
            # Its end is waited for and thrown away.
            lines.append(left)
            left = _rest_of_line(asked)
        if lines:
            answered.write(b"".join(map(answer, lines)))
            answered.flush()
    if left:
        answered.write(answer(left))
        answered.flush()


def _rest_of_line(stream: BinaryIO) -> bytes:
    """Read to the end of a line; what follows it in the last chunk."""
    while chunk := stream.read1(CHUNK):  # type: ignore[attr-defined]
        _, found, rest = chunk.partition(b"\n")
        if found:
            return bytes(rest)
    return b""


class Evaluator:
    """Answers lines that hold {"condition", "context", "groups"?} by {"match"}, or {"error"} and where known {"path"}.

    A line that cannot be answered is answered by its error, an empty one, too: there are as many answers as lines.
    """

    def __init__(self) -> None:
        self._decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
        self._known: dict[str, Condition | InvalidInputError] = {}

    def answer(self, line: bytes) -> bytes:
        """The answer to one line, with its line feed."""
        try:
            return _ANSWERS[self._evaluate(line)]
        except EntrepotError as error:
            path = error.where.get("path")
            return _error(str(error), path if isinstance(path, str) else None)

    def _evaluate(self, line: bytes) -> bool:
        question = self._parse(line)
        for field in question:
            if field not in _FIELDS and (meant := _meant(field)):
                raise InvalidInputError(
                    f"There is no field {field!r}.", hint=f"Did you mean {meant}?", where={"path": field}
                )
        for field in ("condition", "context"):
            if field not in question:
                raise InvalidInputError(f"The line has no {field}.", where={"path": field})
        groups = question.get("groups")
        if groups is not None and not isinstance(groups, dict):
            raise InvalidInputError(
                "groups is an object of lists.", hint='Write {"vip": ["u1"]}.', where={"path": "groups"}
            )
        return self._condition(question["condition"]).matches(question["context"], groups)

    def _parse(self, line: bytes) -> dict[str, Any]:
        if len(line) > LONGEST_LINE:
            raise InvalidInputError(f"The line is longer than {LONGEST_LINE:,} bytes.")
        try:
            question = self._decode(line.removeprefix(b"\xef\xbb\xbf").decode())
        except RecursionError:
            raise InvalidInputError("The line is nested too deeply.") from None
        except ValueError as error:
            reason = "it is empty" if not line.strip() else str(error)
            raise InvalidInputError(f"The line is not JSON: {reason}.") from None
        if not isinstance(question, dict):
            raise InvalidInputError(
                "The line is no JSON object.", hint='Write {"condition": {…}, "context": {…}}.'
            )
        return question

    def _condition(self, source: Any) -> Condition:
        # Its text tells true from 1 and 1 from 1.0, and keeps the order of keys.
        key = repr(source)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            try:
                known = compile_condition(source)
            except InvalidInputError as error:
                known = error
            self._known[key] = known
        if isinstance(known, InvalidInputError):
            raise known
        return known


@lru_cache(maxsize=1_000)
def _meant(field: str) -> str | None:
    """The field that a misspelt one was meant to be; others are passed over (a number of the line, a name)."""
    return next(iter(get_close_matches(field, _FIELDS, n=1, cutoff=0.85)), None)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _error(message: str, path: str | None) -> bytes:
    found = {"error": message} if path is None else {"error": message, "path": path}
    return json.dumps(found).encode() + b"\n"
