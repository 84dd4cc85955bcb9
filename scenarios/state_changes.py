"""``./run.sh state plan``, ``apply`` and ``verify``: what they show, ask and write."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from scenarios import asking, state_guarded, state_report, state_saved, state_text
from scenarios.errors import DriverError, RunInterruptedError, UsageError
from scenarios.state_apply import ApplyAction
from scenarios.state_front import DIFFERENT, FAILED, FILE, SAME, Asked, Front, conducted
from scenarios.state_verbs import PLAN
from scenarios.values import Json

if TYPE_CHECKING:
    from scenarios.report import RunReport

Told = Mapping[str, Any]
CLIPPED = "..."
"""What a phase's message ends with where it was too long (scenarios.events)."""


def plan(asked: Asked) -> int:
    """Plan, and show it."""
    _check_files(asked)
    report, told = conducted(asked)
    if report.success and asked.own["out"]:
        state_saved.write(asked.own["out"], report.host, asked.inputs, told)
    _tell(asked, report, told)
    return code(report, told)


def verify(asked: Asked) -> int:
    """Compare, and report the differences in every form that was asked for; figures also when it failed."""
    _check_files(asked)
    report, told = conducted(asked)
    if asked.own["metrics"]:
        figures = state_report.drift_metrics(report.host, told, report.success, time.time())
        state_report.write_metrics(asked.own["metrics"], figures)
    if asked.own["html"]:
        state_report.write(asked.own["html"], state_report.html(report.host, told, report.failure))
    _tell(asked, report, told)
    return code(report, told)


def code(report: RunReport, told: Told) -> int:
    """The exit code of what looked at differences."""
    if not report.success:
        return report.exit_code
    return DIFFERENT if told.get("state_changed") else SAME


def _tell(asked: Asked, report: RunReport, told: Told) -> None:
    if state_report.told_as_json(asked, report, told):
        return
    if told.get("state_summary"):
        state_text.show(state_text.plan(report.host, told, bool(asked.inputs.get("state_all"))))
    elif report.failure.endswith(CLIPPED):
        click.echo("\n".join(told.get("state_errors") or []), err=True)


def _check_files(asked: Asked) -> None:
    """Whether there are documents at all, before anything is started."""
    files = cast("list[str]", asked.inputs.get("state_files") or [])
    if not files:
        raise UsageError("Which documents? Give one or more files.")
    for name in files:
        if not Path(name).is_file():
            raise UsageError(f"There is no document {name}.")


def apply(asked: Asked) -> int:
    """Plan, or take a saved plan; show it, ask, and do exactly that."""
    _check_files(asked)
    saved = state_saved.read(cast("list[str]", asked.inputs["state_files"]))
    agreed, told, failed = _agreed_to(asked, saved) if saved else _planned(asked)
    if failed or not told.get("state_changed"):
        return failed
    agreed = agreed.given(**permitted(agreed, told), state_expect=state_saved.expected(told))
    kept = state_guarded.checkpoint(agreed) if state_guarded.wanted(agreed) else None
    report, done = conducted(agreed, ApplyAction)
    _tell_result(agreed, report, done)
    # Whoever interrupts wants nothing more to be started; the way back was told with the checkpoint.
    if kept and report.exit_code not in (SAME, RunInterruptedError.exit_code):
        state_guarded.after_failure(agreed, kept)
    return SAME if report.success else report.exit_code or FAILED


def _planned(asked: Asked) -> tuple[Asked, Told, int]:
    """The plan of documents, shown; with the exit code where there is nothing to apply because it failed."""
    inputs = {name: value for name, value in asked.inputs.items() if name in {each.name for each in PLAN.inputs}}
    report, told = conducted(replace(asked, verb=PLAN, inputs=inputs, flags=replace(asked.flags, json_output=False)))
    _show_plan(asked, report.host, told)
    partly = bool(told.get("state_changed")) and bool(told.get("state_errors"))
    return asked, told, SAME if report.success or partly else report.exit_code


def _agreed_to(asked: Asked, saved: state_saved.Saved) -> tuple[Asked, Told, int]:
    """A saved plan, shown, with the inputs that made it."""
    if asked.flags.host and asked.flags.host != saved.host:
        raise DriverError(f"That plan is for {saved.host}, not for {asked.flags.host}. Nothing was done.")
    own = {name: value for name, value in asked.inputs.items() if name != "state_files"}
    if extra := sorted(set(own) - {"state_allow_delete", "state_allow_restart", "state_all"}):
        raise UsageError(f"A saved plan has its own inputs; {', '.join(extra)} can't be given besides. Plan again.")
    _show_plan(asked, saved.host, saved.told)
    agreed = replace(asked, inputs={**saved.inputs, **own}, flags=replace(asked.flags, host=saved.host))
    return agreed, saved.told, SAME


def _show_plan(asked: Asked, host: str, told: Told) -> None:
    """The plan goes where the result does not, when that is for a program."""
    if told.get("state_summary"):
        stream = sys.stderr if asked.own["as_json"] or asked.flags.json_output else sys.stdout
        state_text.show(state_text.plan(host, told, bool(asked.inputs.get("state_all"))), stream)


def permitted(asked: Asked, told: Told) -> dict[str, Json]:
    """Leave to remove and to restart, given beforehand, by --yes, or by an answer now.

    Raises:
        DriverError: nobody gave it.
    """
    needed = {"state_allow_delete": removals(told), "state_allow_restart": restarts(told)}
    wanting = {name: things for name, things in needed.items() if things and not asked.inputs.get(name)}
    if wanting and not asked.flags.yes:
        _ask(wanting)
    return dict.fromkeys(wanting, True)


def removals(told: Told) -> list[str]:
    """What a plan removes."""
    return [state_text.name(action) for action in told["state_actions"] if action["action"] == state_text.DELETE]


def restarts(told: Told) -> list[str]:
    """What a plan restarts."""
    return [state_text.name(action) for action in told["state_actions"] if action.get("restart")]


QUESTIONS = {"state_allow_delete": "removed", "state_allow_restart": "restarted"}


def _ask(wanting: Mapping[str, list[str]]) -> None:
    said = "; ".join(f"{', '.join(things)} would be {QUESTIONS[name]}" for name, things in wanting.items())
    asking.leave(f"{said}.")


def _tell_result(asked: Asked, report: RunReport, told: Told) -> None:
    if not state_report.told_as_json(asked, report, told) and told.get("state_summary"):
        state_text.show(state_text.result(report.host, told))


AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="One JSON document on stdout.")
PLAN_FRONT = Front(
    plan,
    (AS_JSON, click.Option(["--out"], type=FILE, metavar="FILE", help="Save the plan (0600) for 'apply FILE'.")),
    "Exit code 0: nothing to do; 2: there are changes; 1: it failed.",
)
VERIFY_FRONT = Front(
    verify,
    (
        AS_JSON,
        click.Option(["--html"], type=FILE, metavar="FILE", help="Also write a page."),
        click.Option(["--metrics"], type=FILE, metavar="FILE", help="Also write figures for Prometheus."),
    ),
    "Exit code 0: as the documents say; 2: it differs; 1: it failed.",
)
APPLY_FRONT = Front(
    apply,
    (
        AS_JSON,
        click.Option(["--checkpoint"], is_flag=True, help="Snapshots and a document of what is there, before."),
        click.Option(["--rollback-on-failure"], is_flag=True, help="Go back to the checkpoint if anything fails."),
    ),
    "FILES are documents, or one plan that 'plan --out' saved. The plan is shown first; what removes or restarts wants "
    "--yes, or an answer. Exit code 0: done; 1: something failed.",
)
