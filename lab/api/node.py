# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node itself: version, status, network, DNS, and its place in ``/cluster``."""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

from lab.api import interfaces
from lab.api.fake import Call, Fake, Route, Values, param_error
from lab.api.release import KERNEL, RELEASE, REPOSITORY_ID, VERSION

NODE = "/nodes/{node}"
KIB = 1024
# ``any_bridge`` and the like stand for several kinds (PVE/API2/Network.pm).
NETWORK_FILTERS = {"any_bridge": ("bridge", "OVSBridge", "vnet"), "any_local_bridge": ("bridge", "OVSBridge")}


def meminfo(text: str) -> dict[str, int]:
    """``/proc/meminfo`` in bytes."""
    rows = (line.split() for line in text.splitlines() if ":" in line)
    return {words[0].rstrip(":"): int(words[1]) * KIB for words in rows}


def memory() -> dict[str, int]:
    """Total, used and free memory of the machine, in bytes."""
    known = meminfo(Path("/proc/meminfo").read_text(encoding="ascii"))
    total, available = known["MemTotal"], known["MemAvailable"]
    return {"total": total, "used": total - available, "free": known["MemFree"], "available": available}


def processor() -> dict[str, Any]:
    """The processor, as far as a program needs to know."""
    count = os.cpu_count() or 1
    return {"cpus": count, "cores": count, "sockets": 1, "model": platform.processor() or platform.machine(), "hvm": ""}


