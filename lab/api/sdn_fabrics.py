# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fabrics of the software defined network and their nodes, ``/cluster/sdn/fabrics`` (from Proxmox VE 9 on).

The parameters are those of pve-network (PVE/Network/SDN/Fabrics.pm); the checks and their words are those of the
configuration's library (proxmox-ve-rs, proxmox-ve-config, sdn/fabric). Nothing is routed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from lab.api.fake import Call, Route, Values, check_digest, die, pve_schema
from lab.api.sdn import FABRIC_FILE, FABRIC_NODE_FILE, SDN, SEES, SdnArea, pending_view
from lab.api.sections import Guard, dying, names_of

FABRICS = f"{SDN}/fabrics"
FABRIC = f"{FABRICS}/fabric"
NODE = f"{FABRICS}/node/{{fabric_id}}"
ONE_NODE = f"{NODE}/{{node_id}}"
GUARD = Guard("/sdn/fabrics/{id}", SEES)
NODE_PRIVILEGES = ("Sys.Audit", "Sys.Modify")
REQUEST_ONLY = frozenset({"digest", "delete", "lock-token", "pending", "running"})
FAMILIES = (("ip_prefix", "ip"), ("ip6_prefix", "ip6"))
Entries = Mapping[str, Values]


def know_choices() -> None:
    """Tell the schema's checker that a parameter can be left out where each of its alternatives can (pve-common,
    PVE/JSONSchema.pm, ``oneOf``)."""
    for path in (FABRIC, f"{FABRIC}/{{id}}", NODE, ONE_NODE):
        for method in pve_schema.load().paths.get(path, {}).values():
            for known in (method.get("parameters") or {}).get("properties", {}).values():
                if known.get("oneOf") and all(choice.get("optional") for choice in known["oneOf"]):
                    known["optional"] = 1


def options(call: Call, *places: str) -> Values:
    """What a request says of a fabric or node; ``places`` are in its path."""
    return {name: value for name, value in call.values.items() if name not in {*REQUEST_ONLY, *places}}


def changed(entry: Values, given: Values, deleted: list[str]) -> Values:
    """An entry with the options that are given, and without those that are deleted."""
    return {name: value for name, value in {**entry, **given}.items() if name not in deleted}


def check_node(fabric: Values, node: Values, others: list[Values]) -> None:
    """A node has an address in each network of its fabric, and nobody else has it."""
    if node["protocol"] != fabric["protocol"]:
        raise die("node has a different protocol than the referenced fabric")
    named = f"{node['fabric_id']}_{node['node_id']}"
    for prefix, option in FAMILIES:
        network, address = str(fabric.get(prefix) or ""), str(node.get(option) or "")
        if address and not network:
            raise die(f"fabric '{fabric['id']}' does not have an IP prefix configured for the node IP {address}")
        if network and not address:
            raise die(f"node '{named}' does not have an IP configured for this fabric prefix {network}")
        if network and ipaddress.ip_address(address) not in ipaddress.ip_network(network, strict=False):
            raise die(f"node IP {address} is outside the IP prefix {network} of the fabric")
        if address and any(other.get(option) == address for other in others):
            raise die(f"fabric {fabric['id']} contains nodes with duplicated IPs")


def check_fabric(fabric: Values, others: list[Values]) -> None:
    """The networks of fabrics don't overlap, and an OSPF area has one fabric."""
    for other in others:
        if fabric["protocol"] == other["protocol"] == "ospf" and fabric.get("area") == other.get("area"):
            raise die("duplicate OSPF area")
        for (prefix, _), words in zip(FAMILIES, ("IP", "IPv6"), strict=True):
            mine, theirs = fabric.get(prefix), other.get(prefix)
            if mine and theirs and _network(mine).overlaps(_network(theirs)):
                kind = "IPv4" if words == "IP" else words
                raise die(
                    f"{words} prefix {mine} in fabric '{fabric['id']}' overlaps with {kind} prefix {theirs} in fabric "
                    f"'{other['id']}'"
                )


def _network(text: str) -> Any:  # noqa: ANN401 - an IPv4 or IPv6 network
    return ipaddress.ip_network(text, strict=False)


