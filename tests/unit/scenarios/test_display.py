"""What is said of a run whose command prints what it found: only what went wrong."""

from __future__ import annotations

import io

from scenarios.display import PlainDisplay, QuietDisplay

from .test_report import run


def told(display: type[PlainDisplay], verbose: bool = False) -> list[str]:
    """What a display says of a run with a passed, a failed and a skipped phase."""
    stream, report = io.StringIO(), run()
    shown = display(stream, verbose)
    shown.begin(report)
    for phase in report.phases:
        shown.phase_started(phase)
        shown.output("Ansible's own")
        shown.phase_finished(phase)
    shown.note("note")
    shown.end(report)
    return stream.getvalue().split("\n")[:-1]


def test_quiet_tells_failures_and_notes() -> None:
    failed, *_lines, note = told(QuietDisplay)
    assert (failed, note) == ('Error: start_vm: task "x" | failed:', "note")
    assert not [line for line in told(QuietDisplay) if "provision" in line or "wait_ip" in line]


def test_quiet_passes_ansibles_output_on_when_asked() -> None:
    assert told(QuietDisplay, verbose=True).count("Ansible's own") == 3
    assert told(QuietDisplay).count("Ansible's own") == 0
