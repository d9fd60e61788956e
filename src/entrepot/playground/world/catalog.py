"""Tables of shops, products, promotions and stock."""

import numpy as np
import pyarrow as pa

from entrepot.playground.values import (
    APPLICABILITIES,
    PRODUCT_CATEGORIES,
    PROMOTION_TYPES,
    SHOP_CATEGORIES,
)
from entrepot.playground.world import arrow, words
from entrepot.playground.world.calendars import HOUR, ZONES
from entrepot.playground.world.promotions import CATEGORIES, PRODUCTS, SPECIFIC, Promotions
from entrepot.playground.world.randomness import Draws, Flags, Ints
from entrepot.playground.world.scene import Caller, Scene
from entrepot.playground.world.shops import PRICE_HOUR, Shops
from entrepot.playground.world.stock import Movements

_TOWN_NAMES = [town for towns in words.TOWNS for town in towns]
_TOWN_START = np.cumsum([0, *[len(towns) for towns in words.TOWNS]])[:-1]
#: What a product costs its shop, in percent of the price.
_COST = 45
#: What a promotion promises, by values.PROMOTION_TYPES.
_PROMISES = (
    "{0}% off",
    "${1} off",
    "Buy {0}, one of them free",
    "Three things or more: {0}% off",
    "Free shipping",
    "${1} off a larger order",
)


def address(
    draws: Draws, kind: str, units: Ints, zone: Ints, town: Ints, missing: Flags
) -> dict[str, pa.Array]:
    """The columns of an address without a prefix; `missing` rows lack street and postal code."""
    place = _TOWN_START[zone] + town
    count = len(units)
    street = arrow.joined(
        pa.array(1 + draws.below(f"{kind}/house", units, 240)).cast(pa.string()),
        " ",
        arrow.chosen(words.STREETS, draws.below(f"{kind}/street", units, len(words.STREETS))),
        " ",
        arrow.chosen(words.STREET_KINDS, draws.below(f"{kind}/street/kind", units, len(words.STREET_KINDS))),
    )
    flat = draws.below(f"{kind}/flat", units, 60)
    second = arrow.joined(
        arrow.chosen(["Flat "], np.zeros(count, dtype=np.int64), flat < 12),
        pa.array(flat + 1).cast(pa.string()),
    )
    postal = arrow.joined(
        arrow.chosen([name[2] for name in _TOWN_NAMES], place),
        arrow.fixed(arrow.digits(draws.below(f"{kind}/postal", units, 100), 2)),
    )
    return {
        "address_line1": arrow.masked(street, ~missing),
        "address_line2": second,
        "city": arrow.chosen([name[0] for name in _TOWN_NAMES], place),
        "state": arrow.chosen([name[1] for name in _TOWN_NAMES], place),
        "postal_code": arrow.masked(postal, ~missing),
        "country": arrow.chosen([found.country for found in ZONES], zone),
    }


def tax_rates(zone: Ints, town: Ints) -> Ints:
    """Tax where people live, in hundredths of a percent."""
    return np.array([name[3] for name in _TOWN_NAMES])[_TOWN_START[zone] + town]


def unit_costs(shops: Shops, draws: Draws) -> Ints:
    """Cents that a unit of each product costs its shop."""
    percent = _COST + draws.below("product/cost", shops.product_units, 16)
    return shops.regular[:, 0] * percent // 100


def write_shops(scene: Scene) -> None:
    """shops, and what is registered and told of them."""
    shops, draws, until = scene.shops, scene.draws, scene.until
    rows = np.flatnonzero(shops.time < until)
    unit, time, closed = shops.numbers[rows], shops.time[rows], shops.closed[rows]
    zone, town, kind = shops.zone[rows], shops.town[rows], shops.kind[rows]
    untidy = scene.untidiness.rows("shops", unit, time)
    count = len(rows)
    name = arrow.joined(
        arrow.chosen(words.ADJECTIVES, draws.below("shop/adjective", unit, len(words.ADJECTIVES))),
        " ",
        arrow.chosen(words.BRANDS, draws.below("shop/brand", unit, len(words.BRANDS))),
        " ",
        arrow.chosen(words.SHOP_KINDS, draws.below("shop/word", unit, len(words.SHOP_KINDS))),
    )
    place = address(draws, "shop", unit, zone, town, untidy)
    place["city"] = scene.untidiness.odd(place["city"], untidy)
    columns = {
        "id": arrow.uuids(shops.ids[rows]),
        "event_time": arrow.times(time),
        **scene.user(shops.owner[rows], "owner"),
        "name": name,
        "description": arrow.chosen(
            words.DESCRIPTIONS, draws.below("shop/text", unit, len(words.DESCRIPTIONS))
        ),
        "category": arrow.chosen(SHOP_CATEGORIES, kind),
        "status": arrow.flags(closed >= until),
        **place,
        "time_zone": arrow.chosen([found.name for found in ZONES], zone),
        "created_time": arrow.times(time),
        "deactivated_time": arrow.known(closed, until),
    }
    scene.write("shops", columns, time, shops.ids[rows])
    scene.registry.add("user_shop", shops.ids[rows], time, closed)
    scene.events.add("shop_opened", unit, time, user=shops.owner[rows], shop=rows)
    scene.events.add("shop_closed", unit, closed, user=shops.owner[rows], shop=rows)
    scene.truth["shops"] = count


