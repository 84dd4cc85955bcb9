"""Planning an alias of the firewall. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_alias import describe, plan

from .reading import Table

LAN = {"name": "LAN", "cidr": "192.0.2.0/24", "comment": "net", "ipversion": 4, "digest": "d1"}
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
LIST = "/cluster/firewall/aliases"
ITEM = f"{LIST}/LAN"


@pytest.mark.parametrize(
    ("wish", "rows", "expected"),
    [
        ({"cidr": "192.0.2.0/24"}, [LAN], []),
        ({"cidr": "192.0.2.9/32"}, [{**LAN, "cidr": "192.0.2.9"}], []),
        ({"cidr": "fd00:0::1"}, [], [("POST", LIST, {"name": "lan", "cidr": "fd00::1"})]),
        ({"cidr": "192.0.2.1"}, [LAN], [("PUT", ITEM, {"cidr": "192.0.2.1", "comment": "net", "digest": "d1"})]),
        ({"comment": ""}, [LAN], [("PUT", ITEM, {"cidr": "192.0.2.0/24", "digest": "d1"})]),
        ({"state": "absent"}, [LAN], [("DELETE", ITEM, {})]),
        ({"state": "absent"}, [], []),
    ],
    ids=json.dumps,
)
def test_steps(wish: dict[str, Any], rows: list[Any], expected: list[Any]) -> None:
    whole = {"state": "present", "level": "cluster", "name": "lan", **wish}
    made = plan(whole, describe(Table({**UNUSED, LIST: rows}), whole))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


@pytest.mark.parametrize("cidr", ["lan", "192.0.2.0/255.255.255.0", "192.0.2.0/", "", "192.0.2.256", "192.0.2.1/33"])
def test_what_is_no_address(cidr: str) -> None:
    wish = {"state": "present", "name": "lan", "cidr": cidr or "/"}
    with pytest.raises(ConfigError, match="is not an address or network"):
        plan(wish, describe(Table({LIST: []}), wish))
