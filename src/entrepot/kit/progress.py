"""The one progress protocol: long work calls `report(step=…, done=…, total=…)` and does not know who watches.

    with reporting("auto") as report:
        report(step="parse", done=4096, total=size, unit="bytes")

A step is finished when `done` reaches `total`, or when another step is reported. Reports are cheap to make and may be
made for every batch; the reporter decides how often it shows one.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

import orjson

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Style = Literal["auto", "bars", "lines", "none"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is; `total` is None while it is not known."""

    step: str
    done: int = 0
    total: int | None = None
    unit: str = "rows"
    note: str | None = None

    @property
    def finished(self) -> bool:
        """Whether all of a known total is done."""
        return self.total is not None and self.done >= self.total

    @property
    def share(self) -> float | None:
        """The part done, from 0 to 1; None while the total is not known."""
        if self.total is None:
            return None
        return 1.0 if self.total <= 0 else min(self.done / self.total, 1.0)


class Report(Protocol):
    """What long work is given to say how far it is."""

    def __call__(
        self,
        step: str,
        *,
        done: int = 0,
        total: int | None = None,
        unit: str = "rows",
        note: str | None = None,
    ) -> None:
        """Say that `done` of `total` units of the step are done."""


class Reporter:
    """A `Report` that hands each call to `show` as a value; this one shows nothing."""

    def __call__(
        self,
        step: str,
        *,
        done: int = 0,
        total: int | None = None,
        unit: str = "rows",
        note: str | None = None,
    ) -> None:
        """Say that `done` of `total` units of the step are done."""
        self.show(Progress(step, done, total, unit, note))

    def show(self, progress: Progress) -> None:
        """Show one report."""

    def close(self, *, failed: bool = False) -> None:
        """Show what is still held back and leave the terminal as it was; `failed` when the work did not end well."""


#: Shows nothing: the default of every function that takes a `report`.
SILENT: Report = Reporter()


class LineReporter(Reporter):
    """One JSON object a line, at most one per `interval` seconds within a step; a step's last is always written."""

    def __init__(self, stream: TextIO | None = None, *, interval: float = 0.25) -> None:
        self._stream = stream or sys.stderr
        self._interval = interval
        self._written_at = -interval
        self._held: Progress | None = None
        self._step: str | None = None

    def show(self, progress: Progress) -> None:
        """Write the report, or hold it back when one was written just now."""
        if progress.step != self._step:
            self.close()
            self._step = progress.step
            self._write(progress)
        elif progress.finished or time.monotonic() - self._written_at >= self._interval:
            self._write(progress)
        else:
            self._held = progress

    def close(self, *, failed: bool = False) -> None:
        """Write the report that was held back, if any."""
        del failed  # what was reported is true either way
        if self._held is not None:
            self._write(self._held)

    def _write(self, progress: Progress) -> None:
        self._held = None
        self._written_at = time.monotonic()
        self._stream.write(orjson.dumps(asdict(progress)).decode() + "\n")
        self._stream.flush()


class BarReporter(Reporter):
    """A bar a step on a terminal, drawn on standard error so that output can be piped."""

    def __init__(self, stream: TextIO | None = None, *, force: bool = False) -> None:
        from rich.console import Console

        self._console = Console(file=stream or sys.stderr, force_terminal=True if force else None)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._latest: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Draw or move the step's bar; a new step completes the one before."""
        bars = self._bars or self._start()
        if self._latest is not None and self._latest.step != progress.step:
            self._complete(bars, self._latest)
        if progress.step not in self._tasks:
            self._tasks[progress.step] = bars.add_task(progress.step, total=None, amount="", note="")
        bars.update(
            self._tasks[progress.step],
            completed=progress.done,
            total=progress.total,
            amount=_amount(progress),
            note=progress.note or "",
        )
        self._latest = progress

    def close(self, *, failed: bool = False) -> None:
        """Stop drawing; the bars stay as they are, the last one completed unless the work failed."""
        if self._bars is not None:
            if self._latest is not None and not failed:
                self._complete(self._bars, self._latest)
            self._bars.stop()
            self._bars = None

    def _start(self) -> "Bars":
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self._console,
        )
        self._bars.start()
        return self._bars

    def _complete(self, bars: "Bars", progress: Progress) -> None:
        # A step whose total was never known has all that it turned out to have.
        if progress.total is None:
            bars.update(
                self._tasks[progress.step], total=max(progress.done, 1), completed=max(progress.done, 1)
            )


def _amount(progress: Progress) -> str:
    from entrepot.kit.output import format_bytes, format_number

    show = format_bytes if progress.unit == "bytes" else format_number
    if progress.total is None and progress.done == 0:
        return ""
    amount = show(progress.done)
    if progress.total is not None:
        amount = f"{amount} of {show(progress.total)}"
    return amount if progress.unit == "bytes" else f"{amount} {progress.unit}"


@contextmanager
def reporting(style: Style = "auto", *, stream: TextIO | None = None) -> Iterator[Report]:
    """A reporter for the block: bars, JSON lines or nothing; "auto" draws bars on a terminal only."""
    target = stream or sys.stderr
    reporter: Reporter
    if style == "bars" or (style == "auto" and target.isatty()):
        reporter = BarReporter(target, force=style == "bars")
    elif style == "lines":
        reporter = LineReporter(target)
    else:
        reporter = Reporter()
    try:
        yield reporter
    except BaseException:
        reporter.close(failed=True)
        raise
    reporter.close()
