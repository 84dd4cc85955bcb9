"""Planning to arm and disarm. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_armed import HA_ARMED, Fencing

from .reading import Table

CURRENT = "/cluster/ha/status/current"
ARM, DISARM = "/cluster/ha/status/arm-ha", "/cluster/ha/status/disarm-ha"
OFF = {"state": "disarmed", "resource_mode": "freeze"}


def fencing(state: str, **more: str) -> Table:
    return Table({CURRENT: [{"type": "quorum"}, {"type": "fencing", "armed-state": state, **more}]})


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"state": "armed"}, Fencing("armed"), []),
        ({"state": "armed"}, Fencing("standby"), []),
        ({"state": "armed"}, Fencing("disarming", "freeze"), [(ARM, {})]),
        (OFF, Fencing("armed"), [(DISARM, {"resource-mode": "freeze"})]),
        (OFF, Fencing("standby"), [(DISARM, {"resource-mode": "freeze"})]),
        (OFF, Fencing("disarmed", "freeze"), []),
        (OFF, Fencing("disarming", "freeze"), []),
        ({"state": "disarmed"}, Fencing("disarmed", "ignore"), []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: Fencing, expected: list[Any]) -> None:
    assert [(step.path, dict(step.params)) for step in HA_ARMED.plan(wish, have).steps] == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        (
            {"state": "disarmed"},
            Fencing("armed"),
            "Option 'resource_mode' is needed to disarm high availability: freeze or ignore.",
        ),
        (
            {"state": "disarmed", "resource_mode": "ignore"},
            Fencing("disarmed", "freeze"),
            "Cannot disarm high availability with resource_mode ignore: it is disarmed with freeze. Arm it first "
            "(state: armed).",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: Fencing, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        HA_ARMED.plan(wish, have)
    assert str(error.value) == message


def test_reading() -> None:
    assert HA_ARMED.describe(fencing("disarmed", resource_mode="freeze"), {}) == Fencing("disarmed", "freeze")
    with pytest.raises(RefusedError, match="this release of Proxmox VE can't disarm it"):
        HA_ARMED.describe(Table({CURRENT: [{"type": "fencing"}]}), {})


@pytest.mark.parametrize(
    ("wish", "have", "seen"),
    [
        (OFF, Fencing("armed"), {"armed": None, "disarming": None, "disarmed": True}),
        ({"state": "armed"}, Fencing("disarmed", "freeze"), {"disarmed": None, "standby": True, "armed": True}),
    ],
    ids=str,
)
def test_the_end_is_waited_for(wish: dict[str, Any], have: Fencing, seen: dict[str, bool | None]) -> None:
    (step,) = HA_ARMED.plan(wish, have).steps
    assert step.until
    assert {state: step.until.seen(fencing(state)) for state in seen} == seen
