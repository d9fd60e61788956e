"""The RateLimit fields of an answer (draft-ietf-httpapi-ratelimit-headers, as of its versions 10 and 11)."""

from collections.abc import Sequence
from math import ceil

from entrepot.marketplace.limits.answers import Answer

POLICY = "ratelimit-policy"
STATE = "ratelimit"


def rate_limit_headers(answers: Sequence[Answer]) -> dict[str, str]:
    """The two fields for the limits that were asked: one item a limit, the tightest answer of each.

    `RateLimit-Policy: "api.requests";q=1200;w=60` says what the limit is, `RateLimit: "api.requests";r=299;t=1` what is
    left of it and in how many seconds there will be more. A limit that is not enforced is not told.
    """
    tightest: dict[str, Answer] = {}
    for answer in answers:
        known = tightest.get(answer.key)
        if answer.enforced and (known is None or answer.remaining < known.remaining):
            tightest[answer.key] = answer
    if not tightest:
        return {}
    policies, states = [], []
    for key, answer in tightest.items():
        window = f";w={answer.window_seconds}" if answer.window_seconds else ""
        policies.append(f'"{key}";q={answer.quota}{window}')
        seconds = _seconds(answer)
        states.append(f'"{key}";r={answer.remaining}' + (f";t={seconds}" if seconds is not None else ""))
    return {POLICY: ", ".join(policies), STATE: ", ".join(states)}


def _seconds(answer: Answer) -> int | None:
    """Whole seconds until there is more: where it was denied, the moment that Retry-After names."""
    if answer.retry_after is not None:
        return max(1, ceil(answer.retry_after))
    if answer.reset_at is None:
        return None
    return max(0, ceil((answer.reset_at - answer.at).total_seconds()))
