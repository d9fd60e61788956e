"""Reviews of what was delivered, and the votes of others on them."""

import numpy as np

from entrepot.playground.values import REVIEW_STATUSES, REVIEW_TYPES
from entrepot.playground.world import arrow, words
from entrepot.playground.world.calendars import DAY, HOUR, MINUTE
from entrepot.playground.world.fates import Wanted
from entrepot.playground.world.identifiers import identify
from entrepot.playground.world.orders import Orders
from entrepot.playground.world.randomness import Choice, Ints, exponential, log_normal
from entrepot.playground.world.scene import Caller, Scene, references

#: Share of delivered lines whose product is reviewed, and of delivered orders whose shop is.
PRODUCT_REVIEW, SHOP_REVIEW = 0.11, 0.045
#: Share of reviews that are rejected, and that are taken down later.
_REJECTED, _REMOVED = 0.03, 0.006
#: A review is voted on by no more people than this.
_MOST_VOTES = 8

_LAG = log_normal(3.5, 0.8)
_VOTE_LAG = exponential(9.0)
_VOTES = Choice([0.3, 0.22, 0.16, 0.12, 0.08, 0.06, 0.03, 0.02, 0.01])
_SATISFACTION = Choice([0.05, 0.06, 0.13, 0.31, 0.45])


def write_reviews(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """shop_reviews and shop_review_votes."""
    draws, until = scene.draws, scene.until
    delivered = wanted.delivered[orders.row]
    lines = np.flatnonzero(
        draws.chance("review/product", orders.line_units, PRODUCT_REVIEW)
        & (delivered[orders.line_order] < until)
    )
    whole = np.flatnonzero(draws.chance("review/shop", orders.units, SHOP_REVIEW) & (delivered < until))
    order = np.concatenate([orders.line_order[lines], whole])
    product = np.concatenate([orders.product[lines], np.full(len(whole), -1)])
    units = np.concatenate([orders.line_units[lines] * 2, orders.units[whole] * 2 + 1])
    lag = (_LAG(draws.uniform("review/lag", units)) * DAY).astype(np.int64) + HOUR
    time = delivered[order] + lag
    user, shop = orders.user[order], orders.shop[order]
    kept = (time < until) & (time < scene.people.left[user])
    order, product, units, time, user, shop = (c[kept] for c in (order, product, units, time, user, shop))
    ids = identify(draws, "review", units, time)
    thing = np.where(
        product >= 0, scene.shops.product_units[np.maximum(product, 0)], scene.shops.numbers[shop] + (1 << 60)
    )
    quality = 0.75 + 0.25 * draws.uniform("review/quality", thing)
    pleasure = draws.uniform("review/rating", units)
    sent_back = wanted.returned[orders.row][order] < time
    rating = 1 + _SATISFACTION(np.where(sent_back, pleasure * 0.25, pleasure * quality + (1 - quality) * 0.1))
    decided = time + MINUTE + draws.below("review/decided", units, 20 * HOUR)
    rejected = draws.chance("review/rejected", units, _REJECTED)
    removed = draws.chance("review/removed", units, _REMOVED) & ~rejected
    gone = decided + DAY + draws.below("review/gone", units, 10 * DAY)
    verdict = np.where(rejected, REVIEW_STATUSES.index("rejected"), REVIEW_STATUSES.index("approved"))
    status = np.where(decided < until, verdict, REVIEW_STATUSES.index("pending"))
    status = np.where(removed & (gone < until), REVIEW_STATUSES.index("removed"), status)
    helpful, unhelpful = _write_votes(scene, units, ids, time, user, decided, rejected, rating)
    untidy = scene.untidiness.rows("shop_reviews", units, time)
    text = (rating - 1) * 3 + draws.below("review/opening", units, 3)
    content = arrow.joined(
        arrow.chosen([opening for group in words.REVIEW_OPENINGS for opening in group], text),
        " ",
        arrow.chosen(words.REVIEW_ENDINGS, draws.below("review/ending", units, len(words.REVIEW_ENDINGS))),
    )
    title = (rating - 1) * 3 + draws.below("review/title", units, 3)
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        **scene.user(user),
        **scene.shop(shop),
        **scene.product(product),
        **references("order", orders.ids, orders.time, order),
        "review_type": arrow.chosen(REVIEW_TYPES, (product >= 0).astype(np.int64)),
        "status": arrow.chosen(REVIEW_STATUSES, status),
        "rating": arrow.integers(rating, kind=arrow.SMALL),
        "title": arrow.chosen(
            [title for group in words.REVIEW_TITLES for title in group],
            title, draws.chance("review/titled", units, 0.8),
        ),
        "content": scene.untidiness.odd(content, untidy),
        "helpful_votes": arrow.integers(helpful),
        "not_helpful_votes": arrow.integers(unhelpful),
        "is_verified_purchase": arrow.flags(np.ones(len(units), dtype=np.bool_)),
    }  # fmt: skip
    scene.write("shop_reviews", columns, time, ids)
    scene.registry.add("shop_review", ids, time)
    caller = Caller(ids, time)
    for kind, moment in (
        ("review_submitted", time),
        ("review_approved", np.where(rejected, until, decided)),
        ("review_rejected", np.where(rejected, decided, until)),
        ("review_removed", np.where(removed, gone, until)),
    ):
        scene.events.add(kind, units, moment, user=user, shop=shop, product=product, caller=caller)


def _write_votes(
    scene: Scene, review_units: Ints, review_ids: "np.ndarray", review_time: Ints, author: Ints, decided: Ints,
    rejected: "np.ndarray", rating: Ints,
) -> tuple[Ints, Ints]:  # fmt: skip
    """shop_review_votes; returns votes for and against by review."""
    draws, people, until = scene.draws, scene.people, scene.until
    counts = np.where(rejected, 0, _VOTES(draws.uniform("vote/count", review_units)))
    review = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(review)) - np.repeat(np.cumsum(counts) - counts, counts)
    units = draws.bits("vote", review_units[review] * (_MOST_VOTES + 1) + place)
    time = decided[review] + MINUTE + (_VOTE_LAG(draws.uniform("vote/lag", units)) * DAY).astype(np.int64)
    day = scene.calendar.day_of(review_time[review])
    user = people.visitors("vote/user", units, day)
    pair = review * (people.count + 1) + user
    first = np.zeros(len(pair), dtype=np.bool_)
    first[np.unique(pair, return_index=True)[1]] = True
    kept = first & people.here(user, time) & (user != author[review]) & (time < until)
    review, units, time, user = review[kept], units[kept], time[kept], user[kept]
    yes = draws.chance("vote/helpful", units, np.where((rating == 1) | (rating == 5), 0.82, 0.68)[review])
    ids = identify(draws, "vote", units, time)
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        **references("review", review_ids, review_time, review),
        **scene.user(user),
        **scene.user(author[review], "author"),
        "is_helpful": arrow.flags(yes),
    }
    scene.write("shop_review_votes", columns, time, ids)
    helpful = np.bincount(review, yes, minlength=len(counts)).astype(np.int64)
    return helpful, np.bincount(review, ~yes, minlength=len(counts)).astype(np.int64)
