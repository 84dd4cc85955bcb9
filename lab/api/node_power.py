# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting, shutting down and waking nodes (pve-manager, PVE/API2/Nodes.pm: node_cmd, wakeonlan).

A node answers first and goes down two seconds later, and takes a while to come back.
"""

from __future__ import annotations

from lab.api.fake import Call, Route, die
from lab.api.node import NODE, NodeArea
from lab.api.nodes import OFF, ON
from lab.api.sections import SectionArea, parts_of, property_object
from lab.background import Background

CONFIG = f"{NODE}/config"
# Lab seconds until a node that was told to goes down, and until one that comes up answers.
DELAY, BOOT = 2.0, 3.0


class NodePowerArea(SectionArea, NodeArea):
    """Mixin: power of nodes."""

    def __init__(self, **options: object) -> None:
        """Begin with no node on its way."""
        super().__init__(**options)
        self._power_work = Background()

    def routes(self) -> list[Route]:
        """What goes down and comes up."""
        return [
            ("POST", f"{NODE}/status", self._command_node),
            ("POST", f"{NODE}/wakeonlan", self._wake_node),
        ]

    async def _command_node(self, call: Call) -> None:
        self._power_work.start(self._go_down(call["node"], back=call["command"] == "reboot"))

    async def _go_down(self, node: str, *, back: bool) -> None:
        await self.clock.sleep(DELAY)
        self.set_node_state(node, OFF)
        if back:
            await self._come_up(node)

    async def _come_up(self, node: str) -> None:
        await self.clock.sleep(BOOT)
        self.boots[node] = self.clock.now()
        self.set_node_state(node, ON)

    async def _wake_node(self, call: Call) -> str:
        """Have a node woken by the one that was reached."""
        node = call["node"]
        if node == self.reached_node():
            raise die(f"'{node}' is local node, cannot wake my self!")
        self.need_node(node)
        options = self.stored(f"nodes/{node}/config").get("", {})
        mac = property_object(str(options.get("wakeonlan", "")), parts_of(CONFIG, "PUT", "wakeonlan")).get("mac")
        if not mac:
            raise die(f"No wake on LAN MAC address defined for '{node}'!")
        if not self.is_powered(node):
            self._power_work.start(self._come_up(node))
        return str(mac)
