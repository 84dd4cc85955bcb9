"""Planning an address of a vnet. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ip import ADDRESS, KEPT, Kept, same

from .reading import Table

PATH = "/cluster/sdn/vnets/v1/ips"
MAC = "BC:24:11:00:00:01"
ROW = {"zone": "inner", "vnet": "v1", "subnet": "10.50.0.0/24", "ip": "10.50.0.9", "mac": MAC, "vmid": 104}
ZONE = {"zone": "inner", "ipam": "pve", "dhcp": "dnsmasq"}
KNOWN = {"zone": "inner", "ip": "10.50.0.8", "mac": MAC}


def steps(wish: dict[str, Any], rows: list[dict[str, Any]], zone: dict[str, Any]) -> list[Any]:
    whole = {"state": "present", "vnet": "v1", "ip": "10.50.0.8", "mac": MAC, **wish}
    made = ADDRESS.plan(whole, Kept(rows, whole["ip"], MAC, zone, ["10.50.0.0/24", "2001:db8::/64"]))
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "rows", "zone", "expected"),
    [
        ({"ip": "10.50.0.9"}, [ROW], ZONE, []),
        ({}, [], ZONE, [("POST", PATH, KNOWN)]),
        ({}, [ROW], ZONE, [("PUT", PATH, {**KNOWN, "vmid": 104})]),
        ({}, [ROW], {"zone": "inner", "ipam": "pve"}, [("POST", PATH, KNOWN)]),
        ({"ip": "2001:db8::8"}, [ROW], ZONE, [("POST", PATH, {**KNOWN, "ip": "2001:db8::8"})]),
        (
            {"ip": "10.50.0.9", "state": "absent"},
            [ROW],
            {},
            [("DELETE", PATH, {"zone": "inner", "ip": "10.50.0.9", "mac": MAC})],
        ),
        ({"state": "absent"}, [ROW], {}, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], rows: list[dict[str, Any]], zone: dict[str, Any], expected: list[Any]) -> None:
    assert steps(wish, rows, zone) == expected


def test_where_it_would_be_is_looked_at_only_when_it_is_not_there() -> None:
    read = Table({KEPT: [ROW, {**ROW, "vnet": "v2"}]})
    wish = {"vnet": "v1", "ip": "10.50.0.9", "mac": MAC.lower(), "state": "present"}
    assert ADDRESS.describe(read, wish) == Kept([ROW], "10.50.0.9", MAC)
    assert read.asked == [KEPT]


def test_spellings() -> None:
    assert same("2001:db8:0::1", "2001:DB8::1")
    assert not same("10.0.0.1", "::a00:1")


def test_what_is_returned() -> None:
    assert ADDRESS.result(Kept([ROW], "10.50.0.9"))["address"] == ROW
    assert ADDRESS.result(Kept([ROW], "10.50.0.8")) == {}
