"""Runs a scenario: its chosen phases in order, the context saved after each, everything audited and reported."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scenarios import audit, context, inventory, lock, paths, pins, report, runner, state_journal
from scenarios.actions import ActionResult, RunConfig
from scenarios.context import Context
from scenarios.display import Display
from scenarios.errors import DriverError, NotReadyError, RunInterruptedError
from scenarios.interrupts import Interrupts
from scenarios.report import FAILED, PASSED, PhaseReport, RunReport, new_run_id
from scenarios.runner import PlayRequest, PlayResult
from scenarios.scenario import PREFLIGHT, Phase, Scenario, check_inputs, obstacle
from scenarios.values import Json

# What a roundtrip may still take to clean up after --timeout ended it.
CLEANUP_SECONDS = 120.0

PASS, PHASE_FAILED, NOT_READY = 0, 1, NotReadyError.exit_code


@dataclass(frozen=True)
class Options:
    """What the command line said about a run.

    Attributes:
        selected: the phases that shall run.
        given: inputs by name.
        context_file: where the context is, instead of the estate's own place.
        timeout: seconds for the whole run, None for no limit.
    """

    selected: frozenset[str]
    given: Mapping[str, Json] = field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    context_file: Path | None = None
    keep_on_failure: bool = False
    timeout: float | None = None
    verbosity: int = 0
    vault_password_file: str | None = None


def run_directory(run_id: str) -> Path:
    """Where a run's reports and Ansible's output are kept."""
    return paths.state() / "runs" / run_id


def execute(
    scenario: Scenario,
    host: inventory.Host,
    options: Options,
    display: Display,
    bring_up: Callable[[Callable[[str], None]], None],
) -> RunReport:
    """Run a scenario on a host; never raises what went wrong, the report holds it.

    Args:
        bring_up: makes a lab node's lab run and enters its network.
    """
    outcome = RunReport(new_run_id(), scenario.name, host.name, datetime.now(UTC))
    outcome.phases = [PhaseReport(phase.name, phase.description) for phase in scenario.steps]
    started = time.monotonic()
    try:
        with Interrupts().caught() as interrupts:
            Execution(scenario, host, options, display, interrupts, outcome, bring_up, started).run()
    except DriverError as error:
        outcome.error, outcome.exit_code = str(error), error.exit_code
    except OSError as error:
        outcome.error, outcome.exit_code = f"The driver can't go on: {error}", PHASE_FAILED
    outcome.duration = time.monotonic() - started
    outcome.finished_at = datetime.now(UTC)
    return outcome


@dataclass
class Execution:
    """One run while it lasts."""

    scenario: Scenario
    host: inventory.Host
    options: Options
    display: Display
    interrupts: Interrupts
    report: RunReport
    bring_up: Callable[[Callable[[str], None]], None]
    started: float
    failed: list[str] = field(default_factory=list)
    context: Context = field(init=False)

    def run(self) -> None:
        """Take the host's lock, check, run the phases, and set the exit code."""
        with lock.hold(self.host.name, self._holder()) as died:
            if died:
                self._after_death_of(died)
            self.context = self._load_context()
            self.report.standing = bool(self.context.values)
            check_inputs(self.scenario, self.options.selected, self.options.given, self.context.values)
            self._audit("run started", phases=sorted(self.options.selected))
            try:
                self._run_phases()
            finally:
                self._audit("run ended", exit_code=self.report.exit_code, failed=self.failed)

    def _after_death_of(self, holder: Mapping[str, Json]) -> None:
        run_id = holder.get("run_id")
        self.display.note(f"Run {run_id} ({holder.get('scenario')}) was killed; what it did last is not known.")
        self._audit("run found dead", dead_run_id=run_id)
        state_journal.recover()
        # It may have built guests without telling: their keys are not the pinned ones.
        pins.forget(self.host.name, str(holder.get("estate") or ""))

    def _run_phases(self) -> None:
        if self.host.lab_node:
            self.bring_up(self.display.note)
        self.report.began = True
        self.display.begin(self.report)
        with self.interrupts.held():
            for phase, outcome in zip(self.scenario.steps, self.report.phases, strict=True):
                self._step(phase, outcome)
        self.report.exit_code = self._exit_code()
        if self.interrupts.received:
            self.report.exit_code = RunInterruptedError.exit_code
            raise RunInterruptedError(f"Interrupted by {self.interrupts.received}; what was done is in the context.")

    def _step(self, phase: Phase, outcome: PhaseReport) -> None:
        outcome.message = self._skip_reason(phase) or ""
        if not outcome.message:
            self._run_phase(phase, outcome)
        self.display.phase_finished(outcome)

    def _skip_reason(self, phase: Phase) -> str | None:
        if phase.name not in self.options.selected:
            return "not selected"
        if self.interrupts.requested():
            return "the run was interrupted"
        blocker = obstacle(self.scenario, phase.name, self.failed, self.options.keep_on_failure)
        return f"phase '{blocker}' failed" if blocker else None

    def _run_phase(self, phase: Phase, outcome: PhaseReport) -> None:
        self.display.phase_started(outcome)
        self.report.standing = self.report.standing or phase.action.verb.builds
        began = time.monotonic()
        outcome.offset = began - self.started
        result = phase.action.run(self._config(phase), self.context)
        outcome.duration = time.monotonic() - began
        self._record(phase, outcome, result)

    def _record(self, phase: Phase, outcome: PhaseReport, result: ActionResult) -> None:
        outcome.status = PASSED if result.success else FAILED
        outcome.message, outcome.changed = result.message, result.changed
        outcome.outputs = dict(result.context_updates)
        if not result.success:
            self.failed.append(phase.name)
            if self.host.name in result.unreachable or phase.name == PREFLIGHT:
                self.report.exit_code = NOT_READY
        self._remember(phase, result)
        self._audit("phase", phase=phase.name, status=outcome.status, changed=outcome.changed, message=outcome.message)

    def _remember(self, phase: Phase, result: ActionResult) -> None:
        if phase.name == PREFLIGHT:
            return
        if result.success and phase.action.ends_estate:
            self.context.values.clear()
            self.report.standing = False
        else:
            self.context.values.update(result.context_updates)
        if self.scenario.estate:
            context.save(self._context_path(), self.context)
        if phase.action.replaces_guests(result):
            pins.forget(self.host.name, self.scenario.estate)

    def _exit_code(self) -> int:
        if not self.failed:
            return PASS
        return NOT_READY if self.report.exit_code == NOT_READY else PHASE_FAILED

    def _config(self, phase: Phase) -> RunConfig:
        log = run_directory(self.report.run_id) / f"{phase.name}.log"
        guest_ssh = pins.ssh_arguments(self.host.name, self.scenario.estate)

        def request(playbook: Path, variables: Mapping[str, Json], timeout: float) -> PlayRequest:
            deadline, limit = self._deadline(phase, timeout)
            return PlayRequest(
                playbook=playbook,
                inventory=self.options.inventory,
                variables=variables,
                deadline=deadline,
                limit=limit,
                environment={pins.VARIABLE: guest_ssh},
                verbosity=self.options.verbosity,
                vault_password_file=self.options.vault_password_file,
                log=log,
            )

        told = self.report.run_id, self.display.note
        return RunConfig(self.host.name, self.options.given, self._play, request, paths.repository(), *told)

    def _deadline(self, phase: Phase, timeout: float) -> tuple[float, str]:
        of_phase = time.monotonic() + timeout, f"limit of the phase: {timeout:g} s"
        if self.options.timeout is None:
            return of_phase
        grace = CLEANUP_SECONDS if phase.name in self.scenario.always else 0.0
        return min(of_phase, (self.started + self.options.timeout + grace, f"--timeout {self.options.timeout:g}"))

    def _play(self, request: PlayRequest) -> PlayResult:
        return runner.play(request, self.interrupts.requested, self.display.task_started, self.display.output)

    def _context_path(self) -> Path:
        return self.options.context_file or context.default_path(self.host.name, self.scenario.estate)

    def _load_context(self) -> Context:
        if not self.scenario.estate:
            return Context(self.host.name, "")
        loaded = context.load(self._context_path(), self.host.name, self.scenario.estate, self.scenario.context_kinds())
        loaded.scenario, loaded.run_id = self.scenario.name, self.report.run_id
        return loaded

    def _holder(self) -> dict[str, Json]:
        return {
            "pid": os.getpid(),
            "run_id": self.report.run_id,
            "scenario": self.scenario.name,
            "estate": self.scenario.estate,
            "started_at": report.timestamp(self.report.started_at) or "",
        }

    def _audit(self, event: str, **details: object) -> None:
        audit.append(
            audit.default_path(),
            event,
            run_id=self.report.run_id,
            scenario=self.scenario.name,
            host=self.host.name,
            **details,
        )
