"""Module network_apply against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied

BRIDGE = {"node": "father", "iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.1/24"}


def test_nothing_waits(modules: Modules) -> None:
    for state in ("applied", "reverted"):
        result = modules.unchanged("network_apply", node="father", state=state)
        assert (result["plan"], result["changes"]) == (["no change of node father's network waits"], "")


def test_what_waits_is_applied(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    result = modules.converge("network_apply", node="father")
    (old, new) = (result["diff"][side]["/etc/network/interfaces"] for side in ("before", "after"))
    assert ("iface vmbr1 inet static" in new, "iface vmbr1 inet static" in old) == (True, False)
    assert result["changes"] == ""
    modules.unchanged("network_interface", **BRIDGE)


def test_what_waits_is_dropped(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.converge("network_apply", node="father", state="reverted")
    assert modules.ok("network_info", node="father", iface="vmbr1")["interfaces"] == []


def test_a_foreseen_change_is_told(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert "+iface vmbr1 inet static" in modules.ok("network_apply", check=True, node="father")["changes"]


def test_least_privileges(modules: Modules) -> None:
    needed = {"/nodes/father": ["Sys.Modify"]}
    modules.ok("network_interface", **BRIDGE)
    assert modules.refusals(needed, "network_apply", node="father") == {
        "Sys.Modify on /nodes/father": (
            "Cannot apply the waiting changes of node father's network: PUT /nodes/father/network: "
            f"{denied('Sys.Modify', '/nodes/father')}"
        )
    }
    modules.limited(needed).converge("network_apply", node="father")
