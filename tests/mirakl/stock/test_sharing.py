"""How many units each listing of a variant offers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.mirakl.stock.sharing import Offer, StockSettings, shares

OFFERS = st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=6).map(
    lambda kept: [Offer(f"S{n}", one) for n, one in enumerate(kept)]
)


def test_listings_split_what_there_is_and_the_first_has_the_rest() -> None:
    assert shares(5, [Offer("A"), Offer("B")], StockSettings()) == {"A": 3, "B": 2}


def test_each_offers_all_where_the_account_says_so() -> None:
    assert shares(5, [Offer("A"), Offer("B", 2)], StockSettings(sharing="full")) == {"A": 5, "B": 3}


def test_safety_stock_is_kept_back_once_not_from_each_share() -> None:
    assert shares(5, [Offer("A"), Offer("B")], StockSettings(safety_stock=1)) == {"A": 2, "B": 2}


def test_a_listing_that_may_not_take_its_share_leaves_it_to_the_others() -> None:
    assert shares(10, [Offer("A", 9), Offer("B", 0)], StockSettings()) == {"A": 1, "B": 9}


def test_a_listing_offers_no_more_than_the_most() -> None:
    assert shares(5000, [Offer("A")], StockSettings(most=99)) == {"A": 99}


@settings(deadline=None)
@given(st.integers(0, 100), OFFERS, st.integers(0, 5), st.integers(0, 120))
def test_nothing_is_offered_that_is_not_there(
    buildable: int, offers: list[Offer], safety: int, most: int
) -> None:
    for sharing in ("split", "full"):
        chosen = StockSettings(safety_stock=safety, sharing=sharing, most=most)
        found = shares(buildable, offers, chosen)
        kept = {one.shop_sku: safety if one.safety_stock is None else one.safety_stock for one in offers}
        assert set(found) == set(kept)
        for sku, quantity in found.items():
            assert 0 <= quantity <= min(most, max(0, buildable - kept[sku]))
        if sharing == "split":
            pool = max(0, buildable - min(kept.values()))
            ceilings = sum(min(most, max(0, buildable - back)) for back in kept.values())
            # All that may be offered is offered, and not a unit more.
            assert sum(found.values()) == min(pool, ceilings)
