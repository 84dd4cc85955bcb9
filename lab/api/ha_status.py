# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HA tells of itself: ``/cluster/ha/status`` (PVE/API2/HA/Status.pm; ../golden ha, ha-3node)."""

from __future__ import annotations

import time
from typing import Any

from lab.api.fake import Call, Route, Values
from lab.api.ha_manager import DEFAULT_LIMIT, ROUND, RUNS_WHEN
from lab.api.ha_memory import Lrm, Service
from lab.api.ha_resources import IGNORED
from lab.api.ha_work import HaWorkArea

STATUS = "/cluster/ha/status"
# Lab seconds after which a manager's last sign of life is old.
OLD = 30.0
# An idle node's manager looks twice as often as a busy one.
IDLE_ROUND = ROUND / 2
LIMITS = {"max_restart": DEFAULT_LIMIT, "max_relocate": DEFAULT_LIMIT, "failback": 1}


def said_at(timestamp: float) -> str:
    """A time as Perl's ``localtime`` prints it."""
    return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(timestamp))


def liveliness(now: float, timestamp: float) -> str:
    """What a manager's last sign of life says of it."""
    return "old timestamp - dead?" if now - timestamp > OLD else "active"


def verbose_state(service: Service | None, wished: str) -> str:
    """A resource's state in a list, which tells at once what was asked (PVE/HA/Tools.pm)."""
    if wished == IGNORED or service is None:
        return IGNORED if wished == IGNORED else "queued"
    if service.state == "stopped":
        return "starting" if wished in RUNS_WHEN else {"disabled": "disabled"}.get(wished, "stopped")
    if service.state == "started" and not service.running:
        return "starting"
    if service.state == "started" and wished not in RUNS_WHEN:
        return "stopping"
    return "clearing error flag" if (service.state, wished) == ("error", "disabled") else service.state


def watchdog(lrm: Lrm, lively: bool) -> str:
    """What a node's manager does with its watchdog."""
    if lively and lrm.state in ("active", "maintenance"):
        return "watchdog active"
    return "watchdog released" if lrm.mode == "disarm" else "watchdog standby"


def lrm_word(lrm: Lrm, lively: bool, busy: bool) -> str:
    """A node's manager in a word."""
    if lrm.mode in ("maintenance", "disarm"):
        return f"{lrm.mode} mode"
    if not lively:
        return "old timestamp - dead?"
    return "idle" if lrm.state == "wait_for_agent_lock" and not busy else lrm.state


