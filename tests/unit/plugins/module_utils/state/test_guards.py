"""What keeps a plan from being carried out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Step
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import Action
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.guards import moved, refusals
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import Planned

STEP = Step("DELETE", "/access/groups/g", {}, "remove group g")
FREE = {"allow_delete": True, "allow_restart": True, "max_delete_percent": 20}


def doomed(number: int) -> Action:
    """The removal of a group."""
    return Action(KINDS["groups"], f"g{number}", {"state": "absent"}, Outcome(Plan((STEP,)), {"comment": "x"}))


def options_of(removed: int, present: int, **params: Any) -> list[str]:
    """The options that would allow the removal of some of the groups there are."""
    planned = Planned((tuple(doomed(number) for number in range(removed)),), {"groups": present}, "", "")
    return [refusal.option for refusal in refusals(planned, {**FREE, **params})]


@pytest.mark.parametrize(
    ("removed", "present", "params", "options"),
    [
        (0, 10, {"allow_delete": False}, []),
        (1, 10, {"allow_delete": False}, ["allow_delete"]),
        (1, 1, {}, []),
        (2, 10, {}, []),
        (3, 10, {}, ["max_delete_percent"]),
        (3, 10, {"max_delete_percent": 30}, []),
        (1, 10, {"max_delete_percent": 0}, []),
        (2, 10, {"max_delete_percent": 0}, ["max_delete_percent"]),
        (10, 10, {"max_delete_percent": 100}, []),
        (12, 10, {"max_delete_percent": 100}, []),
    ],
)
def test_how_much_may_go(removed: int, present: int, params: dict[str, Any], options: list[str]) -> None:
    assert options_of(removed, present, **params) == options


def test_a_long_list_is_cut() -> None:
    planned = Planned((tuple(doomed(number) for number in range(12)),), {"groups": 100}, "", "")
    (refusal,) = refusals(planned, {**FREE, "allow_delete": False})
    assert refusal.text == (
        "It would delete groups g0, groups g1, groups g2, groups g3, groups g4, groups g5, groups g6, groups g7, "
        "groups g8, groups g9 and 2 more. Set allow_delete if you mean it."
    )


ROW = {"kind": "groups", "id": "g", "action": "no-op", "plan": ["as wished"], "before": {}, "after": {}}
NOW = {"current_hash": "c", "desired_hash": "d", "actions": [ROW]}
CHANGED = {**ROW, "action": "modify", "plan": ["set comment"], "before": {"comment": "a"}, "after": {"comment": "b"}}


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"current_hash": "c", "desired_hash": "d"}, None),
        ({"desired_hash": "d"}, None),
        ({"desired_hash": "x"}, "The documents say something else than when the plan was made. Make a new plan."),
        (
            {"current_hash": "x", "desired_hash": "d"},
            "The server has moved since the plan was made. Make a new plan.",
        ),
        (
            {"current_hash": "x", "actions": [CHANGED]},
            "The server has moved since the plan was made. Make a new plan.\n  groups g: it was 'set comment; before "
            "{'comment': 'a'}; after {'comment': 'b'}', it is 'as wished'",
        ),
    ],
)
def test_what_has_moved(expected: dict[str, Any], told: str | None) -> None:
    assert moved(expected, NOW) == told
