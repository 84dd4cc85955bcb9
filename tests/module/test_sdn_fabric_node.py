"""Module sdn_fabric_node against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

FATHER: dict[str, Any] = {"fabric_id": "spine", "node_id": "father"}
MEMBER: dict[str, Any] = {**FATHER, "ip": "10.30.0.1", "interfaces": [{"name": "eno1"}, "vmbr0,hello_multiplier=5"]}


@pytest.fixture
def woven(modules: Modules) -> Modules:
    """The modules, with a fabric."""
    modules.ok("sdn_fabric", id="spine", protocol="openfabric", ip_prefix="10.30.0.0/24")
    return modules


def test_twelve_steps(woven: Modules) -> None:
    made = woven.converge("sdn_fabric_node", **MEMBER)
    assert made["fabric_node"] == {
        **FATHER,
        "protocol": "openfabric",
        "ip": "10.30.0.1",
        "interfaces": [{"name": "eno1"}, {"name": "vmbr0", "hello_multiplier": 5}],
    }
    changed = woven.converge("sdn_fabric_node", **FATHER, ip="10.30.0.2", interfaces=["eno1"])
    assert changed["fabric_node"]["interfaces"] == [{"name": "eno1"}]
    emptied = woven.converge("sdn_fabric_node", **FATHER, interfaces=[])
    assert emptied["fabric_node"].get("interfaces", []) == []
    woven.converge("sdn_fabric_node", **FATHER, state="absent")


def test_nothing_to_do_costs_one_request(woven: Modules) -> None:
    woven.ok("sdn_fabric_node", **MEMBER)
    woven.ok("sdn_fabric_node", **MEMBER)
    assert len(woven.lab.requests()) == 1


def test_absent_from_a_fabric_that_is_not_there(modules: Modules) -> None:
    modules.unchanged("sdn_fabric_node", **FATHER, state="absent")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"fabric_id": "none", "ip": "10.30.0.1"},
            "Cannot add node father to fabric none: there is no such fabric. Declare it first (module sdn_fabric).",
        ),
        ({"ip": "10.30.0.1/24"}, "Option 'ip': '10.30.0.1/24' is not an IPv4 address, such as 192.0.2.10"),
        ({"interfaces": [{"ip": "10.0.0.1/31"}]}, "Option 'interfaces': an interface without a name: ip=10.0.0.1/31"),
        ({"interfaces": ["eno1", {"name": "eno1"}]}, "Option 'interfaces': interface eno1 is named twice"),
    ],
    ids=str,
)
def test_refusals(woven: Modules, wish: dict[str, Any], message: str) -> None:
    assert woven.message("sdn_fabric_node", **{**FATHER, **wish}) == message


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        ({"ip": "10.31.0.1"}, "Choose an address inside of it."),
        ({}, "Set ip (or ip6), an address inside of it."),
        (
            {"ip": "10.30.0.1", "ip6": "2001:db8::1"},
            "Set ip_prefix or ip6_prefix of the fabric first (module sdn_fabric).",
        ),
    ],
    ids=str,
)
def test_what_proxmox_refuses(woven: Modules, wish: dict[str, Any], advice: str) -> None:
    result = woven.run("sdn_fabric_node", **FATHER, **wish)
    assert result["msg"].splitlines()[-1] == advice
    assert woven.ok("sdn_info")["fabric_nodes"] == []


def test_least_privileges(woven: Modules) -> None:
    needed = {"/sdn/fabrics/spine": ["SDN.Allocate"], "/nodes/father": ["Sys.Modify"]}
    refused = woven.refusals(needed, "sdn_fabric_node", **MEMBER)
    assert refused["SDN.Allocate on /sdn/fabrics/spine"].endswith(
        denied("SDN.Audit or SDN.Allocate", "/sdn/fabrics/spine")
    )
    assert refused["Sys.Modify on /nodes/father"].endswith(denied("Sys.Audit or Sys.Modify", "/nodes/father"))
    limited = woven.limited(needed)
    for wish in (MEMBER, {**FATHER, "ip": "10.30.0.2"}, {**FATHER, "state": "absent"}):
        limited.converge("sdn_fabric_node", **wish)
