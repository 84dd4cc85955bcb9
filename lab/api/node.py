# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node itself: version, status, and what its network is."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from lab.api import interfaces
from lab.api.fake import Call, Route
from lab.api.node_texts import NodeTextArea
from lab.api.release import KERNEL, REPOSITORY_ID

NODE = "/nodes/{node}"
KIB = 1024
INTERFACES = "etc/network/interfaces"


def meminfo(text: str) -> dict[str, int]:
    """``/proc/meminfo`` in bytes."""
    rows = (line.split() for line in text.splitlines() if ":" in line)
    return {words[0].rstrip(":"): int(words[1]) * KIB for words in rows}


def memory() -> dict[str, int]:
    """Total, used and free memory of the machine, in bytes."""
    known = meminfo(Path("/proc/meminfo").read_text(encoding="ascii"))
    total, available = known["MemTotal"], known["MemAvailable"]
    return {"total": total, "used": total - available, "free": known["MemFree"], "available": available}


def cpuinfo(text: str) -> dict[str, str]:
    """The first processor of ``/proc/cpuinfo``."""
    rows = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in rows}


def processor() -> dict[str, Any]:
    """The processor of the machine (PVE/ProcFSTools.pm, read_cpuinfo)."""
    count, known = os.cpu_count() or 1, cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "cores": count,
        "cpus": count,
        "family": known.get("cpu family", ""),
        "flags": known.get("flags", ""),
        "hvm": "",
        "mhz": known.get("cpu MHz", ""),
        "model": known.get("model name") or platform.processor() or platform.machine(),
        "sockets": 1,
        "user_hz": 100,
        "vendor": known.get("vendor_id", ""),
    }


class NodeArea(NodeTextArea):
    """Mixin: what the node says about itself."""

    # SHA-256 fingerprint of the certificate that is served, once there is one.
    fingerprint = ""

    def __init__(self, **options: object) -> None:
        """Count the uptime from here."""
        super().__init__(**options)
        self._started = self.clock.now()
        # When nodes were started again, in lab seconds since the epoch.
        self.boots: dict[str, float] = {}

    def routes(self) -> list[Route]:
        """The node's endpoints."""
        return [
            ("GET", "/version", self._say_version),
            ("GET", NODE + "/version", self._say_version),
            ("GET", NODE + "/status", self._say_status),
        ]

    # ------------------------------------------------------------------ node

    async def _say_version(self, _call: Call) -> dict[str, str]:
        return {"version": self.version, "release": self.release_version, "repoid": REPOSITORY_ID}

    def _node_uptime(self) -> int:
        """Seconds that the asked node is up."""
        return int(self.clock.now() - self.boots.get(self.asked_node(), self._started))

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
            "uptime": self._node_uptime(),
        }

    async def _say_status(self, _call: Call) -> dict[str, Any]:
        disk = shutil.disk_usage("/")
        kernel = {
            "sysname": "Linux",
            "release": KERNEL,
            "version": "#1 SMP PREEMPT_DYNAMIC @0",
            "machine": platform.machine(),
        }
        return {
            "uptime": self._node_uptime(),
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
            "pveversion": f"pve-manager/{self.version}/{REPOSITORY_ID}",
        }

    # --------------------------------------------------------------- network

    def network_text(self) -> str:
        """The applied network of the asked node."""
        return self.text_of(INTERFACES) or interfaces.DEFAULT

    def active_interfaces(self) -> set[str]:
        """The interfaces the node's kernel has; without a machine, those it would have."""
        if self.text_of(INTERFACES) is not None and not self.is_kept(INTERFACES):
            return set(os.listdir("/sys/class/net"))  # noqa: PTH208 - names, not paths
        return interfaces.started(interfaces.parse(self.network_text()))

    def network_cards(self) -> set[str]:
        """The cards of the asked node."""
        return interfaces.cards({*self.active_interfaces(), *interfaces.parse(self.network_text()).ifaces})

    def network_items(self, text: str) -> list[dict[str, Any]]:
        """What the API tells of the interfaces in a file of the asked node."""
        return interfaces.listing(text, self.active_interfaces(), self.network_cards())

    def has_bridge(self, name: str) -> bool:
        """Whether a guest's card can be plugged into a bridge of this name."""
        return any(item["iface"] == name for item in self.network_items(self.network_text()))

    def address(self) -> str:
        """The node's own address: that of its first bridge that has one."""
        items = self.network_items(self.network_text())
        addresses = (item["address"] for item in items if item["type"] == "bridge" and "address" in item)
        return next(addresses, "127.0.0.1")

    def address_of(self, node: str) -> str:
        """The address another node is known by."""
        with self.on_node(node):
            return self.address()
