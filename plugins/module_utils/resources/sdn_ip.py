# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that Proxmox VE keeps for guests' cards: ``/cluster/sdn/vnets/{vnet}/ips``.

What there is stands in ``/cluster/sdn/ipams/pve/status``. PVE looks an address up in the applied subnets and in the
zone's IPAM, and does nothing where one of them is missing (PVE::Network::SDN::Subnets, add_ip). A change finds a card's
old address only where the zone has DHCP (PVE::Network::SDN::Vnets, get_ips_from_mac). The schema's ``vmid`` is for a
change only, and keeps what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from ansible_collections.homelab.pve.plugins.module_utils.codecs import KINDS, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, STATE

IPS = "/cluster/sdn/vnets/{}/ips"
VNET = "/cluster/sdn/vnets/{}"
ZONE = "/cluster/sdn/zones/{}"
KEPT = "/cluster/sdn/ipams/pve/status"
SHOWN = ("vnet", "zone", "subnet", "ip", "mac", "vmid", "hostname", "gateway")
OPTIONS: Options = {"vnet": KEY, "ip": KEY, "mac": {"type": "str"}, **STATE}
FREE = "Release it first (state: absent), or choose another one."


@dataclass(frozen=True)
class Kept:
    """The addresses kept for a vnet. Where one is to be reserved: its zone, and the networks that are applied."""

    rows: Sequence[Values]
    ip: str
    mac: str = ""
    zone: Values = field(default_factory=dict)
    networks: Sequence[str] = ()

    @property
    def row(self) -> Values | None:
        """What is kept of the address itself."""
        return next((row for row in self.rows if same(row["ip"], self.ip)), None)

    @property
    def former(self) -> Values | None:
        """What the card has of the same family."""
        version = ip_address(self.ip).version
        mine = (row for row in self.rows if self.mac and str(row.get("mac", "")).upper() == self.mac)
        return next((row for row in mine if ip_address(row["ip"]).version == version), None)


def same(one: str, other: str) -> bool:
    """Whether two spellings are of one address."""
    return ip_address(one) == ip_address(other)


def describe(read: Reader, wish: Values) -> Kept:
    """What is kept; what it would be kept in is looked at only where it isn't yet."""
    kept = Kept([row for row in read.get(KEPT) or [] if row.get("vnet") == wish["vnet"]], _ip(wish), _mac(wish))
    if kept.row is not None or wish["state"] == "absent":
        return kept
    zone = read.get(url(ZONE, read.get(url(VNET, wish["vnet"]))["zone"]))
    subnets = read.get(url(VNET, wish["vnet"]) + "/subnets", {"running": True}) or []
    return Kept(kept.rows, kept.ip, kept.mac, zone, [str(row["cidr"]) for row in subnets])


def _ip(wish: Values) -> str:
    try:
        return str(ip_address(str(wish["ip"])))
    except ValueError as error:
        raise ConfigError(f"Option 'ip': '{wish['ip']}' is not an address such as 192.0.2.10") from error


def _mac(wish: Values) -> str:
    if wish["state"] == "absent" or not wish.get("mac"):
        return ""
    try:
        return str(KINDS["mac"](wish["mac"]))
    except ValueError as error:
        raise ConfigError(f"Option 'mac': {error}") from error


def plan(wish: Values, kept: Kept) -> Plan:
    """Reserve, change, release, or nothing."""
    name = f"{kept.ip} of vnet {wish['vnet']}"
    path, row = url(IPS, wish["vnet"]), kept.row
    if wish["state"] == "absent":
        return _release(path, name, row)
    if not kept.mac:
        raise ConfigError(f"Option 'mac' is needed: it says which card is to have {name}.")
    if row is not None:
        if str(row.get("mac", "")).upper() == kept.mac:
            return Plan(reason=f"{name} is reserved for {kept.mac} already")
        owner = "the gateway" if row.get("gateway") else str(row.get("mac"))
        raise RefusedError(f"Cannot reserve {name} for {kept.mac}: {owner} has it. {FREE}")
    _check_place(name, kept)
    known = {"zone": kept.zone["zone"], "ip": kept.ip, "mac": kept.mac}
    former = kept.former if kept.zone.get("dhcp") else None
    if former is None:
        return Plan(
            (Step("POST", path, known, f"reserve {name} for {kept.mac}"),), after={"ip": kept.ip, "mac": kept.mac}
        )
    params = {**known, **({"vmid": former["vmid"]} if former.get("vmid") else {})}
    step = Step("PUT", path, params, f"reserve {name} for {kept.mac} instead of {former['ip']}")
    return Plan((step,), before={"ip": former["ip"], "mac": kept.mac}, after={"ip": kept.ip, "mac": kept.mac})


def _release(path: str, name: str, row: Values | None) -> Plan:
    if row is None:
        return Plan(reason=f"{name} is not reserved")
    if row.get("gateway"):
        raise RefusedError(f"Cannot release {name}: it is the subnet's gateway. Change that (module sdn_subnet).")
    params = {"zone": row["zone"], "ip": row["ip"], **({"mac": row["mac"]} if row.get("mac") else {})}
    before = {key: row[key] for key in ("ip", "mac") if row.get(key)}
    return Plan((Step("DELETE", path, params, f"release {name}"),), before=before)


def _check_place(name: str, kept: Kept) -> None:
    """Raise RefusedError where PVE would do nothing, or tell nothing of it."""
    ipam = kept.zone.get("ipam")
    if ipam != "pve":
        raise RefusedError(
            f"Cannot reserve {name}: its zone {kept.zone['zone']} keeps addresses in {ipam or 'nothing'}, and Proxmox "
            "VE tells only those it keeps itself. Set ipam: pve of the zone (module sdn_zone)."
        )
    if not any(ip_address(kept.ip) in ip_network(network) for network in kept.networks):
        found = f"those that are applied are {', '.join(kept.networks)}" if kept.networks else "none is applied"
        raise RefusedError(
            f"Cannot reserve {name}: it is in none of the vnet's subnets; {found}. "
            "Declare one (module sdn_subnet) and apply it (module sdn_apply)."
        )


def result(kept: Kept) -> dict[str, Json]:
    """The address as it is kept."""
    return {"address": {key: kept.row[key] for key in SHOWN if kept.row.get(key) is not None}} if kept.row else {}


ADDRESS = Resource(
    kind="address",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    writes=(f"POST {IPS}", f"PUT {IPS}", f"DELETE {IPS}"),
)
