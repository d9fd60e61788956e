"""Secrets and the data of persons do not get into the record of calls, however they are wrapped."""

import json
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mirakl.sharing import PATIENT

from entrepot.kit.clock import now
from entrepot.mirakl.failures.outcomes import Outcome
from entrepot.mirakl.failures.plain import plain, plain_json
from entrepot.mirakl.failures.recording import Call, row
from entrepot.mirakl.failures.redacting import BOUND, HIDDEN, redacted, redacted_answer, redacted_url

ACCOUNT = uuid4()
#: A word that occurs in nothing else.
WORD = "Quillfeather"
PERSONAL = (
    "firstname", "lastname", "civility", "company", "company_2", "street_1", "street_2", "zip_code", "phone",
    "phone_secondary", "additional_info", "customer_notification_email", "email", "body", "display_name",
    "client-voice-number", "address-line-1", "postal-zip-code", "name", "tax_identification_number",
)  # fmt: skip
SECRET = ("Authorization", "api_key", "apiKey", "password", "client_secret", "access_token", "credentials")


def call(request: Any = None, response: str | None = None, **other: Any) -> Call:
    values: dict[str, Any] = {
        "at": now(),
        "service": "Mirakl",
        "operation": "OR11",
        "method": "GET",
        "endpoint": "https://marketplace.example/api/orders",
        "outcome": Outcome.DONE,
        "request": request,
        "response": response,
    }
    return Call(**{**values, **other})


def written(made: Call, *secrets: str) -> str:
    return "\n".join(str(value) for value in row(made, ACCOUNT, secrets=secrets).values())


NESTED = st.recursive(
    st.fixed_dictionaries({"order_id": st.just("A-1")}),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(["customer", "order_lines", "data"]), inner, min_size=1, max_size=2),
    ),
    max_leaves=4,
)


def planted(value: Any, name: str, word: Any) -> Any:
    """The value with a field in each of its objects."""
    if isinstance(value, dict):
        return {**{key: planted(item, name, word) for key, item in value.items()}, name: word}
    if isinstance(value, list):
        return [planted(item, name, word) for item in value]
    return value


@PATIENT
@given(
    shape=NESTED,
    name=st.sampled_from((*PERSONAL, *SECRET)),
    word=st.sampled_from([f'{WORD} "quoted\\" here', f"{WORD}\n<b>", [WORD, {"more": "x"}], f" {WORD} "]),
    broken=st.booleans(),
)
def test_a_field_of_a_person_is_hidden_wherever_it_is(shape: Any, name: str, word: Any, broken: bool) -> None:
    value = planted(shape, name, word)
    text = json.dumps(value, ensure_ascii=False)
    if broken and isinstance(word, str):
        # An answer that was cut off is no JSON any more.
        text = text[:-1]
    shown = written(call(value, text))
    assert WORD not in shown
    assert broken or "A-1" in shown


@pytest.mark.parametrize(
    "name", ["name", "company", "address-line-1", "client-voice-number", "email", "password"]
)
@pytest.mark.parametrize(
    "template",
    [
        "<shipment><{0}>{1}</{0}><tracking-pin>123</tracking-pin></shipment>",
        '<s xmlns="http://www.example.com/ws"><{0} xmlns="http://a/b/c">{1}</{0}><tracking-pin>123</tracking-pin></s>',
        "<x:s><x:{0}><![CDATA[{1} <&> co]]></x:{0}><tracking-pin>123</tracking-pin></x:s>",
        "<s><{0}>\n  {1}\n</{0}><tracking-pin>123</tracking-pin>",
        "<s><{0} a='1'>{1}<tracking-pin>123",
        "<s><tracking-pin>123</tracking-pin><{0}><![CDATA[{1}",
    ],
)
def test_an_element_of_a_person_is_hidden_also_in_broken_xml(template: str, name: str) -> None:
    xml = template.format(name, WORD)
    shown = written(call(xml, xml))
    assert WORD not in shown
    assert ">123" in shown
    stored = row(call(xml), ACCOUNT)["request_payload"]
    assert list(orjson.loads(stored)) == ["xml"]