def write_products(scene: Scene, moved: Movements) -> None:
    """shop_products, as prices and stock stand, and what is told of them."""
    shops, draws, until = scene.shops, scene.draws, scene.until
    last = np.zeros(shops.products, dtype=np.int64)
    last_time = shops.listed.copy()
    last[moved.product] = moved.before + moved.change  # rows are in the order of time: the last one stays
    last_time[moved.product] = moved.time
    today = shops.price_day(np.array([until - 1]))[0]
    begins = shops.calendar.midnight(np.arange(shops.calendar.days + 1)) + PRICE_HOUR
    changes = np.zeros(shops.price.shape, dtype=np.bool_)
    changes[:, 1:] = shops.price[:, 1:] != shops.price[:, :-1]
    changes &= (begins[None, :] > shops.listed[:, None]) & (
        begins[None, :] < np.minimum(shops.closed[shops.product_shop], until)[:, None]
    )
    which, day = np.nonzero(changes)
    moment = begins[day]
    price = shops.price[which, day]
    scene.events.add(
        "product_price_changed", shops.product_units[which] * 8192 + day, moment,
        shop=shops.product_shop[which], product=which, amount=price,
        metadata=arrow.chosen(
            ['{"on_sale": false}', '{"on_sale": true}'], (price < shops.regular[which, day]).astype(np.int64)
        ),
    )  # fmt: skip
    np.maximum.at(last_time, which, moment)
    rows = np.flatnonzero(shops.listed < until)
    unit, time, category = shops.product_units[rows], shops.listed[rows], shops.category[rows]
    untidy = scene.untidiness.rows("shop_products", unit, time)
    count = len(rows)
    brand = arrow.chosen(words.BRANDS, draws.below("product/brand", unit, len(words.BRANDS)))
    noun = draws.below("product/noun", unit, 10) + category * 10
    name = arrow.joined(
        brand,
        " ",
        arrow.chosen(words.ADJECTIVES, draws.below("product/adjective", unit, len(words.ADJECTIVES))),
        " ",
        arrow.chosen([noun for nouns in words.NOUNS for noun in nouns], noun),
    )
    regular, price = shops.regular[rows, today], shops.price[rows, today]
    side = [arrow.digits(5 + draws.below(f"product/side/{axis}", unit, 90), 2) for axis in "lwh"]
    sku = arrow.spelling(
        arrow.fixed_words([name[:3].upper() for name in PRODUCT_CATEGORIES], category), "-",
        arrow.digits(shops.numbers[shops.product_shop[rows]], 6), "-", arrow.digits(shops.product_place[rows], 4),
        rows=count,
    )  # fmt: skip
    first, second = (draws.below(f"product/tag/{nth}", unit, len(words.TAGS)) for nth in "ab")
    late = np.where(untidy, 9 * HOUR, 0)
    columns = {
        "id": arrow.uuids(shops.product_ids[rows]),
        "event_time": arrow.times(time),
        **scene.shop(shops.product_shop[rows]),
        "sku": arrow.fixed(sku),
        "name": scene.untidiness.odd(name, untidy),
        "description": scene.untidiness.missing(
            arrow.chosen(words.DESCRIPTIONS, draws.below("product/text", unit, len(words.DESCRIPTIONS))), untidy
        ),
        "category": arrow.chosen(PRODUCT_CATEGORIES, category),
        "status": arrow.chosen(["active", "out_of_stock"], (last[rows] <= 0).astype(np.int64)),
        "price": arrow.money(regular),
        "sale_price": arrow.money(price, price < regular),
        "cost_price": arrow.money(unit_costs(scene.shops, draws)[rows]),
        "stock_quantity": arrow.integers(last[rows]),
        "low_stock_threshold": arrow.integers(np.floor(shops.demand[rows] * 5).astype(np.int64) + 3),
        "weight": arrow.thousandths(50 + draws.below("product/weight", unit, 4000), 10),
        "dimensions": arrow.fixed(arrow.spelling(side[0], " × ", side[1], " × ", side[2], rows=count)),
        "manufacturer": arrow.joined(brand, " Works"),
        "brand": brand,
        "tags": arrow.joined(
            '["', arrow.chosen(words.TAGS, first), '", "', arrow.chosen(words.TAGS, (first + 1 + second % 7) % 8), '"]'
        ),
        "created_time": arrow.times(time),
        "updated_time": arrow.times(last_time[rows] + late),
    }  # fmt: skip
    scene.write("shop_products", columns, time, shops.product_ids[rows])
    scene.registry.add("shop_product", shops.product_ids[rows], time)
    scene.events.add(
        "product_listed", unit, time, user=shops.owner[shops.product_shop[rows]],
        shop=shops.product_shop[rows], product=rows, amount=shops.prices(rows, time),
    )  # fmt: skip


