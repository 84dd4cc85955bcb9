# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HA manager's mind: what it knows of nodes and resources, and how one pass changes that. Pure.

A pass of the cluster's manager (CRM) moves every resource from state to state; the node's own manager (LRM) then does
what a state asks for and reports with an exit code, which the next pass reads. States and order are those of
pve-ha-manager (PVE/HA/Manager.pm, PVE/HA/NodeStatus.pm, PVE/HA/LRM.pm), delays those of ../golden ha-3node.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lab.api.ha_memory import MOVES, MOVING, Lrm, Memory, Service, World

# Lab seconds. A manager looks at everything this often,
ROUND = 10.0
# gives a node up that has been away for so long (the watchdog's time), and
FENCE_DELAY = 60.0
# has its lock after so long (120 s of the lock, and the rounds around it): from then on its guests may run elsewhere.
FENCED_AFTER = 140.0
# A resource that was moved by request, against its rules, stays there for so long.
BOUNCE_BACK = 38.0
DEFAULT_LIMIT = 1

OK, FAILED = 0, 1
# The word for each state in which the manager keeps a guest running.
RUNS_WHEN = frozenset({"started", "enabled"})
FREEZABLE = frozenset({"started", "stopped", "request_stop", "request_start"})
# The states a node's manager acts in.
WORKED_ON = frozenset({"started", "request_stop", *MOVING})


