# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HA manager keeps of nodes and resources, and what it finds when it looks. Pure data.

States are those of pve-ha-manager (PVE/HA/Manager.pm, PVE/HA/NodeStatus.pm, PVE/HA/LRM.pm).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.api.ha_placement import Affinity

MOVES = {"vm": "migrate", "ct": "relocate"}
MOVING = frozenset(MOVES.values())
ON_A_NODE = frozenset({"started", "request_stop", "fence", "freeze", "error", "recovery", *MOVING})
# States in which a resource keeps no node's manager busy (PVE/HA/Tools.pm: count_active_services).
IDLE_STATES = frozenset({"stopped", "freeze", "error", "request_start"})


@dataclass
class Service:
    """A resource as the manager sees it.

    ``since`` is the lab time of its last change; before ``held`` rules do not move it, before ``idle_until`` its node
    does nothing about it.
    """

    state: str
    node: str
    since: float
    uid: str = ""
    running: bool = False
    target: str | None = None
    command: list[str] | None = None
    failed_nodes: list[str] = field(default_factory=list)
    maintenance_node: str | None = None
    exit_code: int | None = None
    held: float = 0.0
    idle_until: float = 0.0

    @property
    def places(self) -> set[str]:
        """The nodes it counts on: where it is, and where it is going."""
        return {self.node, *([self.target] if self.target else [])} if self.state in ON_A_NODE else set()


@dataclass
class Lrm:
    """The manager of one node: what it was told to be, what it is, and what it did last."""

    mode: str = "active"
    state: str = "wait_for_agent_lock"
    timestamp: float = 0.0
    results: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Memory:
    """Everything the manager keeps: ``nodes`` their states, ``online`` when each was last seen."""

    master: str
    timestamp: float
    nodes: dict[str, str] = field(default_factory=dict)
    online: dict[str, float] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    lrms: dict[str, Lrm] = field(default_factory=dict)
    maintenance: list[str] = field(default_factory=list)
    asked_before: list[str] = field(default_factory=list)
    disarm: dict[str, str] | None = None
    uids: int = 0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def substance(self) -> dict[str, Any]:
        """The same without the times at which all was as before: what is worth saving."""
        document = self.document()
        lrms = {node: {**lrm, "timestamp": 0} for node, lrm in document["lrms"].items()}
        return {**document, "timestamp": 0, "online": {}, "lrms": lrms}

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Memory:
        """What :meth:`document` gave."""
        services = {sid: Service(**values) for sid, values in document["services"].items()}
        lrms = {node: Lrm(**values) for node, values in document["lrms"].items()}
        return cls(**{**document, "services": services, "lrms": lrms})

    def active_on(self, node: str) -> bool:
        """Whether a node has something to look after."""
        return any(
            service.state not in IDLE_STATES and node in (service.node, service.target)
            for service in self.services.values()
        )


@dataclass(frozen=True)
class World:
    """What a pass finds: lab time, the cluster's nodes and those seen, the wishes, where guests are and which run."""

    now: float
    nodes: Collection[str]
    seen: Collection[str]
    wishes: Mapping[str, Mapping[str, Any]]
    homes: Mapping[str, str]
    running: Collection[str]
    affinity: Affinity
