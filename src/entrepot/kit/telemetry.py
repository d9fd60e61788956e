"""Logging: events with fields, as lines for people or JSON for collectors, on standard error, without secrets.

log = get_logger(__name__)
with bound(shop_id=shop_id, trace_id=new_trace_id()):
    log.info("import finished", read=2000, rejected=3)
"""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import orjson
import structlog
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.settings import Settings, get_settings

REDACTED = "[redacted]"

# Whole words of a field's name, so that `token` and `access_token` are hidden and `tokens_used` is not.
_SECRET_NAME = re.compile(
    r"(^|[_\-.])(password|passwd|secret|token|authorization|cookie|api_?key|secret_key|private_key|credentials?|dsn|csrf)([_\-.]|$)",
    re.IGNORECASE,
)
# What may stand beside a secret's name without being one: `token_prefix`, `key_version`, `token_id`.
_HARMLESS_NAME = re.compile(r"[_\-.](prefix|id|type|count|version|name|expires_at|length)$", re.IGNORECASE)
_URL = re.compile(r"\b[a-z][a-z0-9+.\-]*://[^\s\"'<>]+", re.IGNORECASE)
_TOKEN = re.compile(r"\b(?:ent|shpat|shpca|shppa|shpss|shpua)_[A-Za-z0-9_\-]{8,}")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE)
_PARAMETER = re.compile(r"(?i)([?&;\s]|^)(password|token|access_token|secret|sig|signature|hmac)=[^&;\s]+")


def configure_logging(settings: Settings | None = None) -> None:
    """Send every log line of the process, also of libraries, to standard error in the format of the settings."""
    settings = settings or get_settings()
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise InvalidInputError(
            f"ENTREPOT_LOG_LEVEL is {settings.log_level!r}.",
            hint="It is one of DEBUG, INFO, WARNING, ERROR, CRITICAL.",
        )
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    # The traceback is rendered before the redaction, which then sees its text too.
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        last += [
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(serializer=_dump),
        ]
    else:
        last += [
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("alembic", "asyncio", "httpcore", "httpx"):
        # At INFO they tell each step and each request, with its address.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _StandardError(logging.StreamHandler[Any]):
    """Writes to what sys.stderr is now, not to what it was when logging was configured."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        raise AttributeError("the stream is always standard error")


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every log line of the block and of the tasks that it starts."""
    with bound_contextvars(**fields):
        yield


def new_trace_id() -> str:
    """A trace identifier of 32 hexadecimal digits, ordered by time (a UUIDv7): what W3C Trace Context calls trace-id."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"


def current_trace_id() -> str | None:
    """The trace identifier bound here, if any."""
    value = get_contextvars().get("trace_id")
    return value if isinstance(value, str) else None


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor that hides secrets by the name of their field and by what they look like."""
    return {name: _redacted(name, value) for name, value in event.items()}


def redact_text(text: str) -> str:
    """The text without passwords in URLs, tokens and authorization headers."""
    text = _URL.sub(lambda match: _without_password(match.group()), text)
    text = _PARAMETER.sub(rf"\1\2={REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _TOKEN.sub(REDACTED, text)


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name) and value not in (None, "", False, True):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(name, item) for item in value]
    return value


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
    except ValueError:
        return REDACTED
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))


def _dump(value: Any, **_options: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
