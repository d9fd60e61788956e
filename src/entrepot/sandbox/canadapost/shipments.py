"""Shipments of the invented carrier, their labels, and where the parcels are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from xml.etree.ElementTree import Element

from entrepot.kit.clock import Clock, system_clock
from entrepot.sandbox.canadapost.labels import Label, draw
from entrepot.sandbox.canadapost.structure import found, has
from entrepot.sandbox.misbehaving import Misbehavior
from entrepot.sandbox.moving import MovableClock
from entrepot.sandbox.operating import Desk, Refusal

USERNAME, PASSWORD, CUSTOMER = "sandbox", "sandbox", "0002000000"
SERVICES = {
    "DOM.EP": "Expedited Parcel",
    "DOM.RP": "Regular Parcel",
    "DOM.XP": "Xpresspost",
    "DOM.PC": "Priority",
}
#: Cents for the first kilogram and for each after it.
_PRICES = {"DOM.EP": (1_295, 180), "DOM.RP": (1_195, 160), "DOM.XP": (1_795, 260), "DOM.PC": (3_195, 420)}
_FUEL_PERCENT = 18


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a parcel."""

    at: datetime
    code: str
    description: str
    kind: str
    site: str
    province: str


@dataclass(frozen=True, slots=True)
class Journey:
    """When a parcel is where, counted from the label; and the shares of parcels that are late or lost."""

    collected: timedelta = timedelta(hours=6)
    processed: timedelta = timedelta(hours=20)
    out: timedelta = timedelta(days=2, hours=12)
    delivered: timedelta = timedelta(days=2, hours=18)
    seed: int = 0
    late: float = 0.0
    lost: float = 0.0
    #: How much longer a late one takes.
    delay: timedelta = timedelta(days=4)


@dataclass(slots=True)
class Shipment:
    """A shipment; `request` is what it was made of."""

    shipment_id: str
    artifact_id: str
    pin: str
    created: datetime
    request: Element
    group: str | None
    transmitted: datetime | None
    ready: datetime
    voided: datetime | None = None
    ticket: str | None = None
    ticket_at: datetime | None = None
    extra: list[Event] = field(default_factory=list)
    artifacts: int = 0
    #: The customer's reference and identifier of the request, and where it goes; taken from the request.
    reference: str | None = field(init=False)
    request_id: str | None = field(init=False)
    postal_code: str = field(init=False)

    def __post_init__(self) -> None:
        self.reference = self.text("delivery-spec/references/customer-ref-1")
        self.request_id = self.text("customer-request-id")
        self.postal_code = self.text("delivery-spec/destination/address-details/postal-zip-code") or ""

    def text(self, path: str) -> str | None:
        """A text of the request."""
        return found(self.request, path)

    def cents(self) -> dict[str, int]:
        """What it costs: base, fuel, before tax, tax, in all."""
        first, more = _PRICES.get(self.text("delivery-spec/service-code") or "", (1_495, 200))
        weight = float(self.text("delivery-spec/parcel-characteristics/weight") or 0)
        base = first + round(max(0.0, weight - 1) * more)
        fuel = base * _FUEL_PERCENT // 100
        tax = (base + fuel) * 13 // 100
        return {"base": base, "fuel": fuel, "net": base + fuel, "tax": tax, "due": base + fuel + tax}

    def label(self) -> bytes:
        """Its label, as PDF."""
        spec = "delivery-spec"
        sender = (self._name(f"{spec}/sender"), *self._place(f"{spec}/sender"))
        return draw(
            Label(
                service=SERVICES.get(self.text(f"{spec}/service-code") or "", "Parcel"),
                sender=sender,
                recipient=(
                    self.text(f"{spec}/destination/name") or "",
                    self.text(f"{spec}/destination/company") or "",
                    *self._place(f"{spec}/destination")[:-1],
                ),
                postal_code=self.postal_code,
                pin=self.pin,
                reference=self.reference or "",
                weight=self.text(f"{spec}/parcel-characteristics/weight") or "",
            )
        )

    def _name(self, at: str) -> str:
        return self.text(f"{at}/company") or self.text(f"{at}/name") or ""

    def _place(self, at: str) -> Sequence[str]:
        lines = [self.text(f"{at}/address-details/{one}") for one in ("address-line-1", "address-line-2")]
        city = self.text(f"{at}/address-details/city") or ""
        province = self.text(f"{at}/address-details/prov-state") or ""
        code = self.text(f"{at}/address-details/postal-zip-code") or ""
        return [*(one for one in lines if one), f"{city} {province}".strip(), code]


