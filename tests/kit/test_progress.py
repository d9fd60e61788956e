import io
import json

import pytest

from entrepot.kit.progress import SILENT, BarReporter, LineReporter, Progress, Reporter, reporting


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "share", "finished"),
    [
        (Progress("parse"), None, False),
        (Progress("parse", 1, 4), 0.25, False),
        (Progress("parse", 4, 4), 1.0, True),
        (Progress("parse", 5, 4), 1.0, True),
        (Progress("parse", 0, 0), 1.0, True),
    ],
)
def test_share_and_end_of_a_step(progress: Progress, share: float | None, finished: bool) -> None:
    assert progress.share == share
    assert progress.finished is finished


def test_a_report_arrives_as_a_value() -> None:
    seen: list[Progress] = []

    class Collecting(Reporter):
        def show(self, progress: Progress) -> None:
            seen.append(progress)

    Collecting()("merge", done=3, total=9, unit="products", note="variants")
    assert seen == [Progress("merge", 3, 9, "products", "variants")]
    SILENT("merge", done=1)


def test_lines_hold_back_the_middle_of_a_step_and_never_its_end() -> None:
    stream = io.StringIO()
    with_pause = LineReporter(stream, interval=3600)
    for done in range(101):
        with_pause("parse", done=done, total=100)
    with_pause("merge", done=1)
    with_pause("merge", done=2)
    with_pause("merge", done=3)
    with_pause.close()
    assert [(line["step"], line["done"]) for line in lines(stream)] == [
        ("parse", 0),
        ("parse", 100),
        ("merge", 1),
        ("merge", 3),
    ]


def test_the_last_of_a_step_of_unknown_length_is_written_when_the_next_begins() -> None:
    stream = io.StringIO()
    report = LineReporter(stream, interval=3600)
    report("parse", done=1)
    report("parse", done=7)
    report("merge", done=1)
    assert [(line["step"], line["done"]) for line in lines(stream)] == [
        ("parse", 1),
        ("parse", 7),
        ("merge", 1),
    ]


def test_lines_without_a_pause_are_all_written() -> None:
    stream = io.StringIO()
    report = LineReporter(stream, interval=0)
    for done in (1, 2, 3):
        report("parse", done=done, total=9, unit="bytes", note="a")
    assert [line["done"] for line in lines(stream)] == [1, 2, 3]
    assert lines(stream)[0] == {"step": "parse", "done": 1, "total": 9, "unit": "bytes", "note": "a"}


def test_bars_show_each_step_with_its_amount() -> None:
    stream = Screen()
    with reporting("bars", stream=stream) as report:
        report("parse", done=512, total=2048, unit="bytes")
        report("parse", done=2048, total=2048, unit="bytes")
        report("merge", done=1500, unit="products", note="[brackets]")
    shown = stream.getvalue()
    assert "2.0 KiB of 2.0 KiB" in shown
    assert "1,500 products" in shown


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with reporting("auto", stream=stream) as report:
        report("parse", done=1, total=2)
    assert stream.getvalue() == ""
    with reporting("auto", stream=Screen()) as report:
        assert isinstance(report, BarReporter)


def test_the_held_line_is_written_when_the_work_fails() -> None:
    stream = io.StringIO()

    def work() -> None:
        with reporting("lines", stream=stream) as report:
            report("parse", done=1, total=9)
            report("parse", done=2, total=9)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert [line["done"] for line in lines(stream)] == [1, 2]


@pytest.mark.parametrize(("failed", "completed"), [(False, True), (True, False)])
def test_work_of_unknown_length_is_completed_when_it_ended_well(failed: bool, completed: bool) -> None:
    stream = Screen()
    report = BarReporter(stream, force=True)
    report("back up")
    report.close(failed=failed)
    shown = stream.getvalue()
    assert "back up" in shown
    assert ("✓" in shown) is completed
    assert "rows" not in shown
