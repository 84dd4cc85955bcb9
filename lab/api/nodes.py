# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a cluster in one process: which was reached, which one a request is for, and how each of them is.

A real node passes a request on to the node it names; here one API answers for all of them. What a node has of its own
(volumes on storages that are not shared, files, running guests) is told apart by the node that was asked. Whether the
reached node can serve, and can reach the asked one, follows from the nodes' states and from who sees whom.

==============  ===================================================================================
on              as a node should be
off             no power: its guests have ended, nothing answers
cut-off         runs, and is reached from outside, but sees no other node and is seen by none
hung            its API daemon accepts connections and says nothing (SIGSTOP); the cluster sees it
refusing        its API daemon is stopped: connections are refused; the cluster sees it
no-pmxcfs       its cluster file system is stopped: no request gets past the access rights
no-corosync     its cluster engine is stopped: it is alone as one that is cut off, and is reached by the others
no-pvedaemon    its privileged API daemon is stopped: what needs root is refused, the rest is answered
pvedaemon-hung  the same daemon says nothing; what it was asked is done when it goes on
==============  ===================================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lab.api.fake import Fake, die
from lab.background import Background

Views = Mapping[str, Mapping[str, str] | None]

ON, OFF, CUT_OFF, HUNG, REFUSING, NO_PMXCFS = ("on", "off", "cut-off", "hung", "refusing", "no-pmxcfs")
NO_COROSYNC, NO_PVEDAEMON, PVEDAEMON_HUNG = ("no-corosync", "no-pvedaemon", "pvedaemon-hung")
# Those whose cluster engine sees no other one.
ALONE = frozenset({CUT_OFF, NO_COROSYNC})
# Those that the nodes of the cluster do not see.
UNSEEN = ALONE | {OFF, NO_PMXCFS}
# Lab seconds until what a node last told of itself counts no more (pve-cluster, status.c: rrd_entry_is_old).
OUTDATED = 300.0
# Real seconds that another thread waits for a booted node to be as it is told.
SETTLED_WITHIN = 60.0
STATES = (ON, OFF, CUT_OFF, HUNG, REFUSING, NO_PMXCFS, NO_COROSYNC, NO_PVEDAEMON, PVEDAEMON_HUNG)

_asked: ContextVar[str | None] = ContextVar("asked_node", default=None)
_reached: ContextVar[str | None] = ContextVar("reached_node", default=None)


def status_in(views: Views, guest: Any) -> str:  # noqa: ANN401 - a guest of fakepve
    """A guest's status as a node tells it that has these views.

    A node that was removed leaves its guests' configurations in the cluster (pve-cluster, PVE/API2/ClusterConfig.pm),
    where nobody tells of them.
    """
    view = views.get(guest.node)
    return "unknown" if view is None else str(view.get(str(guest.vmid), guest.status))


