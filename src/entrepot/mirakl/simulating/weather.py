"""How badly the outside services behave from hour to hour, drawn from the seed."""

from collections.abc import Mapping
from random import Random
from typing import Any

#: Shares of calls that go wrong on an ordinary bad day.
BAD: Mapping[str, float] = {
    "fail": 0.04,
    "timeout_after": 0.04,
    "timeout_before": 0.02,
    "twice": 0.04,
    "slow": 0.01,
    "garbage": 0.03,
    "wrong_label": 0.04,
}
#: A slow answer, in milliseconds of the real clock.
SLOW_MS = 40
STORM = 5.0
CALM: Mapping[str, Any] = {}


def weather(seed: int, hour: int, *, of: str) -> Mapping[str, Any]:
    """The misbehavior of one service in one stretch of time: mostly bad, at times a storm, at times calm."""
    random = Random(f"weather {seed} {of} {hour}")  # noqa: S311 - not a secret
    kind = random.random()
    strength = 0.0 if kind < 0.15 else STORM if kind > 0.85 else random.uniform(0.5, 1.5)
    shares = {name: round(share * strength, 4) for name, share in BAD.items()}
    return {**shares, "seed": random.randrange(2**31), "slow_ms": SLOW_MS}
