"""Pricing rules in the rulebook: they come back as they were written, and are refused together."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from tests.marketplace.pricing.conftest import CART, GARDEN, VOUCHER, publish_on
from tests.marketplace.pricing.generated import rule_sets

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.compiling import read_document
from entrepot.marketplace.pricing.examples import example_cart
from entrepot.marketplace.pricing.kind import KIND
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.rulebook.applying import apply_rulebook
from entrepot.marketplace.rulebook.authoring import (
    as_plain,
    find_version,
    parse_document,
    publish,
    roll_back,
    save_draft,
    take_step,
)
from entrepot.marketplace.rulebook.files import read_texts, write_definitions

FULL: dict[str, Any] = {
    "key": "full",
    "name": "Everything at once",
    "description": "All that a rule can say.",
    "type": "DISCOUNT",
    "level": "cart",
    "owner_service": "marketing",
    "start_time": "2026-11-01T00:00:00+01:00",
    "end_time": "2026-12-01T00:00:00Z",
    "condition": {"$or": [{"buyer.tier": "gold"}, {"cart.total": {"$gte": 99.5}}]},
    "applies_to": {"line.category": {"$in": ["A", "B"]}},
    "action": {
        "type": "TIERED",
        "by": "amount",
        "mode": "graduated",
        "unit": "PERCENTAGE",
        "currency": "EUR",
        "tiers": [{"from": "0", "value": "5"}, {"from": "100.00", "value": "7.5"}],
    },
    "priority": -3,
    "stacking_group": "season",
    "excludes": ["VOUCHER"],
    "caps": {"rule": "50.00", "line": "20", "cart": "70"},
    "floor": "1.5",
    "funding": {"platform": "33.3333", "seller": "66.6667"},
}
BUY: dict[str, Any] = {
    "key": "buy",
    "type": "DISCOUNT",
    "action": {"type": "BUY_X_GET_Y", "buy": 2, "get": 1, "percent": 50, "times": 3},
}
FREE: dict[str, Any] = {"key": "free", "type": "DISCOUNT", "action": {"type": "FREE_SHIPPING"}}
TAX: dict[str, Any] = {
    "key": "tax",
    "type": "TAX",
    "action": {"type": "PERCENTAGE", "value": "8.875", "inclusive": True, "compound": True},
}
TENTH: dict[str, Any] = {"action": {"type": "PERCENTAGE_OFF", "value": "10"}}
FEE: dict[str, Any] = {
    "key": "fee",
    "type": "FEE",
    "charged_to": "buyer",
    "action": {"type": "PER_UNIT", "value": 0.1, "currency": "EUR"},
}


async def test_a_rule_comes_back_as_it_was_written(db: Database, platform: UUID) -> None:
    async with db.tenant(platform_id=platform) as session:
        for given_document in (GARDEN, VOUCHER, FULL, BUY, FREE, TAX, FEE):
            document = read_document(given_document)
            await save_draft(session, KIND, platform, document, user_id=None)
            _, found = await find_version(session, KIND, platform, given_document["key"])
            assert found == document
            assert as_plain(found) == as_plain(document)
            assert KIND.words(found)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule_sets("EUR"))
def test_what_files_hold_is_what_was_written(rules: list[dict[str, Any]]) -> None:
    documents = [read_document(rule) for rule in rules]
    text = write_definitions({KIND: documents})
    again = [one.document for one in read_texts([("rules.yaml", text)], [KIND]).definitions]
    assert again == documents


async def test_a_rule_that_is_wrong_together_with_others_is_not_saved(db: Database, platform: UUID) -> None:
    await publish_on(db, platform, GARDEN, {**VOUCHER, "after": ["GARDEN"]})
    wrong: list[tuple[dict[str, Any], str]] = [
        ({**GARDEN, "after": ["GARDNE"]}, "after[0]"),
        ({**GARDEN, "excludes": ["VOUCHER"]}, "excludes[0]"),
        ({**GARDEN, "key": "other", "excludes": ["missing"]}, "excludes[0]"),
        # Nothing is wrong with this one but what the other says of it.
        ({**TAX, "key": "GARDEN"}, "prices[VOUCHER].after[0]"),
    ]
    for document, path in wrong:
        with pytest.raises(InvalidInputError) as caught:
            await publish_on(db, platform, document)
        assert caught.value.where["path"] == path
    async with db.tenant(platform_id=platform) as session:
        version, _ = await find_version(session, KIND, platform, "GARDEN")
    assert version.version == 1


async def test_rules_of_one_file_may_refer_to_one_another(db: Database, platform: UUID) -> None:
    first = [{**GARDEN, "after": ["VOUCHER"]}, {**VOUCHER, "level": "line"}]
    # The other way round: each is wrong beside what the other was.
    second = [GARDEN, {**VOUCHER, "level": "line", "after": ["GARDEN"]}]
    for documents in (first, second):
        text = write_definitions({KIND: [read_document(document) for document in documents]})
        async with db.tenant(platform_id=platform) as session:
            _, done = await apply_rulebook(
                session, platform, read_texts([("r.yaml", text)], [KIND]), user_id=None, reason="test"
            )
        assert {one.outcome for one in done} == {"published"}
    broken = write_definitions({KIND: [read_document({**GARDEN, "after": ["VOUCHER"]})]})
    with pytest.raises(InvalidInputError, match="in a circle"):
        async with db.tenant(platform_id=platform) as session:
            await apply_rulebook(
                session, platform, read_texts([("r.yaml", broken)], [KIND]), user_id=None, reason="test"
            )


async def test_a_rule_is_tried_without_being_kept(db: Database, platform: UUID) -> None:
    document = parse_document(KIND, GARDEN)
    async with db.tenant(platform_id=platform) as session:
        trial = await KIND.attempt(session, platform, document, CART)  # type: ignore[arg-type]
        assert trial.answer["totals"]["discount"] == 399
        assert "GARDEN (10 % off) takes off 3.99 EUR on line a" in trial.lines[1]
        nothing = {**CART, "lines": CART["lines"][:1]}
        trial = await KIND.attempt(session, platform, document, nothing)  # type: ignore[arg-type]
        assert trial.lines[1] == "GARDEN does not hold for this cart."
        assert await KIND.recent(session, platform, "GARDEN", 5) == []


@pytest.mark.parametrize("given_document", [GARDEN, FULL, BUY, FREE, TAX, FEE, {**VOUCHER, "condition": {}}])
def test_an_example_is_a_cart_that_the_rule_holds_for(given_document: dict[str, Any]) -> None:
    given_document = {**given_document, "condition": given_document.get("condition", {})}
    if given_document is not FULL and given_document["key"] == "full":
        given_document |= {"condition": {"buyer.tier": "gold"}, "start_time": None, "end_time": None}
    document = read_document(given_document)
    rules = RuleSet([document], strict=False)
    assert [rule.key for rule in rules.quote(example_cart(document)).matched] == [document.key]


def test_an_example_has_what_the_condition_fixes() -> None:
    condition = {
        "line.brand": "acme",
        "line.size.eu": 42,
        "buyer.tier": {"$in": ["gold", "silver"]},
        "seller.id": "s1",
        "coupons": {"$in": ["FIVE"]},
        "cart.currency": "JPY",
        "cart.categories": {"$in": ["LAMPS"]},
        "category": "LAMPS",
    }
    document = read_document({**GARDEN, "condition": condition})
    assert len(RuleSet([document]).quote(example_cart(document)).matched) == 1
    on_cart = read_document({**VOUCHER, "condition": {"region": "US"}, "applies_to": {"line.sku": "X"}})
    assert len(RuleSet([on_cart]).quote(example_cart(on_cart)).matched) == 1


MET: list[tuple[str, dict[str, Any]]] = [
    ("line", {"line.id": "x"}),
    ("line", {"line.id": 7}),
    ("line", {"line.amount": {"$gt": 99.5, "$lt": 100}}),
    ("line", {"unit_price": {"$lte": 3.25}, "line.minimum_price": 1}),
    ("line", {"quantity": {"$gt": 5}, "$or": [{"sku": {"$in": ["A"]}}, {"sku": "B"}]}),
    ("line", {"seller.rating": {"$lt": 1}, "buyer.address.country": "DE", "loyalty": {"$gte": 3}}),
    ("cart", {"cart.total": {"$gte": 100}}),
    ("cart", {"cart.total": {"$lt": 40}, "buyer.tags": {"$all": ["new", "b2b"]}}),
    ("cart", {"cart.total": 77.77, "cart.quantity": 3, "cart.lines": 3, "cart.shipping": {"$lt": 1}}),
    ("cart", {"cart.lines": 1, "cart.quantity": {"$gte": 12}, "coupons": {"$all": ["A", "B"]}}),
    ("cart", {"campaign.name": "spring", "cart.sellers": {"$in": ["s9"]}}),
    ("cart", {"time.weekday": {"$in": [6]}, "time.hour": {"$gte": 22}, "time.month": 2}),
]


@pytest.mark.parametrize(("level", "condition"), MET, ids=[str(number) for number in range(len(MET))])
def test_an_example_meets_lists_bounds_and_times(level: str, condition: dict[str, Any]) -> None:
    document = read_document(
        {"key": "r", "type": "DISCOUNT", "level": level, "condition": condition, **TENTH}
    )
    with clock(datetime(2026, 11, 21, 15, 13, 33, tzinfo=UTC)):
        assert len(RuleSet([document]).quote(example_cart(document)).matched) == 1


@pytest.mark.parametrize(
    "times",
    [
        {"start_time": "2030-01-01T00:00:00Z"},
        {"end_time": "2020-01-01T00:00:00Z"},
        {"start_time": "2019-12-31T23:59:00Z", "end_time": "2020-01-01T00:00:00Z"},
        {"start_time": "2030-06-01T00:00:00Z", "condition": {"time.hour": 4}},
    ],
)
def test_an_example_is_of_a_time_at_which_the_rule_holds(times: dict[str, Any]) -> None:
    document = read_document({"key": "r", "type": "DISCOUNT", **TENTH, **times})
    assert len(RuleSet([document]).quote(example_cart(document)).matched) == 1


@pytest.mark.parametrize(
    "condition",
    [
        {"cart.total": {"$lt": 0}},
        {"line.unit_price": 0.001},
        {"line.quantity": "many"},
        {"cart.currency": "XXX"},
        {"time.hour": 25},
        {"cart.total": "much"},
        {"line.seller": {"$ne": "x"}},
        {"line.quantity": {"$in": []}},
    ],
)
def test_an_example_can_always_be_quoted(condition: dict[str, Any]) -> None:
    document = read_document({"key": "r", "type": "DISCOUNT", "condition": condition, **TENTH})
    RuleSet([document]).quote(example_cart(document))


async def test_states_and_versions(db: Database, platform: UUID) -> None:
    await publish_on(db, platform, GARDEN)
    await publish_on(db, platform, {**GARDEN, "priority": 6})
    async with db.tenant(platform_id=platform) as session:
        version = await take_step(session, KIND, platform, "GARDEN", "deactivate")
        assert (version.state, version.version) == ("INACTIVE", 2)
        back = await roll_back(session, KIND, platform, "GARDEN", 1, user_id=None)
        assert (back.state, back.version) == ("ACTIVE", 3)
        _, document = await find_version(session, KIND, platform, "GARDEN")
        assert document.priority == 5  # type: ignore[attr-defined]
        again = await publish(session, KIND, platform, "GARDEN")
        assert again.version == 3