class UnknownNodeError(ValueError):
    """A node that is not in the cluster, or a state no node can have; the text says what there is."""


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, while it runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class NodesArea(Fake):
    """Mixin: the node a request or a task works on, and the states of the nodes."""

    # The node this API began as; the others of its cluster are in ``nodes``.
    node: str
    # Votes that `pvecm expected` set; None: one of each node.
    expected_votes: int | None = None
    # The event loop the API is served on, once it is.
    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, **options: object) -> None:
        """Begin with nothing to tell about a node's state."""
        super().__init__(**options)
        self._state_changes = Background()

    # ------------------------------------------------------- reached and asked

    def asked_node(self) -> str:
        """The node that the request, or the task it started, is about."""
        return _asked.get() or self.reached_node()

    def reached_node(self) -> str:
        """The node whose address the request was sent to."""
        return _reached.get() or self.node

    @contextmanager
    def on_node(self, node: str | None) -> Iterator[None]:
        """Within the block that node works; None stands for the one the API is reached at."""
        token = _asked.set(node)
        try:
            yield
        finally:
            _asked.reset(token)

    @staticmethod
    @contextmanager
    def through_door(node: str) -> Iterator[None]:
        """Within the block that node was reached."""
        token = _reached.set(node)
        try:
            yield
        finally:
            _reached.reset(token)

    # ------------------------------------------------------------------ states

    def node_state(self, name: str) -> str:
        """How a node is: one of ``STATES``."""
        return str(self.nodes.get(name, {}).get("state", ON))

    def node_state_since(self, name: str) -> float:
        """Since when a node is so, in lab seconds since the epoch."""
        return float(self.nodes.get(name, {}).get("since", 0.0))

    def all_well(self) -> bool:
        """Whether every node is on and has quorum, as is the case nearly always."""
        return bool(self.quorate) and all(item.get("state", ON) == ON for item in self.nodes.values())

    def set_node_state(self, name: str, state: str) -> None:
        """Make a node be so, from now on, from whichever thread. Raises UnknownNodeError.

        What the lab then does to a booted node is done when :meth:`node_states_settled` returns.
        """
        if name not in self.nodes:
            raise UnknownNodeError(f"there is no node {name!r}; known are {', '.join(self.nodes)}")
        if state not in STATES:
            raise UnknownNodeError(f"a node cannot be {state!r}; it can be {', '.join(STATES)}")
        if self.loop is not None and self.loop is not _running_loop():
            asyncio.run_coroutine_threadsafe(self._change_and_settle(name, state), self.loop).result(SETTLED_WITHIN)
        elif self.node_state(name) != state:
            self._become(name, state)

    async def _change_and_settle(self, name: str, state: str) -> None:
        self.set_node_state(name, state)
        await self.node_states_settled()

    def _become(self, name: str, state: str) -> None:
        before = self.node_state(name)
        self.nodes[name] |= {"state": state, "since": self.clock.now()}
        if state in UNSEEN:
            guests = [guest for guest in (*self.vms, *self.cts) if guest.node == name]
            self.nodes[name].setdefault("known", {str(guest.vmid): guest.status for guest in guests})
        else:
            self.nodes[name].pop("known", None)
        if before in ALONE or before == OFF:
            # A node that comes back brings its vote, and the count begins anew (votequorum(5)).
            self.expected_votes = None
        self.node_changed(name)
        if _running_loop() is not None:
            self._state_changes.start(self.node_state_changed(name, before, state))

    async def node_states_settled(self) -> None:
        """Return when what followed from the states set so far is done."""
        await asyncio.gather(*self._state_changes)

    def node_changed(self, node: str) -> None:
        """Called at once when a node's state changed; areas add what follows from it."""

    async def node_state_changed(self, name: str, before: str, after: str) -> None:
        """Called when a node's state changed; a booted lab does to the node what the state says."""

    # ------------------------------------------------------------------ quorum

    def is_cut_off(self, node: str) -> bool:
        """Whether a node runs and sees no other one."""
        return self.node_state(node) == CUT_OFF

    def is_powered(self, node: str) -> bool:
        """Whether a node runs at all."""
        return self.node_state(node) != OFF

    def _votes_with(self, node: str) -> list[str]:
        """The nodes whose cluster engine is in touch with that of ``node``, itself included."""
        if not self.is_powered(node):
            return []
        if self.node_state(node) in ALONE:
            return [node]
        return [name for name in self.nodes if self.is_powered(name) and self.node_state(name) not in ALONE]

    def partition(self, node: str) -> list[str]:
        """The nodes that one sees in its cluster, itself included; none if it is off."""
        return [name for name in self._votes_with(node) if name == node or self.node_state(name) != NO_PMXCFS]

    def sees(self, node: str) -> bool:
        """Whether the reached node sees another, or itself."""
        return self.all_well() or node in self.partition(self.reached_node())

    def heard_of(self, node: str) -> bool:
        """Whether what the reached node knows of another is recent enough to be told."""
        if self.sees(node):
            return True
        unseen = [name for name in (node, self.reached_node()) if self.node_state(name) in UNSEEN]
        return self.clock.now() - min(map(self.node_state_since, unseen)) <= OUTDATED

    def views(self) -> Views:
        """Of each node, what the reached one tells of its guests in place of their status, by VMID as text.

        Nothing while it sees the node; the last that it heard when it sees it no more; None once that is outdated.
        """
        if self.all_well():
            return {name: {} for name in self.nodes}
        return {name: self._view_of(name) for name in self.nodes}

    def _view_of(self, node: str) -> Mapping[str, str] | None:
        if self.sees(node):
            return {}
        return self.nodes[node].get("known", {}) if self.heard_of(node) else None

    def counts_quorate(self, node: str) -> bool:
        """Whether the nodes that one sees are a majority of the cluster's (a vote each, corosync.conf)."""
        return bool(self.quorate) and len(self._votes_with(node)) >= len(self.nodes) // 2 + 1

    def is_quorate(self, node: str) -> bool:
        """Whether they may decide: the same, unless somebody said how many votes to expect (`pvecm expected`)."""
        if self.expected_votes is None:
            return self.counts_quorate(node)
        return bool(self.quorate) and len(self._votes_with(node)) >= self.expected_votes // 2 + 1

    def expect_votes(self, votes: int | None) -> None:
        """What `pvecm expected` does; None, or the return of a node, takes it back."""
        self.expected_votes = votes
        self.node_changed(self.reached_node())

    def quorate_nodes(self) -> list[str]:
        """The nodes of the part of the cluster that has quorum; none where no part has it."""
        return [name for name in self.nodes if self.node_state(name) != NO_PMXCFS and self.is_quorate(name)]

    # --------------------------------------------------------------- belonging

    def is_shared(self, storage: str) -> bool:
        """Whether every node sees the same volumes on a storage; one that does not exist is not shared."""
        return bool(self.storages.get(storage, {}).get("shared"))

    def node_of(self, record: Mapping[str, Any]) -> str:
        """The node that has a volume of a storage that is not shared."""
        owner = self.guest(record["vmid"]) if record.get("vmid") is not None else None
        return str(record.get("node") or (owner.node if owner else self.asked_node()))

    def need_node(self, name: str) -> None:
        """Raise PVE's error for a node that is not in the cluster (../golden migrate)."""
        if name not in self.nodes:
            raise die(f"no such cluster node '{name}'")
