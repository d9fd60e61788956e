"""What the limits engine answers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

Kind = Literal["RESERVATION", "LEASE", "REQUEST"]
State = Literal["HELD", "COMMITTED", "RELEASED", "EXPIRED"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something may be used, and how much is left.

    `limit` is the limit that held and `scope` the condition that set it, None for the default. `used` and `remaining`
    are what they are after this answer; of a token bucket, `remaining` are the tokens in it. `reset_at` is when nothing
    of what is used counts any more, None for limits that never reset. Where it was denied, `retry_after` is how many
    seconds from now the same amount would be let in if nobody else came; None where waiting does not help.
    A suspended limit is counted and not `enforced`: everything is allowed.
    `id` and `expires_at` are those of a reservation or lease; `repeated` says that the id had been answered before.
    """

    key: str
    entity_id: str
    amount: int
    allowed: bool
    limit: int
    used: int
    remaining: int
    at: datetime
    reset_at: datetime | None = None
    retry_after: float | None = None
    warned: bool = False
    scope: str | None = None
    enforced: bool = True
    id: UUID | None = None
    expires_at: datetime | None = None
    repeated: bool = False
    #: What the RateLimit header calls the policy: the quota, and its window in whole seconds (None without one).
    quota: int = field(default=0, compare=False)
    window_seconds: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a reservation or lease; `settled_amount` is how much of it stays counted."""

    id: UUID
    key: str
    entity_id: str
    state: State
    amount: int
    settled_amount: int | None
    expires_at: datetime | None
    settled_at: datetime | None
