"""What a person sees of a run: a table that updates on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from scenarios.report import FAILED, PASSED, SKIPPED, PhaseReport, RunReport

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

STYLES = {PASSED: "green", FAILED: "bold red", SKIPPED: "dim", "running": "cyan", "": "dim"}
REFRESH_PER_SECOND = 8


class Display(Protocol):
    """What the driver tells while it runs."""

    def begin(self, report: RunReport) -> None:
        """The run starts."""

    def phase_started(self, phase: PhaseReport) -> None:
        """A phase starts."""

    def task_started(self, name: str) -> None:
        """A task of the running phase starts."""

    def output(self, text: str) -> None:
        """Ansible's own output, for --verbose."""

    def phase_finished(self, phase: PhaseReport) -> None:
        """A phase passed, failed or was skipped."""

    def note(self, text: str) -> None:
        """Something else worth a line."""

    def end(self, report: RunReport) -> None:
        """The run is over."""


def summary(report: RunReport) -> str:
    """The run in one line."""
    counts = ", ".join(
        f"{report.counted(status)} {status}" for status in (PASSED, FAILED, SKIPPED) if report.counted(status)
    )
    verdict = "passed" if report.success else "FAILED"
    return f"{report.scenario} on {report.host} {verdict} in {report.duration:.1f} s ({counts or 'no phase ran'})"


def outcome(phase: PhaseReport) -> str:
    """A phase's end in one line."""
    details = f" changed={phase.changed} {phase.duration:.1f} s" if phase.status != SKIPPED else ""
    return f"{phase.status}{details}" + (f": {phase.message}" if phase.message else "")


@dataclass
class PlainDisplay:
    """One line an event; for pipes, files and CI.

    Attributes:
        verbose: whether Ansible's output is shown.
    """

    stream: IO[str]
    verbose: bool = False
    total: int = 0
    number: int = 0

    def begin(self, report: RunReport) -> None:
        """Say what runs."""
        self.total = len(report.phases)
        self.note(f"{report.scenario} on {report.host}, run {report.run_id}")

    def phase_started(self, phase: PhaseReport) -> None:
        """Say which phase runs."""
        self.number += 1
        self.note(f"[{self.number}/{self.total}] {phase.name}: {phase.description}")

    def task_started(self, name: str) -> None:
        """Nothing: a line a task is what --verbose is for."""

    def output(self, text: str) -> None:
        """Pass Ansible's output on, if wanted."""
        if self.verbose:
            self.note(text)

    def phase_finished(self, phase: PhaseReport) -> None:
        """Say how the phase went."""
        if phase.status == SKIPPED:
            self.number += 1
        self.note(f"[{self.number}/{self.total}] {phase.name}: {outcome(phase)}")

    def note(self, text: str) -> None:
        """Print a line at once."""
        print(text, file=self.stream, flush=True)

    def end(self, report: RunReport) -> None:
        """Say how the run went."""
        self.note(summary(report))


class QuietDisplay(PlainDisplay):
    """Only what went wrong, and notes; for commands that print what they found."""

    def begin(self, report: RunReport) -> None:
        """Nothing."""

    def phase_started(self, phase: PhaseReport) -> None:
        """Nothing."""

    def phase_finished(self, phase: PhaseReport) -> None:
        """Say why the phase failed, if it did."""
        if phase.status == FAILED:
            self.note(f"Error: {phase.name}: {phase.message}")

    def end(self, report: RunReport) -> None:
        """Nothing."""


class LiveDisplay:
    """The phases as a table that updates, with the running task's name and the elapsed time."""

    def __init__(self, console: Console, verbose: bool = False) -> None:
        """Nothing is drawn before ``begin``."""
        self.console = console
        self.verbose = verbose
        self._report: RunReport | None = None
        self._running: PhaseReport | None = None
        self._task = ""
        self._run_start = self._phase_start = time.monotonic()
        self._live: Live | None = None

    def begin(self, report: RunReport) -> None:
        """Start drawing."""
        from rich.live import Live  # noqa: PLC0415

        self._report = report
        self._run_start = time.monotonic()
        self._live = Live(
            console=self.console, get_renderable=self._render, refresh_per_second=REFRESH_PER_SECOND, transient=False
        )
        self._live.start()

    def phase_started(self, phase: PhaseReport) -> None:
        """Mark the phase's row."""
        self._running, self._task, self._phase_start = phase, "", time.monotonic()

    def task_started(self, name: str) -> None:
        """Show the task in the phase's row."""
        self._task = name

    def output(self, text: str) -> None:
        """Print Ansible's output above the table, if wanted."""
        if self.verbose:
            self.console.print(text, markup=False, highlight=False)

    def phase_finished(self, phase: PhaseReport) -> None:
        """Show the phase's end in its row."""
        if phase is self._running:
            self._running = None

    def note(self, text: str) -> None:
        """Print a line above the table."""
        self.console.print(text, markup=False, highlight=False)

    def end(self, report: RunReport) -> None:
        """Leave the table standing and say how the run went."""
        if self._live:
            self._live.stop()
        style = STYLES[PASSED if report.success else FAILED]
        self.console.print(summary(report), style=style, markup=False, highlight=False)

    def _render(self) -> RenderableType:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        report = self._report
        assert report is not None  # noqa: S101 - begin() set it before Live could ask
        elapsed = report.duration or time.monotonic() - self._run_start
        title = f"{report.scenario} on {report.host}  {elapsed:.0f} s"
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), expand=True)
        for heading, options in COLUMNS:
            table.add_column(heading, **options)  # type: ignore[arg-type]
        for phase in report.phases:
            status, cells = self._row(phase)
            table.add_row(phase.name, Text(status, STYLES[status]), *map(Text, cells))
        return table

    def _row(self, phase: PhaseReport) -> tuple[str, tuple[str, str, str]]:
        if phase is self._running:
            return "running", ("", f"{time.monotonic() - self._phase_start:.0f}", self._task or phase.description)
        if phase.status == SKIPPED and not phase.message:
            return "", ("", "", phase.description)
        seconds = f"{phase.duration:.1f}" if phase.status != SKIPPED else ""
        changed = str(phase.changed) if phase.status != SKIPPED else ""
        return phase.status, (changed, seconds, phase.message or phase.description)


COLUMNS: tuple[tuple[str, dict[str, object]], ...] = (
    ("phase", {"no_wrap": True}),
    ("status", {"no_wrap": True}),
    ("changed", {"justify": "right"}),
    ("seconds", {"justify": "right"}),
    ("", {"ratio": 1, "overflow": "fold"}),
)


def choose(verbose: bool, json_output: bool, quiet: bool = False) -> Display:
    """The display for this run: stdout belongs to the JSON document, or to what was found, alone."""
    import sys  # noqa: PLC0415

    if quiet:
        return QuietDisplay(sys.stderr, verbose)
    stream = sys.stderr if json_output else sys.stdout
    if not stream.isatty():
        return PlainDisplay(stream, verbose)
    from rich.console import Console  # noqa: PLC0415 - costs 80 ms, which pipes need not pay

    return LiveDisplay(Console(file=stream), verbose)
