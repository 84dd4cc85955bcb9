"""Module firewall_options against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied


@pytest.mark.parametrize(
    ("place", "one", "two"),
    [
        ({}, {"enable": True, "policy_in": "REJECT"}, {"enable": False, "policy_in": "DROP"}),
        (
            {"level": "node", "node": "father"},
            {"enable": False, "nf_conntrack_max": 65536, "nf_conntrack_helpers": ["tftp", "ftp"]},
            {"enable": True, "nf_conntrack_max": 262144, "nf_conntrack_helpers": []},
        ),
        (
            {"level": "guest", "vmid": 200},
            {"enable": True, "dhcp": True, "log_level_in": "info"},
            {"enable": False, "dhcp": False, "log_level_in": "nolog"},
        ),
        ({"level": "guest", "vmid": 201}, {"policy_in": "REJECT", "macfilter": False}, {"policy_in": "DROP"}),
    ],
    ids=str,
)
def test_twelve_steps(modules: Modules, place: dict[str, Any], one: dict[str, Any], two: dict[str, Any]) -> None:
    modules.container(200)
    modules.ok("vm", vmid=201, name="vm")
    made = modules.converge("firewall_options", **place, **one)
    assert {name: made["options"][name] for name in one} == {
        name: sorted(value) if isinstance(value, list) else value for name, value in one.items()
    }
    modules.converge("firewall_options", **place, **two)


def test_what_proxmox_assumes_changes_nothing(modules: Modules) -> None:
    modules.unchanged("firewall_options", enable=False, policy_in="DROP", policy_out="ACCEPT", ebtables=True)
    modules.unchanged("firewall_options", level="node", node="father", enable=True, log_level_in="nolog")


def test_the_limit_of_the_log(modules: Modules) -> None:
    modules.converge("firewall_options", log_ratelimit={"enable": True, "rate": "5/second"})
    modules.unchanged("firewall_options", log_ratelimit="rate=5/second,enable=1")
    assert modules.converge("firewall_options", log_ratelimit="")["options"] == {}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"dhcp": True}, "Option 'dhcp' is one of level guest, and level is cluster."),
        (
            {"level": "node", "node": "father", "policy_in": "DROP"},
            "Option 'policy_in' is one of level cluster and guest, and level is node.",
        ),
        (
            {"level": "node", "node": "father", "nf_conntrack_max": 5},
            "Option 'nf_conntrack_max': 5 is not 32768 or more",
        ),
        ({"policy_in": "MAYBE"}, "value of policy_in must be one of: ACCEPT, REJECT, DROP, got: MAYBE"),
        ({"level": "vnet"}, "level is vnet but all of the following are missing: vnet"),
        ({"node": "father"}, "Option 'node' goes with level node only, and level is cluster."),
        (
            {"log_ratelimit": "often=1"},
            "Option 'log_ratelimit': unknown property 'often'; known are burst, enable, rate",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("firewall_options", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    path = "/nodes/father/firewall/options"
    needed = {"/nodes/father": ["Sys.Audit", "Sys.Modify"]}
    wish = {"level": "node", "node": "father", "enable": False}
    assert modules.refusals(needed, "firewall_options", **wish) == {
        "Sys.Audit on /nodes/father": f"GET {path}: {denied('Sys.Audit', '/nodes/father')}",
        "Sys.Modify on /nodes/father": (
            f"Cannot set enable of the firewall of node father: PUT {path}: {denied('Sys.Modify', '/nodes/father')}"
        ),
    }
    modules.limited(needed).converge("firewall_options", **wish)
    modules.container(200)
    guest = modules.limited({"/vms/200": ["VM.Audit", "VM.Config.Network"]})
    guest.converge("firewall_options", level="guest", vmid=200, enable=True)


def test_a_vnet(modules: Modules) -> None:
    modules.ok("sdn_zone", zone="lab", type="simple")
    modules.ok("sdn_vnet", vnet="blue", zone="lab")
    limited = modules.limited({"/sdn/zones/lab/blue": ["SDN.Audit", "SDN.Allocate"]})
    vnet = {"level": "vnet", "vnet": "blue"}
    made = limited.converge("firewall_options", **vnet, enable=True, policy_forward="DROP", log_level_forward="info")
    assert made["options"] == {"enable": True, "policy_forward": "DROP", "log_level_forward": "info"}
    limited.converge("firewall_options", **vnet, enable=False, policy_forward="ACCEPT", log_level_forward="nolog")
    assert modules.message("firewall_options", **vnet, policy_in="DROP") == (
        "Option 'policy_in' is one of level cluster and guest, and level is vnet."
    )
