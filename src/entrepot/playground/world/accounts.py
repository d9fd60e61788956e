"""Tables of the people themselves, from what the parts know of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from entrepot.playground.values import PAYMENT_METHOD_STATUSES, PAYMENT_METHOD_TYPES
from entrepot.playground.world import arrow, words
from entrepot.playground.world.calendars import DAY, NEVER, ZONES
from entrepot.playground.world.catalog import address
from entrepot.playground.world.identifiers import Ids
from entrepot.playground.world.people import METHODS, People
from entrepot.playground.world.randomness import Draws, Ints
from entrepot.playground.world.scene import Caller, EventLog, Registry, Untidiness, references

_CARDS = 2  # credit and debit cards are the first two of values.PAYMENT_METHOD_TYPES
_SYLLABLES = np.array([list(syllable.encode()) for syllable in words.SYLLABLES], dtype=np.uint8)
_YEAR = 365 * DAY


@dataclass(frozen=True)
class Carried:
    """What one part knows of people: when they last signed in and last paid with what, in microseconds."""

    users: Ints
    signed_in: Ints
    methods: Ints
    paid_with: Ints


def latest(places: Ints, times: Ints) -> tuple[Ints, Ints]:
    """Each place once, with its latest time."""
    order = np.lexsort((times, places))
    places, times = places[order], times[order]
    last = np.concatenate([places[1:] != places[:-1], [True]]) if len(places) else np.zeros(0, dtype=np.bool_)
    return places[last], times[last]


def write_people(
    draws: Draws, people: People, carried: Sequence[Carried], until: int, untidiness: Untidiness
) -> dict[str, pa.Table]:
    """users, user_payment_methods, and their entities and events."""
    signed_in = np.full(people.count, NEVER)
    paid_with = np.full(people.count * METHODS, NEVER)
    for part in carried:
        before = signed_in[part.users]
        signed_in[part.users] = np.maximum(np.where(before == NEVER, 0, before), part.signed_in)
        before = paid_with[part.methods]
        paid_with[part.methods] = np.maximum(np.where(before == NEVER, 0, before), part.paid_with)
    events, registry = EventLog(draws, until), Registry(until)
    users = _users(draws, people, signed_in, until, untidiness, events, registry)
    methods = _methods(draws, people, paid_with, until, untidiness, events, registry)
    return {
        "users": users,
        "user_payment_methods": methods,
        "global_entities": registry.table(),
        "global_events": events.table(people, None),
    }


def _finished(columns: dict[str, pa.Array], times: Ints, ids: Ids) -> pa.Table:
    columns["origin"] = arrow.same("simulated", len(times))
    columns["extra_data"] = arrow.nothing(len(times))
    return arrow.by_time(columns, times, ids)


def _users(
    draws: Draws, people: People, signed_in: Ints, until: int, untidiness: Untidiness, events: EventLog,
    registry: Registry,
) -> pa.Table:  # fmt: skip
    rows = np.flatnonzero(people.time < until)
    time, left, count = people.time[rows], people.left[rows], len(rows)
    syllables = [_SYLLABLES[draws.below(f"user/name/{nth}", rows, len(_SYLLABLES))] for nth in range(3)]
    name = arrow.spelling(*syllables, arrow.digits(rows, 6), rows=count)
    untidy = untidiness.rows("users", rows, time)
    domain = arrow.chosen(
        ["@example.com", "@example.net", "@example.org"], draws.below("user/domain", rows, 3)
    )
    phone = arrow.spelling(
        "+1-", arrow.digits(200 + draws.below("user/area", rows, 700), 3), "-555-01",
        arrow.digits(draws.below("user/phone", rows, 100), 2), rows=count,
    )  # fmt: skip
    columns = {
        "id": arrow.uuids(people.ids[rows]),
        "event_time": arrow.times(time),
        "username": arrow.fixed(name),
        "email": untidiness.odd(arrow.joined(arrow.fixed(name), domain), untidy),
        "phone_number": arrow.fixed(phone, draws.chance("user/reachable", rows, 0.7) & ~untidy),
        "country": arrow.chosen([zone.country for zone in ZONES], people.zone[rows]),
        "time_zone": arrow.chosen([zone.name for zone in ZONES], people.zone[rows]),
        "status": arrow.flags(left >= until),
        "created_time": arrow.times(time),
        "deactivated_time": arrow.known(left, until),
        "last_login_time": arrow.known(signed_in[rows], until),
    }
    registry.add("user", people.ids[rows], time, left)
    events.add("user_registered", rows, time, user=rows)
    events.add("user_deactivated", rows, left, user=rows)
    return _finished(columns, time, people.ids[rows])


def _methods(
    draws: Draws, people: People, paid_with: Ints, until: int, untidiness: Untidiness, events: EventLog,
    registry: Registry,
) -> pa.Table:  # fmt: skip
    place = np.flatnonzero(people.method_time < until)
    user, time, kind = place // METHODS, people.method_time[place], people.method_type[place]
    ids, count, left = people.method_ids[place], len(place), people.left[user]
    card, bank = kind < _CARDS, kind == PAYMENT_METHOD_TYPES.index("bank_account")
    year = 1970 + (time // _YEAR) + 1 + draws.below("method/year", place, 4)
    month = 1 + draws.below("method/month", place, 12)
    status = np.where(left < until, PAYMENT_METHOD_STATUSES.index("deleted"), 0)
    untidy = untidiness.rows("user_payment_methods", place, time)
    billing = address(draws, "user", user, people.zone[user], people.town[user], untidy)
    token = arrow.hexadecimal(draws.bits("method/token", place), 16)
    more = arrow.hexadecimal(draws.bits("method/token/more", place), 8)
    used = paid_with[place]
    changed = np.where(left < until, left, np.where(used < until, used, time))
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        **references("user", people.ids, people.time, user),
        "method_type": arrow.chosen(PAYMENT_METHOD_TYPES, kind),
        "status": arrow.chosen(PAYMENT_METHOD_STATUSES, status),
        "token": arrow.fixed(arrow.spelling("tok_", token, more, rows=count)),
        "last_four": arrow.fixed(arrow.digits(draws.below("method/four", place, 10_000), 4), card | bank),
        "expiry_month": arrow.integers(month, card, arrow.SMALL),
        "expiry_year": arrow.integers(year, card, arrow.SMALL),
        "card_brand": arrow.chosen(words.CARD_BRANDS, draws.below("method/brand", place, 4), card),
        "bank_name": arrow.chosen(words.BANKS, draws.below("method/bank", place, len(words.BANKS)), bank),
        "nickname": arrow.chosen(
            words.NICKNAMES,
            draws.below("method/nickname", place, 5),
            draws.chance("method/named", place, 0.4),
        ),
        "is_default": arrow.flags(place % METHODS == 0),
        **{f"billing_{name}": column for name, column in billing.items()},
        "created_time": arrow.times(time),
        "updated_time": arrow.times(changed + np.where(untidy, 9 * DAY // 24, 0)),
        "last_used_time": arrow.known(used, until),
    }
    registry.add("user_payment_method", ids, time, left)
    caller = Caller(ids, time)
    events.add("payment_method_added", place, time, user=user, caller=caller)
    events.add("payment_method_deleted", place, left, user=user, caller=caller)
    return _finished(columns, time, ids)
