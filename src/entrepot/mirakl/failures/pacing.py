"""How often an outside service may be called: what it allows an operation, and how long it asked us to wait.

A pace is shared by everything in a process that speaks to the same account of a service, so that workers do not run
into the same refusal one after the other. It never sleeps: a call that would come too early is told how long to wait.
"""

import threading
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kit.clock import now


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` of an operation within `seconds`."""

    calls: int
    seconds: float


class Pace:
    """The calls of late to one account of a service, by operation."""

    def __init__(self, limits: Mapping[str, Sequence[Limit]] | None = None) -> None:
        self._limits = dict(limits or {})
        self._made: dict[str, deque[datetime]] = {}
        self._held: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def set_limits(self, limits: Mapping[str, Sequence[Limit]]) -> None:
        """Have other limits from now on; calls made count for them as far as they are remembered."""
        with self._lock:
            if dict(limits) == self._limits:
                return
            self._limits = dict(limits)
            for operation, made in self._made.items():
                most = max((limit.calls for limit in limits.get(operation, ())), default=0)
                self._made[operation] = deque(made, maxlen=most)

    def wait(self, operation: str) -> float | None:
        """Seconds until an operation may be called; None: now, and the call is counted."""
        at = now()
        with self._lock:
            held = self._held.get(operation)
            if held is not None:
                if held > at:
                    return (held - at).total_seconds()
                del self._held[operation]
            limits = self._limits.get(operation, ())
            if not limits:
                return None
            made = self._made.setdefault(operation, deque(maxlen=max(limit.calls for limit in limits)))
            early = max((_early(made, limit, at) for limit in limits), default=0.0)
            if early > 0:
                return early
            made.append(at)
            return None

    def hold(self, operation: str, seconds: float) -> None:
        """Make no call of an operation for a while, as the service asked."""
        until = now() + timedelta(seconds=seconds)
        with self._lock:
            self._held[operation] = max(until, self._held.get(operation, until))


def _early(made: "deque[datetime]", limit: Limit, at: datetime) -> float:
    """By how many seconds a call now would come too early for a limit."""
    if len(made) < limit.calls:
        return 0.0
    # The call that has to be out of the window before there is room for one more.
    return limit.seconds - (at - made[-limit.calls]).total_seconds()


_PACES: dict[Hashable, Pace] = {}
_PACES_LOCK = threading.Lock()


def pace_of(key: Hashable, limits: Mapping[str, Sequence[Limit]] | None = None) -> Pace:
    """The pace that this process shares for a key, such as a service and an account of it; the limits given last hold."""
    with _PACES_LOCK:
        found = _PACES.setdefault(key, Pace())
    found.set_limits(limits or {})
    return found
