"""Which address is meant. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.addresses import pick, summary, wanted


def interface(name: str, mac: str, *ips: str) -> dict[str, Any]:
    return {"name": name, "hardware-address": mac, "ip-addresses": [{"ip-address": ip, "prefix": 24} for ip in ips]}


LO = interface("lo", "00:00:00:00:00:00", "127.0.0.1", "::1")
ETH0 = interface("eth0", "bc:24:11:00:00:01", "fe80::1%eth0", "2001:db8::5", "10.99.0.5")
VMBR0 = interface("vmbr0", "bc:24:11:00:00:01", "10.99.0.6", "192.0.2.9")
DOCKER = interface("docker0", "02:42:00:00:00:01", "172.17.0.1")
ALL = [LO, DOCKER, ETH0, VMBR0]


@pytest.mark.parametrize(
    ("params", "interfaces", "ip"),
    [
        ({}, ALL, "172.17.0.1"),
        ({}, [LO], None),
        ({}, [], None),
        ({}, [interface("eth0", "x", "169.254.1.1", "0.0.0.0")], None),
        ({"mac": "BC-24-11-00-00-01"}, ALL, "10.99.0.5"),
        ({"mac": "BC:24:11:00:00:02"}, ALL, None),
        ({"interface": "vmbr0"}, ALL, "10.99.0.6"),
        ({"subnet": "192.0.2.0/24"}, ALL, "192.0.2.9"),
        ({"subnet": "192.0.2.7/24", "interface": "eth0"}, ALL, None),
        ({"subnet": "2001:db8::/32"}, ALL, "2001:db8::5"),
        ({"family": "ipv6"}, ALL, "2001:db8::5"),
        ({"family": "any", "interface": "eth0"}, ALL, "2001:db8::5"),
        ({"interface": "eth0"}, [{"name": "eth0"}], None),
    ],
    ids=str,
)
def test_pick(params: dict[str, Any], interfaces: list[Any], ip: str | None) -> None:
    found = pick(interfaces, wanted(params))
    assert (found and found.ip) == ip


@pytest.mark.parametrize(
    ("params", "described"),
    [
        ({}, "an IPv4 address"),
        ({"family": "any"}, "an address"),
        (
            {"mac": "bc:24:11:00:00:01", "subnet": "2001:db8::/32"},
            "an IPv6 address on MAC BC:24:11:00:00:01 in 2001:db8::/32",
        ),
    ],
    ids=str,
)
def test_described(params: dict[str, Any], described: str) -> None:
    assert wanted(params).described == described


@pytest.mark.parametrize("params", [{"mac": "x"}, {"subnet": "10.0.0.0/99"}], ids=str)
def test_wrong_criteria(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        wanted(params)


def test_summary() -> None:
    assert summary([LO, {"name": "eth1"}]) == "lo (00:00:00:00:00:00) 127.0.0.1 ::1, eth1 no address"
    assert summary([]) == "no interfaces"
