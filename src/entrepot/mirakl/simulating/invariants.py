"""What must hold whatever went wrong: each a function from the books to the violations that it finds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from entrepot.mirakl.simulating.books import LIVE, Books, ComponentHere, OrderHere, Parcel
from entrepot.mirakl.values import ENDS, FIRST_STATUSES, TRANSITIONS

#: Statuses from which on an order has a label.
LABELLED = ("label_created", "tracking_sent", "tracking_failed", "shipped", "delivered")
#: Statuses from which on what an order takes has left the stock.
GONE = ("shipped", "delivered", "closed")
#: Statuses that give back what was reserved.
GIVEN_BACK = ("refused", "cancelled")
#: Parcels that are no more.
CALLED_OFF = ("void", "refunded", "refund_requested", "failed", "planned")
#: A person decides: nothing is forgotten.
WITH_A_PERSON = ("waiting_for_person",)
#: Most automatic replies in a conversation.
MOST_AUTOMATIC = 2


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: of which rule, about what, in words."""

    rule: str
    about: str
    details: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.details}"


Rule = Callable[[Books], Iterable[tuple[str, str]]]
#: Every rule by its name; those of `AT_THE_END` hold only when everything has been tried.
RULES: dict[str, Rule] = {}
AT_THE_END: set[str] = set()


