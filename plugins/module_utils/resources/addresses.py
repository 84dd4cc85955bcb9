# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the addresses a guest's agent names is the one meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ansible_collections.homelab.pve.plugins.module_utils.codecs import KINDS, Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError


@dataclass(frozen=True)
class Wanted:
    """What the address has to fit: every criterion that is set."""

    interface: str | None = None
    mac: str | None = None
    subnet: IPv4Network | IPv6Network | None = None
    version: int | None = 4
    """4, 6, or None for either."""

    @property
    def described(self) -> str:
        """For messages: ``an IPv4 address on MAC BC:24:11:00:00:01 in 10.99.0.0/24``."""
        kind = f"an IPv{self.version} address" if self.version else "an address"
        parts = (("on interface", self.interface), ("on MAC", self.mac), ("in", self.subnet))
        return " ".join([kind, *(f"{word} {value}" for word, value in parts if value)])


@dataclass(frozen=True)
class Address:
    """One address of a guest."""

    interface: str
    mac: str
    ip: str
    prefix: int


FAMILIES = {"ipv4": 4, "ipv6": 6, "any": None}


def wanted(params: dict[str, Json]) -> Wanted:
    """From the module's options; a subnet says its version itself."""
    subnet = _subnet(params.get("subnet"))
    version = subnet.version if subnet else FAMILIES[params.get("family") or "ipv4"]
    mac = params.get("mac")
    try:
        return Wanted(params.get("interface"), KINDS["mac"](mac) if mac else None, subnet, version)
    except ValueError as error:
        raise ConfigError(f"Option 'mac': {error}") from error


def _subnet(text: str | None) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if text else None
    except ValueError as error:
        raise ConfigError(f"Option 'subnet': {error}. Write it as 192.0.2.0/24.") from error


def addresses(interfaces: Sequence[Json]) -> Iterator[Address]:
    """All addresses in an answer of ``agent/network-get-interfaces``."""
    for interface in interfaces:
        for entry in interface.get("ip-addresses") or ():
            yield Address(
                str(interface.get("name", "")),
                str(interface.get("hardware-address", "")).upper(),
                str(entry["ip-address"]),
                int(entry.get("prefix", 0)),
            )


def pick(interfaces: Sequence[Json], want: Wanted) -> Address | None:
    """The first address that fits. Loopback and link-local ones never do: nobody else can reach them."""
    return next((item for item in addresses(interfaces) if _fits(item, want)), None)


def _fits(item: Address, want: Wanted) -> bool:
    ip = ip_address(item.ip.split("%")[0])
    return (
        _reachable(ip)
        and want.interface in (None, item.interface)
        and want.mac in (None, item.mac)
        and want.version in (None, ip.version)
        and (want.subnet is None or ip in want.subnet)
    )


def _reachable(ip: IPv4Address | IPv6Address) -> bool:
    return not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)


def summary(interfaces: Sequence[Json]) -> str:
    """What the agent answered, for messages: ``lo 127.0.0.1, eth0 (BC:24:11:00:00:01) no address``."""
    return ", ".join(_line(interface) for interface in interfaces) or "no interfaces"


def _line(interface: Json) -> str:
    listed = " ".join(entry["ip-address"] for entry in interface.get("ip-addresses") or ()) or "no address"
    mac = interface.get("hardware-address")
    return f"{interface.get('name')} ({mac}) {listed}" if mac else f"{interface.get('name')} {listed}"