class Pass:
    """One pass over a memory. ``run`` changes the memory until nothing follows any more."""

    def __init__(self, memory: Memory, world: World) -> None:
        """Take what the manager knows and what it finds."""
        self.memory, self.world = memory, world

    def run(self) -> None:
        """Nodes, then resources, then fencing; again while something changed."""
        self._elect()
        self._update_nodes()
        if self.memory.disarm is None:
            self._update_services()
        if self._disarmed():
            return
        while self._step_all() | self._fence():
            pass

    def _elect(self) -> None:
        """A manager stays while its node is there; an idle one has given up (PVE/HA/CRM.pm)."""
        idle = not self.memory.services
        if self.world.wishes and (idle or self.memory.master not in self.world.seen):
            self.memory.master = max(self.world.seen, default=self.memory.master)
        self.memory.timestamp = self.world.now

    # ----------------------------------------------------------------- nodes

    def _update_nodes(self) -> None:
        for node in [name for name in self.memory.nodes if name not in self.world.nodes]:
            self.memory.nodes.pop(node)
            self.memory.lrms.pop(node, None)
        for node in self.world.nodes:
            self._update_lrm(node)
            self.memory.nodes[node] = self._node_state(node, self.memory.nodes.get(node, "unknown"))

    def _node_state(self, node: str, state: str) -> str:
        """As PVE/HA/NodeStatus.pm: one that is fenced stays so until its lock is had."""
        if state == "fence":
            return state
        if node not in self.world.seen:
            return "unknown"
        self.memory.online[node] = self.world.now
        return "maintenance" if self.memory.lrms[node].mode == "maintenance" else "online"

    def _update_lrm(self, node: str) -> None:
        lrm = self.memory.lrms.setdefault(node, Lrm())
        if node not in self.world.seen:
            return
        if self.memory.nodes.get(node) == "unknown":
            # It was away: its manager begins anew.
            lrm.state = "wait_for_agent_lock"
        lrm.timestamp = self.world.now
        wanted = "maintenance" if node in self.memory.maintenance else "disarm" if self.memory.disarm else "active"
        lrm.mode = wanted
        busy = self.memory.active_on(node) or any(
            self.world.homes.get(sid) == node and self.memory.services.get(sid) for sid in self.world.wishes
        )
        lrm.state = self._lrm_state(lrm, busy)

    def _lrm_state(self, lrm: Lrm, busy: bool) -> str:
        if lrm.mode == "disarm":
            return "wait_for_agent_lock"
        if lrm.mode == "maintenance":
            return "maintenance" if busy or lrm.state in ("active", "maintenance") else "wait_for_agent_lock"
        return "active" if busy or lrm.state in ("active", "maintenance") else "wait_for_agent_lock"

    def _online(self) -> list[str]:
        return sorted(node for node, state in self.memory.nodes.items() if state == "online")

    def _given_up(self, node: str) -> bool:
        away = self.world.now - self.memory.online.setdefault(node, self.world.now)
        return self.memory.nodes.get(node) != "online" and away >= FENCE_DELAY

    # ------------------------------------------------------------- resources

    def _update_services(self) -> None:
        wished = {sid: wish for sid, wish in self.world.wishes.items() if wish["state"] != "ignored"}
        for sid in [sid for sid in self.memory.services if sid not in wished]:
            del self.memory.services[sid]
        for sid in sorted(set(wished) - set(self.memory.services)):
            state = "request_start" if wished[sid]["state"] in RUNS_WHEN else "request_stop"
            self.memory.services[sid] = Service(state, self.world.homes[sid], self.world.now)
            self._renew(self.memory.services[sid])
            if self.memory.lrms.get(self.world.homes[sid]):
                self._update_lrm(self.world.homes[sid])

    def _renew(self, service: Service) -> None:
        """A new id: what the node's manager reports is about this state of the resource."""
        self.memory.uids += 1
        text = f"{service.state}{self.memory.uids}".encode()
        service.uid = base64.b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode().rstrip("=")
        service.exit_code = None

    def _change(self, service: Service, state: str, *, node: str | None = None, target: str | None = None) -> None:
        service.state, service.node, service.target = state, node or service.node, target
        service.running, service.command, service.since = False, None, self.world.now
        self._renew(service)

    def _step_all(self) -> bool:
        before = [(sid, service.state) for sid, service in sorted(self.memory.services.items())]
        for sid, state in before:
            step = getattr(self, f"_in_{'motion' if state in MOVING else state}")
            step(sid, self.memory.services[sid], self.world.wishes.get(sid, {"state": "disabled"}))
        return any(self.memory.services[sid].state != state for sid, state in before)

    def _in_request_start(self, _sid: str, service: Service, _wish: Mapping[str, Any]) -> None:
        self._change(service, "started")

    def _in_request_stop(self, _sid: str, service: Service, _wish: Mapping[str, Any]) -> None:
        if service.exit_code is not None:
            self._change(service, "stopped" if service.exit_code == OK else "error")
        elif self._given_up(service.node):
            self._change(service, "fence")

    def _in_motion(self, _sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        if service.exit_code is not None:
            follows = "started" if wish["state"] in RUNS_WHEN else "request_stop"
            moved = service.exit_code == OK
            if not moved:
                service.held = max(service.held, self.world.now + ROUND)
            self._change(service, follows, node=service.target if moved else service.node)
        elif self._given_up(service.node):
            self._change(service, "fence")

    def _in_stopped(self, sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        service.node = self.world.homes.get(sid, service.node)
        if self._obey(service):
            return
        if wish["state"] == "disabled":
            return
        if self._given_up(service.node) and self.memory.nodes.get(service.node) != "maintenance":
            self._change(service, "fence")
        elif wish["state"] in RUNS_WHEN:
            self._change(service, "request_start")

    def _obey(self, service: Service) -> bool:
        """Begin the motion that was asked for; one to where it is, or to a node that is away, is dropped."""
        if service.command is None:
            return False
        action, target = service.command
        service.command = None
        if target == service.node or self.memory.nodes.get(target) != "online":
            return False
        service.held = self.world.now + BOUNCE_BACK
        self._change(service, action, target=target)
        return True

    def _in_started(self, sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        state = self.memory.nodes.get(service.node, "unknown")
        if state != "online":
            if self._given_up(service.node) and state != "maintenance":
                self._change(service, "fence")
            if state != "maintenance":
                return
            service.maintenance_node = service.node
        if wish["state"] not in RUNS_WHEN:
            self._change(service, "request_stop")
        elif not self._obey(service):
            self._keep_placed(sid, service, wish)

    def _keep_placed(self, sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        """Take note of how its start went, and move it where its rules want it."""
        again = self._judge_start(service, wish)
        if again is None:
            return
        node = self._choose(sid, service, wish, "try-next" if again else "none")
        if node and node != service.node and (again or self._may_move(service)):
            if service.maintenance_node and node == service.maintenance_node:
                service.maintenance_node = None
            self._change(service, MOVES[sid.partition(":")[0]], target=node)
        elif service.exit_code is not None:
            self._renew(service)

    def _may_move(self, service: Service) -> bool:
        return self.world.now >= service.held or self.memory.nodes.get(service.node) != "online"

    def _judge_start(self, service: Service, wish: Mapping[str, Any]) -> bool | None:
        """Whether the start failed so that another node is to try; None once nothing more is to be tried."""
        if service.exit_code == OK:
            service.failed_nodes, service.running = [], True
        if service.exit_code != FAILED:
            return False
        service.running = False
        service.failed_nodes.append(service.node)
        if len(service.failed_nodes) <= wish.get("max_relocate", DEFAULT_LIMIT):
            return True
        self._change(service, "error")
        return None

    def _in_fence(self, _sid: str, service: Service, _wish: Mapping[str, Any]) -> None:
        """Nothing happens until its node is fenced."""

    def _in_recovery(self, sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        node = self._choose(sid, service, wish, "best-score")
        if node:
            self._change(service, "started" if wish["state"] in RUNS_WHEN else "request_stop", node=node)
            # The new node's manager takes it over in its own next round.
            service.idle_until = self.world.now + ROUND
        elif wish["state"] == "disabled":
            service.failed_nodes = []
            self._change(service, "stopped")

    def _in_freeze(self, _sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        lrm = self.memory.lrms.get(service.node)
        if lrm is not None and lrm.mode == "active" and service.node in self.world.seen:
            self._change(service, "started" if wish["state"] in RUNS_WHEN else "request_stop")

    def _in_error(self, _sid: str, service: Service, wish: Mapping[str, Any]) -> None:
        if wish["state"] == "disabled":
            service.failed_nodes = []
            self._change(service, "stopped")

    # ------------------------------------------------------------- placement

    def _choose(self, sid: str, service: Service, wish: Mapping[str, Any], preference: str) -> str | None:
        """The node for a resource (PVE/HA/Manager.pm: select_service_node), None when there is none."""
        online = self._online()
        allowed, best = self.world.affinity.preferred(sid, online)
        if not best:
            return None
        with_it, without = self._neighbours(sid, online)
        stays = service.node in allowed and (service.node in with_it or service.node not in without)
        if preference == "none" and not wish.get("failback", 1) and stays:
            return service.node
        candidates = set(best) - (set(service.failed_nodes) if preference == "try-next" else set()) - without
        candidates = _majority(with_it, candidates)
        if service.maintenance_node in candidates:
            return service.maintenance_node
        if preference == "none" and service.node in candidates:
            return service.node
        load = self._load(online)
        ranked = sorted(candidates, key=lambda node: (load[node], node))
        return _after(ranked, service.node) if preference == "try-next" else next(iter(ranked), None)

    def _neighbours(self, sid: str, online: Collection[str]) -> tuple[Counter[str], set[str]]:
        """How many of the resources it belongs to are where, and the nodes of those it keeps away from."""
        services = self.memory.services
        mates = (services[other] for other in self.world.affinity.together.get(sid, ()) if other in services)
        where = (mate.target or mate.node for mate in mates if mate.places)
        foes = (services[other] for other in self.world.affinity.apart.get(sid, ()) if other in services)
        without = {node for foe in foes for node in foe.places if node in online}
        return Counter(node for node in where if node in online), without

    def _load(self, online: Collection[str]) -> Counter[str]:
        """Resources a node has, or is about to get."""
        used = (node for service in self.memory.services.values() for node in service.places)
        return Counter(dict.fromkeys(online, 0)) + Counter(node for node in used if node in online)

    # --------------------------------------------------------------- fencing

    def _fence(self) -> bool:
        """Fence the nodes whose resources wait for it; True when one could be."""
        waiting = {service.node for service in self.memory.services.values() if service.state == "fence"}
        stuck = {node for node, state in self.memory.nodes.items() if state == "fence"}
        fenced = [node for node in sorted(waiting | stuck) if self._fence_node(node)]
        return bool(fenced)

    def _fence_node(self, node: str) -> bool:
        self.memory.nodes[node] = "fence"
        if self.world.now - self.memory.online[node] < FENCED_AFTER:
            return False
        self.memory.nodes[node] = "unknown"
        for service in self.memory.services.values():
            if service.state == "fence" and service.node == node:
                self._change(service, "recovery")
        return True

    # ---------------------------------------------------------------- disarm

    def _disarmed(self) -> bool:
        """Whether HA is disarmed, so that nothing follows; what is on its way is let come to its end first."""
        disarm = self.memory.disarm
        if disarm is None:
            return False
        if any(service.state in {"fence", "recovery", *MOVING} for service in self.memory.services.values()):
            return False
        disarm["state"] = "disarmed"
        for service in self.memory.services.values() if disarm["mode"] == "freeze" else ():
            if service.state in FREEZABLE:
                self._change(service, "freeze")
        return True


def _majority(with_it: Counter[str], candidates: set[str]) -> set[str]:
    """Of the candidates, the one where most of a bundle is; all when it is nowhere among them."""
    counted = [(-count, node) for node, count in with_it.items() if node in candidates]
    return {min(counted)[1]} if counted else candidates


def _after(ranked: list[str], node: str) -> str | None:
    """The candidate that follows a node, else the first."""
    place = ranked.index(node) + 1 if node in ranked else 0
    return ranked[place] if place < len(ranked) else next(iter(ranked), None)


def work(memory: Memory, world: World) -> Iterator[str]:
    """The resources whose node's manager has something to do, or to tell."""
    for sid, service in sorted(memory.services.items()):
        there = service.node in world.seen and service.state in WORKED_ON and service.exit_code is None
        settled = service.state == "started" and service.running and sid in world.running
        if there and not settled and world.now >= service.idle_until:
            yield sid