def test_a_subject_that_a_person_wrote_is_hidden_and_one_chosen_from_a_list_keeps_its_type() -> None:
    shown = redacted({"topic": {"type": "FREE_TEXT", "value": WORD}})
    assert shown == {"topic": {"type": "FREE_TEXT", "value": HIDDEN}}


def test_addresses_of_people_are_hidden_in_any_text() -> None:
    shown = redacted_answer('{"message": "quill.feather+1@mail.example.com is unknown"}')
    assert shown == f'{{"message":"{HIDDEN} is unknown"}}'
    assert redacted_answer("no JSON: quill@example.com") == f"no JSON: {HIDDEN}"


def test_an_address_keeps_its_path_and_harmless_parameters() -> None:
    url = "https://a.example/api/threads?page_token=abc&email=quill%40example.com&api_key=k1&max=100&q=x@example.com"
    assert redacted_url(url) == (
        "https://a.example/api/threads?page_token=abc&email=[personal]&api_key=[secret]&max=100&q=[personal]"
    )


def test_a_secret_that_the_service_echoes_is_hidden() -> None:
    made = call({"note": "with k-123-456"}, "You sent k-123-456", endpoint="https://a.example/k-123-456")
    assert "k-123-456" not in written(made, "k-123-456")


def test_what_matters_of_an_order_is_shown() -> None:
    order = {
        "order_id": "A-1",
        "order_state": "SHIPPING",
        "total_price": 12.1,
        "order_lines": [{"order_line_id": "A-1-1", "offer_sku": "LAP-1", "quantity": 2, "can_refund": False}],
        "customer": {
            "customer_id": "C1",
            "shipping_address": {"city": "Toronto", "state": "ON", "zip_code": None},
        },
    }
    assert redacted(order) == order


JSONISH = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.datetimes(), st.dates(), st.uuids(),
        st.text(st.characters()), st.binary(max_size=5), st.timedeltas(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(st.characters()), st.integers()), inner, max_size=3),
        st.sets(st.integers(), max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip


@PATIENT
@given(value=JSONISH, response=st.one_of(st.none(), st.text(st.characters())))
def test_anything_can_be_written_down(value: Any, response: str | None) -> None:
    assert orjson.loads(plain_json(value)) == plain(value)
    stored = row(call(value, response, related_id=response), ACCOUNT)
    for text in (stored["request_payload"], stored["response_body"], stored["related_id"]):
        if text is not None:
            assert "\0" not in text
            assert "\\u0000" not in text
            assert len(text.encode()) <= BOUND + 200


def test_half_a_character_and_nesting_without_end_can_be_written_down() -> None:
    assert plain_json({"a\0": "\ud800\0"}) == '{"a␀":"?␀"}'
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert "[list]" in plain_json(deep)
    assert written(call(deep, "[" * 100_000))


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "ö" * 100_000, '{"a": "' + "x" * 100_000 + '"}', "<a>" + "x" * 100_000]
)
def test_bodies_are_bounded_and_say_how_long_they_were(text: str) -> None:
    stored = row(call(text, text), ACCOUNT)
    assert len(stored["response_body"].encode()) <= BOUND
    assert stored["response_body"].endswith(" bytes]")
    assert len(stored["request_payload"].encode()) <= BOUND + 200
    stored = row(call({"lines": [text]}, None), ACCOUNT)
    assert len(stored["request_payload"].encode()) <= BOUND + 200


def test_of_a_long_page_the_beginning_is_gone_through_and_nothing_after_it_gets_in() -> None:
    orders = [
        {"order_id": f"A-{n}", "customer": {"firstname": WORD, "note": f"{n} " + "x" * 90}}
        for n in range(2000)
    ]
    text = orjson.dumps({"orders": orders}).decode()
    stored = row(call({"orders": orders}, text), ACCOUNT)
    assert WORD not in str(stored)
    assert stored["response_body"].startswith(
        '{"orders":[{"order_id":"A-0","customer":{"firstname":"[personal]"'
    )
    assert stored["response_body"].endswith(f"… [{len(text)} bytes]")
    # As much as can be kept is kept, and it is the beginning as it is without the bound.
    body = stored["response_body"].rpartition("… [")[0]
    assert len(body.encode()) > BOUND - 100
    whole = orjson.dumps({"orders": [redacted(order) for order in orders]}).decode()
    assert whole.startswith(body)
    assert "null" not in body
