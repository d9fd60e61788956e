"""What a check is made of, and what it found."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement about every row that `rows` (SQL) gives: none of them is `wrong`.

    `said` is what is said of one that is, an expression that gives text; `place` orders the rows, so that the first
    difference is the same one every time. All four are SQL over the columns of `rows`.
    """

    rows: str
    wrong: str
    said: str
    place: str = "at, id"


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule found."""

    compared: int
    failed: int
    first: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: how many rows (or cells) it compared, how many of them differ, and the first that does.

    Of a check that was not made `compared` is 0, `failed` is 0 and `first` says why.
    """

    name: str
    compared: int
    failed: int
    first: str | None

    def as_dict(self) -> dict[str, Any]:
        """The check as `--json` prints it."""
        return {
            "name": self.name,
            "compared": self.compared,
            "failed": self.failed,
            "first": self.first,
        }
