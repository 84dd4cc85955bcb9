# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures over time: ``rrddata`` of nodes, guests and storages (pve-cluster, PVE/RRD.pm).

The lab keeps no history: every point since the node came up has the figures of now, and those before have none, as on a
node that was just installed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lab.api.fake import Call, Route, Values
from lab.api.node import NODE, NodeArea, memory

# Seconds between two points, and how many there are.
TIMEFRAMES: Mapping[str, tuple[int, int]] = {
    "hour": (60, 60),
    "day": (60 * 30, 70),
    "week": (60 * 180, 70),
    "month": (60 * 720, 70),
    "year": (60 * 10080, 70),
    "decade": (60 * 10080, 570),
}
PRESSURES = ("cpufull", "cpusome", "iofull", "iosome", "memoryfull", "memorysome")
GUEST_FIGURES = ("cpu", "disk", "maxdisk", "maxmem", "mem")
CARD_FIGURES = ("netin", "netout")


def points(timeframe: str, now: float, since: float, figures: Mapping[str, Any]) -> list[Values]:
    """The points of a timeframe up to now (Unix time); those before ``since`` have nothing but their time."""
    step, count = TIMEFRAMES[timeframe]
    last = int(now / step) * step
    moments = range(last - step * (count - 1), last + step, step)
    return [{"time": moment} | (dict(figures) if moment + step > since else {}) for moment in moments]


def pressure(names: tuple[str, ...] = PRESSURES) -> Values:
    """How long programs waited: nobody does in the lab."""
    return {f"pressure{name}": 0 for name in names}


class RrdArea(NodeArea):
    """Mixin: ``rrddata``."""

    def routes(self) -> list[Route]:
        """Of nodes, guests and storages."""
        return [
            ("GET", f"{NODE}/rrddata", self._node_figures),
            ("GET", f"{NODE}/qemu/{{vmid}}/rrddata", self._vm_figures),
            ("GET", f"{NODE}/lxc/{{vmid}}/rrddata", self._container_figures),
            ("GET", f"{NODE}/storage/{{storage}}/rrddata", self._storage_figures),
        ]

    def _points(self, call: Call, figures: Mapping[str, Any]) -> list[Values]:
        return points(call["timeframe"], self.clock.now(), self._started, figures)

    async def _node_figures(self, call: Call) -> list[Values]:
        usage, used = self._usage(), memory()
        figures = {
            "arcsize": 0,
            "cpu": usage["cpu"],
            "iowait": 0,
            "loadavg": os.getloadavg()[0],
            "maxcpu": usage["maxcpu"],
            "memavailable": used["available"],
            "memtotal": used["total"],
            "memused": used["used"],
            **dict.fromkeys(CARD_FIGURES, 0),
            **pressure(tuple(name for name in PRESSURES if name != "cpufull")),
            "roottotal": usage["maxdisk"],
            "rootused": usage["disk"],
            "swaptotal": 0,
            "swapused": 0,
        }
        return self._points(call, figures)

    async def _vm_figures(self, call: Call) -> list[Values]:
        status = self._vm_status(self.find(call["node"], call["vmid"]))
        figures = {name: status.get(name, 0) for name in (*GUEST_FIGURES, "memhost", *CARD_FIGURES)}
        return self._points(call, figures | {"maxcpu": status.get("cpus", 1)} | pressure())

    async def _container_figures(self, call: Call) -> list[Values]:
        status = self._status(self._find_ct(call["node"], call["vmid"]))
        figures = {name: status.get(name, 0) for name in GUEST_FIGURES}
        return self._points(call, figures | {"maxcpu": status.get("cpus", 1)} | pressure())

    async def _storage_figures(self, call: Call) -> list[Values]:
        status = self._status_item(call["storage"], call["node"])
        return self._points(call, {"total": status["total"], "used": status["used"]})
