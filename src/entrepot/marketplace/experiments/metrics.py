"""What entities did or brought: checked, and made ready to be recorded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.experiments.recording import check_entity

#: A clock of a caller may be ahead of ours by this much.
AHEAD = timedelta(minutes=5)
LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Observation:
    """An entity did something (value 1) or brought something (its value); `dedupe_key` is recorded once only."""

    entity: str
    metric: str
    value: Any = 1
    occurred_at: datetime | None = None
    currency: str | None = None
    dedupe_key: str | None = None


def metric_rows(document: ExperimentDocument, observations: Sequence[Observation]) -> list[dict[str, Any]]:
    """The rows to record. Raises InvalidInputError, the path beginning with the number of the observation."""
    known = {metric.key for metric in (*document.metrics, *document.guardrails)}
    moment = now()
    rows: dict[Any, dict[str, Any]] = {}
    for index, one in enumerate(observations):
        path = f"[{index}]"
        if one.metric not in known:
            raise InvalidInputError(
                f"{path}.metric: {document.key} is not compared by {one.metric!r}.",
                hint=f"Its metrics are {', '.join(sorted(known))}." if known else "It has no metrics yet.",
                where={"path": f"{path}.metric"},
            )
        row = {
            "entity_id": check_entity(one.entity, f"{path}.entity"),
            "metric_key": one.metric,
            "value": str(_value(one.value, f"{path}.value")),
            "currency_code": _currency(one.currency, f"{path}.currency"),
            "occurred_at": _moment(one.occurred_at, moment, f"{path}.occurred_at").isoformat(),
            "dedupe_key": _dedupe_key(one.dedupe_key, f"{path}.dedupe_key"),
        }
        # Two of one call under one key: the first counts, as it would in two calls.
        rows.setdefault(index if one.dedupe_key is None else one.dedupe_key, row)
    return list(rows.values())


def _value(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= LARGEST or number != round(number, 4):
        raise InvalidInputError(
            f"{path}: {value!r} is no number below {LARGEST:,} with at most four decimals.",
            where={"path": path},
        )
    return number


def _currency(code: str | None, path: str) -> str | None:
    if code is not None and not re.fullmatch("[A-Z]{3}", code):
        raise InvalidInputError(
            f"{path}: {code!r} is no code of a currency (ISO 4217).", where={"path": path}
        )
    return code


def _moment(given: datetime | None, moment: datetime, path: str) -> datetime:
    if given is None:
        return moment
    if given.tzinfo is None:
        raise InvalidInputError(f"{path}: a time has its zone, 2026-01-31T09:30:00Z.", where={"path": path})
    if given > moment + AHEAD:
        raise InvalidInputError(f"{path}: {given.isoformat()} is still to come.", where={"path": path})
    return given.astimezone(UTC)


def _dedupe_key(key: str | None, path: str) -> str | None:
    if key is not None and (not 0 < len(key) <= 255 or "\0" in key):
        raise InvalidInputError(f"{path}: a dedupe key has 1 to 255 characters.", where={"path": path})
    return key
