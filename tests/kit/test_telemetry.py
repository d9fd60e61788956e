import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.settings import Settings
from entrepot.kit.telemetry import (
    REDACTED,
    bound,
    configure_logging,
    current_trace_id,
    get_logger,
    new_trace_id,
    redact,
    redact_text,
)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_an_event_is_one_json_object_with_its_context(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    with bound(trace_id="abc", shop_id="s1"):
        assert current_trace_id() == "abc"
        get_logger("entrepot.test").info("import finished", read=3)
    get_logger("entrepot.test").info("after")
    assert current_trace_id() is None
    first, second = logged(capsys)
    assert (first["event"], first["read"], first["trace_id"], first["shop_id"]) == (
        "import finished",
        3,
        "abc",
        "s1",
    )
    assert (first["level"], first["logger"]) == ("info", "entrepot.test")
    assert first["timestamp"].endswith("Z")
    assert "trace_id" not in second


def test_lines_of_libraries_take_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    logging.getLogger("some.library").warning("connected to %s", "postgresql://ann:hunter22@db/x")
    (line,) = logged(capsys)
    assert line["event"] == "connected to postgresql://ann:***@db/x"


def test_the_level_of_the_settings_decides(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json", log_level="warning"))
    get_logger("a").info("no")
    logging.getLogger("b").info("no")
    get_logger("a").warning("yes")
    assert [line["event"] for line in logged(capsys)] == ["yes"]
    with pytest.raises(InvalidInputError, match="ENTREPOT_LOG_LEVEL"):
        configure_logging(Settings(log_level="loud"))


def test_a_traceback_is_in_the_object_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    try:
        raise RuntimeError("cannot reach postgresql://ann:hunter22@db/x")
    except RuntimeError:
        get_logger("a").exception("failed")
    (line,) = logged(capsys)
    assert "RuntimeError" in line["exception"]
    assert "hunter22" not in json.dumps(line)


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="console"))
    get_logger("a").info("started", password="hunter22", port=8000)
    captured = capsys.readouterr()
    assert "started" in captured.err
    assert "8000" in captured.err
    assert "hunter22" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "access_token",
        "token",
        "Authorization",
        "cookie",
        "api_key",
        "apikey",
        "webhook_secret",
        "secret_key",
        "csrf",
        "set-cookie",
        "dsn",
    ],
)
def test_fields_with_a_secret_name_are_hidden(name: str) -> None:
    assert redact(None, "info", {name: "hunter22"})[name] == REDACTED
    assert (
        redact(None, "info", {"request": {"headers": [{name: "hunter22"}]}})["request"]["headers"][0][name]
        == REDACTED
    )


@pytest.mark.parametrize(
    "name",
    [
        "tokens_used",
        "token_prefix",
        "key_version",
        "secretary",
        "passwords_checked",
        "cookie_count",
        "token_id",
    ],
)
def test_fields_that_only_sound_like_it_are_shown(name: str) -> None:
    assert redact(None, "info", {name: "17"})[name] == "17"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://ann:hunter22@db:5432/x?sslmode=require", "hunter22"),
        ("Authorization: Bearer eyJhbGciOi.J9abc", "eyJhbGciOi"),
        ("used ent_0123456789abcdefABCDEF-_ for it", "0123456789"),
        ("token shpat_0123456789abcdef", "0123456789"),
        ("GET /x?shop=a&hmac=0123456789abcdef&x=1", "0123456789"),
        ("postgresql:///x?host=/tmp&password=hunter22", "hunter22"),
    ],
)
def test_secrets_in_a_text_are_hidden(text: str, hidden: str) -> None:
    assert hidden in text
    assert hidden not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    ["https://shop.example/products?page=2", "12 tokens", "a@b.example", "postgresql:///x?host=/tmp", ""],
)
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_trace_ids_are_uuids_in_order_of_time() -> None:
    made = [new_trace_id() for _ in range(50)]
    assert len(set(made)) == 50
    for trace_id in made:
        assert len(trace_id) == 32
        assert trace_id[12] == "7"
        assert trace_id[16] in "89ab"
    assert [trace_id[:12] for trace_id in made] == sorted(trace_id[:12] for trace_id in made)
