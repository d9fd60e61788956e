"""The people of a world: when they sign up, where they live, how they pay, how eager they are, when they leave."""

import numpy as np

from entrepot.playground.values import PAYMENT_METHOD_TYPES
from entrepot.playground.world.calendars import DAY, HOUR, MINUTE, NEVER, ZONES, Calendar
from entrepot.playground.world.identifiers import Ids, identify
from entrepot.playground.world.randomness import (
    Choice,
    Draws,
    Flags,
    Floats,
    Ints,
    Units,
    exponential,
    log_normal,
    number,
)
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.words import TOWNS

#: Sign-ups at scale 1: in the first three days, and on each later one.
FIRST_PEOPLE = 1500
PEOPLE_A_DAY = 5.5
_FIRST_DAYS = (0.6, 0.85, 1.0)
#: One in so many people opens a shop.
PEOPLE_A_SHOP = 33
#: Days after which a person leaves, on average.
STAY = 400.0
#: Days after the end of the world of which it is known who leaves in them; people stay two days at least.
_BEYOND = 3
#: Ways to pay that a person may store.
METHODS = 3

_ZONE = Choice([zone.weight for zone in ZONES])
_EAGERNESS = log_normal(1000, 1.1)
_PATIENCE = exponential(1.0)
_METHOD = Choice([0.45, 0.25, 0.1, 0.18, 0.02])
_LATER_METHOD = exponential(20.0)


def chosen_hours(weights: Floats, uniform: Floats) -> Ints:
    """An hour for each row of 24 weights a row."""
    ends = np.cumsum(weights, axis=1)
    return np.asarray((ends[:, :-1] <= (uniform * ends[:, -1])[:, None]).sum(axis=1), dtype=np.int64)


class People:
    """Everybody who signs up between the start and the end of the world, numbered in that order by day."""

    def __init__(self, draws: Draws, scale: float, calendar: Calendar, modulation: Modulation) -> None:
        self.draws = draws
        days = np.arange(calendar.days)
        first = max(FIRST_PEOPLE * scale, 40.0)
        shares = np.array([_FIRST_DAYS[min(day, 2)] for day in days.tolist()])
        later = np.cumsum(PEOPLE_A_DAY * scale * modulation.growth(calendar.midnight(days)))
        #: how many have signed up by the end of each day
        self.by_day: Ints = np.floor(first * shares + later).astype(np.int64)
        self.count = int(self.by_day[-1])
        everybody = np.arange(self.count)
        self.numbers = everybody
        day = np.searchsorted(self.by_day, everybody, side="right").astype(np.int64)
        self.zone = _ZONE(draws.uniform("user/zone", everybody))
        towns = np.array([len(towns) for towns in TOWNS])
        self.town: Ints = draws.below("user/town", everybody, towns[self.zone])
        self.time: Ints = calendar.midnight(day) + self._moments(calendar, day)
        self.ids: Ids = identify(draws, "user", everybody, self.time)
        self.left: Ints = self._leaving(calendar, modulation, day)
        eagerness = np.maximum(_EAGERNESS(draws.uniform("user/eagerness", everybody)).astype(np.int64), 1)
        #: running sum of how eager to visit shops people are, and its value at the end of each day
        self.eagerness: Ints = np.cumsum(eagerness)
        self.eagerness_by_day: Ints = self.eagerness[self.by_day - 1]
        self._store_methods()

    def _moments(self, calendar: Calendar, day: Ints) -> Ints:
        """Microseconds after midnight of signing up; on the first day in its first eight hours."""
        spread = self.draws.uniform("user/moment", self.numbers)
        hours = chosen_hours(calendar.rhythm[day, self.zone], self.draws.uniform("user/hour", self.numbers))
        ordinary = hours * HOUR + (spread * HOUR).astype(np.int64)
        return np.where(day == 0, (spread * 8 * HOUR).astype(np.int64), ordinary)

    def _leaving(self, calendar: Calendar, modulation: Modulation, day: Ints) -> Ints:
        """When each person closes the account: the rate adds up day by day until patience is at its end."""
        # Days after the last one count too: who is about to leave after midnight does not begin anything before it,
        # and must not depend on where the world ends.
        days = calendar.days + _BEYOND
        rates = modulation.leaving(np.arange(days)) / STAY
        spent = np.concatenate([[0.0], np.cumsum(rates)])  # by the beginning of each day
        arrival = day + 2
        patience = spent[arrival] + _PATIENCE(self.draws.uniform("user/patience", self.numbers))
        last = np.searchsorted(spent, patience, side="left") - 1
        moment = (self.draws.uniform("user/leaving", self.numbers) * DAY).astype(np.int64)
        left = np.where(last < days, calendar.midnight(last) + moment, NEVER)
        return np.where(self.owns_shop, NEVER, left)

    @property
    def owns_shop(self) -> Flags:
        """Who opens a shop: such people stay."""
        return np.asarray(shop_owners(self.draws, self.numbers // PEOPLE_A_SHOP) == self.numbers)

    def _store_methods(self) -> None:
        """Ways to pay, `METHODS` places a person; the time is NEVER where a place stays empty."""
        place = np.arange(self.count * METHODS)
        user, slot = place // METHODS, place % METHODS
        soon = MINUTE + (self.draws.uniform("method/soon", place) * 15 * MINUTE).astype(np.int64)
        later = DAY + (_LATER_METHOD(self.draws.uniform("method/later", place)) * DAY).astype(np.int64)
        time = self.time[user] + np.where(slot == 0, soon, later)
        wanted = self.draws.chance("method/wanted", place, np.array([1.0, 0.4, 0.12])[slot])
        self.method_time: Ints = np.where(wanted & (time < self.left[user]), time, NEVER)
        self.method_type: Ints = _METHOD(self.draws.uniform("method/type", place))
        self.method_ids: Ids = identify(self.draws, "method", place, np.minimum(self.method_time, time))

    def visitors(self, purpose: str, units: Ints | Units, days: Ints) -> Ints:
        """Somebody for each unit, by eagerness, of those who have signed up by the end of the day."""
        target = self.draws.uniform(purpose, units) * self.eagerness_by_day[days]
        return np.searchsorted(self.eagerness, target.astype(np.int64), side="right").astype(np.int64)

    def here(self, users: Ints, times: Ints) -> Flags:
        """Whether people have signed up some minutes ago and are not about to leave."""
        return np.asarray((self.time[users] + 20 * MINUTE < times) & (times + 3 * HOUR < self.left[users]))

    def way_to_pay(self, purpose: str, units: Ints, users: Ints, times: Ints) -> Ints:
        """The place of a stored way to pay for each unit, -1 where none is stored yet."""
        wish = self.draws.uniform(purpose, units)
        first = users * METHODS
        place = np.where((wish < 0.3) & (self.method_time[first + 1] < times), first + 1, first)
        place = np.where((wish < 0.08) & (self.method_time[first + 2] < times), first + 2, place)
        return np.where(self.method_time[place] < times, place, -1)


def shop_owners(draws: Draws, shops: Ints) -> Ints:
    """The user who opens each shop: one of every `PEOPLE_A_SHOP`."""
    return shops * PEOPLE_A_SHOP + draws.below("shop/owner", number(shops), PEOPLE_A_SHOP - 13)


CARD_TYPES = (PAYMENT_METHOD_TYPES.index("credit_card"), PAYMENT_METHOD_TYPES.index("debit_card"))
