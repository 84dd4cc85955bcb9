# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The software defined network: what is configured, and what of it waits to be applied.

The API has three views of each list: as edited (the plain one), running, and pending. Values are taken from the edited
view and the state from the pending one: there a value that is 0 reads null and isn't counted as a change
(PVE::Network::SDN, pending_config), so the pending view alone doesn't tell what will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values, decoded, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_controller import FIELDS as CONTROLLER_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_dns import FIELDS as DNS_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric import FIELDS as FABRIC_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric_node import FIELDS as FABRIC_NODE_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ip import SHOWN
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ipam import FIELDS as IPAM_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_subnet import COLLECTION as SUBNETS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_subnet import FIELDS as SUBNET_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_vnet import FIELDS as VNET_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import FIELDS as ZONE_FIELDS

PENDING: Values = {"pending": True}

LISTS = {"zone": "/cluster/sdn/zones", "vnet": "/cluster/sdn/vnets", "controller": "/cluster/sdn/controllers"}
FIELDS = {"zone": ZONE_FIELDS, "vnet": VNET_FIELDS, "subnet": SUBNET_FIELDS, "controller": CONTROLLER_FIELDS}
FABRICS = "/cluster/sdn/fabrics/all"
ADDRESSES = "/cluster/sdn/ipams/pve/status"


def info(read: Reader, _wish: Values) -> dict[str, Json]:
    """Answer of the module sdn_info: all objects the login may see, by id."""
    found = {f"{kind}s": _listed(read, kind, path) for kind, path in LISTS.items()}
    subnets = [
        row
        for vnet in found["vnets"]
        if vnet["state"] != "deleted"
        for row in _listed(read, "subnet", url(SUBNETS, vnet["vnet"]))
    ]
    rows = {**found, "subnets": subnets, **_fabrics(read)}
    waits = any(row["state"] != "applied" for kind in rows.values() for row in kind)
    return {"changed": False, **rows, **_services(read), "pending": waits}


def _services(read: Reader) -> dict[str, list[dict[str, Json]]]:
    """What holds without being applied: name servers, managers of addresses, and the addresses PVE keeps itself."""
    dns = [{"dns": row["dns"], **_open(DNS_FIELDS, row)} for row in read.get("/cluster/sdn/dns") or []]
    ipams = [{"ipam": row["ipam"], **_open(IPAM_FIELDS, row)} for row in read.get("/cluster/sdn/ipams") or []]
    kept = ({key: row[key] for key in SHOWN if row.get(key) is not None} for row in read.get(ADDRESSES) or [])
    return {
        "dns": sorted(dns, key=lambda row: str(row["dns"])),
        "ipams": sorted(ipams, key=lambda row: str(row["ipam"])),
        "addresses": sorted(kept, key=lambda row: (str(row["vnet"]), ip_address(row["ip"]).packed)),
    }


def _open(fields: tuple[Field, ...], row: Values) -> dict[str, Json]:
    return decoded([item for item in fields if not item.secret], row)


def _fabrics(read: Reader) -> dict[str, list[dict[str, Json]]]:
    """Fabrics and their nodes; none before Proxmox VE 9."""
    pending, edited = all_fabrics(read, PENDING), all_fabrics(read)
    return {
        "fabrics": _merged(FABRIC_FIELDS, ("id",), pending.get("fabrics", []), edited.get("fabrics", [])),
        "fabric_nodes": _merged(
            FABRIC_NODE_FIELDS, ("fabric_id", "node_id"), pending.get("nodes", []), edited.get("nodes", [])
        ),
    }


def all_fabrics(read: Reader, params: Values | None = None) -> dict[str, Json]:
    """The fabrics and their nodes; nothing before Proxmox VE 9, which has none."""
    try:
        return read.get(FABRICS, params) or {}
    except PveError as error:
        if error.not_implemented:
            return {}
        raise


def _merged(
    fields: tuple[Field, ...], keys: tuple[str, ...], pending: list[Values], edited: list[Values]
) -> list[dict[str, Json]]:
    """Rows as they are edited, and those that go away as they are running, by their keys."""
    states = {_keyed(row, keys): row for row in pending}
    rows = {name: row for name, row in states.items() if row.get("state") == "deleted"}
    rows |= {_keyed(row, keys): row for row in edited}
    return [
        {
            **dict(zip(keys, name, strict=True)),
            **decoded(fields, row),
            "state": states.get(name, {}).get("state", "applied"),
        }
        for name, row in sorted(rows.items())
    ]


def _keyed(row: Values, keys: tuple[str, ...]) -> tuple[str, ...]:
    """What is new has its keys among what is pending (PVE::Network::SDN, pending_config)."""
    return tuple(str(row.get(key) or (row.get("pending") or {}).get(key)) for key in keys)


def _listed(read: Reader, kind: str, path: str) -> list[dict[str, Json]]:
    """The objects of one list as they are edited, and those that go away when it is applied as they are running."""
    pending = {str(row[kind]): row for row in read.get(path, PENDING) or []}
    edited = {str(row[kind]): row for row in read.get(path) or []}
    rows = {**{name: row for name, row in pending.items() if row.get("state") == "deleted"}, **edited}
    return [
        {**_shown(kind, FIELDS[kind], row), "state": pending.get(name, {}).get("state", "applied")}
        for name, row in sorted(rows.items())
    ]


def _shown(kind: str, fields: tuple[Field, ...], row: Values) -> dict[str, Json]:
    names = {"subnet": row["cidr"], "id": row["subnet"], "vnet": row["vnet"]} if kind == "subnet" else {kind: row[kind]}
    return {**names, **decoded(fields, row)}


def waiting(read: Reader) -> dict[str, str]:
    """What waits to be applied: by kind and name, whether it is ``new``, ``changed`` or ``deleted``.

    Subnets of a vnet that is deleted itself can't be listed, and need not be.
    """
    return dict(sorted(_waiting(read)))


def _waiting(read: Reader) -> Iterator[tuple[str, str]]:
    for kind, path in LISTS.items():
        rows = read.get(path, PENDING) or []
        yield from _states(kind, (kind,), rows)
        if kind == "vnet":
            for row in rows:
                if row.get("state") != "deleted":
                    yield from _states("subnet", ("cidr",), read.get(url(SUBNETS, row["vnet"]), PENDING) or [])
    fabrics = all_fabrics(read, PENDING)
    yield from _states("fabric", ("id",), fabrics.get("fabrics", []))
    yield from _states("fabric node", ("fabric_id", "node_id"), fabrics.get("nodes", []))


def _states(kind: str, keys: tuple[str, ...], rows: list[Values]) -> Iterator[tuple[str, str]]:
    # A row can have "pending" without a state: then a value that is 0 was mistaken for one that isn't there.
    return ((f"{kind} {'/'.join(_keyed(row, keys))}", str(row["state"])) for row in rows if row.get("state"))
