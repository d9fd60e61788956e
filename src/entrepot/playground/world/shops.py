"""The shops of one part of the world, what they sell and at what price."""

import numpy as np

from entrepot.playground.world.calendars import DAY, HOUR, MINUTE, SECOND, Calendar
from entrepot.playground.world.identifiers import Ids, identify
from entrepot.playground.world.people import People, shop_owners
from entrepot.playground.world.randomness import (
    Choice,
    Draws,
    Floats,
    Ints,
    exponential,
    log_normal,
    pareto,
)
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.words import ASSORTMENTS, PRICES

#: Visits a day to a shop of average popularity.
VISITS_A_DAY = 21.0
#: Most products of a shop; the number of a product is this times the shop plus its place.
MOST_PRODUCTS = 1024
#: Units sold for each visit, of all products of the shop together; what shops order stock by.
UNITS_A_VISIT = 0.62
#: Prices change at this hour of UTC.
PRICE_HOUR = 5 * HOUR

_POPULARITY = pareto(1.16, 24.0)
_LIFE = exponential(900.0)
_KIND = Choice([0.28, 0.07, 0.05, 0.18, 0.2, 0.1, 0.07, 0.05])
_PRODUCTS = log_normal(36.0, 0.45)
_PRICE = log_normal(1.0, 0.65)

_SOLD_KINDS = np.array([len(categories) for categories in ASSORTMENTS])
_SOLD = np.array([[*categories, *([0] * 5)][:5] for categories in ASSORTMENTS])
#: More microseconds than a world has, to keep the moments of different shops apart in one sorted column.
_APART = 1 << 50


