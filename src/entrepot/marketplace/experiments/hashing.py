"""GrowthBook's hash: the number in [0, 1) that places an entity in an experiment.

`n = fnv32a(str(fnv32a(seed + value))) % 10000 / 10000` (version 2), `fnv32a(value + seed) % 1000 / 1000` (version 1),
over UTF-16 code units as JavaScript's `charCodeAt` gives them. Source: GrowthBook, "Build your own SDK"
(docs.growthbook.io/lib/build-your-own), and FNV-1a as in draft-eastlake-fnv.

Python has no FNV of its own, and a loop over bytes is slow. What is done here instead: the state after a seed is kept,
so that only the value is hashed; a function is written out for each length, which takes two bytes a step by a table
(`_pairs`) and three digits a step in the second round (`_digits`); and many values at once are lanes of one large
integer, so that a step of all of them is one operation.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

OFFSET = 0x811C9DC5
PRIME = 0x01000193
MASK = 0xFFFFFFFF

#: Version → how many places there are; a number is a place divided by it.
PLACES = {1: 1_000, 2: 10_000}

#: Longer texts are hashed by a loop. With it the sum of `_written_out` stays below 2⁵³, where floats are exact.
LONGEST_RUN = 60
#: From this many values on, lanes are faster than one at a time.
FEWEST_LANES = 24
#: More lanes than this bring nothing, and large integers leave the cache.
MOST_LANES = 2_000
#: Longer texts would widen the steps of all lanes.
WIDEST_LANES = 240

#: Bytes, low byte and upper 24 bits of the state → place.
Run = Callable[[bytes, int, float], int]


def hash_value(seed: str, value: str, version: int) -> float | None:
    """The number in [0, 1) of a value under a seed; None for a version that GrowthBook does not know."""
    if version == 2:
        return _place(_RUNS[2], 2, seed + value, OFFSET) / 10_000
    if version == 1:
        return _place(_RUNS[1], 1, value + seed, OFFSET) / 1_000
    return None


def fnv1a_32(text: str, state: int = OFFSET) -> int:
    """FNV-1a of 32 bits over the UTF-16 code units of a text, going on from a state."""
    if text.isascii():
        return _loop(state, text.encode())
    return _loop(state, memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"))


def _loop(state: int, units: bytes | memoryview) -> int:
    for unit in units:
        state = ((state ^ unit) * PRIME) & MASK
    return state


class Hasher:
    """The hash of one seed: `place` of one value, `places` of many; place / `size` is GrowthBook's number."""

    __slots__ = ("_state", "place", "seed", "size", "version")

    #: Place of a value, from 0 to size - 1.
    place: Callable[[str], int]

    def __init__(self, seed: str, version: int = 2) -> None:
        if version not in PLACES:
            raise ValueError(f"GrowthBook has no hash of version {version}")
        self.seed = seed
        self.version = version
        self.size = PLACES[version]
        self._state = fnv1a_32(seed) if version == 2 else OFFSET
        self.place = _placing(self._state) if version == 2 else self._first_version

    def places(self, values: Sequence[str]) -> list[int]:
        """The places of many values, in their order."""
        if self.version == 1:
            return [first % 1_000 for first in hash_many([value + self.seed for value in values])]
        return second_rounds(hash_many(values, self._state))

    def _first_version(self, value: str) -> int:
        return _place(_RUNS[1], 1, value + self.seed, OFFSET)


def _placing(state: int) -> Callable[[str], int]:
    """The places of version 2 after a seed: `_place` with all that stays the same taken out of it."""
    low, high, runs = state & 255, float(state >> 8), _RUNS[2]

    def place(value: str) -> int:
        if value.isascii():
            data = value.encode()
            if run := runs.get(len(data)):
                return run(data, low, high)
        return _place(runs, 2, value, state)

    return place


def _place(runs: dict[int, Run], version: int, text: str, state: int) -> int:
    length = len(text)
    if length > LONGEST_RUN or not text.isascii():
        first = fnv1a_32(text, state)
        return _second_round(first) if version == 2 else first % 1_000
    run = runs.get(length)
    if run is None:
        run = runs[length] = _written_out(length, version)
    return run(text.encode(), state & 255, float(state >> 8))


#: Version → length → the function written out for it when it is first wanted.
_RUNS: dict[int, dict[int, Run]] = {1: {}, 2: {}}

_ENDINGS = {
    1: ["return state % 1000"],
    2: [
        "if state < 1000000:",
        "    return second_round(state)",
        "upper = state // 1000",
        "top = upper // 1000",
        "second, row = leading[top]",
        "second += added[row + upper - top * 1000]",
        "return (second * {cube} + added[(second & 255) * 1000 + state - upper * 1000] & {mask}) % 10000",
    ],
}