class NodeArea(Fake):
    """Mixin: what the node says about itself."""

    node: str
    files_root: Path
    # SHA-256 fingerprint of the certificate that is served, once there is one.
    fingerprint = ""

    def __init__(self, **options: object) -> None:
        """Count the uptime from here."""
        super().__init__(**options)
        self._started = time.time()

    def routes(self) -> list[Route]:
        """The node's endpoints."""
        return [
            ("GET", "/version", self._say_version),
            ("GET", NODE + "/version", self._say_version),
            ("GET", NODE + "/status", self._say_status),
            ("GET", NODE + "/network", self._list_network),
            ("GET", NODE + "/network/{iface}", self._show_interface),
            ("GET", NODE + "/dns", self._say_dns),
            ("GET", NODE + "/time", self._say_time),
            ("GET", "/nodes", self._list_nodes),
            ("GET", "/cluster/status", self._say_cluster_status),
            ("GET", "/cluster/resources", self._list_resources),
        ]

    # ------------------------------------------------------------------ node

    async def _say_version(self, _call: Call) -> dict[str, str]:
        return {"version": VERSION, "release": RELEASE, "repoid": REPOSITORY_ID}

    def _usage(self) -> dict[str, Any]:
        """The figures the list of nodes and the resources share."""
        used, disk = memory(), shutil.disk_usage("/")
        return {
            "cpu": 0,
            "maxcpu": os.cpu_count() or 1,
            "mem": used["used"],
            "maxmem": used["total"],
            "disk": disk.used,
            "maxdisk": disk.total,
            "uptime": int(time.time() - self._started),
        }

    async def _say_status(self, _call: Call) -> dict[str, Any]:
        disk = shutil.disk_usage("/")
        kernel = {
            "sysname": "Linux",
            "release": KERNEL,
            "version": "#1 SMP PREEMPT_DYNAMIC",
            "machine": platform.machine(),
        }
        return {
            "uptime": int(time.time() - self._started),
            "loadavg": [f"{load:.2f}" for load in os.getloadavg()],
            "cpu": 0,
            "wait": 0,
            "idle": 0,
            "cpuinfo": processor(),
            "memory": memory(),
            "swap": {"total": 0, "used": 0, "free": 0},
            "ksm": {"shared": 0},
            "rootfs": {"total": disk.total, "used": disk.used, "free": disk.free, "avail": disk.free},
            "boot-info": {"mode": "legacy-bios"},
            "current-kernel": kernel,
            "kversion": f"Linux {KERNEL} {kernel['version']}",
            "pveversion": f"pve-manager/{VERSION}/{REPOSITORY_ID}",
        }

    async def _say_time(self, _call: Call) -> dict[str, Any]:
        now = int(time.time())
        return {"timezone": "UTC", "time": now, "localtime": now}

    # --------------------------------------------------------------- network

    def _file(self, name: str) -> str | None:
        path = self.files_root / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _network_items(self) -> list[dict[str, Any]]:
        text = self._file("etc/network/interfaces")
        if text is None:
            return interfaces.listing(interfaces.DEFAULT, interfaces.parse(interfaces.DEFAULT))
        return interfaces.listing(text, os.listdir("/sys/class/net"))  # noqa: PTH208 - names, not paths

    async def _list_network(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.get("type")
        kinds = NETWORK_FILTERS.get(wanted, (wanted,))
        return [item for item in self._network_items() if wanted is None or item["type"] in kinds]

    async def _show_interface(self, call: Call) -> dict[str, Any]:
        found = next((item for item in self._network_items() if item["iface"] == call["iface"]), None)
        if found is None:
            raise param_error(iface="interface does not exist")
        return {key: value for key, value in found.items() if key != "iface"}

    async def _say_dns(self, _call: Call) -> dict[str, str]:
        return interfaces.resolver(self._file("etc/resolv.conf") or "search lab.internal\nnameserver 10.99.0.1\n")

    def address(self) -> str:
        """The node's own address: that of its first bridge that has one."""
        addresses = (
            item["address"] for item in self._network_items() if item["type"] == "bridge" and "address" in item
        )
        return next(addresses, "127.0.0.1")

    # --------------------------------------------------------------- cluster

    async def _list_nodes(self, call: Call) -> list[dict[str, Any]]:
        item = {**self._node_item(call.user), "ssl_fingerprint": self.fingerprint}
        item.pop("cgroup-mode", None)
        return [item]

    def _node_item(self, user: str) -> dict[str, Any]:
        """The node in a list; figures only for who may see them."""
        item = {
            "id": f"node/{self.node}",
            "type": "node",
            "node": self.node,
            "status": "online",
            "level": "",
            "cgroup-mode": 2,
        }
        return item | (self._usage() if self.allowed(user, f"/nodes/{self.node}", "Sys.Audit") else {})

    async def _say_cluster_status(self, _call: Call) -> list[dict[str, Any]]:
        """A node in no cluster is alone in the list, with number 0 (../golden cluster)."""
        entry = {
            "type": "node",
            "id": f"node/{self.node}",
            "name": self.node,
            "nodeid": 0,
            "ip": self.address(),
            "level": "",
            "local": 1,
            "online": 1,
        }
        return [entry]

    async def _list_resources(self, call: Call) -> list[dict[str, Any]]:
        kind = call.get("type")
        groups = {
            "pool": self._pool_items(call.user),
            "vm": [*self._vm_items(call.user), *self.ct_resources(call.user, "vm")],
            "node": [self._node_item(call.user)],
            "storage": self._storage_items(call.user),
        }
        return [item for name, items in groups.items() if kind in (None, name) for item in items]

    def _pool_items(self, user: str) -> list[dict[str, Any]]:
        names = sorted(name for name in self.pools if self.allowed(user, f"/pool/{name}", "Pool.Audit"))
        return [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in names]

    def _vm_items(self, user: str) -> list[Values]:
        guests = [guest for guest in self.vms if self.allowed(user, f"/vms/{guest.vmid}", "VM.Audit")]
        return [self._vm_item(guest) for guest in sorted(guests, key=lambda guest: int(guest.vmid))]

    def _vm_item(self, guest: Any) -> Values:  # noqa: ANN401 - a guest of fakepve
        item = {
            "id": f"qemu/{guest.vmid}",
            "type": "qemu",
            "vmid": guest.vmid,
            "node": guest.node,
            "name": guest.name,
            "status": guest.status,
            "template": int(bool(guest.template)),
            **self._vm_usage(guest),
        }
        optional = {"tags": guest.config.get("tags"), "lock": guest.lock, "pool": guest.pool, "hastate": guest.ha_state}
        return item | {key: value for key, value in optional.items() if value}

    def _storage_items(self, user: str) -> list[Values]:
        items = (
            self._storage_resource(self.node, name) for name in sorted(self.storages) if self._can_audit(user, name)
        )
        return [item for item in items if item]
