"""What the marketplace's state of an order makes of ours: pure, by looking at both.

The marketplace decides what an order is; a person may have accepted, refused, shipped or canceled it there, and every
answer of ours that was lost shows here. A state that we do not know is acted on by nobody (K2).
"""

from collections import deque

from entrepot.mirakl.values import ENDS, FIRST_STATUSES, TRANSITIONS

#: Mirakl's state → the status in which an order with it is at least. SHIPPING only says accepted: what makes an order
#: ready to ship (paid, an address, lines that are known, stock) is asked by the step of `accepted` (K3).
MEANS = {
    "WAITING_ACCEPTANCE": "pending_acceptance",
    "WAITING_DEBIT": "accepted",
    "WAITING_DEBIT_PAYMENT": "accepted",
    "SHIPPING": "accepted",
    "SHIPPED": "shipped",
    "TO_COLLECT": "shipped",
    "RECEIVED": "delivered",
    "CLOSED": "closed",
    "REFUSED": "refused",
    "CANCELED": "cancelled",
}
#: Statuses through which an order may be led to catch up with the marketplace.
ON_THE_WAY = ("accepted", "ready_to_ship", "shipped", "delivered")
#: Statuses in which our answer has not been seen to be taken.
UNANSWERED = ("pending_acceptance", "waiting_for_person", "accepting", "refusing", "acceptance_failed")
#: How far an order is; it is never led back.
_RANK = {"accepted": 1, "ready_to_ship": 2, "shipped": 3, "delivered": 4, "closed": 5}


def statuses_to_follow(mirakl_state: str, status: str | None) -> tuple[str, ...]:
    """The statuses that an order has to pass, in order, to be where the marketplace says; empty where it is there.

    `status` None: an order without a history yet. An order that is past what the marketplace says stays there.
    """
    target = MEANS.get(mirakl_state)
    if target is None:
        return ()
    if status is None:
        return _path(None, target)
    if status in ENDS and not (status == "delivered" and target == "closed"):
        return ()
    if target == "pending_acceptance" or status == target:
        return ()
    if target == "accepted" and status not in UNANSWERED:
        return ()
    if target == "refused" and status not in (*UNANSWERED, "accepted"):
        return ()
    if _RANK.get(status, 0) > _RANK.get(target, 9):
        return ()
    return _path(status, target)


def is_known(mirakl_state: str) -> bool:
    """Whether the program does anything with orders in a state of the marketplace (K2)."""
    return mirakl_state in MEANS


def _path(start: str | None, target: str) -> tuple[str, ...]:
    """The shortest legal way; empty where there is none."""
    first = FIRST_STATUSES if start is None else TRANSITIONS[start]
    ways: deque[tuple[str, ...]] = deque((one,) for one in first if one == target or one in ON_THE_WAY)
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        if way[-1] == target:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        ways.extend((*way, one) for one in TRANSITIONS[way[-1]] if one == target or one in ON_THE_WAY)
    return ()
