from datetime import UTC, datetime, timedelta

from entrepot.kit.clock import clock, now

MOMENT = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)


def test_the_time_is_in_utc() -> None:
    assert now().utcoffset() == timedelta(0)


def test_a_fixed_moment_holds_for_the_block_only() -> None:
    with clock(MOMENT):
        assert now() == MOMENT
        with clock(MOMENT + timedelta(days=1)):
            assert now() == MOMENT + timedelta(days=1)
        assert now() == MOMENT
    assert now() > MOMENT


def test_a_clock_of_ones_own_is_asked_each_time() -> None:
    moments = iter([MOMENT, MOMENT + timedelta(seconds=1)])
    with clock(lambda: next(moments)):
        assert now() == MOMENT
        assert now() == MOMENT + timedelta(seconds=1)
