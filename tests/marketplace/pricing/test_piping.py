"""Quotes in a pipe that need nothing but their line: `entrepot price quote` as the checks and other programs use it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from tests.marketplace.pricing.conftest import CART, GARDEN, VOUCHER
from tests.marketplace.pricing.generated import RATES, situations

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.lines import answer_lines
from entrepot.marketplace.pricing.piping import REMEMBERED, Quoter, by_rules, read_rates_file, read_rules
from entrepot.marketplace.pricing.rates import Rates
from entrepot.marketplace.pricing.rulesets import RuleSet

DOLLAR = {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"}
LATER = "2026-11-21T12:00:00Z"


def ask(lines: str | bytes, *rules: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to lines, where rules are at hand for those that bring none."""
    answered = io.BytesIO()
    quoter = Quoter(by_rules(RuleSet(rules), Rates()))
    given_lines = lines.encode() if isinstance(lines, str) else lines
    answer_lines(io.BytesIO(given_lines), answered, quoter.answer)
    assert answered.getvalue().endswith(b"\n")
    return [json.loads(line) for line in answered.getvalue().splitlines()]


def test_a_line_is_a_cart_or_a_cart_with_its_rules_and_rates() -> None:
    own = {**CART, "coupons": ["FIVE"], "at": LATER, "rules": [VOUCHER], "rates": [DOLLAR]}
    apart = {"cart": {name: own[name] for name in own if name not in ("rules", "rates")}}
    lines = [CART, own, {**apart, "rules": [VOUCHER], "rates": [DOLLAR]}, {"cart": CART, "rules": []}]
    answers = ask("\n".join(map(json.dumps, lines)), GARDEN)
    assert [answer["totals"]["discount"] for answer in answers] == [399, 460, 460, 0]
    assert answers[1] == answers[2]
    assert answers[1]["rates"] == [{**DOLLAR, "date": "2026-11-01T00:00:00Z"}]
    assert "of which one is 0.92 EUR (ECB, 2026-11-01T00:00:00Z)" in answers[1]["trace"][1]["words"]
    assert [*answers[0]] == [
        "currency",
        "minor_digits",
        "at",
        "time_zone",
        "engine_version",
        "lines",
        "shipping",
        "totals",
        "rates",
        "trace",
    ]


BAD: list[tuple[str, str | None, str]] = [
    ("", None, "it is empty"),
    ("{", None, "not JSON"),
    ("[1]", "$", "an object"),
    ("null", "$", "an object"),
    ('{"currency": NaN}', None, "NaN"),
    ('{"lines": []}', "currency", "not a currency"),
    ('{"currency": "EUR"}', "lines", "list"),
    ('{"currency": "EUR", "lines": [], "rates": []}', "rates", "come with rules"),
    ('{"currency": "EUR", "lines": [], "rules": {}}', "rules", "list"),
    ('{"currency": "EUR", "lines": [], "rules": [5]}', "rules[0]", "object"),
    ('{"currency": "EUR", "lines": [], "rules": [], "rates": 5}', "rates", "list"),
    ('{"cart": {"currency": "EUR", "lines": []}, "rulse": []}', "rulse", "only rules and rates"),
    ('{"currency": "EUR", "lines": [], "context": []}', "context", "object"),
    ('{"currency": "JPY", "lines": [{"id": 1, "quantity": 1, "unit_price": "9.5"}]}', "lines[0].unit_price", "0"),
    ('{"currency": "EUR", "lines": [{"id": 1, "quantity": 1, "unit_price": 1e300}]}', "lines[0].unit_price", "1"),
    ("[" * 100_000, None, "nested"),
]  # fmt: skip


def test_what_cannot_be_quoted_is_answered_by_its_error_and_the_next_line_is_quoted() -> None:
    lines = []
    for bad, _, _ in BAD:
        lines += [bad, json.dumps(CART)]
    answers = ask("\n".join(lines), GARDEN)
    assert len(answers) == len(lines)
    for (bad, path, word), wrong, good in zip(BAD, answers[::2], answers[1::2], strict=True):
        assert wrong.get("path") == path, bad[:80]
        assert word in wrong["error"], bad[:80]
        assert good["totals"]["discount"] == 399
        assert wrong.keys() <= {"error", "path", "hint"}


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([{**GARDEN, "colour": "red"}], "rules[0].colour"),
        ([{**GARDEN, "condition": {"line.sku": {"$equals": 1}}}], "rules[0].condition.line.sku.$equals"),
        ([GARDEN, {**VOUCHER, "after": ["GARDNE"]}], "rules[1].after[0]"),
        (
            [{**GARDEN, "key": "A", "after": ["B"]}, {**GARDEN, "key": "B", "after": ["A"]}],
            "rules[1].after[0]",
        ),
        ([GARDEN, GARDEN], "rules[1].key"),
        ([{**VOUCHER, "action": {**VOUCHER["action"], "value": "5.005"}}], "rules[0].action.value"),
    ],
)
def test_rules_of_a_line_are_checked_as_when_they_are_saved(rules: list[Any], path: str) -> None:
    wrong, good = ask(f"{json.dumps({**CART, 'rules': rules})}\n{json.dumps(CART)}")
    assert wrong["path"] == path
    assert path in wrong["error"]
    assert good["totals"]["total"] == 4690


