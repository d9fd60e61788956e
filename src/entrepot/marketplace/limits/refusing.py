"""What is refused, and how: a denial as 429, with Retry-After where waiting helps; what cannot be asked as it is."""

from typing import Any, Literal
from uuid import UUID

from entrepot.kit.errors import (
    ConflictError,
    EntrepotError,
    InvalidInputError,
    LimitedError,
    NotFoundError,
)
from entrepot.kit.output import format_duration, format_number
from entrepot.marketplace.limits.answers import Answer, Kind
from entrepot.marketplace.limits.documents import LONGEST_HOLD
from entrepot.marketplace.limits.headers import rate_limit_headers
from entrepot.marketplace.limits.modeling import MOST, SECOND, Rule

Action = Literal["COMMIT", "RELEASE", "RENEW"]


class LimitDeniedError(LimitedError):
    """A limit that lets no more through for now; `headers` are those of the HTTP answer."""

    headers: dict[str, str]


class LimitSpentError(EntrepotError):
    """A limit that lets no more through, however long one waits."""

    kind = LimitedError.kind
    title = "The limit is reached"
    status = LimitedError.status
    exit_code = LimitedError.exit_code
    headers: dict[str, str]


def refusal(answer: Answer) -> LimitDeniedError | LimitSpentError:
    """The error that says why an answer denies."""
    where: dict[str, Any] = {
        "key": answer.key,
        "entity_id": answer.entity_id,
        "amount": answer.amount,
        "limit": answer.limit,
        "used": answer.used,
        "remaining": answer.remaining,
        "reset_at": answer.reset_at,
        "scope": answer.scope,
    }
    detail = (
        f"{answer.key} lets {answer.entity_id} have no {format_number(answer.amount)} more: "
        f"{format_number(answer.remaining)} of {format_number(answer.limit)} left."
    )
    error: LimitDeniedError | LimitSpentError
    if answer.retry_after is not None:
        hint = f"Try again in {format_duration(max(answer.retry_after, 1))}."
        error = LimitDeniedError(detail, retry_after=answer.retry_after, hint=hint, where=where)
    else:
        hint = "Ask for less, or have the limit raised; waiting does not help."
        error = LimitSpentError(detail, hint=hint, where=where)
    error.headers = rate_limit_headers([answer])
    return error


def refuse_concurrent(rule: Rule) -> None:
    """Raise InvalidInputError for a limit that is not consumed."""
    if rule.algorithm == "CONCURRENT":
        raise InvalidInputError(
            f"{rule.key} limits what runs at the same time; it is acquired and released, not consumed.",
            where={"path": "key"},
        )


def refuse_holding(rule: Rule, kind: Kind) -> None:
    """Raise InvalidInputError for a reservation of a concurrent limit, and for a lease of any other."""
    if (rule.algorithm == "CONCURRENT") is not (kind == "LEASE"):
        right, wrong = ("reserved", "acquired") if kind == "LEASE" else ("acquired", "reserved")
        raise InvalidInputError(
            f"{rule.key} is a {rule.algorithm} limit, which is {right}, not {wrong}.", where={"path": "key"}
        )


def refuse_giving_back(rule: Rule) -> None:
    """Raise InvalidInputError for a limit that gets back by itself what was consumed."""
    if rule.algorithm != "TOTAL":
        raise InvalidInputError(
            f"{rule.key} is a {rule.algorithm} limit; what was consumed of it comes back with time.",
            hint="Reserve instead of consuming where it may have to be given back.",
            where={"path": "key"},
        )


def refuse_amount(amount: int | None) -> None:
    """Raise InvalidInputError for what cannot be a part of a reservation."""
    if amount is not None and (isinstance(amount, bool) or not 0 <= amount <= MOST):
        raise InvalidInputError(
            f"An amount is a whole number from 0, not {amount}.", where={"path": "amount"}
        )


def lifetime_of(seconds: float) -> int:
    """Seconds as microseconds; raises InvalidInputError for a time for which nothing is held."""
    if isinstance(seconds, bool) or not 0 < seconds <= LONGEST_HOLD:
        raise InvalidInputError(
            f"Something is held for more than 0 and up to {LONGEST_HOLD:,} seconds, not {seconds}.",
            where={"path": "seconds"},
        )
    return max(round(seconds * SECOND), 1)


def overtaken(hold_id: UUID | None, outcome: str, path: str) -> ConflictError:
    """The error for an id that cannot be used any more."""
    if outcome == "OTHER":
        return ConflictError(
            f"The id {hold_id} was used for something else.",
            hint="Give each request an id of its own, and the same request the same id.",
            where={"path": path},
        )
    return ConflictError(
        f"What was held under the id {hold_id} is {outcome.lower()}.",
        hint="Take a new id.",
        where={"path": path, "state": outcome},
    )


def refuse_unsettled(
    outcome: str, hold_id: UUID, kind: Kind, action: Action, *, held: int | None, amount: int | None
) -> None:
    """Raise the error of a commit, release or renewal that could not be done; nothing for one that is DONE."""
    word = kind.lower()
    if outcome == "UNKNOWN":
        raise NotFoundError(f"There is no {word} {hold_id}.", where={"path": "id"})
    if outcome == "EXCESSIVE":
        raise InvalidInputError(
            f"{held:,} were reserved; {amount:,} cannot be committed.",
            hint="Consume the rest as well, or reserve more to begin with.",
            where={"path": "amount"},
        )
    if outcome != "DONE":
        raise ConflictError(
            f"The {word} {hold_id} is {outcome.lower()}; it cannot {action.lower()} any more.",
            hint=f"Make a new {word}." if action != "RELEASE" else None,
            where={"id": str(hold_id), "state": outcome},
        )
