"""Planning an IP set of the firewall. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_ipset import describe, plan

from .reading import Table

# The places whose rules could mean it: the cluster alone.
UNUSED: dict[str, list[Any]] = {
    path: []
    for path in (
        "/cluster/firewall/rules",
        "/cluster/firewall/ipset",
        "/cluster/firewall/groups",
        "/cluster/resources",
        "/cluster/sdn/vnets",
        "/nodes",
    )
}
LIST = "/cluster/firewall/ipset"
ITEM = f"{LIST}/admins"
SET = {"name": "admins", "comment": "c", "digest": "d1"}
ONE, TWO = {"cidr": "192.0.2.1", "digest": "d2"}, {"cidr": "192.0.2.0/24", "nomatch": 1, "digest": "d2"}
FIRST = f"{ITEM}/192.0.2.1"


@pytest.mark.parametrize(
    ("wish", "rows", "members", "expected"),
    [
        ({}, [SET], [ONE], []),
        ({}, [], None, [("POST", LIST, {"name": "admins"})]),
        ({"members": []}, [], None, [("POST", LIST, {"name": "admins"})]),
        (
            {"members": [{"cidr": "lan", "comment": "x"}]},
            [],
            None,
            [("POST", LIST, {"name": "admins"}), ("POST", ITEM, {"cidr": "lan", "comment": "x"})],
        ),
        ({"members": [{"cidr": "192.0.2.9/24"}, {"cidr": "192.0.2.1"}]}, [SET], [ONE, TWO], []),
        (
            {"comment": ""},
            [SET],
            [],
            [("POST", LIST, {"name": "admins", "rename": "admins", "comment": "", "digest": "d1"})],
        ),
        (
            {"members": [{"cidr": "192.0.2.1", "comment": "x"}]},
            [SET],
            [ONE, TWO],
            [("PUT", FIRST, {"comment": "x", "digest": "d2"}), ("DELETE", f"{ITEM}/192.0.2.0%2F24", {})],
        ),
        (
            {"members": [{"cidr": "192.0.2.2"}]},
            [SET],
            [ONE],
            [("POST", ITEM, {"cidr": "192.0.2.2"}), ("DELETE", FIRST, {})],
        ),
        ({"members": []}, [SET], [ONE], [("DELETE", FIRST, {"digest": "d2"})]),
        ({"state": "absent"}, [SET], [], [("DELETE", ITEM, {})]),
        ({"state": "absent"}, [SET], [ONE], [("DELETE", ITEM, {"force": 1})]),
        ({"state": "absent"}, [], None, []),
    ],
    ids=json.dumps,
)
def test_steps(wish: dict[str, Any], rows: list[Any], members: list[Any] | None, expected: list[Any]) -> None:
    whole = {"state": "present", "level": "cluster", "name": "admins", **wish}
    made = plan(whole, describe(Table({**UNUSED, LIST: rows, ITEM: members}), whole))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected
