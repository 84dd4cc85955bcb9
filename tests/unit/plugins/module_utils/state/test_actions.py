"""What is told of one thing of a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.engine import Claim, Plan, Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    HomelabPveError,
    RefusedError,
    StepFailedError,
    TaskFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import Action, Later, numbers, sides, there
from ansible_collections.homelab.pve.plugins.module_utils.state.carrying import lanes, settled
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS

UPID = "UPID:father:00001000:00002000:65000000:qmstart:100:root@pam:"
STEP = Step("POST", "/pools", {}, "create pool prod")
NOTHING, CREATION = Outcome(Plan(reason="pool prod is as wished"), {"comment": "x"}), Outcome(Plan((STEP,)), None)
CHANGE = Outcome(Plan((STEP,), before={"comment": "x"}, after={"comment": "y"}), {"comment": "x"})


def group(verdict: Outcome | HomelabPveError, **values: Any) -> Action:
    """An action about a group."""
    return Action(KINDS["groups"], "operators", {"state": "present", **values}, verdict)


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        (group(NOTHING), "no-op"),
        (group(CREATION), "create"),
        (group(CHANGE), "modify"),
        (group(CHANGE, state="absent"), "delete"),
        (group(RefusedError("no")), "failed"),
        (replace(group(RefusedError("no")), later=Later("create", "once storage x is there")), "create"),
        (replace(group(CHANGE), promised="create"), "create"),
        (replace(group(NOTHING), promised="create"), "no-op"),
    ],
)
def test_the_verb(action: Action, verb: str) -> None:
    assert action.verb == verb
    assert action.changes is (verb not in ("no-op", "failed"))


def test_words() -> None:
    claim = Claim("vmid", (104, 105), "exists")
    made = Outcome(Plan((Step("POST", "/x", {}, "create vm {vmid} ({name})", claim=claim),)), None)
    assert group(made).words == ["create vm 104 ({name})"]
    assert group(NOTHING).words == ["pool prod is as wished"]
    assert replace(group(RefusedError("no")), later=Later("delete", "remove it once x is gone")).words == [
        "remove it once x is gone"
    ]
    assert group(RefusedError("no")).words == []


def test_tasks_are_told_even_of_what_failed() -> None:
    failed = StepFailedError("start vm 100", TaskFailedError(UPID, "no"), (), ())
    assert replace(group(CHANGE), error=failed).upids == [UPID]
    assert replace(group(CHANGE), ended=replace(CHANGE, answers=(None, UPID, "text"))).upids == [UPID]


def test_hashes_tell_what_is_there_from_what_is_not() -> None:
    made, kept = group(CREATION), group(NOTHING)
    assert (made.before_hash, made.after_hash) == (None, None)
    assert kept.before_hash == kept.after_hash
    done = replace(made, ended=Outcome(CREATION.plan, {"comment": "x"}))
    assert done.after_hash == kept.before_hash


@pytest.mark.parametrize(
    ("told", "is_there"),
    [({}, False), ({"api": "rules"}, False), ({"path": "/", "entries": []}, False), ({"x": False}, True)],
)
def test_what_counts_as_being_there(told: dict[str, Any], is_there: bool) -> None:
    assert bool(there(told)) is is_there


def test_sums_and_sides() -> None:
    actions = [group(NOTHING), group(CREATION), group(CHANGE), group(RefusedError("no"))]
    assert numbers(actions) == {"create": 1, "modify": 1, "delete": 0, "no-op": 1, "failed": 1, "restart": 0}
    assert [row["before_header"] for row in sides(actions)] == ["groups operators"] * 2
    assert sides(actions)[1]["after"] == {"comment": "y"}


def test_what_is_in_one_file_is_done_one_after_the_other() -> None:
    vms = [Action(KINDS["vms"], name, {}, CHANGE) for name in ("100", "101")]
    groups = [replace(group(CHANGE), identity=name) for name in "ab"]
    assert lanes([*vms, *groups]) == [[vms[0]], [vms[1]], groups]


def test_what_could_not_be_planned_has_failed() -> None:
    assert (settled(group(RefusedError("no"))).status, settled(group(NOTHING)).status) == ("failed", "done")