class Shops:
    """Shops `numbers` and their products, both as columns; products of a shop lie together."""

    def __init__(
        self, draws: Draws, numbers: Ints, people: People, calendar: Calendar, modulation: Modulation
    ) -> None:
        self.draws = draws
        self.calendar = calendar
        self.modulation = modulation
        owners = shop_owners(draws, numbers)
        exists = owners < people.count
        numbers, owners = numbers[exists], owners[exists]
        lag = HOUR + (draws.uniform("shop/lag", numbers) * 20 * HOUR).astype(np.int64)
        opened = people.time[owners] + lag
        exists = opened < calendar.first + calendar.days * DAY
        self.numbers, self.owner, self.time = numbers[exists], owners[exists], opened[exists]
        self.count = len(self.numbers)
        self.ids: Ids = identify(draws, "shop", self.numbers, self.time)
        self.zone, self.town = people.zone[self.owner], people.town[self.owner]
        self.kind = _KIND(draws.uniform("shop/kind", self.numbers))
        self.popularity: Floats = _POPULARITY(draws.uniform("shop/popularity", self.numbers))
        life = 20 * DAY + (_LIFE(draws.uniform("shop/life", self.numbers)) * DAY).astype(np.int64)
        self.closed: Ints = self.time + life
        self.flash = draws.chance("shop/flash", self.numbers, 1 / 3)
        self._list_products()
        self._price_products()

    def _list_products(self) -> None:
        draws = self.draws
        sizes = np.clip(_PRODUCTS(draws.uniform("shop/products", self.numbers)).astype(np.int64), 6, 250)
        first_size = np.maximum((sizes * 0.8).astype(np.int64), 5)
        shop = np.repeat(np.arange(self.count), sizes)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(len(shop)) - starts[shop]
        unit = self.numbers[shop] * MOST_PRODUCTS + place
        opening = self.time[shop]
        at_once = opening + MINUTE + place * 8 * SECOND + draws.below("product/second", unit, 7 * SECOND)
        waiting = (place - first_size[shop] + 1) * 7
        later = self.calendar.midnight(self.calendar.day_of(opening) + waiting) + 7 * HOUR
        later = later + draws.below("product/moment", unit, HOUR)
        listed = np.where(place < first_size[shop], at_once, later)
        exists = (listed < self.calendar.first + self.calendar.days * DAY) & (listed < self.closed[shop])
        # The k-th product of a shop gets 1/k of the first one's share (Zipf's law); those to come have theirs already.
        weight = np.floor(1_000_000 / (place + 1)).astype(np.int64)
        whole = np.bincount(shop, weight, minlength=max(self.count, 1))
        #: units that a day is expected to sell
        self.demand: Floats = (
            VISITS_A_DAY * self.popularity[shop] * UNITS_A_VISIT * weight / np.maximum(whole[shop], 1)
        )[exists]
        self.product_shop = shop[exists]
        self.product_place = place[exists]
        self.product_units = unit[exists]
        self.listed = listed[exists]
        self.products = len(self.product_shop)
        #: where the products of each shop begin, and how many are listed when it opens
        self.first_product: Ints = np.searchsorted(self.product_shop, np.arange(self.count + 1)).astype(
            np.int64
        )
        self.first_size = np.minimum(first_size, np.diff(self.first_product))
        self.product_ids: Ids = identify(draws, "product", self.product_units, self.listed)
        #: running sum of popularity
        self.weight_ends: Ints = np.concatenate([[0], np.cumsum(weight[exists])])
        kind = self.kind[self.product_shop]
        spread = draws.uniform("product/category", self.product_units)
        self.category: Ints = _SOLD[kind, (spread * _SOLD_KINDS[kind]).astype(np.int64)]

    def _price_products(self) -> None:
        """Prices in cents by product and day of prices (which begins at PRICE_HOUR)."""
        draws, days = self.draws, np.arange(self.calendar.days + 1)
        median = np.array(PRICES)[self.category]
        raw = (median * _PRICE(draws.uniform("product/price", self.product_units))).astype(np.int64)
        base = np.maximum(raw // 100, 2) * 100 - 1
        offset = draws.below("product/offset", self.product_units, 45)
        epoch = (days[None, :] + offset[:, None]) // 45
        unit = self.product_units[:, None] * 1024
        change = 92 + draws.below("product/change", (unit + epoch).ravel(), 21).reshape(epoch.shape)
        changed = np.maximum(base[:, None] * np.where(epoch == 0, 100, change) // 10000, 1) * 100 + 99
        #: the price without reduction
        self.regular: Ints = np.where(epoch == 0, base[:, None], changed)
        week = (days[None, :] + offset[:, None]) // 7
        begins = self.calendar.midnight(days) + PRICE_HOUR
        friday = np.minimum(0.6 * self.modulation.strength("black-friday", begins), 0.95)
        lucky = draws.uniform("product/sale", (unit + week).ravel()).reshape(week.shape)
        black = friday[None, :] > draws.uniform("product/black", self.product_units)[:, None]
        cut = np.where(black, 70, 80 + 5 * draws.below("product/cut", self.product_units, 3)[:, None])
        on_sale = (lucky < 0.07) | black
        #: the price to pay; less than `regular` where the product is on sale
        self.price: Ints = np.where(on_sale, self.regular * cut // 10000 * 100 + 99, self.regular)
        self.price = np.minimum(self.price, self.regular)

    def price_day(self, times: Ints) -> Ints:
        """The column of `price` that holds at each moment."""
        return np.clip((times - self.calendar.first - PRICE_HOUR) // DAY, 0, self.calendar.days)

    def prices(self, products: Ints, times: Ints) -> Ints:
        """Cents to pay for a unit of each product at each moment."""
        return self.price[products, self.price_day(times)]

    def listed_by(self, shops: Ints, times: Ints) -> Ints:
        """How many products each shop has listed at each moment: places are listed in their order."""
        keys = self.listed - self.calendar.first + self.product_shop * _APART
        found = np.searchsorted(keys, times - self.calendar.first + shops * _APART, side="right")
        return np.asarray(found - self.first_product[shops])
