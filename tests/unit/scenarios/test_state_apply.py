"""The phase that applies documents: watched through its journal, recorded in the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scenarios import audit, state_journal
from scenarios.actions import RunConfig
from scenarios.context import Context
from scenarios.events import Summary
from scenarios.runner import SUCCESSFUL, PlayRequest, PlayResult
from scenarios.state_apply import ApplyAction
from scenarios.state_verbs import APPLY, PLANNED
from tests.unit.scenarios.test_state_journal import add, row

OUTPUTS: dict[str, Any] = {
    "state_changed": True, "state_summary": {}, "state_actions": [], "state_errors": [], "state_warnings": [],
    "state_hashes": {}, "state_timestamp": "",
}  # fmt: skip


def config(notes: list[str]) -> RunConfig:
    """A run whose playbook writes what the module would."""

    def play(request: PlayRequest) -> PlayResult:
        journal = request.variables["state_journal"]
        assert isinstance(journal, dict)
        add(Path(str(journal["__ansible_unsafe"])), row("began"), row("ended"), row("began", "101"))
        return PlayResult(SUCCESSFUL, Summary(outputs=OUTPUTS, changed=1))

    def request(playbook: Path, variables: Mapping[str, Any], timeout: float) -> PlayRequest:
        return PlayRequest(playbook, (), variables, timeout)

    return RunConfig("pve", {}, play, request, Path("/repository"), "R1", notes.append)


@pytest.fixture
def action() -> ApplyAction:
    return ApplyAction(APPLY.name, APPLY, {"state_files": []}, {each.name: each.name for each in PLANNED})


def test_what_it_did_is_told_and_recorded(action: ApplyAction) -> None:
    notes: list[str] = []
    result = action.run(config(notes), Context("pve", ""))
    assert (result.success, notes) == (True, ["+ vms 100 created"])
    entries = [json.loads(line) for line in audit.read(audit.default_path())]
    assert [(entry["run_id"], entry["id"], entry["status"]) for entry in entries] == [
        ("R1", "100", "done"),
        ("R1", "101", "unknown"),
    ]


def test_what_an_earlier_one_left_is_taken_over_first(action: ApplyAction) -> None:
    folder = state_journal.folder("pve")
    folder.mkdir(parents=True)
    add(folder / "R0.state-apply.jsonl", row("began", "7"))
    action.run(config([]), Context("pve", ""))
    entries = [json.loads(line) for line in audit.read(audit.default_path())]
    assert [entry["run_id"] for entry in entries] == ["R0", "R1", "R1"]


def test_a_log_that_cannot_be_written_fails_the_phase_and_says_where_it_stands(action: ApplyAction) -> None:
    audit.default_path().mkdir(parents=True)
    result = action.run(config([]), Context("pve", ""))
    assert not result.success
    journal = state_journal.folder("pve") / "R1.state-apply.jsonl"
    assert result.message == (
        f"The audit log can't be written: Is a directory. What was done stands in {journal}, "
        "and the next command takes it over."
    )
    assert journal.exists()
