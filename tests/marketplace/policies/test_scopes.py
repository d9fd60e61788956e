"""Scopes: every dimension must be met, by any of its values; each is a condition that the index uses."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.policies.documents import PolicyDocument, RuleDocument
from entrepot.marketplace.policies.evaluating import Policy, whole_condition
from entrepot.marketplace.policies.explaining import words
from entrepot.marketplace.policies.scopes import (
    ATTRIBUTES,
    DATE_RANGE,
    DIMENSIONS,
    GLOBAL,
    Window,
    attribute_scopes,
    check_scopes,
    in_words,
    read_range,
    specificity,
    windows,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def scoped(**scopes: list[str]) -> Policy:
    """A policy of one rule that allows within these scopes."""
    rule = {"key": "a", "effect": "ALLOW", "scopes": scopes}
    return Policy.compile({"key": "P", "name": "P", "rules": [rule]})


@pytest.mark.parametrize("dimension", sorted(ATTRIBUTES))
def test_each_dimension_narrows_by_its_attribute(dimension: str) -> None:
    attribute = ATTRIBUTES[dimension]
    assert attribute == dimension.lower()
    policy = scoped(**{dimension: ["X", "Y"]})
    held = [policy.evaluate(context).allowed for context in ({attribute: "X"}, {attribute: "Y"}, {attribute: "Z"}, {}, {attribute: None}, {attribute: ["Z", "Y"]})]  # fmt: skip
    assert held == [True, True, False, False, False, True]


def test_several_dimensions_mean_all_of_them() -> None:
    policy = scoped(REGION=["EU", "UK"], CATEGORY=["TOYS"], SELLER_TYPE=["ARTISAN"])
    for region, category, seller in product(("EU", "UK", "US"), ("TOYS", "FOOD"), ("ARTISAN", "SHOP")):
        met = region in ("EU", "UK") and category == "TOYS" and seller == "ARTISAN"
        context = {"region": region, "category": category, "seller_type": seller}
        assert policy.evaluate(context).allowed is met, context
    assert not policy.evaluate({"region": "EU", "category": "TOYS"}).allowed


@given(
    st.dictionaries(
        st.sampled_from(["REGION", "CATEGORY", "BRAND", "DEVICE"]),
        st.lists(st.sampled_from("XYZ"), min_size=1),
    ),
    st.dictionaries(
        st.sampled_from(["region", "category", "brand", "device"]), st.sampled_from(["X", "Y", "Z", None])
    ),
)
def test_all_dimensions_by_any_value_whatever_they_are(
    scopes: dict[str, list[str]], context: dict[str, str | None]
) -> None:
    met = all(context.get(dimension.lower()) in values for dimension, values in scopes.items())
    assert scoped(**scopes).evaluate(context).allowed is met


def test_a_scope_is_one_more_condition() -> None:
    scopes = {"REGION": ("EU", "UK"), "BRAND": ("ACME",), GLOBAL: ("ALL",), DATE_RANGE: ("2026-11-27/..",)}
    assert attribute_scopes(scopes) == {
        "REGION": {"region": {"$in": ["EU", "UK"]}},
        "BRAND": {"brand": {"$in": ["ACME"]}},
    }
    rule = RuleDocument.model_validate(
        {"key": "a", "effect": "ALLOW", "scopes": {"REGION": ["EU", "UK"]}, "condition": {"price": 5}}
    )
    whole = whole_condition(rule, None, "rules[0]")
    assert dict(whole.fixed) == {"price": frozenset({5}), "region": frozenset({"EU", "UK"})}


def test_the_index_leaves_rules_of_other_scopes_alone() -> None:
    rules = [
        {"key": f"r{number}", "effect": "ALLOW", "scopes": {"REGION": f"region-{number}", "CATEGORY": "TOYS"}}
        for number in range(50)
    ]
    policy = Policy.compile({"key": "P", "name": "P", "rules": rules})
    context = {"region": "region-7", "category": "TOYS"}
    assert [rule.key for rule in policy.index.candidates(context)] == ["r7"]
    assert policy.index.candidates({"region": "elsewhere", "category": "TOYS"}) == []


@pytest.mark.parametrize(
    "condition",
    [{"region": {"$ne": "UK"}}, {"$or": [{"region": "EU"}, {"region": "US"}]}, {"$and": [{"region": "EU"}]}],
)
def test_a_condition_on_the_same_attribute_is_not_overwritten(condition: dict[str, object]) -> None:
    rule = {"key": "a", "effect": "ALLOW", "scopes": {"REGION": ["EU", "UK"]}, "condition": condition}
    policy = Policy.compile({"key": "P", "name": "P", "rules": [rule]})
    held = [policy.evaluate({"region": region}).allowed for region in ("EU", "UK", "US")]
    assert held == [True, False, False]


def test_how_many_dimensions_narrow() -> None:
    assert specificity({}) == specificity({GLOBAL: ("ALL",)}) == 0
    assert specificity({"REGION": ("EU", "UK"), GLOBAL: ("ALL",)}) == 1
    assert specificity({"REGION": ("EU",), "BRAND": ("ACME",), DATE_RANGE: ("2026-11-27/..",)}) == 3


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-27/2026-12-01", datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        ("../2026-12-01", None, datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-11-21T12:00:00/", NOON, None),
        ("2026-11-21T13:00:00+01:00/..", NOON, None),
        ("/", None, None),
    ],
)
def test_ranges_of_dates(text: str, start: datetime | None, end: datetime | None) -> None:
    assert read_range(text) == Window(start, end)


@pytest.mark.parametrize(
    "text", ["", "2026-11-27", "2026-13-01/..", "a/b", "2026-11-27/2026-12-01/2027-01-01"]
)
def test_what_is_no_range_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no range of dates") as refused:
        read_range(text, "rules[3].scopes.DATE_RANGE[0]")
    assert refused.value.where["path"] == "rules[3].scopes.DATE_RANGE[0]"


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ends before it begins"):
        read_range("2026-11-27T10:00:00+02:00/2026-11-27T08:00:00Z")


def test_a_rule_is_in_force_where_its_dates_and_one_of_its_ranges_hold() -> None:
    ranges = {DATE_RANGE: ("2026-12-24/..", "2026-11-20/2026-11-22", "2025-01-01/2025-02-01")}
    start, end = NOON, NOON + 60 * 24 * HOUR
    assert windows(ranges, start, end) == (
        Window(NOON, datetime(2026, 11, 22, tzinfo=UTC)),
        Window(datetime(2026, 12, 24, tzinfo=UTC), end),
    )
    assert windows({}, None, None) == (Window(None, None),)
    assert windows({DATE_RANGE: ("2025-01-01/2025-02-01",)}, start, end) == ()
    assert windows({DATE_RANGE: ("../2026-11-21T12:00:00Z",)}, NOON, None) == ()


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(NOON, NOON + HOUR)
    moments = [NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1), NOON + HOUR]
    assert [window.holds(at) for at in moments] == [False, True, True, False]
    assert window.holds(NOON.astimezone(timezone(5 * HOUR)))


@pytest.mark.parametrize(
    ("scopes", "path", "word"),
    [
        ({"REGIO": ("EU",)}, "s.REGIO", "REGION"),
        ({"region": ("EU",)}, "s.region", "REGION"),
        ({"WEATHER": ("RAIN",)}, "s.WEATHER", "condition"),
        ({GLOBAL: ("EU",)}, "s.GLOBAL", "ALL"),
        ({DATE_RANGE: ("2026-11-27/..", "x")}, "s.DATE_RANGE[1]", "START/END"),
    ],
)
def test_scopes_that_cannot_be_are_refused(scopes: dict[str, tuple[str, ...]], path: str, word: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_scopes(scopes, "s")
    assert refused.value.where["path"] == path
    assert word in f"{refused.value} {refused.value.hint}"


def test_every_dimension_of_the_dictionary_is_there() -> None:
    named = {"GLOBAL", "REGION", "CATEGORY", "BRAND", "SHIPPING_METHOD", "SELLER_TYPE", "SERVICE_LEVEL", "DATE_RANGE", "PROMOTION_TYPE", "DEVICE", "TENANT", "ENVIRONMENT"}  # fmt: skip
    assert named <= set(DIMENSIONS)
    for dimension in DIMENSIONS:
        check_scopes(
            {dimension: {GLOBAL: ("ALL",), DATE_RANGE: ("2026-11-27/..",)}.get(dimension, ("X",))}, ""
        )


def test_scopes_in_words() -> None:
    scopes = {"REGION": ("EU", "UK"), GLOBAL: ("ALL",), DATE_RANGE: ("2026-11-27/..",)}
    assert in_words(scopes) == "region EU or UK and from 2026-11-27"
    spans = ("2026-11-27/2026-12-01", "../2025-01-01", "/..")
    assert (
        in_words({DATE_RANGE: spans}) == "from 2026-11-27 until 2026-12-01 or until 2025-01-01 or at any time"
    )
    document = PolicyDocument.read(
        {"key": "P", "name": "P", "rules": [{"key": "a", "effect": "ALLOW", "scopes": scopes}]}
    )
    assert words(document)[1].endswith("if region is EU or UK, from 2026-11-27.")
