"""The fast evaluator and the naive one say the same of whatever rules and contexts are generated."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.marketplace.policies.naive import decide

from entrepot.marketplace.policies.evaluating import Policy

BASE = datetime(2026, 6, 1, tzinfo=UTC)
REGIONS = ["EU", "UK", "US"]
CATEGORIES = ["GROCERY", "TOYS"]
TYPES = ["ARTISAN", "ENTERPRISE"]

moments = st.integers(0, 6).map(lambda hours: BASE + timedelta(hours=hours))
words = st.sampled_from([*REGIONS, *CATEGORIES, *TYPES])
numbers = st.integers(0, 4)
tests = st.one_of(
    st.fixed_dictionaries({"region": st.sampled_from(REGIONS)}),
    st.fixed_dictionaries({"category": st.sampled_from(CATEGORIES)}),
    st.fixed_dictionaries({"seller_type": st.fixed_dictionaries({"$nin": st.lists(words, max_size=2)})}),
    st.fixed_dictionaries({"region": st.fixed_dictionaries({"$in": st.lists(words, max_size=3)})}),
    st.fixed_dictionaries({"price": st.fixed_dictionaries({"$gt": numbers})}),
    st.fixed_dictionaries({"price": st.fixed_dictionaries({"$lte": numbers})}),
    st.just({}),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$and": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"$or": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"$not": inner}),
        st.tuples(inner, tests).map(lambda pair: {**pair[0], **pair[1]}),
    ),
    max_leaves=4,
)
scopes = st.fixed_dictionaries(
    {},
    optional={
        "REGION": st.sampled_from([["EU"], ["EU", "US"], ["UK"]]),
        "CATEGORY": st.sampled_from([["GROCERY"], ["TOYS", "GROCERY"]]),
        "SELLER_TYPE": st.lists(st.sampled_from(TYPES), min_size=1, max_size=1),
        "GLOBAL": st.just(["ALL"]),
    },
)
SUPPRESS = {"type": "SUPPRESS"}
EXTEND = {"type": "EXTEND_WINDOW", "days": 3}
REVIEW = {"type": "MANUAL_REVIEW", "queue": "disputes"}
obligations = st.sampled_from([[SUPPRESS], [EXTEND, REVIEW], [REVIEW, SUPPRESS, EXTEND]])
effects = st.one_of(
    st.fixed_dictionaries({"result": st.sampled_from(["ALLOW", "DENY"])}),
    st.fixed_dictionaries({"result": st.sampled_from(["ALLOW", "DENY"]), "obligations": obligations}),
    st.fixed_dictionaries({"obligations": obligations}),
)


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rules with few distinct values in everything, so that they collide often."""
    count = draw(st.integers(0, 12))
    keys = draw(st.permutations([f"rule-{number:02}" for number in range(count)]))
    return [
        {
            "key": key,
            "condition": draw(conditions),
            "scopes": draw(scopes),
            "effect": draw(effects),
            "priority": draw(st.integers(-1, 1)),
            "active": draw(st.integers(0, 5)) > 0,
            "start_time": draw(st.none() | moments),
            "end_time": draw(st.none() | moments),
        }
        for key in keys
    ]


policies = st.fixed_dictionaries(
    {
        "key": st.just("POLICY"),
        "name": st.just("Policy"),
        "default_effect": st.sampled_from(["ALLOW", "DENY"]),
        "rules": rules(),
    }
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "region": st.sampled_from(REGIONS) | st.lists(st.sampled_from(REGIONS), max_size=2) | st.none(),
        "category": st.sampled_from(CATEGORIES) | st.lists(st.sampled_from(CATEGORIES), max_size=2),
        "seller_type": st.sampled_from(TYPES),
        "price": numbers,
    },
)


@settings(max_examples=200, deadline=None)
@given(policies, st.lists(contexts, min_size=1, max_size=4), moments)
def test_both_evaluators_agree(policy: dict[str, Any], asked: list[dict[str, Any]], at: datetime) -> None:
    compiled = Policy.compile(policy)
    for context in asked:
        decision = compiled.evaluate(context, at)
        found = {
            "effect": decision.effect,
            "rule": decision.decisive,
            "obligations": [(owed.type, owed.rule) for owed in decision.obligations],
            "contributions": {
                one.rule: one.contribution for one in decision.evaluations(every=True) if one.rule is not None
            },
        }
        assert found == decide(policy, context, at)


@settings(max_examples=100, deadline=None)
@given(policies, contexts, moments, st.randoms(use_true_random=False))
def test_the_order_of_rules_says_nothing(
    policy: dict[str, Any], context: dict[str, Any], at: datetime, random: Any
) -> None:
    shuffled = [*policy["rules"]]
    random.shuffle(shuffled)
    one = Policy.compile(policy).evaluate(context, at)
    other = Policy.compile({**policy, "rules": shuffled}).evaluate(context, at)
    assert (one.effect, one.decisive, one.obligations) == (other.effect, other.decisive, other.obligations)