def write_promotions(scene: Scene, promotions: Promotions, used: Ints) -> None:
    """shop_promotions with how often each was used, and their events."""
    until, shops = scene.until, scene.shops
    rows = np.flatnonzero(promotions.time < until)
    unit, time, shop = promotions.units[rows], promotions.time[rows], promotions.shop[rows]
    begins, ends, kind, value = (
        column[rows] for column in (promotions.begins, promotions.ends, promotions.kind, promotions.value)
    )
    applies, coded, limit = promotions.applies[rows], promotions.code[rows], promotions.limit[rows]
    count = len(rows)
    percent = (kind == 0) | (kind == 3) | (kind == 2)
    status = np.where(until <= begins, 0, np.where(until <= ends, 1, 2))
    promise = [_PROMISES[k].format(v, v // 100) for k, v in zip(kind.tolist(), value.tolist(), strict=True)]
    minimum, most = promotions.minimum[rows], promotions.most[rows]
    once = promotions.limit_per_user[rows]
    ids = promotions.ids[rows]
    products = [
        shops.product_ids[shops.first_product[s] : shops.first_product[s + 1]][:SPECIFIC].tobytes() if a == PRODUCTS else None
        for s, a in zip(shop.tolist(), applies.tolist(), strict=True)
    ]  # fmt: skip
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        **scene.shop(shop),
        "name": arrow.chosen(
            (*words.PROMOTION_NAMES, "Black Friday", "Flash Sale"),
            np.where(promotions.rank[rows] > 0, 7 + promotions.rank[rows], promotions.name[rows]),
        ),
        "description": pa.array(promise, pa.string()),
        "promotion_type": arrow.chosen(PROMOTION_TYPES, kind),
        "status": arrow.chosen(["scheduled", "active", "ended"], status),
        "discount_value": arrow.money(np.where(percent, value * 100, value)),
        "minimum_purchase_amount": arrow.money(minimum, minimum > 0),
        "maximum_discount_amount": arrow.money(most, most > 0),
        "usage_limit_per_user": arrow.integers(once, once > 0),
        "usage_limit_total": arrow.integers(limit, limit > 0),
        "current_usage_count": arrow.integers(used[rows]),
        "valid_from": arrow.times(begins),
        "valid_until": arrow.times(ends),
        "applicability": arrow.chosen(APPLICABILITIES, applies),
        "applicable_product_ids": pa.array(
            [
                None if raw is None else [raw[at : at + 16] for at in range(0, len(raw), 16)]
                for raw in products
            ],
            pa.list_(arrow.UUID),
        ),
        "applicable_categories": pa.array(
            [
                [PRODUCT_CATEGORIES[c]] if a == CATEGORIES else None
                for c, a in zip(promotions.category[rows].tolist(), applies.tolist(), strict=True)
            ],
            pa.list_(pa.string()),
        ),
        "promo_code": arrow.masked(promo_codes(unit), coded),
        "requires_code": arrow.flags(coded),
        "terms_conditions": arrow.same("While it holds; not for what is sold out.", count),
    }
    scene.write("shop_promotions", columns, time, ids)
    scene.registry.add("shop_promotion", ids, time, ends)
    caller = Caller(ids, time)
    for event, moment in (
        ("promotion_created", time),
        ("promotion_started", begins),
        ("promotion_ended", ends),
    ):
        scene.events.add(event, unit, moment, shop=shop, caller=caller)


def promo_codes(units: Ints) -> pa.Array:
    """The code of each promotion."""
    return arrow.fixed(
        arrow.spelling("SAVE", arrow.digits(units >> 10, 7), arrow.digits(units & 1023, 4), rows=len(units))
    )
