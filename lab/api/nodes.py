# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a cluster in one process: which one a request is for, and what belongs to which.

A real node passes a request on to the node it names; here one API answers for all of them. What a node has of its own
(volumes on storages that are not shared, files, running guests) is told apart by the node that was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lab.api.fake import Fake, die

_asked: ContextVar[str | None] = ContextVar("asked_node", default=None)


class NodesArea(Fake):
    """Mixin: the node a request or a task works on."""

    # The node this API is reached at; the others of its cluster are in ``nodes``.
    node: str

    def asked_node(self) -> str:
        """The node that the request, or the task it started, is about."""
        return _asked.get() or self.node

    @contextmanager
    def on_node(self, node: str | None) -> Iterator[None]:
        """Within the block that node works; None stands for the one the API is reached at."""
        token = _asked.set(node)
        try:
            yield
        finally:
            _asked.reset(token)

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
