"""Module network_info against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({}, ["eno1", "vmbr0"]),
        ({"type": "bridge"}, ["vmbr0"]),
        ({"iface": "eno1"}, ["eno1"]),
        ({"iface": "eno1", "type": "bridge"}, []),
    ],
    ids=str,
)
def test_criteria(modules: Modules, criteria: dict[str, str], names: list[str]) -> None:
    found = modules.unchanged("network_info", node="father", **criteria)
    assert [row["iface"] for row in found["interfaces"]] == names
    assert found["changes"] == ""


def test_what_is_told(modules: Modules) -> None:
    card, bridge = modules.ok("network_info", node="father")["interfaces"]
    assert (card["exists"], card["method"]) == (True, "manual")
    assert (bridge["active"], bridge["cidr"], bridge["bridge_ports"]) == (True, "10.99.0.2/24", ["eno1"])


def test_what_waits_is_told(modules: Modules) -> None:
    modules.ok("network_interface", node="father", iface="vmbr1", type="bridge", cidr="10.88.0.1/24")
    found = modules.ok("network_info", node="father", iface="vmbr1")
    assert [row["active"] for row in found["interfaces"]] == [False]
    assert "\n+iface vmbr1 inet static\n+\taddress 10.88.0.1/24\n" in found["changes"]


def test_an_unknown_node(modules: Modules) -> None:
    assert modules.message("network_info", node="nope").startswith("GET /nodes/nope/network: 5")


def test_least_privileges(modules: Modules) -> None:
    assert modules.limited({}).ok("network_info", node="father", type="eth")["interfaces"]
