"""Conditions, contexts and groups for properties: small pools of names and values, so that they meet."""

from typing import Any

from hypothesis import strategies as st

#: Values that are easily confused: true and 1, 1 and 1.0, "1" and 1, null and nothing, texts by case and by alphabet.
SCALARS = [
    *(None, True, False, 0, 1, 1.0, -1, 2, 2.5, 10**20, 10**400, 1e21),
    *("", "a", "A", "b", "ab", "1", "true", "é", "É", "ÿ", "\ufffd", "\U0001f600", "\ud800"),
    *("1.2.3", "v1.2.3-rc.1", "1.10.0", "1.2.3+build", "10"),
]
NAMES = ["a", "b", "c", "é", "", "0", "length"]
PATHS = [*NAMES, "a.b", "a.0", "a.length", "b.c.a", "c.", "a.01", "a.0.b"]
PATTERNS = [
    *("a", "^a", "b$", "[A-Z]", ".", "^$", "é", "(?i)É", r"\d+\.\d+", "a|b", r"\bA", "^(?!a)", r"\w\W"),
    *("(a+)+$", "^(a|ab)*b$", "(?:[ab]+1?)+", r"(?<=a)b", r"(.)\1"),
]
TYPES = ["null", "boolean", "number", "string", "array", "object", "undefined", "unknown"]

scalars = st.sampled_from(SCALARS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
contexts: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
groups: st.SearchStrategy[dict[str, Any] | None] = st.none() | st.dictionaries(
    st.sampled_from(["vip", "staff"]),
    st.lists(values, max_size=4)
    | st.lists(scalars, max_size=4).map(lambda found: {"type": "list", "values": found}),
)


def _tests(deeper: int) -> st.SearchStrategy[Any]:
    """A value, or an object of operators."""
    return values | st.lists(_operations(deeper), max_size=3).map(dict)


def _operations(deeper: int) -> st.SearchStrategy[tuple[str, Any]]:
    plain = [
        _of(("$eq", "$ne"), values),
        _of(("$lt", "$lte", "$gt", "$gte"), scalars),
        _of(("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"), scalars),
        _of(("$in", "$nin", "$ini", "$nini"), st.lists(values, max_size=4)),
        _of(("$regex", "$regexi", "$notRegex", "$notRegexi"), st.sampled_from(PATTERNS)),
        _of(("$inGroup", "$notInGroup"), st.sampled_from(["vip", "staff", "nobody"])),
        _of(("$exists",), st.sampled_from([True, False, 1, 0, None])),
        _of(("$type",), st.sampled_from(TYPES)),
        _of(("$size",), st.sampled_from([0, 1, 2.0, {"$gt": 0}, {"$lt": 2, "$ne": 0}])),
        _of(("$all", "$alli"), st.lists(values, max_size=3)),
    ]
    if not deeper:
        return st.one_of(plain)
    return st.one_of(
        *plain,
        _of(("$not",), _tests(deeper - 1)),
        _of(("$all", "$alli"), st.lists(_tests(deeper - 1), max_size=3)),
        _of(
            ("$elemMatch",), _conditions(deeper - 1) | st.lists(_operations(deeper - 1), max_size=2).map(dict)
        ),
    )


def _of(operators: tuple[str, ...], operands: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.sampled_from(operators), operands)


def _conditions(deeper: int) -> st.SearchStrategy[dict[str, Any]]:
    entries = st.tuples(st.sampled_from(PATHS), _tests(deeper))
    if deeper:
        inner = _conditions(deeper - 1)
        entries = (
            entries
            | entries
            | st.tuples(st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, max_size=3))
            | st.tuples(st.just("$not"), inner)
        )
    return st.lists(entries, max_size=3).map(dict)


conditions = _conditions(2)
