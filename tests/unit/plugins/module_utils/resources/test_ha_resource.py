"""Planning a resource of the HA manager. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_resource import HA_RESOURCE

from .reading import Table

ALL = "/cluster/ha/resources"
PATH = f"{ALL}/vm%3A100"
HAVE = {"sid": "vm:100", "type": "vm", "state": "stopped", "max_restart": 2, "comment": "c", "digest": "d1"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = HA_RESOURCE.plan({"state": "present", "sid": "vm:100", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, None, [("POST", ALL, {"sid": "vm:100"})]),
        ({"state": "started"}, None, [("POST", ALL, {"sid": "vm:100", "state": "started"})]),
        ({"state": "enabled"}, None, [("POST", ALL, {"sid": "vm:100", "state": "started"})]),
        (
            {"state": "ignored", "max_restart": 1, "failback": True},
            None,
            [("POST", ALL, {"sid": "vm:100", "state": "ignored", "max_restart": 1, "failback": 1})],
        ),
        ({}, HAVE, []),
        ({"state": "stopped", "max_restart": 2, "max_relocate": 1, "failback": True, "group": ""}, HAVE, []),
        ({"state": "enabled"}, {**HAVE, "state": "started"}, []),
        ({"state": "started"}, HAVE, [("PUT", PATH, {"state": "started", "digest": "d1"})]),
        (
            {"failback": False, "comment": ""},
            HAVE,
            [("PUT", PATH, {"failback": 0, "delete": "comment", "digest": "d1"})],
        ),
        ({"group": "g"}, HAVE, [("PUT", PATH, {"group": "g", "digest": "d1"})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent", "purge": False}, HAVE, [("DELETE", PATH, {"purge": 0})]),
        ({"state": "absent"}, None, []),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="Option 'max_restart': -1 is not 0 or more"):
        steps({"max_restart": -1}, None)


@pytest.mark.parametrize("sid", ["web", "qemu:100", "vm:", "vm:0", "100:vm", ""])
def test_what_is_no_guest_is_refused(sid: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HA_RESOURCE.describe(Table({}), {"sid": sid})
    assert str(caught.value) == f"Option 'sid': '{sid}' is not of the form vm:100, ct:100 or 100"


def test_what_is_returned() -> None:
    assert HA_RESOURCE.result(None) == {}
    assert HA_RESOURCE.result(HAVE) == {
        "ha_resource": {"sid": "vm:100", "state": "stopped", "max_restart": 2, "comment": "c"}
    }
