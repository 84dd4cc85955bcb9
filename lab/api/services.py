# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/services``: the services PVE tells about, and their state (PVE/API2/Services.pm).

Starting and stopping changes what is told; no process of a booted node is touched.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.api.fake import Call, Handler, Route, Values, die
from lab.api.node import NODE
from lab.api.nodes import NodesArea
from lab.api.sections import SectionArea

SERVICE = NODE + "/services/{service}"
COMMANDS = ("start", "stop", "restart", "reload")
# Description and unit state, as on the recorded node; a service without a description is not installed.
SERVICES: Mapping[str, tuple[str, str]] = {
    "chrony": ("", "not-found"),
    "corosync": ("Corosync Cluster Engine", "enabled"),
    "cron": ("Regular background program processing daemon", "enabled"),
    "ksmtuned": ("", "not-found"),
    "lxcfs": ("", "not-found"),
    "postfix": ("", "not-found"),
    "proxmox-firewall": ("", "not-found"),
    "pve-cluster": ("The Proxmox VE cluster filesystem", "enabled"),
    "pve-firewall": ("Proxmox VE firewall", "disabled"),
    "pve-ha-crm": ("PVE Cluster HA Resource Manager Daemon", "enabled"),
    "pve-ha-lrm": ("PVE Local HA Resource Manager Daemon", "enabled"),
    "pve-lxc-syscalld": ("", "not-found"),
    "pvedaemon": ("PVE API Daemon", "enabled"),
    "pvefw-logger": ("", "not-found"),
    "pveproxy": ("PVE API Proxy Server", "enabled"),
    "pvescheduler": ("Proxmox VE scheduler", "enabled"),
    "pvestatd": ("PVE Status Daemon", "enabled"),
    "qmeventd": ("PVE Qemu Event Daemon", "enabled"),
    "spiceproxy": ("PVE SPICE Proxy Server", "disabled"),
    "sshd": ("OpenBSD Secure Shell server", "enabled"),
    "syslog": ("", "not-found"),
    "systemd-journald": ("Journal Service", "static"),
    "systemd-timesyncd": ("", "masked"),
}
MASKED = "masked"
RUNNING_STATES = ("enabled", "static")
# PVE does not stop what answers the request.
ESSENTIAL = ("pveproxy", "pvedaemon", "pve-cluster", "pvestatd")


class ServiceArea(SectionArea, NodesArea):
    """Mixin: the services of nodes."""

    def routes(self) -> list[Route]:
        """The list, the state of one, and its commands."""
        return [
            ("GET", NODE + "/services", self._list_services),
            ("GET", SERVICE, self._list_commands),
            ("GET", SERVICE + "/state", self._say_service),
            *(("POST", f"{SERVICE}/{command}", self._commander(command)) for command in COMMANDS),
        ]

    def _changed_services(self, node: str) -> dict[str, Values]:
        """Services that somebody started or stopped."""
        return self.stored(f"nodes/{node}/services")

    def _service_state(self, node: str, name: str) -> Values:
        description, unit = SERVICES[name]
        if name == "corosync" and len(self.nodes) == 1:
            description, unit = "", MASKED
        running = bool(self._changed_services(node).get(name, {"running": unit in RUNNING_STATES})["running"])
        return {
            "name": name,
            "service": name,
            "desc": description or f"{name}.service",
            "state": "running" if running else "dead",
            "active-state": "active" if running else "inactive",
            "unit-state": unit,
        }

    async def _list_services(self, call: Call) -> list[Values]:
        return [self._service_state(call["node"], name) for name in SERVICES]

    async def _list_commands(self, _call: Call) -> list[Values]:
        return [{"subdir": name} for name in ("state", *COMMANDS)]

    async def _say_service(self, call: Call) -> Values:
        return self._service_state(call["node"], call["service"])

    def _commander(self, command: str) -> Handler:
        """The handler of one command."""

        async def handle(call: Call) -> str:
            node, name = call["node"], call["service"]
            if name in ESSENTIAL and command == "stop":
                raise die(f"invalid service cmd '{name} stop': refusing to stop essential service!")

            async def body() -> None:
                self._changed_services(node)[name] = {"running": command != "stop"}

            upid: str = await self.task(node, f"srv{command}", name, call.user, body)
            return upid

        return handle
