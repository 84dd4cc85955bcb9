# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: the software defined network.

It is exported as it is edited: what waits to be applied is in the document. Name servers and managers of addresses hold
at once; all else is applied after it was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Resource, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    sdn_controller,
    sdn_dns,
    sdn_fabric,
    sdn_fabric_node,
    sdn_info,
    sdn_ipam,
    sdn_subnet,
    sdn_vnet,
    sdn_zone,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_apply import APPLY, SDN
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import (
    Commit,
    Entry,
    Kind,
    Lister,
    secret,
    section_lister,
    section_values,
)

BUILT_IN = "pve"
"""The manager of addresses that each Proxmox VE has."""


AUDIT = ("SDN.Audit", "/sdn")
"""Without it Proxmox VE leaves objects out of its lists."""


def apply_sdn(changed: Iterable[Values]) -> Iterator[Commit]:
    """What was edited is made to run, by the lock's holder where a wish says its token."""
    wishes = list(changed)
    if wishes:
        token = next((wish["lock_token"] for wish in wishes if wish.get("lock_token")), None)
        defaults = {name: option.get("default") for name, option in SDN.argument_spec().items()}
        yield Commit(SDN, "apply the software defined network", {**defaults, "lock_token": token})


def applied(resource: Resource) -> Resource:
    """The resource with what its commit writes."""
    return replace(resource, writes=(*resource.writes, f"PUT {APPLY}"))


def keyed_lister(section: Section, kind: str, option: str) -> Lister:
    """Lists services, whose keys to other servers are secrets."""
    (key,) = section.keys

    def listed(read: Reader) -> Iterator[Entry]:
        for row in read.get(section.collection) or ():
            if row[key] != BUILT_IN:
                placeholder = secret(kind, str(row[key]), option)
                yield {key: row[key], **section_values(section, row), option: placeholder}

    return listed


def list_subnets(read: Reader) -> Iterator[Entry]:
    """The subnets of every vnet; Proxmox VE's id of one is made of its zone and network."""
    for vnet in read.get(sdn_vnet.SECTION.collection) or ():
        for row in read.get(url(sdn_subnet.COLLECTION, vnet["vnet"])) or ():
            yield {"vnet": vnet["vnet"], "subnet": row["cidr"], **section_values(sdn_subnet.SECTION, row)}


def list_fabrics(read: Reader) -> Iterator[Entry]:
    """The fabrics; none before Proxmox VE 9."""
    for row in sdn_info.all_fabrics(read).get("fabrics") or ():
        yield {"id": row["id"], **section_values(sdn_fabric.SECTION, row)}


def list_fabric_nodes(read: Reader) -> Iterator[Entry]:
    """Their nodes."""
    for row in sdn_info.all_fabrics(read).get("nodes") or ():
        keys = {key: row[key] for key in sdn_fabric_node.SECTION.keys}
        yield {**keys, **section_values(sdn_fabric_node.SECTION, row)}


def written(entry: Values) -> Values:
    """A subnet's network in one form; what is none is left for its module to refuse."""
    try:
        return {**entry, "subnet": str(ip_network(str(entry.get("subnet"))))}
    except ValueError:
        return entry


def zone_row(entry: Values) -> list[tuple[str, Values]]:
    """A zone in the list."""
    return [(sdn_zone.SECTION.collection, {"zone": entry["zone"]})]


def vnet_row(entry: Values) -> list[tuple[str, Values]]:
    """A vnet in the list."""
    return [(sdn_vnet.SECTION.collection, {"vnet": entry["vnet"]})]


def new_vnet(entry: Values) -> list[tuple[str, Values]]:
    """A vnet in the list, with its zone."""
    return [(path, {**row, "zone": entry.get("zone")}) for path, row in vnet_row(entry)]


def subnet_row(entry: Values) -> list[tuple[str, Values]]:
    """A subnet in its vnet's list."""
    return [(url(sdn_subnet.COLLECTION, entry["vnet"]), {"cidr": written(entry)["subnet"]})]


ROWS: tuple[Kind, ...] = (
    Kind(
        "sdn.dns",
        sdn_dns.DNS,
        ("dns",),
        keyed_lister(sdn_dns.SECTION, "sdn.dns", "key"),
        audit=AUDIT,
    ),
    Kind(
        "sdn.ipams",
        sdn_ipam.IPAM,
        ("ipam",),
        keyed_lister(sdn_ipam.SECTION, "sdn.ipams", "token"),
        audit=AUDIT,
    ),
    Kind(
        "sdn.fabrics",
        applied(sdn_fabric.FABRIC),
        ("id",),
        list_fabrics,
        audit=AUDIT,
        commit=apply_sdn,
    ),
    Kind(
        "sdn.fabric_nodes",
        applied(sdn_fabric_node.NODE),
        ("fabric_id", "node_id"),
        list_fabric_nodes,
        after=("network", "sdn.fabrics"),
        audit=AUDIT,
        commit=apply_sdn,
    ),
    Kind(
        "sdn.controllers",
        applied(sdn_controller.CONTROLLER),
        ("controller",),
        section_lister(sdn_controller.SECTION, {"controller": "controller"}),
        after=("network", "sdn.fabric_nodes"),
        audit=AUDIT,
        commit=apply_sdn,
    ),
    Kind(
        "sdn.zones",
        applied(sdn_zone.ZONE),
        ("zone",),
        section_lister(sdn_zone.SECTION, {"zone": "zone"}),
        after=("network", "sdn.dns", "sdn.ipams", "sdn.controllers", "sdn.fabric_nodes"),
        audit=AUDIT,
        appears=zone_row,
        vanishes=zone_row,
        commit=apply_sdn,
    ),
    Kind(
        "sdn.vnets",
        applied(sdn_vnet.VNET),
        ("vnet",),
        section_lister(sdn_vnet.SECTION, {"vnet": "vnet"}),
        after=("sdn.zones",),
        audit=AUDIT,
        appears=new_vnet,
        vanishes=vnet_row,
        commit=apply_sdn,
    ),
    Kind(
        "sdn.subnets",
        applied(sdn_subnet.SUBNET),
        ("vnet", "subnet"),
        list_subnets,
        after=("sdn.vnets",),
        audit=AUDIT,
        named=written,
        appears=subnet_row,
        vanishes=subnet_row,
        commit=apply_sdn,
    ),
)
