# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster: its nodes, its status, and the list of everything on it. One node alone is no cluster, as on PVE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.api.fake import Call, Route, Values
from lab.api.joining import JoiningArea
from lab.api.nodes import Views, status_in

LOCAL_ZONE = "localnetwork"
# What of a node only the list of resources tells, and what is known of one that is not seen.
RESOURCES_ONLY = frozenset({"cgroup-mode"})
NOT_IN_POOLS = frozenset({"pool", "hastate"})
SIZES = frozenset({"maxcpu", "maxmem", "maxdisk"})


class ClusterArea(JoiningArea):
    """Mixin: ``/nodes``, ``/cluster/status``, ``/cluster/resources``."""

    def routes(self) -> list[Route]:
        """The lists every client begins with."""
        return [
            ("GET", "/nodes", self._list_nodes),
            ("GET", "/cluster/status", self._say_cluster_status),
            ("GET", "/cluster/resources", self._list_resources),
        ]

    def is_online(self, node: str) -> bool:
        """Whether the reached node sees another in its cluster."""
        return bool(self.nodes[node].get("online", True)) and self.sees(node)

    # ----------------------------------------------------------------- nodes

    async def _list_nodes(self, call: Call) -> list[dict[str, Any]]:
        items = [
            {**self._node_item(name, call.user), "ssl_fingerprint": self.fingerprint_of(name)} for name in self.nodes
        ]
        return [{key: value for key, value in item.items() if key not in RESOURCES_ONLY} for item in items]

    def _node_item(self, name: str, user: str) -> dict[str, Any]:
        """A node in a list; figures only for who may see them."""
        online = self.is_online(name)
        item = {
            "id": f"node/{name}",
            "type": "node",
            "node": name,
            "status": "online" if online else "offline",
            "level": "",
        }
        return item | {"cgroup-mode": 2} | self._figures(name, user, online=online)

    def _figures(self, name: str, user: str, *, online: bool) -> dict[str, Any]:
        """Of a node that is not seen it is still known how big it is."""
        if not self.allowed(user, f"/nodes/{name}", "Sys.Audit"):
            return {}
        return {key: value for key, value in self._usage().items() if online or key in SIZES}

    # ---------------------------------------------------------------- status

    async def _say_cluster_status(self, _call: Call) -> list[dict[str, Any]]:
        """A node in no cluster is alone in the list, with number 0 (../golden cluster, cluster-3node)."""
        config = self.corosync
        if config is None or not self.is_clustered():
            node = self.reached_node()
            return [self._status_entry(node, 0, self.address_of(node))]
        quorum = {
            "type": "cluster",
            "id": "cluster",
            "name": config.name,
            "nodes": len(config.members),
            "quorate": int(self.counts_quorate(self.reached_node())),
            "version": config.version,
        }
        entries = (
            self._status_entry(name, member.nodeid, self.address_of(name)) for name, member in config.members.items()
        )
        return [quorum, *entries]

    def _status_entry(self, name: str, number: int, address: str) -> dict[str, Any]:
        return {
            "type": "node",
            "id": f"node/{name}",
            "name": name,
            "nodeid": number,
            "ip": address,
            "level": "",
            "local": int(name == self.reached_node()),
            "online": int(self.is_online(name)),
        }

    # ------------------------------------------------------------- resources

    async def _list_resources(self, call: Call) -> list[dict[str, Any]]:
        kind = call.get("type")
        groups: dict[str, Callable[[str], list[dict[str, Any]]]] = {
            "pool": self._pool_items,
            "vm": self._guest_items,
            "node": self._node_items,
            "storage": self._storage_items,
            # No type asks for these alone.
            "network": self._network_items,
        }
        return [item for name, items in groups.items() if kind in (None, name) for item in items(call.user)]

    def _node_items(self, user: str) -> list[dict[str, Any]]:
        return [self._node_item(name, user) | self._ha_item(name) for name in self.nodes]

    def _ha_item(self, name: str) -> dict[str, str]:
        """A part without quorum goes on knowing what it knew."""
        state = self.ha_node_state(name)
        known = state if state is None or self.is_quorate(self.reached_node()) else "online"
        return {"hastate": known} if known else {}

    def ha_node_state(self, name: str) -> str | None:  # noqa: ARG002 - for the area of HA
        """How the HA manager finds a node; None of one it has never met."""
        return None

    def _guest_items(self, user: str) -> list[dict[str, Any]]:
        return [*self._vm_items(user), *self._ct_items(user)]

    def _ct_items(self, user: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.ct_resources(user, "vm")
        if self.all_well():
            return items
        views = self.views()
        return [{**item, "status": status_in(views, self.ct(item["vmid"]))} for item in items]

    def _network_items(self, user: str) -> list[dict[str, Any]]:
        """The zone that every node has (PVE/API2/Cluster.pm)."""
        if not self.allowed(user, f"/sdn/zones/{LOCAL_ZONE}", "SDN.Audit"):
            return []
        kind = {"type": "network", "network-type": "zone", "network": LOCAL_ZONE, "status": "ok"}
        return [{"id": f"network/{name}/zone/{LOCAL_ZONE}", "node": name, **kind} for name in self.nodes]

    def _pool_items(self, user: str) -> list[dict[str, Any]]:
        names = sorted(name for name in self.pools if self.allowed(user, f"/pool/{name}", "Pool.Audit"))
        return [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in names]

    def _members(self, name: str, kind: str | None) -> list[Values]:
        """A pool's members as the list of resources has them; of a storage one node's (PVE/API2/Pool.pm)."""
        containers = {int(item["vmid"]): item for item in self._ct_items("root@pam")}
        vms, views = {int(guest.vmid): guest for guest in self.vms}, self.views()
        found = [
            containers.get(vmid) or self._vm_item(vms[vmid], views)
            for vmid in sorted(map(int, self.pools.get(name, ())))
            if vmid in vms or vmid in containers
        ]
        storages = sorted(self._pool_meta(name)["storage"])
        found += [item for storage in storages if storage in self.storages and (item := self._somewhere(storage))]
        shown = ({key: value for key, value in item.items() if key not in NOT_IN_POOLS} for item in found)
        return [item for item in shown if kind in (None, item["type"])]

    def _somewhere(self, storage: str) -> Values | None:
        """A storage as one of its nodes has it."""
        return next((item for node in self.nodes if (item := self._storage_seen(node, storage))), None)

    def _vm_items(self, user: str) -> list[Values]:
        guests = [guest for guest in self.vms if self.allowed(user, f"/vms/{guest.vmid}", "VM.Audit")]
        views = self.views()
        return [self._vm_item(guest, views) for guest in sorted(guests, key=lambda guest: int(guest.vmid))]

    def _vm_item(self, guest: Any, views: Views) -> Values:  # noqa: ANN401 - a guest of fakepve
        item = {
            "id": f"qemu/{guest.vmid}",
            "type": "qemu",
            "vmid": guest.vmid,
            "node": guest.node,
            "name": guest.name or f"VM {guest.vmid}",
            "status": status_in(views, guest),
            "template": int(bool(guest.template)),
            **self._vm_usage(guest),
        }
        optional = {"tags": guest.config.get("tags"), "lock": guest.lock, "pool": guest.pool, "hastate": guest.ha_state}
        return item | {key: value for key, value in optional.items() if value}

    def _storage_items(self, user: str) -> list[Values]:
        """Seen with this privilege only, unlike a node's own list (pve-manager, PVE/API2/Cluster.pm, resources)."""
        names = [name for name in sorted(self.storages) if self.allowed(user, f"/storage/{name}", "Datastore.Audit")]
        return [item for node in self.nodes for name in names if (item := self._storage_seen(node, name))]

    def _storage_resource(self, node: str, name: str) -> Values | None:
        """A storage of a node; of its pool nothing is told (../golden cluster-3node)."""
        item: Values | None = super()._storage_resource(node, name)
        return item and {key: value for key, value in item.items() if key != "pool"}

    def _storage_seen(self, node: str, name: str) -> Values | None:
        """A storage as the reached node knows it."""
        item = self._storage_resource(node, name)
        return item if not item or self.heard_of(node) else {**item, "status": "unknown"}
