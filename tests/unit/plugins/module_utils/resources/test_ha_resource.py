"""Planning a resource of the HA manager. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_resource import HA_RESOURCE, Placed

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


CURRENT = "/cluster/ha/status/current"
ON_MOTHER = {**HAVE, "state": "started"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, Placed(ON_MOTHER, "father"), []),
        ({}, Placed(ON_MOTHER, "mother"), [("POST", f"{PATH}/migrate", {"node": "father"})]),
        ({"relocate": True}, Placed(ON_MOTHER, "mother"), [("POST", f"{PATH}/relocate", {"node": "father"})]),
        (
            {"comment": ""},
            Placed(ON_MOTHER, "mother"),
            [("PUT", PATH, {"delete": "comment", "digest": "d1"}), ("POST", f"{PATH}/migrate", {"node": "father"})],
        ),
        (
            {},
            Placed(None, "mother"),
            [("POST", ALL, {"sid": "vm:100"}), ("POST", f"{PATH}/migrate", {"node": "father"})],
        ),
        ({}, Placed(None, "father"), [("POST", ALL, {"sid": "vm:100"})]),
    ],
    ids=str,
)
def test_where_it_is_to_be(wish: dict[str, Any], have: Placed, expected: list[Any]) -> None:
    made = HA_RESOURCE.plan({"state": "present", "sid": "vm:100", "node": "father", "relocate": False, **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


def test_a_move_is_shown_and_waited_for() -> None:
    wish = {"state": "present", "sid": "vm:100", "node": "father", "relocate": False}
    made = HA_RESOURCE.plan(wish, Placed(ON_MOTHER, "mother"))
    assert (made.before, made.after) == ({"node": "mother"}, {"node": "father"})
    (step,) = made.steps
    assert step.until
    for node, seen in (("mother", None), ("father", True)):
        rows = [{"id": "quorum"}, {"sid": "vm:100", "node": node}]
        assert step.until.seen(Table({PATH: HAVE, CURRENT: rows})) is seen


def test_a_move_that_a_rule_forbids_is_said() -> None:
    wish = {"state": "present", "sid": "vm:100", "node": "father", "relocate": False}
    (step,) = HA_RESOURCE.plan(wish, Placed(ON_MOTHER, "mother")).steps
    assert step.follow
    answer = {"sid": "vm:100", "requested-node": "father"}
    assert step.follow(Table({}), answer, 1) == answer
    with pytest.raises(RefusedError, match="a rule keeps it apart from ct:200, which is on that node"):
        step.follow(Table({}), {**answer, "blocking-resources": [{"sid": "ct:200"}]}, 1)


def test_where_it_is() -> None:
    wish = {"sid": "vm:100", "state": "present", "node": "father"}
    rows = [{"vmid": 100, "node": "son", "type": "qemu", "status": "stopped"}]
    known = Table({PATH: HAVE, CURRENT: [{"sid": "vm:100", "node": "mother"}]})
    assert HA_RESOURCE.describe(known, wish) == Placed(HAVE, "mother")
    assert known.asked == [PATH, CURRENT]
    queued = Table({PATH: HAVE, CURRENT: [], "/cluster/resources": rows})
    assert HA_RESOURCE.describe(queued, wish) == Placed(HAVE, "son")
    unmanaged = Table({PATH: PveError("GET", PATH, 500, "no such resource 'vm:100'"), "/cluster/resources": rows})
    assert HA_RESOURCE.describe(unmanaged, wish) == Placed(None, "son")
    assert HA_RESOURCE.describe(Table({PATH: HAVE}), {**wish, "state": "absent"}) == HAVE


def test_the_node_is_returned_where_one_is_wished() -> None:
    assert HA_RESOURCE.result(Placed(HAVE, "son"))["ha_resource"]["node"] == "son"
    assert HA_RESOURCE.result(Placed(None, "son")) == {}
