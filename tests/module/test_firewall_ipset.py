"""Module firewall_ipset against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

ADMINS: dict[str, Any] = {
    "name": "admins",
    "comment": "who may",
    "members": [{"cidr": "192.0.2.0/24", "comment": "office"}, {"cidr": "192.0.2.66/32", "nomatch": True}],
}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("firewall_ipset", **ADMINS)
    assert made["ipset"] == {
        "name": "admins",
        "comment": "who may",
        "members": [
            {"cidr": "192.0.2.0/24", "nomatch": False, "comment": "office"},
            {"cidr": "192.0.2.66", "nomatch": True, "comment": ""},
        ],
    }
    changed = modules.converge(
        "firewall_ipset",
        name="admins",
        comment="others",
        members=[{"cidr": "192.0.2.0/24", "comment": ""}, {"cidr": "198.51.100.7/24"}],
    )
    assert changed["plan"] == [
        "set comment of ipset admins",
        "add 198.51.100.0/24 to ipset admins",
        "change 192.0.2.0/24 of ipset admins",
        "remove 192.0.2.66 from ipset admins",
    ]
    assert changed["ipset"]["comment"] == "others"
    modules.converge("firewall_ipset", name="admins", state="absent")


def test_what_is_unset_is_kept(modules: Modules) -> None:
    modules.ok("firewall_ipset", **ADMINS)
    modules.unchanged("firewall_ipset", name="admins")
    modules.unchanged("firewall_ipset", name="admins", members=[{"cidr": "192.0.2.66"}, {"cidr": "192.0.2.0/24"}])


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("firewall_ipset", **ADMINS)
    emptied = modules.converge("firewall_ipset", name="admins", comment="", members=[])
    assert emptied["ipset"] == {"name": "admins", "members": []}


@pytest.mark.parametrize("vmid", [200, 201])
def test_an_alias_and_a_guest(modules: Modules, vmid: int) -> None:
    modules.container(200)
    modules.ok("vm", vmid=201, name="vm")
    modules.ok("firewall_alias", name="lan", cidr="192.0.2.0/24")
    guest: dict[str, Any] = {"level": "guest", "vmid": vmid, "name": "friends"}
    modules.converge("firewall_ipset", **guest, members=[{"cidr": "dc/lan"}, {"cidr": "fd00:0::/64"}])
    modules.converge("firewall_ipset", **guest, members=[{"cidr": "dc/lan", "comment": "x"}])
    modules.converge("firewall_ipset", **guest, state="absent")


NO_ADDRESS = "is not an address or network such as 192.0.2.1, 192.0.2.0/24 or fd00::/64, nor an alias"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"members": [{"cidr": "192.0.2.300"}]}, f"Option 'members': '192.0.2.300' {NO_ADDRESS}"),
        (
            {"members": [{"cidr": "192.0.2.1"}, {"cidr": "192.0.2.1/32"}]},
            "Option 'members': 192.0.2.1 is there twice",
        ),
        (
            {"members": [{"cidr": "0.0.0.0/0"}]},
            "Option 'members': '0.0.0.0/0' is everything; Proxmox VE takes no /0 in an IP set. Take two /1.",
        ),
        ({"members": [{"comment": "x"}]}, "members[0]: missing required arguments: cidr"),
        (
            {"name": "a"},
            "Option 'name': 'a' is not a name of 2 to 64 letters, digits, '-' and '_' that begins with a letter",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("firewall_ipset", **{"name": "admins", **wish}) == message


def test_an_alias_that_is_missing(modules: Modules) -> None:
    result = modules.run("firewall_ipset", name="admins", members=[{"cidr": "nowhere"}])
    assert result["msg"].startswith("Cannot add nowhere to ipset admins: POST /cluster/firewall/ipset/admins: ")
    assert "no such alias 'nowhere'" in result["msg"]


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    path = "/cluster/firewall/ipset"
    messages = modules.refusals(needed, "firewall_ipset", **ADMINS)
    assert messages["Sys.Audit on /"] == f"GET {path}: {denied('Sys.Audit', '/')}"
    assert f"Cannot create ipset admins: POST {path}: {denied('Sys.Modify', '/')}" in messages["Sys.Modify on /"]
    limited = modules.limited(needed)
    for wish in (ADMINS, {"name": "admins", "members": []}, {"name": "admins", "state": "absent"}):
        limited.converge("firewall_ipset", **wish)


def test_what_is_used_is_not_removed(modules: Modules) -> None:
    modules.ok("firewall_ipset", **ADMINS)
    rules = [{"type": "in", "action": "ACCEPT", "source": "+dc/admins", "macro": "SSH"}]
    modules.ok("firewall_rule", level="node", node="father", rules=rules)
    assert modules.message("firewall_ipset", name="admins", state="absent") == (
        "Cannot remove IP set admins of the cluster: it is used by rule 0 of node father. Proxmox VE would remove it "
        "all the same, and they would stand for nothing. Change them first."
    )
