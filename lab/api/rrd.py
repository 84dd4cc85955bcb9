# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures over time: ``rrddata`` of nodes, guests and storages (pve-cluster, PVE/RRD.pm).

The lab keeps no history: every point since the node came up has the figures of now, and those before have none, as on a
node that was just installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
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


def gauges(name: str, **values: float) -> Iterator[tuple[str, Values]]:
    """Metrics that stand for themselves."""
    for metric, value in values.items():
        yield name, {"metric": metric, "type": "gauge", "value": value}


def guest_gauges(name: str, status: Mapping[str, Any]) -> Iterator[tuple[str, Values]]:
    """The metrics of a guest from its status."""
    known = {"cpu_max": "cpus", "disk_total": "maxdisk", "mem_total": "maxmem", "uptime": "uptime"}
    taken = {"cpu_current": "cpu", "mem_used": "mem"} if status["status"] == "running" else {}
    yield from gauges(name, **{metric: status.get(field, 0) for metric, field in {**known, **taken}.items()})


class RrdArea(NodeArea):
    """Mixin: ``rrddata``."""

    def routes(self) -> list[Route]:
        """Of nodes, guests and storages."""
        return [
            ("GET", f"{NODE}/rrddata", self._node_figures),
            ("GET", f"{NODE}/qemu/{{vmid}}/rrddata", self._vm_figures),
            ("GET", f"{NODE}/lxc/{{vmid}}/rrddata", self._container_figures),
            ("GET", f"{NODE}/storage/{{storage}}/rrddata", self._storage_figures),
            ("GET", "/cluster/metrics/export", self._export),
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

    # ------------------------------------------------------------- metrics

    async def _export(self, call: Call) -> Values:
        """The figures of now, as metrics (pve-manager, PVE/PullMetric.pm); the lab has no older ones."""
        now = int(self.clock.now())
        nodes = [self.node] if call.get("local-only") else list(self.nodes)
        found = [*(row for node in nodes for row in self._node_metrics(node)), *self._guest_metrics(nodes)]
        wanted = [row for row in found if now >= call.get("start-time", 0)]
        return {"data": [{"id": name, "timestamp": now, **metric} for name, metric in wanted]}

    def _node_metrics(self, node: str) -> Iterator[tuple[str, Values]]:
        usage, load = self._usage(), os.getloadavg()
        yield from gauges(
            f"node/{node}",
            cpu_avg1=load[0],
            cpu_avg5=load[1],
            cpu_avg15=load[2],
            cpu_current=usage["cpu"],
            cpu_iowait=0,
            cpu_max=usage["maxcpu"],
            disk_total=usage["maxdisk"],
            disk_used=usage["disk"],
            mem_total=usage["maxmem"],
            mem_used=usage["mem"],
            swap_total=0,
            swap_used=0,
            uptime=usage["uptime"],
        )
        for metric in ("net_in", "net_out"):
            yield f"node/{node}", {"metric": metric, "type": "derive", "value": 0}
        for name in self.storages:
            status = self._status_item(name, node)
            if status["active"]:
                yield from gauges(f"storage/{node}/{name}", disk_total=status["total"], disk_used=status["used"])

    def _guest_metrics(self, nodes: list[str]) -> Iterator[tuple[str, Values]]:
        """What is known of every guest; of one that runs, what it takes too."""
        for kind, guests in (("qemu", self.vms), ("lxc", self.cts)):
            for guest in guests:
                if guest.node in nodes:
                    status = self._vm_status(guest) if kind == "qemu" else self._status(guest)
                    yield from guest_gauges(f"{kind}/{guest.vmid}", status)

    async def _storage_figures(self, call: Call) -> list[Values]:
        status = self._status_item(call["storage"], call["node"])
        return self._points(call, {"total": status["total"], "used": status["used"]})
