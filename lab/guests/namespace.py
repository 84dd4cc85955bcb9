# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver that boots guests as Linux namespaces over an overlay on the base image."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import processes
from lab.guests import agent, volume
from lab.guests import archive as archives
from lab.guests.driver import (
    Attachment,
    FileAttachment,
    GuestError,
    GuestNotRunningError,
    GuestSpec,
    Usage,
    in_thread,
)
from lab.guests.host import HERE, Host
from lab.guests.machine import NODE_LIBRARY, Library, Machine, with_node_dns


class NamespaceDriver:
    """Runs guests as children of this process, in whose namespaces their cards are plugged.

    They end with this process, however it ends.
    """

    def __init__(self, library: Library = NODE_LIBRARY) -> None:
        """``library`` is what guests are made from; a node's own by default."""
        self._library = library
        self._machines: dict[int, Machine] = {}
        # More at once than there are processors only makes each of them slower.
        self._boots = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._commands: dict[tuple[int, int], asyncio.Task[dict[str, Any]]] = {}

    def _machine(self, vmid: int) -> Machine:
        try:
            return self._machines[vmid]
        except KeyError:
            raise GuestNotRunningError(vmid) from None

    def _forget(self, vmid: int) -> None:
        self._machines.pop(vmid, None)
        for key in [key for key in self._commands if key[0] == vmid]:
            self._commands.pop(key).cancel()

    async def boot(self, spec: GuestSpec) -> None:
        """Start the guest; returns when its init has started its services."""
        if spec.vmid in self._machines:
            raise GuestError(f"VM {spec.vmid} already running")
        if not spec.disk.is_dir():
            raise GuestError(f"volume '{spec.disk}' does not exist")
        host = self.host_of(spec.vmid)
        machine = Machine(with_node_dns(spec, host.resolv_conf), self._library, self._forget, host)
        self._machines[spec.vmid] = machine
        async with self._boots:
            await machine.boot()

    def host_of(self, vmid: int) -> Host:  # noqa: ARG002 - there are drivers that serve several nodes
        """The node on which a guest is to run."""
        return HERE

    async def migrate(self, vmid: int) -> None:
        """Take a running guest to the node it now belongs to."""
        await self._machine(vmid).migrate(self.host_of(vmid))

    async def kill(self, vmid: int) -> None:
        """Cut the power; a guest that does not run is left as it is."""
        if vmid in self._machines:
            await self._machines[vmid].kill()

    async def shutdown(self, vmid: int, timeout: float) -> bool:
        """Ask the init to power off; True when the guest was gone within ``timeout`` seconds."""
        machine = self._machine(vmid)
        machine.ask_to_end()
        return await machine.ended(timeout)

    async def reboot(self, vmid: int, timeout: float) -> bool:
        """Ask the init to reboot; True when the guest was up again within ``timeout`` seconds."""
        return await self._machine(vmid).reboot(timeout)

    async def suspend(self, vmid: int) -> None:
        """Stop every process of the guest."""
        self._machine(vmid).suspend()

    async def resume(self, vmid: int) -> None:
        """Continue every process of the guest."""
        self._machine(vmid).resume()

    async def running(self) -> frozenset[int]:
        """VMIDs of the guests that have a process."""
        return frozenset(self._machines)

    def pid(self, vmid: int) -> int:
        """Pid of the guest's init as this process sees it."""
        return self._machine(vmid).pid

    async def ended(self, vmid: int) -> None:
        """Wait until the guest is gone for good; a reboot is not its end."""
        await self._machine(vmid).ended(None)

    async def interfaces(self, vmid: int) -> list[dict[str, Any]]:
        """The guest's interfaces with their present addresses."""
        return await agent.interfaces(self.pid(vmid))

    async def adapt(self, spec: GuestSpec) -> None:
        """Give a running container the cards and mount points of another specification."""
        machine = self._machine(spec.vmid)
        await machine.adapt(with_node_dns(spec, machine.host.resolv_conf))

    async def attach(self, vmid: int, attachment: Attachment | FileAttachment) -> int:
        """Run a command in a container, or copy a file; returns the exit code once it has ended."""
        return await self._machine(vmid).attach(order_of(attachment), attachment.files)

    async def links(self, vmid: int) -> list[dict[str, Any]]:
        """The guest's interfaces as ``ip -json address`` lists them."""
        return await agent.links(self.pid(vmid))

    async def usage(self) -> dict[int, Usage]:
        """Pid and resident memory of every guest."""
        resident = processes.resident({machine.pid for machine in self._machines.values()})
        return {vmid: Usage(machine.pid, resident[machine.pid]) for vmid, machine in self._machines.items()}

    async def exec(self, vmid: int, argv: list[str], stdin: bytes | None = None) -> int:
        """Start a command in the guest; the result waits for :meth:`exec_status`."""
        await agent.need_program(self.pid(vmid), argv[0])
        process = await agent.start(agent.inside(self.pid(vmid), argv), stdin)
        self._commands[vmid, process.pid] = asyncio.create_task(agent.finish(process, stdin))
        return process.pid

    async def exec_status(self, vmid: int, pid: int) -> dict[str, Any]:
        """Whether a command has ended, and then how; as with the agent, an end is told once."""
        self._machine(vmid)
        task = self._commands.get((vmid, pid))
        if task is None:
            raise agent.no_such_command(pid)
        if not task.done():
            return {"exited": 0}
        del self._commands[vmid, pid]
        return task.result()

    async def read_file(self, vmid: int, path: str) -> bytes:
        """Contents of a file in the guest."""
        return await agent.read_file(self.pid(vmid), path)

    async def write_file(self, vmid: int, path: str, content: bytes) -> None:
        """Replace a file's contents in the guest."""
        await agent.write_file(self.pid(vmid), path, content)

    async def fill_root(
        self, volume_path: Path, archive: Path | None, password: str | None = None, ssh_keys: str | None = None
    ) -> None:
        """Put a template's files over the base image's; a file without content stands for the base image itself."""
        if archive is not None and archive.stat().st_size:
            await in_thread(archives.unpack, archive, volume_path / volume.ROOT)
        await in_thread(volume.write_root_account, volume_path, self._library.base, password, ssh_keys)

    async def forget_identity(self, volume_path: Path) -> None:
        """Let a container's copy have a machine id of its own; its host keys stay, as on PVE."""
        (volume_path / volume.ROOT / "etc/machine-id").unlink(missing_ok=True)

    async def pack(self, volume_path: Path, archive: Path, members: Mapping[str, bytes] | None = None) -> None:
        """Write what was put on a volume over the base image into an archive."""
        await in_thread(archives.pack, volume_path / volume.ROOT, archive, members)

    async def unpack(self, archive: Path, volume_path: Path, exclude: tuple[str, ...] = ()) -> None:
        """Put the files of an archive into a volume."""
        await in_thread(archives.unpack, archive, volume_path / volume.ROOT, exclude)

    def folder(self, volume_path: Path) -> Path:
        """The directory that a container shows of a volume."""
        return volume_path / volume.ROOT

    async def clone_volume(self, source: Path, target: Path) -> None:
        """Copy a volume with owners, modes, attributes and whiteouts."""
        await in_thread(volume.clone, source, target)

    async def create_volume(self, target: Path, image: Path | None = None) -> None:
        """Make a volume; every image of the lab's image server stands for the base image itself."""
        if image is not None and not image.is_file():
            raise GuestError(f"unable to open '{image}' - No such file or directory")
        await in_thread(volume.create, target)

    async def delete_volume(self, path: Path) -> None:
        """Remove a volume; one that does not exist is no error."""
        await in_thread(volume.delete, path)

    async def close(self) -> None:
        """End every guest."""
        await asyncio.gather(*(machine.kill() for machine in list(self._machines.values())))


def order_of(attachment: Attachment | FileAttachment) -> dict[str, object]:
    """What :mod:`lab.guests.attach` is told."""
    values = {key: value for key, value in vars(attachment).items() if key not in ("files", "write")}
    if isinstance(attachment, Attachment):
        return {"action": "command", **values, "environment": dict(attachment.environment)}
    return {"action": "write" if attachment.write else "read", **values}