def test_the_rules_of_a_line_are_compiled_once_and_by_the_clock_of_the_pipe() -> None:
    quoter = Quoter(by_rules(RuleSet([]), Rates()), time_zone="Asia/Tokyo")
    rule = {**GARDEN, "condition": {"time.hour": 3}}
    line = json.dumps({**CART, "at": "2026-11-27T18:30:00Z", "rules": [rule]}).encode()
    answer = json.loads(quoter.answer(line))
    assert answer["time_zone"] == "Asia/Tokyo"
    assert answer["totals"]["discount"] > 0
    [compiled] = quoter._known.values()
    assert json.loads(quoter.answer(line)) == answer
    [kept] = quoter._known.values()
    assert kept is compiled


def test_many_sets_of_rules_are_kept_apart() -> None:
    # As many as are remembered, and one more; true is not 1.
    lines = []
    for number in [*range(1, 100), *range(1, 100)]:
        rule = {**GARDEN, "action": {"type": "PERCENTAGE_OFF", "value": str(number)}}
        lines.append(json.dumps({**CART, "rules": [rule]}))
    buyer = {**CART, "buyer": {"vip": True}}
    lines += [
        json.dumps({**buyer, "rules": [{**GARDEN, "condition": {"buyer.vip": vip}}]}) for vip in (1, True)
    ]
    quoter, answered = Quoter(by_rules(RuleSet([]), Rates())), io.BytesIO()
    answer_lines(io.BytesIO("\n".join(lines).encode()), answered, quoter.answer)
    assert len(quoter._known) <= REMEMBERED
    answers = [json.loads(line) for line in answered.getvalue().splitlines()]
    expected = [(3990 * number + 50) // 100 for number in range(1, 100)]
    assert [answer["totals"]["discount"] for answer in answers] == [*expected, *expected, 0, 469]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations())
def test_a_line_says_what_the_library_says(situation: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    rules, cart = situation
    (answer,) = ask(json.dumps({**cart, "rules": rules, "rates": RATES}))
    assert answer == orjson.loads(orjson.dumps(RuleSet(rules).quote(cart, rates=RATES).as_dict()))


def test_files_of_rules_and_rates(tmp_path: Path) -> None:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    book = written("rules.yaml", yaml.safe_dump({"entrepot": 1, "policies": [], "prices": [GARDEN, VOUCHER]}))
    assert [rule.key for rule in read_rules(book).rules] == ["GARDEN", "VOUCHER"]
    assert (
        read_rules(written("rules.json", json.dumps([GARDEN])), time_zone="Asia/Tokyo").time_zone
        == "Asia/Tokyo"
    )
    for text in (yaml.safe_dump([DOLLAR]), json.dumps({"rates": [DOLLAR]})):
        (rate,) = read_rates_file(written("rates.yaml", text)).all()
        assert (rate.text, rate.source) == ("0.92", "ECB")

    wrong: list[tuple[Any, str, str, int, str]] = [
        (read_rules, "a.yaml", "prices:\n  - key: A\n    type: DISCOUNT\n    action: {type: FREE}\n", 4, "prices[0].action.type"),
        (read_rules, "b.yaml", "- key: A\n  type: DISCOUNT\n  actoin: 5\n", 1, "[0].action"),
        (read_rules, "c.yaml", "policies: []\n", 1, "prices"),
        (read_rules, "d.yaml", "prices: {}\n", 1, "prices"),
        (read_rates_file, "e.yaml", "rates:\n- {from: USD, to: EUR, rate: 1, date: 2026-01-01}\n- {from: USD, to: USD, rate: 1, date: 2026-01-01}\n", 3, "rates[1].to"),
        (read_rates_file, "f.yaml", "- {from: USD, to: EUR, rate: 0, date: 2026-01-01}\n", 1, "rates[0].rate"),
    ]  # fmt: skip
    for read, name, content, line, path in wrong:
        with pytest.raises(InvalidInputError) as caught:
            read(written(name, content))
        assert caught.value.where["path"] == path, name
        assert caught.value.where["line"] == line, name
        assert f"{name}:{line} " in caught.value.detail
    with pytest.raises(InvalidInputError, match=r"missing\.yaml cannot be read: no such file"):
        read_rules(tmp_path / "missing.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="no UTF-8"):
        read_rules(tmp_path / "bytes.yaml")
    with pytest.raises(InvalidInputError, match=r"broken\.yaml:"):
        read_rules(written("broken.yaml", "prices: [\n"))


def test_the_command_needs_no_database_and_answers_each_line_as_it_comes(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump({"entrepot": 1, "prices": [GARDEN]}))
    command = [sys.executable, "-m", "entrepot", "price", "quote", "--rules", str(rules)]
    environment = {
        **os.environ,
        "ENTREPOT_HOME": str(tmp_path / "nowhere"),
        "ENTREPOT_DATABASE_URL": "nowhere",
    }
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line, discount in ((json.dumps(CART), 399), ("{", None), (json.dumps({**CART, "rules": []}), 0)):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            # Read before the next line is written: a program at the other end may wait for its answer.
            answer = json.loads(process.stdout.readline())
            assert answer.get("totals", {}).get("discount") == discount
            assert ("error" in answer) == (discount is None)
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.stderr.read() == b""
        assert process.wait(30) == 0
    assert not (tmp_path / "nowhere").exists()
