"""``./run.sh doctor``: the preflight with all its checks, as a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, cast

import click

from scenarios import report, session
from scenarios.display import PlainDisplay
from scenarios.flags import Flags, look_options
from scenarios.launch import refusals_as_json
from scenarios.nested_pve import ESTATE
from scenarios.run import execute
from scenarios.scenario import PREFLIGHT, Scenario
from scenarios.values import Json

DOCTOR = Scenario("doctor", "Check that a host is ready", "", (), preflight=ESTATE.check)
STYLES = {"ok": "green", "failed": "bold red", "skipped": "dim"}


@click.command()
@click.option("--host", default="", metavar="HOST", help="The inventory host.")
@look_options
def doctor(**options: Any) -> None:  # noqa: ANN401 - as click hands them over
    """Check that a host is ready: name, ports, TLS, login, privileges, storage, template, nesting, keys.

    Exit code 3 when a check fails.
    """
    flags = Flags.of(options)
    with refusals_as_json(DOCTOR.name, flags):
        sys.exit(examine(flags))


def examine(flags: Flags) -> int:
    """Run the checks and show them; returns the exit code."""
    host, run_options = session.prepare(frozenset({PREFLIGHT}), {}, flags)
    display = PlainDisplay(sys.stderr, flags.verbose > 0)
    outcome = execute(DOCTOR, host, run_options, display, session.bring_up_lab)
    if flags.json_output:
        session.print_json(outcome)
    elif outcome.began:
        show(outcome)
    if outcome.error:
        click.echo(f"Error: {outcome.error}", err=True)
    return outcome.exit_code


def checks(outcome: report.RunReport) -> list[Mapping[str, Json]]:
    """The checks' results, and what failed beside them."""
    phase = outcome.phases[0]
    found = cast("list[Mapping[str, Json]]", list(cast("list[Json]", phase.outputs.get("preflight_checks") or [])))
    if phase.status == report.FAILED and not any(check.get("status") == "failed" for check in found):
        found.append({"name": "playbook", "status": "failed", "message": phase.message, "remedy": ""})
    return found


def show(outcome: report.RunReport) -> None:
    """Print the table of checks, and the verdict."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("check", "status", "what was found", "what to do", box=None, padding=(0, 2, 0, 0))
    for check in checks(outcome):
        cells = [str(check.get(key) or "") for key in ("name", "status", "message", "remedy")]
        table.add_row(*(Text(cell, STYLES.get(cell, "") if column == 1 else "") for column, cell in enumerate(cells)))
    console = Console()
    console.print(table)
    verdict = "is ready" if outcome.success else "is NOT ready"
    console.print(f"{outcome.host} {verdict} ({outcome.duration:.1f} s)", highlight=False)
