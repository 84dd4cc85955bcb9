"""What a firewall rule may say. Pure."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_syntax import (
    address_versions,
    faults,
    port_faults,
)

IN = {"type": "in", "action": "ACCEPT", "enable": True}
GROUP = {"type": "group", "action": "web", "enable": True}


@pytest.mark.parametrize(
    ("rule", "level"),
    [
        ({**IN, "proto": "tcp", "dport": "80,443,8000:8100,ssh", "sport": "1024:65535"}, "cluster"),
        ({**IN, "proto": "icmp", "dport": "echo-request", "source": "192.0.2.0/24"}, "node"),
        ({**IN, "proto": "ipv6-icmp", "icmp_type": "echo-request", "source": "fd00::/8"}, "group"),
        ({**IN, "macro": "SSH", "iface": "net0", "source": "+guest/admins", "dest": "dc/lan"}, "guest"),
        ({**IN, "iface": "vmbr0", "source": "192.0.2.1,192.0.2.0/25"}, "node"),
        ({**IN, "source": "192.0.2.1-192.0.2.9"}, "cluster"),
        ({**IN, "type": "forward", "action": "DROP"}, "vnet"),
        ({**GROUP, "iface": "net1", "comment": "web"}, "guest"),
        ({**IN, "source": "+sdn/blue-all"}, "cluster"),
    ],
    ids=str,
)
def test_what_may_be_said(rule: dict[str, Any], level: str) -> None:
    assert list(faults(rule, level)) == []


@pytest.mark.parametrize(
    ("rule", "level", "fault"),
    [
        ({**IN, "type": "forward"}, "guest", "type forward is none of level guest: in, out, group"),
        (GROUP, "group", "type group is none of level group: in, out, forward"),
        (
            {**IN, "action": "accept"},
            "cluster",
            "action 'accept' is none of ACCEPT, DROP, REJECT. Rules of a security group have type group",
        ),
        ({**GROUP, "action": "my web"}, "cluster", "action 'my web' is not the name of a security group"),
        (
            {**IN, "type": "forward", "action": "REJECT"},
            "cluster",
            "action REJECT is not possible with type forward. Take DROP",
        ),
        (
            {**GROUP, "source": "lan", "log": "info"},
            "cluster",
            "log, source can't be with type group: Proxmox VE drops it. Set it in the rules of the group",
        ),
        ({**IN, "iface": "vmbr0"}, "group", "iface can't be set at level group"),
        (
            {**IN, "iface": "eth0"},
            "guest",
            "iface 'eth0' is not a network card of the guest as Proxmox VE names it, such as net0",
        ),
        ({**IN, "dport": "22"}, "cluster", "dport needs proto, for example tcp"),
        ({**IN, "dport": "22", "macro": "SSH"}, "cluster", "dport needs proto, for example tcp"),
        ({**IN, "sport": "22", "proto": "icmp"}, "cluster", "sport can't be with proto icmp, which has no ports"),
        (
            {**IN, "proto": "tcp", "dport": "80-90"},
            "cluster",
            "dport: '80-90' is not a range of ports; ranges are written 80:90",
        ),
        ({**IN, "icmp_type": "any", "proto": "tcp"}, "cluster", "icmp_type needs proto icmp or ipv6-icmp"),
        (
            {**IN, "icmp_type": "any", "proto": "icmp", "dport": "any"},
            "cluster",
            "icmp_type and dport can't be together",
        ),
        (
            {**IN, "source": "192.0.2.1", "dest": "fd00::1"},
            "cluster",
            "IPv4 and IPv6 are mixed. Make a rule for each",
        ),
        (
            {**IN, "source": "192.0.2.1", "proto": "ipv6-icmp"},
            "cluster",
            "IPv4 and IPv6 are mixed. Make a rule for each",
        ),
        (
            {**IN, "dest": "192.0.2.0/33"},
            "cluster",
            "dest: '192.0.2.0/33' is not an address, a network such as 192.0.2.0/24, a range such as "
            "192.0.2.1-192.0.2.9, an alias or an IP set with + in front",
        ),
    ],
    ids=str,
)
def test_what_may_not(rule: dict[str, Any], level: str, fault: str) -> None:
    assert list(faults(rule, level)) == [fault]


@pytest.mark.parametrize(
    ("ports", "fault"),
    [
        ("80, 443", "' 443' is not a port, a range such as 8000:8100, or the name of a service"),
        ("80,", "'' is not a port, a range such as 8000:8100, or the name of a service"),
        ("65536", "65536 is beyond the highest port, 65535"),
        ("90:80", "the range 90:80 is backwards; write 80:90"),
        (",".join(map(str, range(16))), "16 ports are more than 15, a range counted as two. Make two rules of it"),
    ],
)
def test_ports(ports: str, fault: str) -> None:
    assert list(port_faults(ports)) == [fault]


WHAT = (
    "is not an address, a network such as 192.0.2.0/24, a range such as 192.0.2.1-192.0.2.9, an alias or an IP set "
    "with + in front"
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("fd00::7/64", "fd00::7/64 is no network, as fd00::7 is an address in it. Write fd00::/64, or fd00::7"),
        ("192.0.2.0/255.255.255.0", f"'192.0.2.0/255.255.255.0' {WHAT}"),
        ("192.0.2.1, 192.0.2.2", f"' 192.0.2.2' {WHAT}"),
        ("192.0.2.1,", f"'' {WHAT}"),
        ("192.0.2.9-192.0.2.1", "the range 192.0.2.9-192.0.2.1 ends before it begins"),
        ("192.0.2.9-fd00::1", "the range 192.0.2.9-fd00::1 ends before it begins"),
        ("192.0.2.1,192.0.2.3-192.0.2.9", "a range can't be in a list. Make a rule of its own for it"),
        ("+my set", "'+my set' is not the name of an IP set, such as +servers or +dc/servers"),
    ],
)  # fmt: skip
def test_addresses(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        address_versions(text)


@pytest.mark.parametrize(
    ("text", "versions"),
    [("", set()), ("lan", set()), ("+dc/admins", set()), ("192.0.2.1,192.0.2.0/24", {4}), ("fd00::-fd00::9", {6})],
)
def test_versions(text: str, versions: set[int]) -> None:
    assert address_versions(text) == versions
