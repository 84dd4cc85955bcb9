"""Planning whether the software defined network is applied. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_apply import SDN

WAITS = {"vnet v1": "new", "zone z1": "changed"}


@pytest.mark.parametrize(
    ("wish", "have", "step", "said"),
    [
        ({}, WAITS, ("PUT", "/cluster/sdn"), "apply the changes of vnet v1, zone z1"),
        ({}, {}, None, "nothing waits to be applied"),
        ({"force": True}, {}, ("PUT", "/cluster/sdn"), "apply the software defined network again"),
        (
            {"state": "rolled_back"},
            WAITS,
            ("POST", "/cluster/sdn/rollback"),
            "take back the changes of vnet v1, zone z1",
        ),
        ({"state": "rolled_back", "force": True}, {}, None, "nothing waits to be applied"),
        ({"state": "locked"}, {}, ("POST", "/cluster/sdn/lock"), "lock the software defined network"),
        ({"state": "unlocked"}, {}, ("DELETE", "/cluster/sdn/lock"), "unlock the software defined network"),
        (
            {"lock_token": "t"},
            {},
            ("DELETE", "/cluster/sdn/lock"),
            "unlock the software defined network: nothing waits to be applied",
        ),
        ({"lock_token": "t", "release_lock": False}, {}, None, "nothing waits to be applied"),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, str], step: tuple[str, str] | None, said: str) -> None:
    plan = SDN.plan({"state": "applied", "force": False, "wait_timeout": 60.0, **wish}, have)
    assert [(made.verb, made.path) for made in plan.steps] == ([step] if step else [])
    assert (plan.steps[0].reason if plan.steps else plan.reason) == said
    assert plan.before == (have if step and step[1] != "/cluster/sdn/lock" else {})


def test_the_time_it_may_take() -> None:
    (step,) = SDN.plan({"state": "applied", "wait_timeout": 60.0}, WAITS).steps
    assert step.timeout == 60.0


@pytest.mark.parametrize(
    ("wish", "params"),
    [
        ({"state": "applied"}, {}),
        ({"state": "applied", "lock_token": "t"}, {"lock-token": "t", "release-lock": 1}),
        ({"state": "rolled_back", "lock_token": "t", "release_lock": False}, {"lock-token": "t", "release-lock": 0}),
        ({"state": "locked", "allow_pending": True}, {"allow-pending": 1}),
        ({"state": "unlocked", "lock_token": "t"}, {"lock-token": "t"}),
        ({"state": "unlocked", "force": True}, {"force": 1}),
    ],
    ids=str,
)
def test_what_is_sent(wish: dict[str, Any], params: dict[str, Any]) -> None:
    (step,) = SDN.plan(wish, WAITS).steps
    assert step.params == params
