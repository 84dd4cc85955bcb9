# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node itself: version, status, network, DNS."""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

from lab.api import interfaces
from lab.api.fake import Call, Route, param_error
from lab.api.nodes import NodesArea
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


class NodeArea(NodesArea):
    """Mixin: what the node says about itself."""

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

    def has_bridge(self, name: str) -> bool:
        """Whether a guest's card can be plugged into a bridge of this name."""
        return any(item["iface"] == name for item in self._network_items())

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
