"""``./run.sh state check``: what it shows and writes beside running its playbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from scenarios import compliance_report, state_report, state_text
from scenarios.errors import UsageError
from scenarios.state_front import DIFFERENT, FILE, SAME, Asked, Front, conducted

if TYPE_CHECKING:
    from scenarios.report import RunReport

DEFAULT = "error"


def check(asked: Asked) -> int:
    """Judge, and report in every form that was asked for; a report is written also where the run failed."""
    _check_files(asked)
    fail_on = str(asked.inputs.get("state_fail_on") or DEFAULT)
    # The playbook would fail at what is only a finding here, and say it in one long message.
    report, told = conducted(asked.given(state_fail_on="never"))
    _write(asked, report, told)
    if not state_report.told_as_json(asked, report, told) and not report.failure:
        state_text.show(compliance_report.lines(report.host, told, asked.own["everything"]))
    if not report.success:
        return report.exit_code
    return DIFFERENT if compliance_report.fails(told, fail_on) else SAME


def _check_files(asked: Asked) -> None:
    files = cast("list[str]", asked.inputs.get("state_files") or [])
    if not files and not asked.inputs.get("state_policies"):
        raise UsageError("Which policies? Give one or more files; examples/policies.yml is one to begin with.")
    for name in files:
        if not Path(name).is_file():
            raise UsageError(f"There is no file {name}.")


def _write(asked: Asked, report: RunReport, told: Mapping[str, Any]) -> None:
    if asked.own["junit"] and not report.failure:
        state_report.write(asked.own["junit"], compliance_report.junit(report.host, told))
    if asked.own["html"]:
        state_report.write(asked.own["html"], compliance_report.html(report.host, told, report.failure))


FRONT = Front(
    check,
    (
        click.Option(["--json", "as_json"], is_flag=True, help="Print the report as JSON."),
        click.Option(["--junit"], type=FILE, metavar="FILE", help="Write it as JUnit XML, too."),
        click.Option(["--html"], type=FILE, metavar="FILE", help="Write it as an HTML page, too."),
        click.Option(["--all", "everything"], is_flag=True, help="Show what passes and is exempt, too."),
    ),
    "Exit code 0 when no policy of the severity --fail-on fails, 2 when one does, 1 when the check itself failed.",
)

COMPLIANCE_FRONTS: Mapping[str, Front] = {"state-check": FRONT}
