# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first process of the lab's namespaces; with it everything of the lab ends.

Started by :mod:`lab.control` as ``unshare ... python -m lab.init CONFIG``, where CONFIG is a JSON object
(:class:`Config`). Over the inherited socket it says ``started``, then ``ready`` or ``failed: ...``, and ends by itself
when the other side goes before it has said ``ok``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lab import father, lan, layout, processes
from lab.guests import node, syscalls, volume
from lab.guests.driver import GuestError
from lab.guests.machine import Library
from lab.guests.namespace import NamespaceDriver
from lab.members import Plan

STARTED, READY, FAILED, OK = b"started", b"ready", b"failed: ", b"ok"
_SHUTDOWN_BOUND = 15.0
_API_BOUND = 30.0
_LOG_TAIL = 15
_FIRST_POLL, _LONGEST_POLL = 0.005, 0.1


@dataclass(frozen=True)
class Config:
    """What the lab is started with; ``sockets`` and ``status`` are inherited descriptors.

    ``forwards``: the loopback address of each node.
    """

    state: str
    base: str
    lab: str
    python: str
    status: int
    sockets: list[tuple[int, str, int]]
    nodes: int = 1
    standalone: bool = False
    forwards: dict[str, str] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The nodes to boot."""
        return Plan(self.nodes, self.standalone)

    @property
    def library(self) -> Library:
        """Paths that guests are made from."""
        return Library(Path(self.base), Path(self.lab), Path(self.python))


def main() -> None:
    """Run the lab until a signal ends it."""
    config = Config(**json.loads(sys.argv[1]))
    syscalls.set_name("homelab-pve-lab")
    os.umask(0o022)
    # Network devices show in a sysfs that was mounted in their own network namespace.
    syscalls.mount("sysfs", "/sys", "sysfs")
    sys.exit(asyncio.run(_run(config)))


async def _run(config: Config) -> int:
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    status = socket.socket(fileno=config.status)
    status.setblocking(False)
    status.send(STARTED)
    async with contextlib.AsyncExitStack() as stack:
        try:
            nodes = await _bring_up(config, stack)
        except (GuestError, OSError) as error:
            status.send(FAILED + str(error).encode())
            return 1
        status.send(READY)
        if await asyncio.get_running_loop().sock_recv(status, 16) != OK:
            return 1
        status.close()
        await _first(end.wait(), nodes.ended())
        await nodes.stop()
    return 0


class Nodes(Protocol):
    """The nodes of the lab, while it is up."""

    async def ended(self) -> None:
        """Return when the lab is down without anybody having said so."""

    async def stop(self) -> None:
        """End everything in order."""


@dataclass
class OnlyNode:
    """The node of a lab that has one; its API runs in it."""

    driver: NamespaceDriver

    async def ended(self) -> None:
        """A node that was powered off from inside is a lab that is down."""
        await self.driver.ended(father.VMID)

    async def stop(self) -> None:
        """Let the node end its guests and save its state; what is slower than the bound is killed on the way out."""
        with contextlib.suppress(GuestError):
            await self.driver.shutdown(father.VMID, _SHUTDOWN_BOUND)


async def _first(*events: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of several events and let go of the others."""
    tasks = [asyncio.create_task(event) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _bring_up(config: Config, stack: contextlib.AsyncExitStack) -> Nodes:
    """Network, services, nodes; returns when the nodes answer."""
    state = Path(config.state)
    await lan.build()
    command = lan.dnsmasq_command(state, config.plan.members)
    dnsmasq = await asyncio.create_subprocess_exec(*command)
    stack.callback(_terminate, dnsmasq)
    nodes = await (_boot_only_node if config.nodes == 1 else _boot_nodes)(config, stack)
    for descriptor, host, port in config.sockets:
        await lan.forward(socket.socket(fileno=descriptor), host, port)
    stack.callback(lan.serve_images(father.image_folder(state).parent).shutdown)
    if dnsmasq.returncode is not None:
        raise OSError(f"dnsmasq ended with {dnsmasq.returncode}: {' '.join(command)}")
    return nodes


async def _boot_only_node(config: Config, stack: contextlib.AsyncExitStack) -> Nodes:
    state = Path(config.state)
    driver = NamespaceDriver(config.library)
    stack.push_async_callback(driver.close)
    await driver.boot(father.spec(state))
    await _api_answering(driver, state)
    _publish_ca(state)
    return OnlyNode(driver)


async def _boot_nodes(config: Config, stack: contextlib.AsyncExitStack) -> Nodes:
    from lab.booted import BootedLab  # noqa: PLC0415 - takes longer to import than one node takes to boot

    nodes = BootedLab(Path(config.state), config.plan, config.library, config.forwards)
    stack.push_async_callback(nodes.close)
    await nodes.start()
    return nodes


def _terminate(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


async def _api_answering(driver: NamespaceDriver, state: Path) -> None:
    """Wait until the node's API accepts connections. Raises OSError with its last words when it does not."""
    pause = _FIRST_POLL
    deadline = time.monotonic() + _API_BOUND
    while not await _accepts(layout.FATHER_ADDRESS, layout.API_PORT):
        if not _api_runs(driver.pid(father.VMID)) or time.monotonic() > deadline:
            log = father.disk(state) / volume.ROOT / node.API_LOG.lstrip("/")
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:] if log.exists() else []
            raise OSError("\n".join([f"the API of {layout.FATHER} does not answer; {log} ends with:", *last]))
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL)


def _api_runs(pid: int) -> bool:
    """Whether the node whose init is ``pid`` has its API's process.

    For a moment a process that was just spawned has no arguments: the kernel wakes its parent before it sets them.
    """
    expected: tuple[list[str], ...] = (list(node.API_COMMAND[:3]), [])
    return any(processes.command(child)[:3] in expected for child in processes.children(pid))


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _publish_ca(state: Path) -> None:
    """Put the node's CA certificate where clients of the lab look for it."""
    source = father.disk(state) / volume.ROOT / "etc/pve/pve-root-ca.pem"
    fresh = state / "ca.pem.new"
    fresh.write_bytes(source.read_bytes())
    fresh.replace(state / "ca.pem")


def command(config: Config) -> list[str]:
    """The command line that starts the lab in this process's namespaces."""
    return [sys.executable, "-m", "lab.init", json.dumps(_plain(config))]


def _plain(config: Config) -> dict[str, Any]:
    return dict(vars(config))


if __name__ == "__main__":
    main()
