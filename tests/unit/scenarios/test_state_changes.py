"""What plan, apply and verify show, ask, write and end with; the runs themselves are stand-ins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios.cli import main
from scenarios.errors import NotReadyError
from tests.unit.scenarios.runs import Runs
from tests.unit.scenarios.test_state_text import ALONE, CHANGED, CREATED, PRUNED, Terminal, action

HASHES = {"current": "c", "desired": "d"}


def told(*actions: dict[str, Any], errors: tuple[str, ...] = ()) -> dict[str, Any]:
    verbs = [each["action"] for each in actions]
    summary = {verb: verbs.count(verb) for verb in ("create", "modify", "delete", "no-op", "failed")}
    return {
        "state_changed": any(verb not in ("no-op", "failed") for verb in verbs),
        "state_summary": {**summary, "restart": sum(bool(each.get("restart")) for each in actions)},
        "state_actions": list(actions),
        "state_errors": list(errors),
        "state_warnings": [],
        "state_hashes": HASHES,
        "state_timestamp": "2026-01-01T00:00:00Z",
    }


SAME = told(ALONE)
BROKEN = told(action("failed", error={"text": "no such storage"}), errors=("vms 100: no such storage",))
MADE = told(action("create", status="done"))


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "web.yml"
    path.write_text("vms: []\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("verb", ["plan", "verify"])
@pytest.mark.parametrize(
    ("outputs", "ended", "code"),
    [
        (SAME, 0, 0),
        (told(CREATED), 0, 2),
        (BROKEN, 1, 1),
        ({}, 1, 1),
        ({}, NotReadyError.exit_code, NotReadyError.exit_code),
    ],
    ids=["nothing to do", "changes", "failed in part", "failed", "not reached"],
)
def test_exit_codes(*, verb: str, outputs: dict[str, Any], ended: int, code: int, runs: Runs, document: str) -> None:
    runs.will(outputs, ended)
    assert main(["state", verb, document, "--host", "pve"]) == code


@pytest.mark.parametrize(
    "words",
    [
        ["plan"],
        ["plan", "/no/such.yml"],
        ["plan", "--nope"],
        ["nope"],
        ["apply", "/no/such.json"],
        ["verify", "/no/such"],
    ],
)
def test_a_wrong_command_line_is_no_difference(words: list[str], runs: Runs) -> None:
    assert main(["state", *words]) == 1
    assert runs.asked == []


def test_a_plan_is_printed(runs: Runs, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs.will(told(CREATED))
    main(["state", "plan", document, "--prune", "vms,pools", "--prune", "storage", "--host", "pve"])
    assert capsys.readouterr().out.splitlines()[0] == "+ 1. vms 100: create"
    assert runs.asked == [("state-plan", {"state_files": [document], "state_prune": ["vms", "pools", "storage"]})]


def test_a_plan_as_json(runs: Runs, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs.will(BROKEN, 1)
    main(["state", "plan", document, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["host"], found["errors"], found["error"]) == ("pve", ["vms 100: no such storage"], "it broke")


def test_a_long_refusal_is_told_to_its_end(runs: Runs, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs.said = "many things are wrong..."
    runs.will({"state_errors": ["a.yml:1: wrong\na.yml:900: wrong"]}, 1)
    assert main(["state", "plan", document]) == 1
    assert "a.yml:900: wrong" in capsys.readouterr().err


def test_what_is_applied_is_what_was_shown(runs: Runs, document: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs.will(told(CREATED)).will(MADE)
    assert main(["state", "apply", document, "--node", "pve1", "--host", "pve"]) == 0
    (_plan, (name, inputs)) = runs.asked
    assert name == "state-apply"
    assert inputs["state_expect"] == {"current_hash": "c", "desired_hash": "d", "actions": [CREATED]}
    assert inputs["state_node"] == "pve1"
    assert "state_allow_delete" not in inputs
    out = capsys.readouterr().out
    assert out.index("+ 1. vms 100: create") < out.index("pve: 1 created.")


def test_nothing_is_applied_where_there_is_nothing_to_do(runs: Runs, document: str) -> None:
    runs.will(SAME)
    assert main(["state", "apply", document]) == 0
    assert [name for name, _inputs in runs.asked] == ["state-plan"]


def test_nothing_is_applied_where_the_plan_failed_altogether(runs: Runs, document: str) -> None:
    runs.will({}, 1)
    assert main(["state", "apply", document]) == 1
    assert [name for name, _inputs in runs.asked] == ["state-plan"]


def test_what_can_be_is_applied_and_the_rest_fails(runs: Runs, document: str) -> None:
    runs.will(told(CREATED, BROKEN["state_actions"][0], errors=("vms 100: no such storage",)), 1).will(BROKEN, 1)
    assert main(["state", "apply", document]) == 1
    assert [name for name, _inputs in runs.asked] == ["state-plan", "state-apply"]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ((PRUNED,), "vms 102 would be removed. Nobody can be asked here: give --yes for that. Nothing was done."),
        ((CHANGED,), "vms 101 would be restarted. Nobody can be asked here: give --yes for that. Nothing was done."),
        ((PRUNED, CHANGED), "vms 102 would be removed; vms 101 would be restarted. Nobody can be asked here"),
    ],
)
def test_removing_and_restarting_want_leave(
    actions: tuple[dict[str, Any], ...], said: str, runs: Runs, document: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.will(told(*actions))
    assert main(["state", "apply", document]) == 1
    assert said in capsys.readouterr().err
    assert len(runs.asked) == 1


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--yes"], {"state_allow_delete": True, "state_allow_restart": True}),
        (["--allow-delete", "--allow-restart"], {"state_allow_delete": True, "state_allow_restart": True}),
    ],
)
def test_leave_that_was_given(words: list[str], given: dict[str, bool], runs: Runs, document: str) -> None:
    runs.will(told(PRUNED, CHANGED)).will(MADE)
    assert main(["state", "apply", document, *words]) == 0
    assert given.items() <= dict(runs.asked[1][1]).items()


@pytest.mark.parametrize(("answer", "code", "phases"), [("y\n", 0, 2), ("n\n", 1, 1), ("\n", 1, 1)])
def test_leave_can_be_given_on_a_terminal(
    *, answer: str, code: int, phases: int, runs: Runs, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", asked)
    runs.will(told(PRUNED)).will(MADE)
    assert main(["state", "apply", document]) == code
    assert "vms 102 would be removed. Go on? [y/N]" in asked.getvalue()
    assert len(runs.asked) == phases


def test_leave_to_remove_is_no_leave_to_restart(runs: Runs, document: str) -> None:
    runs.will(told(PRUNED, CHANGED))
    assert main(["state", "apply", document, "--allow-delete"]) == 1


def saved(runs: Runs, document: str, tmp_path: Path, *actions: dict[str, Any]) -> str:
    plan = str(tmp_path / "plan.json")
    runs.will(told(*actions))
    assert main(["state", "plan", document, "--prune", "vms", "--out", plan, "--host", "pve"]) == 2
    runs.asked.clear()
    return plan


def test_a_saved_plan_is_applied_with_the_inputs_that_made_it(runs: Runs, document: str, tmp_path: Path) -> None:
    plan = saved(runs, document, tmp_path, CREATED)
    runs.will(MADE)
    assert main(["state", "apply", plan]) == 0
    ((name, inputs),) = runs.asked
    assert (name, inputs["state_files"], inputs["state_prune"]) == ("state-apply", [document], ["vms"])
    assert inputs["state_expect"]["current_hash"] == "c"


def test_a_saved_plan_wants_leave_too(runs: Runs, document: str, tmp_path: Path) -> None:
    plan = saved(runs, document, tmp_path, PRUNED)
    assert main(["state", "apply", plan]) == 1
    runs.will(MADE)
    assert main(["state", "apply", plan, "--yes"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "other"], "That plan is for pve, not for other. Nothing was done."),
        (["--prune", "pools"], "A saved plan has its own inputs; state_prune can't be given besides. Plan again."),
    ],
)
def test_a_saved_plan_is_for_what_it_was_made_for(
    *, words: list[str], said: str, runs: Runs, document: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = saved(runs, document, tmp_path, CREATED)
    assert main(["state", "apply", plan, *words]) == 1
    assert said in capsys.readouterr().err
    assert runs.asked == []


def test_a_plan_that_failed_is_not_saved(runs: Runs, document: str, tmp_path: Path) -> None:
    runs.will(BROKEN, 1)
    main(["state", "plan", document, "--out", str(tmp_path / "plan.json")])
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize(("outputs", "ended", "success"), [(told(CHANGED), 0, 1), ({}, 1, 0)])
def test_a_verification_in_every_form(
    *, outputs: dict[str, Any], ended: int, success: int, runs: Runs, document: str, tmp_path: Path
) -> None:
    page, figures = tmp_path / "drift.html", tmp_path / "drift.prom"
    runs.will(outputs, ended)
    main(["state", "verify", document, "--html", str(page), "--metrics", str(figures)])
    assert ("vms 101" if success else "it broke") in page.read_text(encoding="utf-8")
    assert f'homelab_pve_drift_last_run_success{{host="pve"}} {success}' in figures.read_text(encoding="utf-8")


KEPT = {"state_checkpoint": {"name": "homelab-1", "guests": [100]}, "state_warnings": []}
BACK = {"state_rollback": ["roll back vm 100"], "state_warnings": []}


@pytest.mark.parametrize(
    ("words", "ended", "phases"),
    [
        (["--checkpoint"], 0, ["state-plan", "state-checkpoint", "state-apply"]),
        (["--checkpoint"], 1, ["state-plan", "state-checkpoint", "state-apply"]),
        (["--rollback-on-failure"], 0, ["state-plan", "state-checkpoint", "state-apply"]),
        (["--rollback-on-failure"], 1, ["state-plan", "state-checkpoint", "state-apply", "state-rollback"]),
        (["--rollback-on-failure"], 130, ["state-plan", "state-checkpoint", "state-apply"]),
    ],
)
def test_checkpoints(words: list[str], ended: int, phases: list[str], runs: Runs, document: str) -> None:
    runs.will(told(CREATED)).will(KEPT).will(BROKEN if ended else MADE, ended).will(BACK)
    assert main(["state", "apply", document, *words]) == ended
    assert [name for name, _inputs in runs.asked] == phases
    if "state-rollback" in phases:
        assert runs.asked[-1][1]["state_checkpoint"] == KEPT["state_checkpoint"]


def test_nothing_is_applied_without_the_checkpoint(runs: Runs, document: str) -> None:
    runs.will(told(CREATED)).will({}, 1)
    assert main(["state", "apply", document, "--checkpoint"]) == 1
    assert [name for name, _inputs in runs.asked] == ["state-plan", "state-checkpoint"]
