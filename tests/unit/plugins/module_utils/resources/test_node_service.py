"""Services of a node. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_service import NODE_SERVICE, plan

UP = {"service": "cron", "state": "running", "active-state": "active", "unit-state": "enabled"}
DOWN = {**UP, "state": "dead", "active-state": "inactive"}
PATH = "/nodes/a/services/cron"


def wish(state: str, service: str = "cron") -> dict[str, Any]:
    return {"node": "a", "service": service, "state": state}


@pytest.mark.parametrize(
    ("state", "have", "expected"),
    [
        ("started", UP, []),
        ("started", {**UP, "active-state": "activating"}, []),
        ("started", DOWN, [f"{PATH}/start"]),
        ("started", {**DOWN, "active-state": "failed"}, [f"{PATH}/start"]),
        ("stopped", DOWN, []),
        ("stopped", {**DOWN, "unit-state": "not-found"}, []),
        ("stopped", UP, [f"{PATH}/stop"]),
        ("restarted", UP, [f"{PATH}/restart"]),
        ("restarted", DOWN, [f"{PATH}/restart"]),
        ("reloaded", UP, [f"{PATH}/reload"]),
    ],
    ids=str,
)
def test_steps(state: str, have: dict[str, Any], expected: list[str]) -> None:
    assert [step.path for step in plan(wish(state), have).steps] == expected


@pytest.mark.parametrize(
    ("asked", "have", "words"),
    [
        (wish("started"), {**DOWN, "unit-state": "not-found"}, "it is not installed there"),
        (wish("started"), {**DOWN, "unit-state": "masked"}, "it is masked there"),
        (wish("stopped", "pvedaemon"), {**UP, "service": "pvedaemon"}, "does not answer without it"),
    ],
    ids=str,
)
def test_refusals(asked: dict[str, Any], have: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        plan(asked, have)


def test_what_is_returned() -> None:
    told = {"service": "cron", "desc": None, "state": "running", "active_state": "active", "unit_state": "enabled"}
    assert NODE_SERVICE.result(UP) == {"service": told}
