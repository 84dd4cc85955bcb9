"""Module firewall_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

LAN: dict[str, Any] = {"name": "lan", "cidr": "192.0.2.0/24", "comment": "net"}
ADMINS = {"name": "admins", "members": [{"cidr": "lan", "nomatch": False, "comment": ""}]}
SSH = {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "+admins", "enable": True}
WEB: dict[str, Any] = {"group": "web", "comment": "servers", "rules": [SSH]}
USES = {"type": "group", "action": "web", "enable": True}


@pytest.fixture
def firewall(modules: Modules) -> Modules:
    """Something of everything."""
    modules.container(200)
    modules.ok("firewall_alias", **LAN)
    modules.ok("firewall_ipset", name="admins", members=[{"cidr": "lan"}])
    modules.ok("firewall_group", **WEB)
    modules.ok("firewall_rule", rules=[SSH, USES])
    modules.ok("firewall_options", policy_in="ACCEPT")
    return modules


def told(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "changed"}


def test_what_is_told(firewall: Modules) -> None:
    assert told(firewall.unchanged("firewall_info")) == {
        "options": {"policy_in": "ACCEPT"},
        "rules": [SSH, USES],
        "aliases": [LAN],
        "ipsets": [ADMINS],
        "groups": [WEB],
        "refs": [
            {"type": "ipset", "name": "admins", "ref": "+admins", "scope": "dc"},
            {"type": "alias", "name": "lan", "ref": "lan", "scope": "dc", "comment": "net"},
        ],
    }


def test_what_is_told_can_be_declared(firewall: Modules) -> None:
    found = firewall.ok("firewall_info")
    firewall.unchanged("firewall_options", **found["options"])
    firewall.unchanged("firewall_rule", rules=found["rules"])
    for module, part in (("firewall_alias", "aliases"), ("firewall_ipset", "ipsets"), ("firewall_group", "groups")):
        firewall.unchanged(module, **found[part][0])


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"level": "node", "node": "father"}, {"options": {}, "rules": []}),
        (
            {"level": "guest", "vmid": 200, "gather": ["options", "rules", "aliases", "ipsets"]},
            {"options": {}, "rules": [], "aliases": [], "ipsets": []},
        ),
        ({"level": "group", "group": "web"}, {"rules": [SSH]}),
        ({"gather": ["rules"]}, {"rules": [SSH, USES]}),
    ],
    ids=str,
)
def test_places(firewall: Modules, place: dict[str, Any], expected: dict[str, Any]) -> None:
    assert told(firewall.unchanged("firewall_info", **place)) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"level": "group", "gather": ["refs"], "group": "web"},
            "Option 'gather': level group has no refs; it has rules.",
        ),
        ({"level": "vnet"}, "level is vnet but all of the following are missing: vnet"),
        ({"level": "guest", "vmid": 999}, "There is no guest with vmid 999. Check the vmid."),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("firewall_info", **wish) == message


def test_least_privileges(firewall: Modules) -> None:
    options = "/cluster/firewall/options"
    needed = {"/": ["Sys.Audit"]}
    assert firewall.refusals(needed, "firewall_info") == {
        "Sys.Audit on /": f"GET {options}: {denied('Sys.Audit', '/')}"
    }
    firewall.limited(needed).ok("firewall_info")
    firewall.limited({"/vms/200": ["VM.Audit"]}).ok("firewall_info", level="guest", vmid=200)
    firewall.limited({"/nodes/father": ["Sys.Audit"]}).ok("firewall_info", level="node", node="father")