def _written_out(length: int, version: int) -> Run:
    """FNV-1a over `length` bytes of ASCII and what follows it in a version, without a loop.

    The prime is 2²⁴ + 403. With the state as 256·h + l, a step over a byte b is, with x = l xor b,
    h' = 403·h + (403·x >> 8) + 2¹⁶·x modulo 2²⁴ and l' = 403·x modulo 256: the upper part is linear, and what a pair of
    bytes adds to it depends on l alone. So the upper part is one sum of look-ups times powers of 403. Each product is
    below 2⁴⁸ and there are at most 32, hence floats hold the sum exactly, and they are faster than large integers.
    """
    lines = [f"{''.join(f'b{index}, ' for index in range(length))}= data"] if length else []
    terms = [f"high * {_power(length)}"]
    for index in range(0, length - 1, 2):
        lines.append(f"c{index}, low = pairs[b{index + 1}][low ^ b{index}]")
        terms.append(f"c{index} * {_power(length - index - 2)}")
    if length % 2:
        lines.append(f"c, low = singles[low ^ b{length - 1}]")
        terms.append("c")
    lines.append(f"state = int(({' + '.join(terms)}) % 16777216.0) * 256 + low")
    lines += [line.format(cube=PRIME**3 & MASK, mask=MASK) for line in _ENDINGS[version]]
    source = "\n    ".join(
        ["def run(data, low, high, *, pairs, singles, leading, added, second_round):", *lines]
    )
    return _compiled(source)


def _power(exponent: int) -> float:
    return float(pow(403, exponent, 1 << 24))


def _compiled(source: str) -> Run:
    made: dict[str, Any] = {}
    exec(source, made)  # noqa: S102 - put together from numbers; nothing in it comes from outside
    pairs, singles = _pairs()
    leading, added = _digits()
    tables = {"pairs": pairs, "singles": singles, "leading": leading, "added": added}
    # Defaults are read like local variables, which no other way of handing the tables in is.
    made["run"].__kwdefaults__ = {**tables, "second_round": _second_round}
    run: Run = made["run"]
    return run


Step = tuple[float, int]


@cache
def _pairs() -> tuple[list[list[Step]], list[Step]]:
    """What two bytes, and what one, add to the upper 24 bits, and the low byte after them.

    `pairs[second byte][low xor first byte]` and `singles[low xor byte]`.
    """
    plain = [((x * 403 >> 8) + (x << 16) & 0xFFFFFF, x * 403 & 255) for x in range(256)]
    singles = [(float(upper), low) for upper, low in plain]
    pairs = []
    for byte in range(128):
        row = []
        for upper, low in plain:
            more, after = plain[low ^ byte]
            row.append((float(upper * 403 + more & 0xFFFFFF), after))
        pairs.append(row)
    return pairs, singles


@cache
def _digits() -> tuple[list[tuple[int, int]], "array[int]"]:
    """The tables of the second round, for a number abcd·10⁶ + efg·10³ + hij with its leading digits.

    `leading[abcd]` is the state after those digits times prime³, and where in `added` its low byte's row begins;
    `added[1000·low + efg]` is what three digits more add to that.
    """
    cube = PRIME**3 & MASK
    added = array("I")
    for low in range(256):
        states = [low]
        for _ in range(3):
            states = [((state ^ digit) * PRIME) & MASK for state in states for digit in b"0123456789"]
        added.extend([(state - low * cube) & MASK for state in states])
    ends = [_loop(OFFSET, b"%d" % number) for number in range(4_295)]
    return [(state * cube & MASK, (state & 255) * 1_000) for state in ends], added


def _second_round(first: int) -> int:
    return _loop(OFFSET, b"%d" % first) % 10_000


def hash_many(texts: Sequence[str], state: int = OFFSET) -> list[int]:
    """FNV-1a of many texts at once, in their order."""
    if len(texts) < FEWEST_LANES:
        return [fnv1a_32(text, state) for text in texts]
    found: list[int] = []
    for start in range(0, len(texts), MOST_LANES):
        some = texts[start : start + MOST_LANES]
        # One text that is not ASCII, or is very long, would widen every lane's steps.
        if all(map(str.isascii, some)) and max(map(len, some)) <= WIDEST_LANES:
            found += _hash_lanes([text.encode() for text in some], state)
        else:
            found += [fnv1a_32(text, state) for text in some]
    return found


def second_rounds(firsts: Sequence[int]) -> list[int]:
    """The places of what the first round gave."""
    if len(firsts) < FEWEST_LANES:
        return [_second_round(first) for first in firsts]
    found: list[int] = []
    for start in range(0, len(firsts), MOST_LANES):
        some = firsts[start : start + MOST_LANES]
        found += [place % 10_000 for place in _hash_lanes([b"%d" % first for first in some], OFFSET)]
    return found


#: Power → prime⁻ᵖ modulo 2³². A step over a zero byte only multiplies, so this takes such steps back.
_BACK = [pow(PRIME, -power, 1 << 32) for power in range(WIDEST_LANES + 1)]


def _hash_lanes(values: Sequence[bytes], state: int) -> list[int]:
    """FNV-1a of many byte strings, each in 64 bits of one integer: a step of all is an xor, a product and a mask.

    A state has 32 bits and the prime 25, so that no product reaches the next lane. Shorter values are filled up with
    zeros, whose steps are taken back at the end.
    """
    count = len(values)
    lengths = list(map(len, values))
    width = max(lengths)
    joined = b"".join([value.ljust(width, b"\0") for value in values])
    mask = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * count, "little")
    states = int.from_bytes(state.to_bytes(8, "little") * count, "little")
    column = bytearray(8 * count)
    for index in range(width):
        column[::8] = joined[index::width]
        states = (states ^ int.from_bytes(column, "little")) * PRIME & mask
    hashed = memoryview(states.to_bytes(8 * count, "little")).cast("Q").tolist()
    return [
        state if length == width else state * _BACK[width - length] & MASK
        for state, length in zip(hashed, lengths, strict=True)
    ]