class HaStatusArea(HaWorkArea):
    """Mixin: the rows of the status, and arming."""

    def routes(self) -> list[Route]:
        """``/cluster/ha/status``."""
        return [
            ("GET", f"{STATUS}/current", self._ha_current),
            ("GET", f"{STATUS}/manager_status", self._ha_manager_status),
            ("POST", f"{STATUS}/disarm-ha", self._disarm_ha),
            ("POST", f"{STATUS}/arm-ha", self._arm_ha),
        ]

    # -------------------------------------------------------------------- times

    def _master_time(self) -> int:
        """The manager's last sign of life: with something to do and quorum, its last round."""
        memory, now = self.ha_memory_of_manager(), self.clock.now()
        awake = memory.services and memory.master in self._ha_seen()
        return int(now - (now - memory.timestamp) % ROUND if awake else memory.timestamp)

    def _lrm_time(self, node: str) -> int:
        memory, now = self.ha_memory_of_manager(), self.clock.now()
        lrm = memory.lrms.get(node)
        if node not in self._ha_seen():
            return int(lrm.timestamp if lrm else memory.online.get(node, 0))
        rhythm = IDLE_ROUND if lrm is None or lrm.state == "wait_for_agent_lock" else ROUND
        return int(now - now % rhythm)

    # --------------------------------------------------------------------- rows

    async def _ha_current(self, _call: Call) -> list[Values]:
        memory = self.ha_memory_of_manager()
        sids = [*sorted(memory.services), *sorted(set(self.ha_resources) - set(memory.services))]
        return [
            self._quorum_row(),
            *([self._master_row()] if memory.nodes else []),
            self._fencing_row(),
            *(self._lrm_row(node) for node in sorted(memory.nodes)),
            *(self._service_row(sid) for sid in sids),
        ]

    def _quorum_row(self) -> Values:
        node = self.reached_node()
        quorate = self.is_quorate(node)
        status = "OK" if quorate else f"No quorum on node '{node}'!"
        return {"id": "quorum", "type": "quorum", "node": node, "quorate": int(quorate), "status": status}

    def _master_row(self) -> Values:
        memory, timestamp = self.ha_memory_of_manager(), self._master_time()
        word = liveliness(self.clock.now(), timestamp)
        if self._ha_seen() and word != "active" and not self.ha_resources:
            word = "idle"
        disarm = memory.disarm
        extra = f" - {disarm['state']}, resource mode: {disarm['mode']}" if disarm else ""
        status = f"{memory.master} ({word}, {said_at(timestamp)}){extra}"
        return {"id": "master", "type": "master", "node": memory.master, "timestamp": timestamp, "status": status}

    def _fencing_row(self) -> Values:
        memory = self.ha_memory_of_manager()
        node = memory.master if memory.nodes else self.reached_node()
        row = {"id": "fencing", "type": "fencing", "node": node}
        if memory.disarm:
            state, mode = memory.disarm["state"], memory.disarm["mode"]
            dog = "released" if state == "disarmed" else "active"
            status = f"{state}, resource mode: {mode} (CRM watchdog {dog})"
            return row | {"status": status, "armed-state": state, "resource_mode": mode}
        lively = liveliness(self.clock.now(), self._master_time()) == "active"
        state, dog = ("armed", "active") if lively else ("standby", "standby")
        return row | {"status": f"{state} (CRM watchdog {dog})", "armed-state": state}

    def _lrm_row(self, node: str) -> Values:
        memory, timestamp = self.ha_memory_of_manager(), self._lrm_time(node)
        lrm = memory.lrms.get(node, Lrm())
        lively = liveliness(self.clock.now(), timestamp) == "active"
        word = lrm_word(lrm, lively, memory.active_on(node))
        status = f"{node} ({word}, {watchdog(lrm, lively)}, {said_at(timestamp)})"
        return {"id": f"lrm:{node}", "type": "lrm", "node": node, "timestamp": timestamp, "status": status}

    def _service_row(self, sid: str) -> Values:
        memory = self.ha_memory_of_manager()
        wish, service = self.ha_resources.get(sid), memory.services.get(sid)
        node = service.node if service else getattr(self._ha_guest(sid), "node", "---")
        state = verbose_state(service, wish["state"]) if wish else "deleting"
        if memory.disarm and memory.disarm["mode"] == "ignore":
            state = "ignore"
        row = {"id": f"service:{sid}", "type": "service", "sid": sid, "node": node, "state": state}
        settings = LIMITS | {key: value for key, value in wish.items() if key != "state"} if wish else {}
        request = {"request_state": wish["state"]} if wish else {}
        crm = {"crm_state": service.state} if service else {}
        return {**row, "status": f"{sid} ({node}, {state})", **settings, **request, **crm}

    def ha_node_state(self, name: str) -> str | None:
        """How the manager finds a node; None of one it has never met."""
        return self.ha_memory_of_manager().nodes.get(name)

    # ------------------------------------------------------------------- whole

    async def _ha_manager_status(self, _call: Call) -> Values:
        memory = self.ha_memory_of_manager()
        quorum = {"node": self.reached_node(), "quorate": "1" if self._ha_seen() else ""}
        if not memory.nodes:
            return {"manager_status": {"node_status": {}}, "quorum": quorum}
        requests = {node: {"maintenance": 1} if node in memory.maintenance else {} for node in memory.asked_before}
        status: Values = {
            "master_node": memory.master,
            "timestamp": self._master_time(),
            "node_status": dict(memory.nodes),
            "service_status": {sid: service_status(service) for sid, service in memory.services.items()},
            **({"node_request": requests} if requests else {}),
            **({"disarm": memory.disarm} if memory.disarm else {}),
        }
        lrms = {node: self._lrm_status(node) for node in sorted(memory.nodes)}
        return {"manager_status": status, "lrm_status": lrms, "quorum": quorum}

    def _lrm_status(self, node: str) -> dict[str, Any]:
        lrm = self.ha_memory_of_manager().lrms.get(node, Lrm())
        return {"mode": lrm.mode, "state": lrm.state, "results": lrm.results, "timestamp": self._lrm_time(node)}

    # ------------------------------------------------------------------ arming

    async def _disarm_ha(self, call: Call) -> None:
        """Release the watchdogs; resources are left as they are until HA is armed again."""
        memory = self.ha_memory_of_manager()
        if memory.disarm is None:
            memory.disarm = {"mode": call["resource-mode"], "state": "disarming"}
            self._ask_manager()

    async def _arm_ha(self, _call: Call) -> None:
        self.ha_memory_of_manager().disarm = None
        self._ask_manager()

    def ask_maintenance(self, node: str, *, wanted: bool) -> None:
        """``ha-manager crm-command node-maintenance enable|disable NODE``: its guests go, or come back."""
        memory = self.ha_memory_of_manager()
        memory.asked_before = sorted({*memory.asked_before, node})
        others = [name for name in memory.maintenance if name != node]
        memory.maintenance = [*others, node] if wanted else others
        self._ask_manager()


def service_status(service: Service) -> Values:
    """A resource in the manager's own file."""
    optional = {
        "running": int(service.running) or None,
        "target": service.target,
        "failed_nodes": service.failed_nodes or None,
        "maintenance_node": service.maintenance_node,
    }
    shown = {"state": service.state, "node": service.node, "uid": service.uid}
    return shown | {key: value for key, value in optional.items() if value}
