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
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, str], step: tuple[str, str] | None, said: str) -> None:
    plan = SDN.plan({"state": "applied", "force": False, "wait_timeout": 60.0, **wish}, have)
    assert [(made.verb, made.path) for made in plan.steps] == ([step] if step else [])
    assert (plan.steps[0].reason if plan.steps else plan.reason) == said
    assert plan.before == (have if step else {})


def test_the_time_it_may_take() -> None:
    (step,) = SDN.plan({"state": "applied", "wait_timeout": 60.0}, WAITS).steps
    assert step.timeout == 60.0
