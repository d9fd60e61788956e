"""A limit in words, and what an answer says, for people."""

from entrepot.kit.output import format_number
from entrepot.kit.rules import compile_condition
from entrepot.marketplace.limits.answers import Answer
from entrepot.marketplace.limits.documents import LimitDocument
from entrepot.marketplace.limits.periods import CALENDAR
from entrepot.marketplace.limits.resolving import LEASE_SECONDS, RESERVATION_SECONDS


def words(document: LimitDocument) -> list[str]:
    """The limit in sentences: the default, each scope, what happens at its edges."""
    lines = [f"{_capital(_most(document, document.limit, document.burst))}{_where(document)}."]
    for scope in sorted(document.scopes, key=lambda one: -one.priority):
        holds = compile_condition(scope.condition).words() or "anything"
        lines.append(
            f"Where {holds}: {_most(document, scope.limit, scope.burst if scope.burst is not None else document.burst)}."
        )
    if document.warn_percent is not None:
        lines.append(f"From {document.warn_percent} % of it on, answers warn.")
    if document.algorithm == "CONCURRENT":
        lines.append(
            f"A lease lasts {_seconds(document.hold_seconds or LEASE_SECONDS)} unless it is renewed."
        )
    else:
        lines.append(
            f"What is reserved and not committed comes back after {_seconds(document.hold_seconds or RESERVATION_SECONDS)}."
        )
    return lines


def explain(answer: Answer) -> list[str]:
    """What an answer says, a sentence a line."""
    verdict = "Allowed" if answer.allowed else "Denied"
    used = f"{format_number(answer.used)} of {format_number(answer.limit)} used, {format_number(answer.remaining)} left"
    lines = [f"{verdict}: {format_number(answer.amount)} of {answer.key} for {answer.entity_id}; {used}."]
    if not answer.enforced:
        lines.append("The limit is suspended: it is counted and not enforced.")
    lines.append(f"The limit is set by {answer.scope}." if answer.scope else "The limit is the default.")
    if answer.warned:
        lines.append("That is at or over the soft limit.")
    if answer.retry_after is not None:
        lines.append(f"The same would be let in again in {answer.retry_after:,.1f} seconds.")
    return lines


def _most(document: LimitDocument, limit: int, burst: int | None) -> str:
    many = format_number(limit)
    window = _window(document)
    if document.algorithm == "TOTAL":
        return f"at most {many} in all"
    if document.algorithm == "CONCURRENT":
        return f"at most {many} at the same time"
    if document.algorithm == "SLIDING_WINDOW":
        return f"at most {many} in any {window}"
    if document.algorithm == "TOKEN_BUCKET":
        held = format_number(limit if burst is None else burst)
        return f"{many} a {window}, flowing evenly, and {held} at once after a rest"
    return f"at most {many} in each {window}"


def _where(document: LimitDocument) -> str:
    period = document.reset_period
    if document.algorithm != "FIXED_WINDOW" or period is None or CALENDAR[period].unit is None:
        return ""
    return f", by the clock of {document.time_zone or 'the platform'}"


def _window(document: LimitDocument) -> str:
    if document.reset_period is not None:
        return CALENDAR[document.reset_period].word
    return _seconds(document.window_seconds or 0)


def _seconds(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            many = seconds // size
            return f"{many:,} {word}s" if many != 1 else f"1 {word}"
    return f"{seconds:,} seconds" if seconds != 1 else "1 second"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
