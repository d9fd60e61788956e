"""A stand-in's own clock, which can be moved on."""

from datetime import UTC, datetime, timedelta

from entrepot.kit.clock import Clock, system_clock


class MovableClock:
    """Runs with the machine's time, or stands at a moment that was given; moved on by whoever asks for it."""

    def __init__(self, source: Clock | datetime = system_clock) -> None:
        self._source: Clock = (lambda: source) if isinstance(source, datetime) else source
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return (self._source() + self._ahead).astimezone(UTC)

    def advance(self, by: timedelta) -> datetime:
        """Move on by a time, which is not negative; the moment it is then."""
        if by < timedelta():
            raise ValueError(f"A clock is not put back: {by}.")
        self._ahead += by
        return self()

    def stand_at(self, moment: datetime) -> None:
        """Stand still at a moment, until it is moved on."""
        self._source, self._ahead = (lambda: moment), timedelta()

    def follow(self, source: Clock) -> None:
        """Show what another clock shows."""
        self._source, self._ahead = source, timedelta()


def standing_at(moment: datetime | None) -> Clock | datetime:
    """The moment that was asked for, or the machine's clock."""
    return system_clock if moment is None else moment


def told(moment: datetime) -> str:
    """A moment as both services write it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
