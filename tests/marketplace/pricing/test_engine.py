"""Quotes by published rules: recorded whole, and reckoned again to the same cents whatever has changed since."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.marketplace.pricing.conftest import CART, GARDEN, VOUCHER, Publish, publish_on
from tests.marketplace.pricing.generated import RATES as GENERATED_RATES
from tests.marketplace.pricing.generated import situations

from entrepot.kit import batching
from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnavailableError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.pricing import recording
from entrepot.marketplace.pricing.kind import KIND
from entrepot.marketplace.pricing.quotes import ENGINE_VERSION
from entrepot.marketplace.pricing.rating import list_rates, load_rates, set_rates
from entrepot.marketplace.pricing.recording import Row, note, row
from entrepot.marketplace.pricing.replaying import compare, get_decision, list_decisions, replay
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.rulebook.authoring import take_step

SENDER: dict[str, Any] = {
    "key": "SENDER",
    "type": "SURCHARGE",
    "level": "cart",
    "action": {"type": "FIXED_AMOUNT", "value": "1", "currency": "EUR"},
}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DOLLAR: dict[str, Any] = {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"}


async def rows(db: Database, platform: UUID, query: str, **values: Any) -> list[dict[str, Any]]:
    """What a query finds on a platform."""
    async with db.tenant(platform_id=platform) as session:
        return [dict(row) for row in (await session.execute(text(query), values)).mappings()]


async def put_rates(db: Database, platform: UUID, *rates: dict[str, Any]) -> int:
    """Set rates of a platform."""
    async with db.tenant(platform_id=platform) as session:
        return await set_rates(session, platform, list(rates))


async def soon(engines: Engines, platform: UUID, total: int, cart: dict[str, Any] = CART) -> None:
    """Wait until the engine has heard of a change; fails after some seconds."""
    for _ in range(200):
        answer = await engines.pricing.quote(platform, cart, record=False)
        if answer.quote.totals["total"] == total:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {answer.quote.totals['total']}, not {total}")


async def test_a_quote_is_recorded_with_all_that_it_was_made_of(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN, VOUCHER)
    await put_rates(db, platform, DOLLAR)
    cart = {**CART, "coupons": ["FIVE"], "at": "2026-11-21T13:00:00+01:00", "lines": [*CART["lines"]]}
    answer = await engines.pricing.quote(platform, cart, trace_id="trace-1")
    cart["lines"] = []  # changed afterwards
    assert answer.quote.totals["total"] == 4690 - 399 - 460
    await engines.pricing.recorder.writer.flush()

    (row,) = await rows(db, platform, "SELECT * FROM marketplace.hm_pricing_decision_log")
    assert row["id"] == answer.id
    assert (row["transaction_id"], row["trace_id"], row["currency"]) == ("order-7", "trace-1", "EUR")
    assert (row["original_price"], row["final_price"]) == (Decimal("46.90"), Decimal("38.31"))
    assert (row["engine_version"], row["priced_for"]) == (ENGINE_VERSION, NOON)
    assert row["rule_keys"] == ["GARDEN", "VOUCHER"]
    assert [(one["key"], one["version"], one["applied"]) for one in row["applied_rules_json"]] == [
        ("GARDEN", 1, True),
        ("VOUCHER", 1, True),
    ]
    assert row["applied_rules_json"][0]["document"]["funding"] == {"platform": "40", "seller": "60"}
    assert [one["id"] for one in row["cart_json"]["lines"]] == ["b", "a"]
    assert row["rates_json"] == answer.quote.rates
    assert row["quote_json"] == answer.quote.as_dict()
    assert row["quote_json"]["trace"][1]["version"] == 1


async def test_a_recorded_quote_comes_to_the_same_cents_after_everything_has_changed(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN, VOUCHER)
    await put_rates(db, platform, DOLLAR)
    # Objects are equal with their names in order only; a quote that hangs on that is replayed, too.
    await publish_rules({**SENDER, "condition": {"buyer.address": {"$ne": {"b": 1, "aa": 2}}}})
    cart = {**CART, "coupons": ["FIVE"], "buyer": {"address": {"aa": 2, "b": 1}, "name": "line\nfeed"}}
    first = await engines.pricing.quote(platform, cart)
    await engines.pricing.recorder.writer.flush()
    assert first.id is not None
    assert [rule.key for rule in first.quote.matched] == ["GARDEN", "SENDER", "VOUCHER"]

    await publish_rules({**GARDEN, "action": {"type": "PERCENTAGE_OFF", "value": "50"}})
    await put_rates(db, platform, {**DOLLAR, "rate": "0.5"})
    async with db.tenant(platform_id=platform) as session:
        await take_step(session, KIND, platform, "VOUCHER", "deprecate")
    await soon(engines, platform, 4690 - 1995 + 100, cart)

    async with db.tenant(platform_id=platform) as session:
        again = replay(await get_decision(session, platform, first.id))
    assert again.same
    assert again.quote.as_dict() == first.quote.as_dict()
    assert again.quote.totals["total"] == 4690 - 399 - 460 + 100


def test_a_difference_is_listed() -> None:
    quote = RuleSet([GARDEN]).quote(CART, at=NOON)
    kept = row(note(UUID(int=1), quote))
    decision = decision_of(kept)
    assert replay(decision).same
    decision["quote_json"]["totals"]["total"] += 1
    decision["quote_json"]["lines"][0]["net"] = 0
    found = replay(decision)
    assert not found.same
    assert [one["path"] for one in found.differences] == ["lines[0].net", "totals.total"]
    assert found.differences[1] == {"path": "totals.total", "recorded": 4292, "replayed": 4291}
    assert [*compare({"a": [1, 2]}, {"a": [1]}, "x")] == [
        {"path": "x.a", "recorded": [1, 2], "replayed": [1]}
    ]


def test_a_rule_that_matched_and_lost_is_kept_as_such() -> None:
    alone = {**GARDEN, "key": "ALONE", "stacking_group": "EXCLUSIVE", "priority": 9, "condition": {}}
    kept = row(note(UUID(int=1), RuleSet([GARDEN, alone]).quote(CART, at=NOON)))
    rules = orjson.loads(kept.rules)
    assert [(rule["key"], rule["applied"]) for rule in rules] == [("ALONE", True), ("GARDEN", False)]
    assert orjson.loads(kept.rule_keys) == ["ALONE", "GARDEN"]


def decision_of(kept: Row) -> dict[str, Any]:
    """What the database gives back of a quote."""
    return {
        "id": kept.ids,
        "applied_rules_json": orjson.loads(kept.rules),
        "cart_json": orjson.loads(kept.carts),
        "quote_json": orjson.loads(kept.quotes),
        "rates_json": orjson.loads(kept.rates),
        "engine_version": kept.engine_versions,
    }


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations())
def test_every_quote_can_be_reckoned_again_from_what_is_kept(
    situation: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    rules, cart = situation
    quote = RuleSet(rules, time_zone="Asia/Tokyo").quote(cart, rates=GENERATED_RATES)
    again = replay(decision_of(row(note(UUID(int=1), quote))))
    assert again.quote.as_dict() == quote.as_dict()


async def test_a_quote_is_recorded_with_the_transaction_that_it_belongs_to(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    answer = await engines.pricing.quote(platform, CART, record=False)
    assert answer.id is None

    async def order(fails: bool) -> None:
        async with db.tenant(platform_id=platform) as session:
            await engines.pricing.record(session, platform, answer.quote)
            if fails:
                raise RuntimeError("the order could not be taken")

    with pytest.raises(RuntimeError):
        await order(fails=True)
    assert await rows(db, platform, "SELECT 1 FROM marketplace.hm_pricing_decision_log") == []
    await order(fails=False)
    (row,) = await rows(db, platform, "SELECT final_price FROM marketplace.hm_pricing_decision_log")
    assert row["final_price"] == Decimal("42.91")


async def test_a_clean_stop_loses_nothing_and_platforms_stay_apart(
    db: Database, platform: UUID, other_platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    ids: dict[UUID, set[UUID | None]] = {platform: set(), other_platform: set()}
    async with Engines.opened(db) as engines:
        for number in range(600):
            tenant = platform if number % 3 else other_platform
            answer = await engines.pricing.quote(tenant, CART)
            assert answer.quote.totals["discount"] == (399 if tenant == platform else 0)
            ids[tenant].add(answer.id)
    for tenant, expected in ids.items():
        stored = await rows(db, tenant, "SELECT id FROM marketplace.hm_pricing_decision_log")
        assert {row["id"] for row in stored} == expected


async def test_a_batch_is_written_once_though_it_is_tried_twice(
    db: Database,
    engines: Engines,
    platform: UUID,
    publish_rules: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_rules(GARDEN)
    quote = (await engines.pricing.quote(platform, CART, record=False)).quote
    notes = [note(platform, quote), note(platform, quote)]
    await engines.pricing.recorder._write(notes)
    monkeypatch.setattr(recording, "STATEMENT", 1)  # each in a statement of its own
    await engines.pricing.recorder._write(notes)
    assert len(await rows(db, platform, "SELECT 1 FROM marketplace.hm_pricing_decision_log")) == 2


async def test_what_cannot_be_recorded_is_refused_at_once(engines: Engines, platform: UUID) -> None:
    for value in ("\0", "\ud800", 2**70, {1: 2}, {"a", "b"}):
        cart = {**CART, "buyer": {"name": value}}
        with pytest.raises(InvalidInputError) as caught:
            await engines.pricing.quote(platform, cart)
        assert caught.value.where["path"] == "$"
    assert len(engines.pricing.recorder.writer) == 0


async def test_several_carts_are_quoted_or_none(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    answers = await engines.pricing.quote_many(platform, [CART, {**CART, "at": "2026-01-01T00:00:00Z"}])
    assert [answer.quote.totals["discount"] for answer in answers] == [399, 399]
    assert answers[1].quote.cart.at == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidInputError) as caught:
        await engines.pricing.quote_many(platform, [CART, {**CART, "lines": [{"id": "a"}]}])
    assert caught.value.where["path"] == "carts[1].lines[0].quantity"
    assert len(engines.pricing.recorder.writer) == 2


async def test_changes_of_rules_rates_and_states_are_heard(
    db: Database, engines: Engines, platform: UUID
) -> None:
    cart = {**CART, "coupons": ["FIVE"]}
    await soon(engines, platform, 4690, cart)
    await publish_on(db, platform, GARDEN)
    await soon(engines, platform, 4291, cart)
    await put_rates(db, platform, DOLLAR)
    await publish_on(db, platform, VOUCHER)
    await soon(engines, platform, 4291 - 460, cart)
    await put_rates(db, platform, {**DOLLAR, "rate": "0.5"})
    await soon(engines, platform, 4291 - 250, cart)
    async with db.tenant(platform_id=platform) as session:
        await take_step(session, KIND, platform, "GARDEN", "deactivate")
    await soon(engines, platform, 4690 - 250, cart)


async def test_the_platforms_time_zone_is_that_of_the_rules(
    db: Database, engines: Engines, platform: UUID
) -> None:
    async with db.system() as session:
        await session.execute(
            text("UPDATE marketplace.hm_platform SET time_zone = 'Asia/Tokyo' WHERE id = :id"),
            {"id": platform},
        )
    await publish_on(db, platform, {**GARDEN, "condition": {"time.hour": 21}})
    answer = await engines.pricing.quote(platform, CART, at=NOON)
    assert answer.quote.totals["discount"] == 469


async def test_decisions_are_listed_and_found(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    for number in range(5):
        with clock(NOON.replace(minute=number)):
            cart = {**CART, "transaction_id": f"order-{number}"}
            await engines.pricing.quote(platform, cart if number else {**cart, "lines": []})
    await engines.pricing.recorder.writer.flush()
    async with db.tenant(platform_id=platform) as session:

        async def orders(**filters: Any) -> list[str]:
            page = await list_decisions(session, platform, filters)
            return [row["transaction_id"] for row in page.rows]

        assert await orders() == [f"order-{number}" for number in (4, 3, 2, 1, 0)]
        assert await orders(rule="GARDEN") == ["order-4", "order-3", "order-2", "order-1"]
        assert await orders(rule="NOTHING") == []
        assert await orders(transaction="order-3") == ["order-3"]
        assert await orders(since=NOON.replace(minute=2), until=NOON.replace(minute=4)) == [
            "order-3",
            "order-2",
        ]
        page = await list_decisions(session, platform, {}, limit=2)
        after = await list_decisions(session, platform, {}, after=page.after, limit=2)
        assert [row["transaction_id"] for row in after.rows] == ["order-2", "order-1"]
        recent = await KIND.recent(session, platform, "GARDEN", 2)
        assert [(one.subject, one.summary) for one in recent] == [
            ("order-4", "applied: 46.90 became 42.91 EUR"),
            ("order-3", "applied: 46.90 became 42.91 EUR"),
        ]
        assert await KIND.last_decided(session, platform, ["GARDEN", "OTHER"]) == {
            "GARDEN": NOON.replace(minute=4)
        }
        with pytest.raises(NotFoundError):
            await get_decision(session, platform, UUID(int=7))


async def test_another_platform_sees_none_of_it(
    db: Database, engines: Engines, platform: UUID, other_platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    await put_rates(db, platform, DOLLAR)
    answer = await engines.pricing.quote(platform, CART)
    await engines.pricing.recorder.writer.flush()
    assert answer.id is not None
    for table in (
        "hm_pricing_rule_definition",
        "hm_pricing_rule_condition",
        "hm_pricing_rule_action",
        "hm_pricing_priority",
        "hm_pricing_decision_log",
        "hm_currency_conversion",
    ):
        count = f"SELECT count(*) AS count FROM marketplace.{table}"
        assert (await rows(db, platform, count))[0]["count"] == 1
        assert (await rows(db, other_platform, count))[0]["count"] == 0
    async with db.tenant(platform_id=other_platform) as session:
        with pytest.raises(NotFoundError):
            await get_decision(session, platform, answer.id)
        assert await KIND.recent(session, platform, "GARDEN", 5) == []
    # Nor can it write there: neither a rate, nor a decision.
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant(platform_id=other_platform) as session:
            await set_rates(session, platform, [{**DOLLAR, "date": "2026-11-02"}])
    async with db.tenant(platform_id=other_platform) as session:
        await engines.pricing.record(session, platform, answer.quote)
    assert len(await rows(db, platform, "SELECT 1 FROM marketplace.hm_pricing_decision_log")) == 1


async def test_a_decision_cannot_be_changed(
    db: Database, engines: Engines, platform: UUID, publish_rules: Publish
) -> None:
    await publish_rules(GARDEN)
    await engines.pricing.quote(platform, CART)
    await engines.pricing.recorder.writer.flush()
    for statement in ("UPDATE {} SET final_price = 0", "DELETE FROM {}"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await rows(db, platform, statement.format("marketplace.hm_pricing_decision_log"))


async def test_rates_are_kept_by_their_date(db: Database, platform: UUID) -> None:
    later = {**DOLLAR, "rate": "0.9300000001", "date": "2026-11-02T12:00:00+01:00", "source": "desk"}
    assert await put_rates(db, platform, DOLLAR, later) == 2
    assert await put_rates(db, platform, DOLLAR, later) == 0
    assert await put_rates(db, platform, {**DOLLAR, "rate": "0.9250"}) == 1
    async with db.tenant(platform_id=platform) as session:
        rates = await load_rates(session, platform)
        page = await list_rates(session, platform, {"from_currency": "USD"}, limit=1)
        assert [(row["rate"], row["source"]) for row in page.rows] == [("0.9300000001", "desk")]
        page = await list_rates(session, platform, {"from_currency": "USD"}, after=page.after)
        assert [row["rate"] for row in page.rows] == ["0.925"]
        assert (await list_rates(session, platform, {"to_currency": "USD"})).rows == []
    assert [rate.text for rate in rates.all()] == ["0.925", "0.9300000001"]
    found = rates.at("USD", "EUR", datetime(2026, 11, 2, 11, tzinfo=UTC))
    assert found is not None
    assert found.convert(10**12) == 930_000_000_100
    with pytest.raises(InvalidInputError) as caught:
        await put_rates(db, platform, DOLLAR, {**DOLLAR, "rate": "-1"})
    assert caught.value.where["path"] == "rates[1].rate"


async def test_nothing_is_quoted_that_could_not_be_recorded(
    db: Database, platform: UUID, publish_rules: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_rules(GARDEN)
    monkeypatch.setattr(batching, "PATIENCE", 0.02)
    async with Engines.opened(db) as engines:
        writer = engines.pricing.recorder.writer
        monkeypatch.setattr(writer, "_capacity", 0)
        with pytest.raises(UnavailableError, match="0 pricing decisions wait to be recorded"):
            await engines.pricing.quote(platform, CART)
        with pytest.raises(UnavailableError):
            await engines.pricing.quote_many(platform, [CART, CART])
        assert len(writer) == 0
        assert (await engines.pricing.quote(platform, CART, record=False)).id is None


def test_a_name_that_could_not_be_kept_is_refused_like_a_value() -> None:
    for context in ({"no\0te": 1}, {"deep": [{"no\0te": 1}]}, {"note": ["a\0b"]}):
        quote = RuleSet([]).quote({**CART, "context": context})
        with pytest.raises(InvalidInputError, match="NUL"):
            note(UUID(int=1), quote)


def test_no_statement_holds_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "STATEMENT", 10)

    def of(length: int) -> Row:
        money = Decimal(1)
        return Row(
            UUID(int=length), "t", money, money, "EUR", "[]", "r" * length, "", "", "[]", 1, NOON, None, NOON
        )

    lots = recording._statements([of(length) for length in (4, 6, 1, 12, 3, 7)])
    assert [[len(one.rules) for one in lot] for lot in lots] == [[4, 6], [1], [12], [3, 7]]
