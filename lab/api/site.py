# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a lab, and the API each belongs to: a node alone has its own, those of a cluster share one.

All of them live in one process. A node that joins a cluster keeps its door, which is served by the cluster's API from
then on, and takes along what is its own: files, local volumes, network texts, its tasks. What it had of a cluster's
(users, storages, pools) was its own alone, and is replaced.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.api import certificates
from lab.api.certificates import Pair
from lab.api.nodes import CUT_OFF, OFF, REFUSING

if TYPE_CHECKING:
    from lab.api.server import LabApi

API_PORT = 8006
# A node's state -> why a connection to it fails.
UNREACHABLE = {OFF: "No route to host", CUT_OFF: "Connection timed out", REFUSING: "Connection refused"}


class Site:
    """Which API a node belongs to."""

    def __init__(self) -> None:
        """Start without a node."""
        self._apis: dict[str, LabApi] = {}

    def add(self, api: LabApi) -> None:
        """Take in an API with all of its nodes. Raises ValueError for a node that is there already."""
        taken = sorted(set(api.nodes) & set(self._apis))
        if taken:
            raise ValueError(f"the site has {', '.join(taken)} already")
        self._apis |= dict.fromkeys(api.nodes, api)
        api.site = self

    def nodes(self) -> list[str]:
        """Every node, in the order they were added."""
        return list(self._apis)

    def api_of(self, node: str) -> LabApi:
        """The API a node belongs to. Raises KeyError."""
        return self._apis[node]

    def apis(self) -> Iterator[LabApi]:
        """Each API once: those of the clusters, and of the nodes that are alone."""
        yield from {id(api): api for api in self._apis.values()}.values()

    def find(self, host: str) -> str | None:
        """The node of a host name or address."""
        return next((name for name, api in self._apis.items() if host in (name, *api.addresses_of(name))), None)

    def obstacle(self, seeker: str, host: str) -> str | None:
        """Why one node cannot connect to a host, in the words of the system; None when it can."""
        node = self.find(host)
        if node is None:
            return "No route to host"
        if self._apis[seeker].node_state(seeker) == CUT_OFF:
            return UNREACHABLE[CUT_OFF]
        return UNREACHABLE.get(self._apis[node].node_state(node))

    async def join(self, node: str, cluster: LabApi) -> None:
        """Make a node that is alone one of a cluster's: it keeps its doors, and what is its own."""
        alone = self._apis[node]
        cluster.nodes[node] = {"online": True}
        cluster.node_texts[node] = alone.node_texts.pop(node, {})
        move_storages(node, alone, cluster)
        move_tasks(alone, cluster)
        self._certify(node, alone, cluster)
        for door in list(alone.doors_of(node)):
            await door.attach(cluster)
        self._apis[node] = cluster
        cluster.changed()

    @staticmethod
    def _certify(node: str, alone: LabApi, cluster: LabApi) -> None:
        """The node's certificate is signed by the cluster's authority from now on."""
        served = [door for door in alone.doors_of(node) if door.tls is not None]
        authority = cluster.authority
        if authority is None or alone.certificate is None:
            cluster.fingerprints[node] = alone.fingerprint
            return
        hosts = [door.host for door in served]
        target = Pair(alone.certificate, alone.certificate.with_suffix(".key"))
        certificates.issue(authority, target, [node, "localhost", *dict.fromkeys(hosts), *alone.addresses_of(node)])
        for door in served:
            if door.tls is not None:
                door.tls.load_cert_chain(target.certificate, target.key)
        cluster.fingerprints[node] = certificates.fingerprint(target.certificate)


def move_storages(node: str, alone: LabApi, cluster: LabApi) -> None:
    """Files and volumes of storages that the cluster has too, and that are not shared, stay the node's."""
    for name in [name for name in alone.storages if name in cluster.storages and not cluster.is_shared(name)]:
        volumes = cluster.storages[name]["volumes"]
        for volume, record in alone.storages[name]["volumes"].items():
            volumes.setdefault(volume, {**record, "node": node})
        with alone.on_node(node):
            source = alone.storage_folder(name)
        with cluster.on_node(node):
            target = cluster.storage_folder(name)
        if source.is_dir() and source != target:
            shutil.copytree(source, target, dirs_exist_ok=True)


def move_tasks(alone: LabApi, cluster: LabApi) -> None:
    """The node's tasks, the one that is joining among them, are listed in the cluster."""
    cluster.tasklog.extend(alone.tasklog)
    cluster.tasklog.sort(key=lambda record: record["starttime"])
    cluster.tasks |= alone.tasks
