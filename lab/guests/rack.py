# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The booted nodes of a lab that are served from outside of them: their power, their network, their files."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lab.background import Background
from lab.guests import agent, host, node, volume
from lab.guests.driver import GuestError, GuestSpec
from lab.guests.host import Host
from lab.guests.machine import Library, Machine, ip_batch, numbered

# Where a node's commands look for its API (lab/commands/client.py).
API_SOCKET = "run/homelab-pve-lab/api.sock"
_ENVIRONMENT = {"PYTHONPATH": node.PYTHON_PATH}

Fell = Callable[[str, bool], Awaitable[None]]
"""Called with a node that ended by itself, and whether it wants to come up again."""


class NodeMachine(Machine):
    """A node: when it reboots, whoever serves it has to know."""

    restarts = False


class Rack:
    """The nodes, by name. Each of them is on or off, and its card is plugged in or not."""

    def __init__(self, specs: Mapping[str, GuestSpec], library: Library, shared: Path) -> None:
        """``specs``: how each is booted; ``shared``: the folder of what all of them see."""
        self._specs, self._library = dict(specs), library
        self._machines: dict[str, NodeMachine] = {}
        self._watches = Background()
        self.shared = shared
        self.fell: Fell | None = None

    # ------------------------------------------------------------------ power

    async def boot(self, name: str) -> None:
        """Switch a node on. Raises GuestError when it does not come up."""
        machine = NodeMachine(self._specs[name], self._library, lambda _vmid: None)
        await machine.boot()
        self._machines[name] = machine
        self._watches.start(self._watch(name, machine), name=f"node {name}")

    async def _watch(self, name: str, machine: NodeMachine) -> None:
        """Wait for a node's end; one that nobody asked for is told."""
        await machine.ended(None)
        if self._machines.get(name) is machine:
            del self._machines[name]
            if self.fell is not None:
                await self.fell(name, machine.rebooting)

    async def cut_power(self, name: str) -> None:
        """Switch a node off, as if the cable was pulled."""
        machine = self._machines.pop(name, None)
        if machine is not None:
            await machine.kill()

    async def shut_down(self, bound: float) -> None:
        """Ask every node to power off, and cut the power of those that take longer than ``bound`` seconds."""
        machines = list(self._machines.values())
        self._machines.clear()
        for machine in machines:
            machine.ask_to_end()
        ended = await asyncio.gather(*(machine.ended(bound) for machine in machines))
        await asyncio.gather(*(machine.kill() for machine, gone in zip(machines, ended, strict=True) if not gone))

    def is_on(self, name: str) -> bool:
        """Whether a node runs."""
        return name in self._machines

    # ---------------------------------------------------------------- network

    def host(self, name: str) -> Host:
        """A node as guests are started on it. Raises GuestError when it is off."""
        if name not in self._machines:
            raise GuestError(f"node '{name}' is off")
        return Host(self._machines[name].pid)

    async def unplug(self, name: str) -> None:
        """Take a node's card out of the lab's network."""
        await ip_batch([f"link set {card} nomaster" for card, _ in numbered(self._specs[name])])

    async def plug(self, name: str) -> None:
        """Put it back."""
        await ip_batch([f"link set {card} master {nic.bridge}" for card, nic in numbered(self._specs[name])])

    def listen(self, name: str, port: int) -> socket.socket:
        """A socket that listens on every address of a node. Raises GuestError when it is off."""
        return host.listen(self.host(name).pid, port)

    def listen_local(self, name: str, path: str = API_SOCKET) -> socket.socket:
        """A Unix socket in a node's files that only its root can connect to. Raises GuestError when it is off."""
        return host.open_unix(self.host(name).root / path)

    # ------------------------------------------------------------------ files

    def root(self, name: str) -> Path:
        """A node's files: of one that is off, those that are not its base image's."""
        if name in self._machines:
            return self.host(name).root
        return self._specs[name].disk / volume.ROOT

    def volumes(self, name: str) -> Path:
        """Where the volumes of a node's own storages are."""
        return self._specs[name].disk / volume.DATA / Path(node.VOLUMES).relative_to(node.STATE)

    def data(self, name: str) -> Path:
        """The node's state."""
        return self._specs[name].disk / volume.DATA

    async def run(self, name: str, *argv: str) -> tuple[int, str]:
        """Run a command on a node; its exit code and what it complained about. Raises GuestError when it is off."""
        settings = [f"{key}={value}" for key, value in _ENVIRONMENT.items()]
        code, _, errors = await agent.run(agent.inside(self.host(name).pid, ["env", *settings, *argv]))
        return code, errors.decode(errors="replace")

    async def close(self) -> None:
        """Cut every node's power."""
        await asyncio.gather(*(self.cut_power(name) for name in list(self._machines)))
        for watch in list(self._watches):
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
