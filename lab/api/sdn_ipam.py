# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that Proxmox VE keeps itself: its own IPAM, ``pve`` (pve-network, Ips.pm and Ipams/PVEPlugin.pm).

A subnet is in it from when it is declared in a zone with that IPAM; an address is found by the applied subnets.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from lab.api.fake import Call, Route, Values, die
from lab.api.sdn import SEES, SUBNETS, VNETS, ZONES, subnet_parts
from lab.api.sdn_fabrics import SdnFabricArea
from lab.api.sections import Guard, Section

IPS = f"{VNETS.item}/ips"
STATUS = "/cluster/sdn/ipams/{ipam}/status"
IPAM_FILE = "sdn/.ipam"
GUARD = Guard("/sdn/zones/{zone}/{vnet}", SEES)
Addresses = dict[str, Values]


def canonical(address: str) -> str:
    """An address in its shortest form."""
    return str(ipaddress.ip_address(address))


class SdnIpamArea(SdnFabricArea):
    """Mixin: ``/cluster/sdn/vnets/{vnet}/ips`` and what the IPAM ``pve`` has."""

    def routes(self) -> list[Route]:
        """The addresses of vnets."""
        return [
            ("GET", STATUS, self._list_addresses),
            ("POST", IPS, self._add_address),
            ("PUT", IPS, self._change_address),
            ("DELETE", IPS, self._remove_address),
        ]

    # ------------------------------------------------------ subnets in the IPAM

    async def _create_section(self, section: Section, call: Call) -> None:
        await super()._create_section(section, call)
        if section is SUBNETS:
            self._note_subnet(self._new_name(section, call))

    async def _update_section(self, section: Section, call: Call) -> None:
        await super()._update_section(section, call)
        if section is SUBNETS:
            self._note_subnet(str(call["subnet"]))

    async def _delete_section(self, section: Section, call: Call) -> None:
        name = str(call["subnet"]) if section is SUBNETS else ""
        held = self.stored(IPAM_FILE).get(name, {})
        if any(not entry.get("gateway") for entry in held.values()):
            raise die(f"{section.words.deleting}cannot delete subnet '{subnet_parts(name)['cidr']}', not empty")
        await super()._delete_section(section, call)
        self.stored(IPAM_FILE).pop(name, None)

    def _note_subnet(self, name: str) -> None:
        """A subnet of a zone with an IPAM is there with its gateway."""
        if not self._ipam_of(subnet_parts(name)["zone"]):
            return
        held = self.stored(IPAM_FILE).setdefault(name, {})
        for address in [address for address, entry in held.items() if entry.get("gateway")]:
            del held[address]
        gateway = self.stored(SUBNETS.file)[name].get("gateway")
        if gateway:
            held[canonical(gateway)] = {"gateway": 1}

    def _ipam_of(self, zone: str) -> Any:  # noqa: ANN401 - a name or None
        return self.stored(ZONES.file).get(zone, {}).get("ipam")

    # ---------------------------------------------------------------- addresses

    def _applied_subnet(self, vnet: str, address: str) -> str | None:
        """Id of the applied subnet of a vnet that an address is in."""
        return next(
            (
                name
                for name, entry in sorted(self.running("subnets").items())
                if entry["vnet"] == vnet
                and ipaddress.ip_address(address) in ipaddress.ip_network(subnet_parts(name)["cidr"])
            ),
            None,
        )

    def _held(self, name: str) -> Addresses:
        parts = subnet_parts(name)
        if name not in self.stored(IPAM_FILE):
            raise die(f"subnet '{parts['cidr']}' doesn't exist in IPAM DB")
        return self.stored(IPAM_FILE)[name]

    async def _list_addresses(self, call: Call) -> list[Values]:
        if call["ipam"] != "pve":
            raise die("Currently only PVE IPAM is supported!")
        rows = []
        for name, held in sorted(self.stored(IPAM_FILE).items()):
            entry, parts = self.stored(SUBNETS.file).get(name) or self.running("subnets").get(name), subnet_parts(name)
            place = {"zone": parts["zone"], "vnet": (entry or {}).get("vnet", "")}
            if entry and self.may(call.user, GUARD, place):
                rows += [{**row, **place, "subnet": parts["cidr"], "ip": ip} for ip, row in sorted(held.items())]
        return rows

    def _put_address(self, vnet: str, address: str, entry: Values) -> None:
        """Note an address; PVE does nothing, without a word, where no applied subnet or no IPAM has it."""
        name = self._applied_subnet(vnet, address)
        if name is None or not self._ipam_of(subnet_parts(name)["zone"]):
            return
        held = self._held(name)
        if canonical(address) in held:
            raise die(f"IP '{canonical(address)}' already exist")
        held[canonical(address)] = {key: value for key, value in entry.items() if value is not None}

    def _drop_address(self, vnet: str, address: str) -> None:
        name = self._applied_subnet(vnet, address)
        if name is None or not self._ipam_of(subnet_parts(name)["zone"]):
            return
        if self._held(name).pop(canonical(address), None) is None:
            raise die(f"IP '{canonical(address)}' does not exist in IPAM DB")

    async def _add_address(self, call: Call) -> None:
        self._put_address(call["vnet"], call["ip"], {"mac": call.get("mac")})

    async def _remove_address(self, call: Call) -> None:
        self._drop_address(call["vnet"], call["ip"])

    async def _change_address(self, call: Call) -> None:
        """A card's address becomes another one; its old one is looked for in zones that hand them out."""
        zone = self.stored(ZONES.file).get(self.stored(VNETS.file).get(call["vnet"], {}).get("zone", ""), {})
        old = self._address_of(call) if zone.get("ipam") and zone.get("dhcp") else None
        if old:
            self._drop_address(call["vnet"], old)
        self._put_address(call["vnet"], call["ip"], {"mac": call.get("mac"), "vmid": call.get("vmid")})

    def _address_of(self, call: Call) -> str | None:
        version = ipaddress.ip_address(call["ip"]).version
        held = [row for name in self.subnets_of(call["vnet"]) for row in self.stored(IPAM_FILE).get(name, {}).items()]
        mac = call.get("mac")
        return next(
            (ip for ip, row in held if row.get("mac") == mac and ipaddress.ip_address(ip).version == version), None
        )
