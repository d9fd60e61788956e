"""The world: its parts, and what each of them holds at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.world.accounts import Carried, latest, write_people
from entrepot.playground.world.calendars import DAY, Calendar
from entrepot.playground.world.course import run_course, write_course
from entrepot.playground.world.people import PEOPLE_A_SHOP, People
from entrepot.playground.world.randomness import Draws
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.scene import EventLog, Registry, Scene, Untidiness
from entrepot.playground.world.settings import WorldSettings, microseconds
from entrepot.playground.world.shops import Shops
from entrepot.playground.world.truth import tell_of_people, tell_truth

#: Parts of a world of scale 1: about four shops each.
PARTS = 15


@dataclass(frozen=True)
class Part:
    """What some shops of the world hold at a moment."""

    #: by name of the table; columns as in the database, rows in the order of (event_time, id)
    tables: dict[str, pa.Table]
    #: for `World.people`
    carried: Carried
    #: what is known to be so, for checks: plain values that JSON holds
    truth: dict[str, Any]


@dataclass(frozen=True)
class _Foundation:
    calendar: Calendar
    modulation: Modulation
    people: People


class World:
    """A world as a function of its settings: nothing is remembered, nothing is read, nothing is written."""

    def __init__(self, settings: WorldSettings) -> None:
        self.settings = settings
        self.draws = Draws(settings.seed)
        #: units of work, each a group of shops
        self.parts = max(1, round(PARTS * settings.scale))
        self._foundations: dict[int, _Foundation] = {}

    def part(self, number: int, until: datetime | None = None) -> Part:
        """The shops of one part and all that happened with them before `until` (default: the end of the world).

        Raises InvalidInputError for a part that there is not, or a moment outside the world.
        """
        if not 0 <= number < self.parts:
            raise InvalidInputError(
                f"The world has no part {number}.", hint=f"It has the parts 0 to {self.parts - 1}."
            )
        moment = self._moment(until)
        scene = self.scene(number, moment)
        course = run_course(scene)
        write_course(scene, course)
        visits = course.visits
        methods = latest(*scene.truth.pop("methods_used"))
        seen = visits.login & (visits.time < moment)
        carried = Carried(*latest(visits.user[seen], visits.time[seen]), *methods)
        tell_truth(scene, course.wanted, course.orders)
        if number == 0:  # what is true of the people is told once
            tell_of_people(scene)
        return Part(scene.tables, carried, scene.truth)

    def people(self, carried: Sequence[Carried], until: datetime | None = None) -> dict[str, pa.Table]:
        """users and user_payment_methods with their entities and events, from what all parts know of them."""
        moment = self._moment(until)
        foundation = self._foundation(moment)
        untidiness = Untidiness(self.draws, foundation.modulation)
        return write_people(self.draws, foundation.people, carried, moment, untidiness)

    def _moment(self, until: datetime | None) -> int:
        moment = microseconds(until or self.settings.end_time)
        if not microseconds(self.settings.start_time) < moment <= microseconds(self.settings.end_time):
            raise InvalidInputError(
                f"{until} is outside the world, which is from {self.settings.start} to before {self.settings.end}.",
                hint="Ask for a moment after its start and not after its end.",
            )
        return moment

    def _foundation(self, moment: int) -> _Foundation:
        """What all parts share, up to the day of the moment: later days are not even looked at."""
        days = -(-(moment - microseconds(self.settings.start_time)) // DAY)
        found = self._foundations.get(days)
        if found is None:
            calendar = Calendar(self.settings.start, days)
            modulation = Modulation(self.settings, calendar)
            people = People(self.draws, self.settings.scale, calendar, modulation)
            found = _Foundation(calendar, modulation, people)
            self._foundations = {days: found}
        return found

    def scene(self, number: int, moment: int) -> Scene:
        """What the tables of a part are made from, as it stands at a moment in microseconds."""
        foundation = self._foundation(moment)
        limit = foundation.people.count // PEOPLE_A_SHOP + 1
        shops = Shops(
            self.draws, np.arange(number, max(limit, number + 1), self.parts), foundation.people,
            foundation.calendar, foundation.modulation,
        )  # fmt: skip
        return Scene(
            self.draws, foundation.calendar, foundation.modulation, foundation.people, shops, moment,
            EventLog(self.draws, moment), Registry(moment), Untidiness(self.draws, foundation.modulation),
        )  # fmt: skip
