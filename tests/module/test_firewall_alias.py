"""Module firewall_alias against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

LAN: dict[str, Any] = {"name": "lan", "cidr": "192.0.2.0/24", "comment": "the network"}


def test_twelve_steps(modules: Modules) -> None:
    assert modules.converge("firewall_alias", **LAN)["alias"] == LAN
    changed = modules.converge("firewall_alias", name="lan", cidr="192.0.2.0/25")
    assert changed["alias"] == {**LAN, "cidr": "192.0.2.0/25"}
    modules.converge("firewall_alias", name="lan", state="absent")


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("firewall_alias", **LAN)
    assert modules.converge("firewall_alias", name="LAN", comment="")["alias"] == {"name": "lan", "cidr": LAN["cidr"]}


@pytest.mark.parametrize("vmid", [200, 201])
def test_a_guest_s_alias(modules: Modules, vmid: int) -> None:
    modules.container(200)
    modules.ok("vm", vmid=201, name="vm")
    guest: dict[str, Any] = {"name": "lan", "level": "guest", "vmid": vmid}
    modules.converge("firewall_alias", **{**LAN, **guest})
    modules.converge("firewall_alias", **LAN)
    modules.converge("firewall_alias", **guest, comment="x")
    modules.converge("firewall_alias", **guest, state="absent")


@pytest.mark.parametrize("cidr", ["192.0.2.7/32", "fd00::7/128"])
def test_a_single_address(modules: Modules, cidr: str) -> None:
    modules.converge("firewall_alias", name="one", cidr=cidr)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"name": "new"}, "Option 'cidr' is needed: alias new does not exist yet."),
        (
            {"name": "new", "cidr": "192.0.2.0/33"},
            "Option 'cidr': '192.0.2.0/33' is not an address or network such as 192.0.2.1, 192.0.2.0/24 or fd00::/64",
        ),
        (
            {"name": "my lan", "cidr": "192.0.2.1"},
            "Option 'name': 'my lan' is not a name of 2 to 64 letters, digits, '-' and '_' that begins with a letter",
        ),
        ({"name": "new", "level": "guest"}, "level is guest but all of the following are missing: vmid"),
        ({"name": "new", "level": "guest", "vmid": 999}, "There is no guest with vmid 999. Check the vmid."),
        ({"name": "new", "vmid": 100}, "Option 'vmid' goes with level guest only, and level is cluster."),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("firewall_alias", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    path = "/cluster/firewall/aliases"
    assert modules.refusals(needed, "firewall_alias", **LAN) == {
        "Sys.Audit on /": f"GET {path}: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": f"Cannot create alias lan: POST {path}: {denied('Sys.Modify', '/')}",
    }
    limited = modules.limited(needed)
    for wish in (LAN, {"name": "lan", "comment": "x"}, {"name": "lan", "state": "absent"}):
        limited.converge("firewall_alias", **wish)


def test_least_privileges_on_a_guest(modules: Modules) -> None:
    modules.container(200)
    limited = modules.limited({"/vms/200": ["VM.Audit", "VM.Config.Network"]})
    limited.converge("firewall_alias", **LAN, level="guest", vmid=200)


def test_what_is_used_is_not_removed(modules: Modules) -> None:
    modules.container(200)
    modules.ok("firewall_alias", **LAN)
    modules.ok("firewall_ipset", name="admins", members=[{"cidr": "lan"}])
    modules.ok("firewall_rule", level="guest", vmid=200, rules=[{"type": "in", "action": "ACCEPT", "source": "dc/lan"}])
    assert modules.message("firewall_alias", name="lan", state="absent") == (
        "Cannot remove alias lan of the cluster: it is used by IP set admins of the cluster, rule 0 of container 200 "
        "(ct). Proxmox VE would remove it all the same, and they would stand for nothing. Change them first."
    )


def test_a_comment_of_two_lines(modules: Modules) -> None:
    assert modules.message("firewall_alias", **{**LAN, "comment": "one\ntwo"}) == (
        "Option 'comment': a comment of the firewall is one line; Proxmox VE would take the next one for a rule"
    )
