"""What a simulation has come to, as plain values: what our database says, and what the outside services' own books say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: What a carrier says of a label that is paid for.
LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A step of an order's history."""

    step: int
    status: str
    previous: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A shipment, as we keep it; `has_label`: its PDF is kept, was checked and found right; `is_followed`: the carrier is
    going to be asked where it is."""

    order_id: str
    number: int
    state: str
    reference: str
    external_id: str | None = None
    pin: str | None = None
    has_label: bool = False
    is_followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHere:
    """A line of an order as we keep it: `needs` are the components of all its units."""

    line_id: str
    is_refused: bool = False
    needs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHere:
    """An order as we keep it."""

    order_id: str
    mirakl_state: str
    history: tuple[Entry, ...]
    lines: tuple[LineHere, ...] = ()
    is_due: bool = False

    @property
    def status(self) -> str:
        """Where it is."""
        return self.history[-1].status if self.history else "new"

    def has_been(self, status: str) -> bool:
        """Whether it has come to a status."""
        return any(entry.status == status for entry in self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement of a component's stock."""

    on_hand: int = 0
    reserved: int = 0
    line_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHere:
    """A component's counts, and its ledger in order."""

    name: str
    on_hand: int
    reserved: int
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHere:
    """A message as we keep it."""

    thread: str
    kind: str
    sending: str
    external_id: str | None = None
    template: int | None = None
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureHere:
    """A failure that is not resolved."""

    failure_id: str
    process_name: str
    related_id: str
    order_id: str | None = None
    details: str = ""
    can_be_retried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderThere:
    """An order in the marketplace's books: the states that it went through, and how often it was accepted and shipped."""

    order_id: str
    states: tuple[tuple[datetime, str], ...]
    accepts: int = 0
    ships: int = 0
    tracking: str | None = None

    @property
    def state(self) -> str:
        """The state that it is in."""
        return self.states[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelThere:
    """A label in the carrier's books."""

    external_id: str
    reference: str
    pin: str
    bought_at: datetime
    state: str = LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageThere:
    """A message in the marketplace's books."""

    external_id: str
    thread: str
    is_ours: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both sides."""

    orders: tuple[OrderHere, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    components: tuple[ComponentHere, ...] = ()
    messages: tuple[MessageHere, ...] = ()
    failures: tuple[FailureHere, ...] = ()
    orders_there: tuple[OrderThere, ...] = ()
    labels_there: tuple[LabelThere, ...] = ()
    messages_there: tuple[MessageThere, ...] = ()
    #: References of labels whose money the carrier does not give back, which a person has looked at.
    written_off: frozenset[str] = frozenset()