def rule(*, at_the_end: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule under the name of its function."""

    def register(function: Rule) -> Rule:
        name = function.__name__.replace("_", " ")
        RULES[name] = function
        if at_the_end:
            AT_THE_END.add(name)
        return function

    return register


def violations(books: Books, *, at_the_end: bool = True) -> list[Violation]:
    """What the books break, rule by rule; without `at_the_end` only what must hold at any moment."""
    return [
        Violation(name, about, details)
        for name, function in RULES.items()
        if at_the_end or name not in AT_THE_END
        for about, details in function(books)
    ]


def duplicated_labels(books: Books) -> int:
    """Labels that were bought beside another of the same parcel."""
    references = Counter(label.reference for label in books.labels_there)
    again = sum(count - 1 for count in references.values())
    parcels = {parcel.reference: (parcel.order_id, parcel.number) for parcel in books.parcels}
    live = Counter(
        parcels[reference]
        for reference in {label.reference for label in books.labels_there if label.state == LIVE}
        if reference in parcels
    )
    return again + sum(count - 1 for count in live.values())


@rule()
def no_label_is_bought_twice(books: Books) -> Iterator[tuple[str, str]]:
    """One label a reference, one live label a parcel of an order, and none that we know nothing of."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for label in books.labels_there:
        found[label.reference].append(label.external_id)
    for reference, labels in found.items():
        if len(labels) > 1:
            yield reference, f"{len(labels)} labels were bought: {', '.join(labels)}"
    parcels = {parcel.reference: parcel for parcel in books.parcels}
    live: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for label in books.labels_there:
        parcel = parcels.get(label.reference)
        if parcel is None:
            yield label.reference, "a label was bought of which nothing is recorded"
        elif label.state == LIVE:
            live[parcel.order_id, parcel.number].add(label.reference)
    for (order_id, number), references in live.items():
        if len(references) > 1:
            yield order_id, f"parcel {number} has {len(references)} labels: {', '.join(sorted(references))}"


@rule()
def no_label_is_missing(books: Books) -> Iterator[tuple[str, str]]:
    """What is reported or about to be reported has a label that is paid for, kept, and right."""
    parcels = _parcels(books)
    live = {label.external_id: label for label in books.labels_there if label.state == LIVE}
    for order in books.orders:
        if order.status not in LABELLED and not (
            order.status == "closed" and order.has_been("label_created")
        ):
            continue
        ours = [parcel for parcel in parcels[order.order_id] if parcel.state not in CALLED_OFF]
        if not ours:
            yield order.order_id, f"it is {order.status} without a parcel"
        for parcel in ours:
            label = live.get(parcel.external_id or "")
            if label is None:
                yield order.order_id, f"the carrier has no live label for {parcel.reference}"
            elif label.pin != parcel.pin:
                yield order.order_id, f"the label has number {label.pin}, we say {parcel.pin}"
            if not parcel.has_label:
                yield order.order_id, f"the label of {parcel.reference} is not kept"
    for there in books.orders_there:
        if there.ships and not any(parcel.external_id in live for parcel in parcels[there.order_id]):
            yield there.order_id, "it was reported as shipped, and there is no label"


@rule()
def nothing_is_shipped_before_its_time(books: Books) -> Iterator[tuple[str, str]]:
    """Shipped once, from SHIPPING; no label is bought before the marketplace said SHIPPING."""
    labels = {label.reference: label for label in books.labels_there}
    parcels = _parcels(books)
    for order in books.orders_there:
        for (_, before), (_, state) in pairwise(order.states):
            if state == "SHIPPED" and before != "SHIPPING":
                yield order.order_id, f"it was shipped from {before}"
        if order.ships > 1:
            yield order.order_id, f"it was shipped {order.ships} times"
        may_ship = min((at for at, state in order.states if state == "SHIPPING"), default=None)
        for parcel in parcels[order.order_id]:
            label = labels.get(parcel.reference)
            if label is not None and (may_ship is None or label.bought_at < may_ship):
                when = f"{may_ship:%Y-%m-%d %H:%M:%S}" if may_ship else "never"
                yield (
                    order.order_id,
                    f"the label is of {label.bought_at:%Y-%m-%d %H:%M:%S}, SHIPPING of {when}",
                )


@rule()
def answers_are_given_once(books: Books) -> Iterator[tuple[str, str]]:
    """No order is accepted or refused twice."""
    for order in books.orders_there:
        if order.accepts > 1:
            yield order.order_id, f"it was answered {order.accepts} times"


@rule(at_the_end=True)
def a_cancelled_order_has_no_live_label(books: Books) -> Iterator[tuple[str, str]]:
    """What is cancelled is paid for by nobody, but where the carrier keeps the money and a person knows."""
    live = {label.reference for label in books.labels_there if label.state == LIVE} - books.written_off
    parcels = _parcels(books)
    for order in books.orders:
        if order.status == "cancelled":
            for parcel in parcels[order.order_id]:
                if parcel.reference in live:
                    yield (
                        order.order_id,
                        f"it is cancelled, and the label {parcel.reference} is still paid for",
                    )


@rule()
def stock_is_never_negative(books: Books) -> Iterator[tuple[str, str]]:
    """Neither now nor at any moment of the ledger, and nothing is reserved that is not there."""
    for component in books.components:
        if component.on_hand < 0 or not 0 <= component.reserved <= component.on_hand:
            yield component.name, f"{component.on_hand} on hand, {component.reserved} reserved"
        on_hand = reserved = 0
        for number, movement in enumerate(component.movements, start=1):
            on_hand += movement.on_hand
            reserved += movement.reserved
            if on_hand < 0 or not 0 <= reserved <= on_hand:
                yield component.name, f"{on_hand} on hand, {reserved} reserved after movement {number}"
                break


@rule()
def stock_equals_its_ledger(books: Books) -> Iterator[tuple[str, str]]:
    """The counts are the sums of the movements."""
    for component in books.components:
        on_hand, reserved = _sums(component)
        if (on_hand, reserved) != (component.on_hand, component.reserved):
            counts = f"{component.on_hand} on hand and {component.reserved} reserved"
            yield component.name, f"{counts}, but the ledger says {on_hand} and {reserved}"


@rule(at_the_end=True)
def an_order_takes_what_it_is_built_of(books: Books) -> Iterator[tuple[str, str]]:
    """Shipped: its bill of materials, once. Refused or cancelled before: nothing. Nothing stays reserved for either."""
    took: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for component in books.components:
        for movement in component.movements:
            if movement.line_id is not None:
                sums = took[movement.line_id, component.name]
                sums[0] -= movement.on_hand
                sums[1] += movement.reserved
    for order in books.orders:
        gone = any(order.has_been(status) for status in GONE)
        if not gone and order.status not in GIVEN_BACK:
            continue
        for line in order.lines:
            names = set(line.needs) | {name for line_id, name in took if line_id == line.line_id}
            for name in sorted(names):
                used, reserved = took.get((line.line_id, name), (0, 0))
                wanted = line.needs.get(name, 0) if gone and not line.is_refused else 0
                if used != wanted:
                    yield order.order_id, f"line {line.line_id} took {used} of {name}, not {wanted}"
                if reserved:
                    yield order.order_id, f"line {line.line_id} has {reserved} of {name} reserved for nothing"


@rule()
def every_message_is_sent_once(books: Books) -> Iterator[tuple[str, str]]:
    """What is in the marketplace's books under our name is what we sent, each once."""
    sent = Counter(message.external_id for message in books.messages if message.sending == "sent")
    there = {message.external_id: message for message in books.messages_there if message.is_ours}
    for external_id, count in sent.items():
        if count > 1:
            yield str(external_id), f"{count} messages have this identifier"
        if external_id not in there:
            yield str(external_id), "it is said to be sent, and the marketplace has it not"
    bodies = Counter((message.thread, message.body) for message in there.values())
    for (thread, body), count in bodies.items():
        if count > 1:
            yield thread, f"{body[:60]!r} was sent {count} times"


@rule(at_the_end=True)
def no_message_is_left(books: Books) -> Iterator[tuple[str, str]]:
    """Every reply has left, every message there is known here, once."""
    over = ("sent", "received", "withdrawn")
    left = Counter(
        (message.thread, message.sending) for message in books.messages if message.sending not in over
    )
    for (thread, sending), count in left.items():
        if not any(failure.related_id == thread for failure in books.failures):
            yield thread, f"{count} of its messages is {sending}"
    known = Counter(message.external_id for message in books.messages if message.external_id)
    for message in books.messages_there:
        if known[message.external_id] != 1:
            yield message.thread, f"message {message.external_id} is here {known[message.external_id]} times"


@rule()
def automatic_replies_are_few(books: Books) -> Iterator[tuple[str, str]]:
    """At most two a conversation, each template once."""
    counts = Counter(
        message.thread
        for message in books.messages
        if message.kind == "auto_reply" and message.sending != "withdrawn"
    )
    for thread, count in counts.items():
        if count > MOST_AUTOMATIC:
            yield thread, f"{count} automatic replies"


@rule(at_the_end=True)
def no_order_is_forgotten(books: Books) -> Iterator[tuple[str, str]]:
    """Every order there is here, in the state that it has there, with the number of its parcel."""
    here = {order.order_id: order for order in books.orders}
    pins = {parcel.pin: parcel.order_id for parcel in books.parcels if parcel.pin}
    for there in books.orders_there:
        order = here.get(there.order_id)
        if order is None:
            yield there.order_id, "it was never taken in"
            continue
        if order.mirakl_state != there.state:
            yield there.order_id, f"it is {there.state} there, and {order.mirakl_state} here"
        if there.tracking is not None and pins.get(there.tracking) != there.order_id:
            yield there.order_id, f"the number {there.tracking} that was told is not of a parcel of its own"


@rule()
def every_step_is_legal(books: Books) -> Iterator[tuple[str, str]]:
    """Steps are numbered without a gap, and follow one another as they may."""
    for order in books.orders:
        before = None
        for number, entry in enumerate(order.history, start=1):
            legal = FIRST_STATUSES if before is None else TRANSITIONS.get(before, ())
            if entry.step != number or entry.previous != before or entry.status not in legal:
                yield order.order_id, f"step {entry.step} is {entry.status}, after {before or 'nothing'}"
                break
            before = entry.status


@rule()
def every_order_is_cared_for(books: Books) -> Iterator[tuple[str, str]]:
    """It has ended, something is to be done with it, its parcel is followed, or it waits in the inbox for a person."""
    inbox = {failure.order_id for failure in books.failures}
    followed = {parcel.order_id for parcel in books.parcels if parcel.is_followed}
    for order in books.orders:
        if order.status in (*ENDS, *WITH_A_PERSON) or order.is_due or order.order_id in inbox:
            continue
        if order.status == "shipped" and order.order_id in followed:
            continue
        yield order.order_id, f"it is {order.status}, nothing is due, and nobody is told"


@rule(at_the_end=True)
def every_order_ends(books: Books) -> Iterator[tuple[str, str]]:
    """With services that work again, and every failure tried again, nothing is left to do."""
    for order in books.orders:
        if order.status not in ENDS:
            told = [failure.details for failure in books.failures if failure.order_id == order.order_id]
            yield order.order_id, f"it is {order.status}" + (f": {told[0]}" if told else "")


@rule(at_the_end=True)
def the_inbox_is_empty(books: Books) -> Iterator[tuple[str, str]]:
    """What went well in the end is not shown as a failure."""
    for failure in books.failures:
        yield failure.related_id, f"{failure.process_name}: {failure.details}"


def _parcels(books: Books) -> defaultdict[str, list[Parcel]]:
    found: defaultdict[str, list[Parcel]] = defaultdict(list)
    for parcel in books.parcels:
        found[parcel.order_id].append(parcel)
    return found


def _sums(component: ComponentHere) -> tuple[int, int]:
    return sum(one.on_hand for one in component.movements), sum(one.reserved for one in component.movements)


def states(orders: Iterable[OrderHere]) -> dict[str, int]:
    """How many orders are where."""
    return dict(sorted(Counter(order.status for order in orders).items()))
