# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: the nodes' interfaces.

What the module writes waits until it is applied, so a document's network is applied after its interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.network_apply import apply_waiting
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import NETWORK_APPLY
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_checks import below, own_ports
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_interface import (
    COLLECTION,
    FIELDS,
    NETWORK_INTERFACE,
    TYPES,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Commit, Entry, Kept, Kind, Remark
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared, nodes

SDN = ("vnet", "fabric")
"""Types of interfaces that are declared as software-defined network."""

CARDS: Mapping[str, frozenset[str]] = {
    "eth": frozenset(("type",)),
    "OVSPort": frozenset(("type", "ovs_bridge", "autostart")),
}
"""Types of the machine's own cards, with what they have unasked: an Open vSwitch bridge turns its ports into such."""

FIRST_BRIDGE = "vmbr0"
UNSAID = ("dhcp", "auto")
"""Ways an interface gets its address that Proxmox VE's API doesn't set."""


def interfaces(read: Reader) -> Iterator[Entry | Remark]:
    """The interfaces of every node that can be asked, with what waits to be applied."""
    for name, online in nodes(read):
        if online:
            yield from _of_node(read, name)
        else:
            yield Remark(f"Node {name} is offline: its network is left out.")


def _of_node(read: Reader, node: str) -> Iterator[Entry | Remark]:
    try:
        rows = {str(row["iface"]): row for row in read.get(url(COLLECTION, node)) or ()}
    except PveError as error:
        yield Remark(f"Node {node}: {error}")
        return
    own = _address(read, node)
    for iface, row in rows.items():
        if row.get("type") not in (*TYPES, *SDN, "loopback"):
            yield Remark(f"Node {node}: interface {iface} is of type {row.get('type')}, and left out.")
        elif row.get("type") in TYPES:
            yield from _interface(node, row, rows, own)


def _interface(node: str, row: Values, rows: Mapping[str, Values], own: str) -> Iterator[Entry | Remark]:
    iface = str(row["iface"])
    if {row.get("method"), row.get("method6")} & set(UNSAID):
        yield Remark(f"Node {node}: interface {iface} is given its address (DHCP), which a document doesn't say.")
    settings = declared(FIELDS, {**row, "ovs_ports": _ports(iface, row, rows)})
    if row["type"] in CARDS and not set(settings) - CARDS[row["type"]]:
        return  # a card of the machine is listed whether it is configured or not, a bridge names its ports itself
    entry = {"node": node, "iface": iface, **settings}
    yield Kept(entry) if _needed(row, own) else entry


def _ports(iface: str, row: Values, rows: Mapping[str, Values]) -> str:
    """The ports of an Open vSwitch bridge, without those that name it themselves."""
    named = own_ports(iface, rows)
    return " ".join(port for port in str(row.get("ovs_ports") or "").split() if port not in named)


def _address(read: Reader, node: str) -> str:
    """The address by which the cluster knows a node."""
    rows = read.get("/cluster/status") or ()
    return next((str(row.get("ip")) for row in rows if row.get("type") == "node" and row.get("name") == node), "")


def _needed(row: Values, own: str) -> bool:
    """Whether the node is reached by it, as far as that can be seen; a card can't be removed anyway."""
    addresses = [str(row.get(key) or "").partition("/")[0] for key in ("cidr", "cidr6")]
    routes = row.get("gateway") or row.get("gateway6")
    return bool(routes) or row["iface"] == FIRST_BRIDGE or row["type"] in CARDS or (own != "" and own in addresses)


def stands_on(values: Values) -> list[str]:
    """The interfaces of the same node that have to be there first. The ports of an Open vSwitch bridge are cards."""
    wire = {
        **{option: " ".join(values.get(option) or ()) for option in ("bridge_ports", "slaves")},
        "vlan-raw-device": values.get("vlan_raw_device"),
    }
    bridge = [values["ovs_bridge"]] if values.get("ovs_bridge") else []
    return [f"{values.get('node')}/{name}" for name in (*below(str(values["iface"]), wire), *bridge)]


OPTIONS: Options = {"rollback_after": {"type": "float"}, "ssh_hosts": {"type": "dict", "default": {}}}
"""Options of the module state: seconds after which a network that cuts a node off is taken back, and where each node
is reached over SSH, which that needs."""


def applied(client: Client, params: Values) -> Outcome:
    """What waits is applied as the module network_apply does: with a way back where one is asked for."""
    hosts = params.get("ssh_hosts") or {}
    return apply_waiting(client, {**params, "ssh_host": hosts.get(params["node"])})


def commits(changed: Iterable[Values]) -> Iterator[Commit]:
    """The network of each node that something is changed on."""
    for node in sorted({str(values["node"]) for values in changed}):
        wish = {"node": node, "state": "applied", "regenerate_frr": None, "wait_timeout": 120.0}
        yield Commit(NETWORK_APPLY, f"apply {node}", wish, applied)


ROWS: tuple[Kind, ...] = (
    Kind(
        "network",
        replace(NETWORK_INTERFACE, writes=(*NETWORK_INTERFACE.writes, f"PUT {COLLECTION}")),
        ("node", "iface"),
        interfaces,
        per_node=True,
        removed_first=True,
        needs=stands_on,
        commit=commits,
        appears=lambda entry: [(url(COLLECTION, entry["node"]), row_of(entry))],
        vanishes=lambda entry: [(url(COLLECTION, entry["node"]), {"iface": entry["iface"]})],
        audit=("Sys.Audit", "/nodes"),
    ),
)


def row_of(entry: Values) -> Entry:
    """An interface as the list will have it."""
    wire = {item.key: item.codec.encode(item.codec.parse(entry[item.name])) for item in FIELDS if entry.get(item.name)}
    return {"iface": entry["iface"], "active": 1, **wire}
