"""The hash is GrowthBook's, however it is asked for: one at a time, many at once, short or long, in any script."""

import pytest
from growthbook.core import gbhash
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.marketplace.experiments.hashing import (
    FEWEST_LANES,
    LONGEST_RUN,
    MOST_LANES,
    WIDEST_LANES,
    Hasher,
    fnv1a_32,
    hash_many,
    hash_value,
)

#: Texts of any script, emoji outside of the basic plane and lone surrogates included: JavaScript hashes their units.
TEXTS = st.text(st.characters(), max_size=80)
PLAIN = st.text(st.characters(max_codepoint=127), max_size=WIDEST_LANES + 10)


@given(seed=TEXTS | PLAIN, value=TEXTS | PLAIN, version=st.sampled_from([1, 2]))
@settings(max_examples=600, deadline=None)
def test_one_value_hashes_as_with_growthbook(seed: str, value: str, version: int) -> None:
    expected = gbhash(seed, value, version)
    assert hash_value(seed, value, version) == expected
    hasher = Hasher(seed, version)
    assert hasher.place(value) / hasher.size == expected


@given(
    seed=TEXTS,
    values=st.lists(PLAIN, min_size=FEWEST_LANES, max_size=60) | st.lists(TEXTS | PLAIN, max_size=60),
    version=st.sampled_from([1, 2]),
)
@settings(max_examples=100, deadline=None)
def test_many_values_hash_as_one_by_one(seed: str, values: list[str], version: int) -> None:
    hasher = Hasher(seed, version)
    assert [place / hasher.size for place in hasher.places(values)] == [
        gbhash(seed, value, version) for value in values
    ]


def test_every_length_is_written_out_right() -> None:
    for length in range(LONGEST_RUN + 3):
        value = "".join(chr(33 + (7 * index + length) % 90) for index in range(length))
        for version in (1, 2):
            assert hash_value("seed", value, version) == gbhash("seed", value, version)
            assert hash_value("", value, version) == gbhash("", value, version)


def test_more_values_than_lanes() -> None:
    values = [f"user-{number}" for number in range(MOST_LANES + FEWEST_LANES + 1)]
    assert hash_many(values) == [fnv1a_32(value) for value in values]


@pytest.mark.parametrize(
    ("text", "expected"),
    # From the reference of FNV (draft-eastlake-fnv, test vectors of FNV-1a in 32 bits).
    [("", 0x811C9DC5), ("a", 0xE40C292C), ("b", 0xE70C2DE5), ("foobar", 0xBF9CF968)],
)
def test_fnv_is_fnv(text: str, expected: int) -> None:
    assert fnv1a_32(text) == expected


def test_numbers_with_leading_zeros_in_the_second_round() -> None:
    # One in 4,295 first rounds is below a million and takes the long way; among so many several are.
    hasher = Hasher("rare")
    values = [str(number) for number in range(30_000)]
    firsts = [fnv1a_32("rare" + value) for value in values]
    small = [value for value, first in zip(values, firsts, strict=True) if first < 1_000_000]
    assert small
    assert [hasher.place(value) / 10_000 for value in small] == [gbhash("rare", value, 2) for value in small]


def test_an_unknown_version_has_no_number() -> None:
    assert hash_value("seed", "value", 3) is None
    assert gbhash("seed", "value", 3) is None
    with pytest.raises(ValueError, match="version 3"):
        Hasher("seed", 3)