@dataclass(slots=True)
class CanadaPostState:
    """A fresh carrier; several servers never share one."""

    desk: Desk
    username: str
    password: str
    customer: str
    journey: Journey
    #: How long a label can be voided before it is transmitted; and how long its PDF is in the making.
    transmits_after: timedelta
    label_ready_after: timedelta
    #: Where links lead: the carrier's address, set when it is served.
    url: str = "https://ct.soa-gw.canadapost.ca"
    _shipments: dict[str, Shipment] = field(default_factory=dict)
    _by_pin: dict[str, Shipment] = field(default_factory=dict)
    _by_artifact: dict[str, Shipment] = field(default_factory=dict)

    @classmethod
    def fresh(
        cls,
        *,
        username: str = USERNAME,
        password: str = PASSWORD,
        customer: str = CUSTOMER,
        clock: Clock | datetime = system_clock,
        misbehavior: Misbehavior | None = None,
        journey: Journey | None = None,
        transmits_after: timedelta = timedelta(),
        label_ready_after: timedelta = timedelta(),
    ) -> "CanadaPostState":
        """A carrier from which nothing has been bought yet; the clock may be a moment to stand at."""
        desk = Desk(MovableClock(clock), misbehavior or Misbehavior())
        return cls(
            desk,
            username,
            password,
            customer.zfill(10),
            journey or Journey(),
            transmits_after,
            label_ready_after,
        )

    @property
    def clock(self) -> MovableClock:
        """The carrier's clock."""
        return self.desk.clock

    @property
    def misbehavior(self) -> Misbehavior:
        """How it misbehaves."""
        return self.desk.misbehavior

    @misbehavior.setter
    def misbehavior(self, chosen: Misbehavior) -> None:
        self.desk.misbehavior = chosen

    def create(self, request: Element) -> Shipment:
        """Sell a label. Asked twice, it sells two: nothing in the request keeps the carrier from it."""
        now = self.clock()
        number = len(self._shipments) + 1
        transmitted = now + self.transmits_after if has(request, "transmit-shipment") else None
        shipment = Shipment(
            shipment_id=str(545_000_000_000_000_000 + number * 7_919),
            artifact_id=str(10_001_000_000 + number),
            pin=_pin(number),
            created=now,
            request=request,
            group=found(request, "group-id"),
            transmitted=transmitted,
            ready=now + self.label_ready_after,
        )
        self._shipments[shipment.shipment_id] = shipment
        self._by_pin[shipment.pin] = shipment
        self._by_artifact[shipment.artifact_id] = shipment
        return shipment

    def get(self, shipment_id: str) -> Shipment:
        """A shipment that was not voided; Refusal 404 where there is none."""
        shipment = self._shipments.get(shipment_id)
        if shipment is None or shipment.voided is not None:
            raise Refusal(404, "The shipment was not found, or its link has expired.", code="404")
        return shipment

    def of_artifact(self, artifact_id: str) -> Shipment:
        """The shipment of a label; Refusal 404 where there is none."""
        shipment = self._by_artifact.get(artifact_id)
        if shipment is None or shipment.voided is not None:
            raise Refusal(404, "The artifact was not found, or its link has expired.", code="404")
        return shipment

    def of_pin(self, pin: str) -> Shipment | None:
        """The shipment of a tracking number, voided or not."""
        return self._by_pin.get(pin)

    def all(self) -> Iterable[Shipment]:
        """Every shipment that was ever made, oldest first."""
        return self._shipments.values()

    def is_transmitted(self, shipment: Shipment) -> bool:
        """Whether it has gone to billing, so that it can be voided no more."""
        return shipment.transmitted is not None and shipment.transmitted <= self.clock()

    def transmit(self, groups: Iterable[str]) -> int:
        """Transmit the shipments of groups; how many they were."""
        wanted = set(groups)
        due = [
            one
            for one in self.all()
            if one.group in wanted and one.transmitted is None and one.voided is None
        ]
        for shipment in due:
            shipment.transmitted = self.clock()
        return len(due)

    def void(self, shipment_id: str) -> None:
        """Void a shipment that was not transmitted; Refusal 8064 where it was."""
        shipment = self.get(shipment_id)
        if self.is_transmitted(shipment):
            raise Refusal(
                400,
                "A Shipment can only be void if it is in a PROCESSED or PRINTED state. "
                "If it has been transmitted, a Refund request should be submitted.",
                code="8064",
            )
        shipment.voided = self.clock()

    def refund(self, shipment_id: str) -> Shipment:
        """Ask for a refund of a transmitted shipment; Refusal where one was asked for, or the parcel was seen."""
        shipment = self.get(shipment_id)
        if shipment.ticket is not None:
            raise Refusal(
                409,
                "A refund has already been requested for this shipment. Note that refund requests may take a few "
                "days to be processed.",
                code="7292",
            )
        if not self.is_transmitted(shipment):
            raise Refusal(400, "The shipment has not been transmitted; it should be voided.", code="7293")
        if len(self.events(shipment)) > 1:
            raise Refusal(400, "The shipment has been scanned and cannot be refunded.", code="7294")
        shipment.ticket = f"GT{int(shipment.artifact_id) % 10**8:08d}RT"
        shipment.ticket_at = self.clock()
        return shipment

    def events(self, shipment: Shipment) -> Sequence[Event]:
        """What has happened to a parcel by now, the latest first."""
        now = self.clock()
        found_events = [one for one in (*self._journey(shipment), *shipment.extra) if one.at <= now]
        # Of two at the same moment the one that was told last comes first.
        return sorted(found_events, key=lambda one: one.at)[::-1]

    def expected_delivery(self, shipment: Shipment) -> datetime:
        """When it is said to be delivered."""
        return shipment.created + self.journey.delivered

    def _journey(self, shipment: Shipment) -> Iterable[Event]:
        if shipment.voided is not None:
            return
        to = "delivery-spec/destination/address-details"
        here = shipment.text("delivery-spec/sender/address-details/city") or ""
        here_in = shipment.text("delivery-spec/sender/address-details/prov-state") or ""
        there, there_in = shipment.text(f"{to}/city") or "", shipment.text(f"{to}/prov-state") or ""
        made, way = shipment.created, self.journey
        yield Event(made, "3000", "Electronic information submitted by shipper", "INFO", here, here_in)
        if shipment.ticket is not None:
            return
        drawn = Random(f"{way.seed} {shipment.request_id or shipment.reference}").random()  # noqa: S311
        yield Event(made + way.collected, "2300", "Item picked up by Canada Post", "INDUCTION", here, here_in)
        yield Event(made + way.processed, "0100", "Item processed at postal facility", "INFO", here, here_in)
        if drawn < way.lost:
            return
        late = timedelta()
        if drawn < way.lost + way.late:
            late = way.delay
            said = "Customer addressing error found; attempting to correct. Possible delay"
            yield Event(made + way.out - timedelta(hours=2), "0173", said, "INFO", there, there_in)
        yield Event(made + way.out + late, "0174", "Item out for delivery", "OUT", there, there_in)
        yield Event(
            made + way.delivered + late, "1496", "Item successfully delivered", "DELIVERED", there, there_in
        )


def _pin(number: int) -> str:
    """A tracking number of 16 digits, the last of which checks the others."""
    digits = f"{702_321_000_000_000 + number * 37:015d}"
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