class SdnFabricArea(SdnArea):
    """Mixin: ``/cluster/sdn/fabrics``."""

    def __init__(self, **given: object) -> None:
        """Start without fabrics."""
        know_choices()
        super().__init__(**given)

    def routes(self) -> list[Route]:
        """Fabrics, their nodes, and all of them at once."""
        return [
            ("GET", f"{FABRICS}/all", self._list_all_fabrics),
            ("GET", FABRIC, self._list_fabrics),
            ("POST", FABRIC, self._create_fabric),
            ("GET", f"{FABRIC}/{{id}}", self._show_fabric),
            ("PUT", f"{FABRIC}/{{id}}", self._update_fabric),
            ("DELETE", f"{FABRIC}/{{id}}", self._delete_fabric),
            ("GET", NODE, self._list_fabric_nodes),
            ("POST", NODE, self._create_fabric_node),
            ("GET", ONE_NODE, self._show_fabric_node),
            ("PUT", ONE_NODE, self._update_fabric_node),
            ("DELETE", ONE_NODE, self._delete_fabric_node),
        ]

    # --------------------------------------------------------------- reading

    def _viewed(self, file: str, call: Call) -> Entries:
        """What is edited, what is running, or the difference."""
        kind, edited = file.removeprefix("sdn/").removesuffix(".cfg"), self.stored(file)
        if call.get("pending"):
            return pending_view(self.running(kind), edited)
        return self.running(kind) if call.get("running") else edited

    def _fabric_rows(self, call: Call) -> list[Values]:
        found = self._viewed(FABRIC_FILE, call)
        return [dict(entry) for name, entry in sorted(found.items()) if self.may(call.user, GUARD, {"id": name})]

    def _node_rows(self, call: Call) -> list[Values]:
        found = sorted(self._viewed(FABRIC_NODE_FILE, call).items())
        return [dict(entry) for key, entry in found if self._may_see_node(call.user, *key.split("/"))]

    def _may_see_node(self, user: str, fabric: str, node: str) -> bool:
        seen = any(self.allowed(user, f"/nodes/{node}", privilege) for privilege in NODE_PRIVILEGES)
        return seen and self.may(user, GUARD, {"id": fabric})

    async def _list_all_fabrics(self, call: Call) -> Values:
        return {"fabrics": self._fabric_rows(call), "nodes": self._node_rows(call)}

    async def _list_fabrics(self, call: Call) -> list[Values]:
        return self._fabric_rows(call)

    async def _list_fabric_nodes(self, call: Call) -> list[Values]:
        return [row for row in self._node_rows(call) if row["fabric_id"] == call["fabric_id"]]

    def _need_fabric(self, name: str) -> Values:
        if name not in self.stored(FABRIC_FILE):
            raise die(f"fabric '{name}' does not exist in configuration")
        return self.stored(FABRIC_FILE)[name]

    def _need_fabric_node(self, call: Call) -> Values:
        self._need_fabric(call["fabric_id"])
        key = f"{call['fabric_id']}/{call['node_id']}"
        if key not in self.stored(FABRIC_NODE_FILE):
            raise die(f"node '{call['node_id']}' does not exist in fabric '{call['fabric_id']}'")
        return self.stored(FABRIC_NODE_FILE)[key]

    async def _show_fabric(self, call: Call) -> Values:
        return {**self._need_fabric(call["id"]), "digest": self.digest_of(FABRIC_FILE)}

    async def _show_fabric_node(self, call: Call) -> Values:
        return {**self._need_fabric_node(call), "digest": self.digest_of(FABRIC_FILE)}

    # --------------------------------------------------------------- writing

    def _store_fabric(self, name: str, entry: Values) -> None:
        fabrics, nodes = self.stored(FABRIC_FILE), self.stored(FABRIC_NODE_FILE)
        check_fabric(entry, [other for key, other in fabrics.items() if key != name])
        mine = [node for node in nodes.values() if node["fabric_id"] == name]
        for node in mine:
            check_node(entry, node, [other for other in mine if other is not node])
        fabrics[name] = entry

    async def _create_fabric(self, call: Call) -> None:
        prefix, name = "adding fabric failed: ", call["id"]
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            check_digest(self.digest_of(FABRIC_FILE), call.get("digest"))
            if name in self.stored(FABRIC_FILE):
                raise die(f"fabric '{name}' already exists in config")
            self._store_fabric(name, options(call))

    async def _update_fabric(self, call: Call) -> None:
        prefix = "updating fabric failed: "
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            check_digest(self.digest_of(FABRIC_FILE), call.get("digest"))
            entry = self._need_fabric(call["id"])
            self._store_fabric(call["id"], changed(entry, options(call), names_of(call.get("delete"))))

    async def _delete_fabric(self, call: Call) -> None:
        prefix, name = "deleting fabric failed: ", call["id"]
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            self._need_fabric(name)
            for kind, what in (("controllers", "EVPN controller"), ("zones", "VXLAN zone")):
                for other, entry in self.stored(f"sdn/{kind}.cfg").items():
                    if entry.get("fabric") == name:
                        raise die(f'this fabric is still used in the {what} "{other}"')
            del self.stored(FABRIC_FILE)[name]
            for key in [key for key in self.stored(FABRIC_NODE_FILE) if key.startswith(f"{name}/")]:
                del self.stored(FABRIC_NODE_FILE)[key]

    def _store_fabric_node(self, call: Call, entry: Values) -> None:
        nodes, key = self.stored(FABRIC_NODE_FILE), f"{call['fabric_id']}/{call['node_id']}"
        mine = {other: node for other, node in nodes.items() if node["fabric_id"] == call["fabric_id"]}
        check_node(self._need_fabric(call["fabric_id"]), entry, [node for other, node in mine.items() if other != key])
        nodes[key] = entry

    async def _create_fabric_node(self, call: Call) -> None:
        prefix = "adding node failed: "
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            self._need_fabric(call["fabric_id"])
            if f"{call['fabric_id']}/{call['node_id']}" in self.stored(FABRIC_NODE_FILE):
                raise die(f"node '{call['node_id']}' already exists in config for fabric {call['fabric_id']}")
            self._store_fabric_node(call, options(call))

    async def _update_fabric_node(self, call: Call) -> None:
        prefix = "updating node failed: "
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            check_digest(self.digest_of(FABRIC_FILE), call.get("digest"))
            entry = self._need_fabric_node(call)
            self._store_fabric_node(call, changed(entry, options(call), names_of(call.get("delete"))))

    async def _delete_fabric_node(self, call: Call) -> None:
        prefix = "deleting node failed: "
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            self._need_fabric_node(call)
            del self.stored(FABRIC_NODE_FILE)[f"{call['fabric_id']}/{call['node_id']}"]
