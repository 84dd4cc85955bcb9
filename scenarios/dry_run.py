"""What a run would do, told without touching a host."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from scenarios.actions import Binding, HostText, InventoryVar, Ref
from scenarios.report import PhaseReport, RunReport, new_run_id
from scenarios.run import Options
from scenarios.scenario import Phase, Scenario
from scenarios.values import Json


def plan(scenario: Scenario, host: str, options: Options) -> RunReport:
    """A report whose phases say what each would do."""
    now = datetime.now(UTC)
    phases = [
        PhaseReport(phase.name, phase.description, message=_intent(scenario, phase, host, options))
        for phase in scenario.steps
    ]
    return RunReport(new_run_id(), scenario.name, host, now, now, phases=phases, exit_code=0)


def text(planned: RunReport) -> str:
    """The plan, a line a phase."""
    width = max(len(phase.name) for phase in planned.phases)
    lines = [f"{phase.name:{width}}  {phase.message}" for phase in planned.phases]
    return "\n".join([f"{planned.scenario} on {planned.host} would run:", *lines])


def _intent(scenario: Scenario, phase: Phase, host: str, options: Options) -> str:
    if phase.name not in options.selected:
        return "not selected"
    declared = {each.name for each in phase.action.verb.inputs}
    overridden: dict[str, Json] = {name: value for name, value in options.given.items() if name in declared}
    bindings: dict[str, Binding] = {**phase.action.needs, **overridden}
    shown = [f"{name}={_shown(scenario, binding, host)}" for name, binding in bindings.items()]
    return " ".join([f"would run {phase.action.verb.playbook}", *shown])


def _shown(scenario: Scenario, binding: Binding, host: str) -> str:
    if isinstance(binding, HostText):
        return json.dumps(binding.of(host))
    if isinstance(binding, InventoryVar):
        return f"<inventory's {binding.name}>"
    if isinstance(binding, Ref):
        return f"<{binding.key} of phase {scenario.producer(binding.key)}>"
    return json.dumps(binding)
