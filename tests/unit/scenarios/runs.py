"""A stand-in for the runs of playbooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.flags import Flags
from scenarios.report import FAILED, PASSED, PhaseReport, RunReport
from scenarios.scenario import Scenario
from tests.unit.scenarios.test_report import STARTED


@dataclass
class Runs:
    """Stands in for the runs of playbooks: what each publishes, and the exit code it ends with."""

    said: str = "it broke"
    answers: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def will(self, outputs: dict[str, Any], code: int = 0) -> Runs:
        self.answers.append((outputs, code))
        return self

    def conduct(self, what: Scenario, _selected: frozenset[str], _given: Mapping[str, Any], _flags: Flags) -> RunReport:
        self.asked.append((what.name, what.phases[0].action.inputs))
        outputs, code = self.answers.pop(0)
        phase = PhaseReport(what.name, "", FAILED if code else PASSED, self.said if code else "", outputs=outputs)
        return RunReport("R", what.name, "pve", STARTED, phases=[phase], began=True, exit_code=code)
