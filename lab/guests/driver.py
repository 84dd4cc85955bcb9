# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's API asks of whatever runs its guests.

The API side knows configurations and tasks, a driver knows processes and volumes; this file is all they share.
Drivers: :mod:`lab.guests.none` (pretends), :mod:`lab.guests.namespace` (Linux namespaces).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class GuestError(Exception):
    """A guest could not do what was asked; the text is PVE's wording where PVE has one, fit for a task's log."""


class GuestNotRunningError(GuestError):
    """The guest has no process: ``VM 100 not running``, as PVE says it."""

    def __init__(self, vmid: int) -> None:
        """Name the guest by its VMID."""
        super().__init__(f"VM {vmid} not running")


async def in_thread(function: Callable[..., None], *arguments: object) -> None:
    """Run work on files beside the event loop. Raises GuestError for what the file system refused."""
    try:
        await asyncio.to_thread(function, *arguments)
    except OSError as error:
        raise GuestError(str(error)) from error


@dataclass(frozen=True)
class Nic:
    """One network card. An address is a CIDR, ``"dhcp"`` or None where the card is left alone.

    ``number`` is that of the configuration's ``net<n>``; without it the cards are counted. ``host_managed`` cards are
    brought up for the guest, whatever its init does.
    """

    name: str
    mac: str
    bridge: str
    address: str | None = None
    gateway: str | None = None
    address6: str | None = None
    gateway6: str | None = None
    number: int | None = None
    host_managed: bool = False


@dataclass(frozen=True)
class Mount:
    """A directory that a container shows at ``target``: a volume, or (``of_node``) a directory as the node sees it."""

    source: Path
    target: str
    read_only: bool = False
    of_node: bool = False


@dataclass(frozen=True)
class Attachment:
    """A command for a container, which gets these three files (input, output, errors) as its own.

    ``terminals`` are those of the three (0, 1, 2) that are to be a terminal of the container's: what is there in its
    place is a socket, over which the terminal's other end is sent back. An empty ``argv`` stands for root's shell.
    """

    files: tuple[int, int, int]
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    terminals: tuple[int, ...] = ()


@dataclass(frozen=True)
class FileAttachment:
    """A file of a container that is written from, or read into, one of the caller's files.

    ``mode`` is written as for strtoul(3) with base 0. Names of owners are the container's own.
    """

    files: tuple[int, int, int]
    path: str
    write: bool
    mode: str | None = None
    user: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Usage:
    """What a running guest takes of the machine: its init's pid, and its memory in bytes."""

    pid: int
    memory: int


@dataclass(frozen=True)
class GuestSpec:
    """Everything a boot needs: the volume and what cloud-init would be told.

    ``disk`` is the boot volume, a directory as the node sees it. ``password`` is a crypt(3) hash or plain text.
    ``entrypoint`` is the command line of a container's init, ``environment`` the variables that has; without one the
    guest has the lab's own init.
    """

    vmid: int
    name: str
    kind: str
    disk: Path
    hostname: str
    user: str = "root"
    password: str | None = field(default=None, repr=False)
    ssh_keys: tuple[str, ...] = ()
    nics: tuple[Nic, ...] = ()
    nameserver: str | None = None
    searchdomain: str | None = None
    boot_id: str = ""
    mounts: tuple[Mount, ...] = ()
    entrypoint: str | None = None
    environment: tuple[str, ...] = ()


class GuestDriver(Protocol):
    """Runs guests and keeps their volumes. Every method may be called for several guests at once."""

    async def boot(self, spec: GuestSpec) -> None:
        """Start the guest; returns once its init runs and static addresses are set. Raises :class:`GuestError`."""

    async def kill(self, vmid: int) -> None:
        """Cut the power. A guest that does not run is left as it is."""

    async def shutdown(self, vmid: int, timeout: float) -> bool:
        """Ask the guest to power off; True when it was gone within ``timeout`` seconds."""

    async def reboot(self, vmid: int, timeout: float) -> bool:
        """Ask the guest to reboot; True when it came up again within ``timeout`` seconds."""

    async def suspend(self, vmid: int) -> None:
        """Freeze every process of the guest."""

    async def resume(self, vmid: int) -> None:
        """Thaw a frozen guest; one that runs is left as it is."""

    async def running(self) -> frozenset[int]:
        """VMIDs of the guests that have a process, frozen ones included."""

    async def interfaces(self, vmid: int) -> list[dict[str, Any]]:
        """The ``result`` list of the agent's ``network-get-interfaces``: the guest's real addresses."""

    async def exec(self, vmid: int, argv: list[str], stdin: bytes | None = None) -> int:
        """Start a command in the guest as root; returns the pid to ask :meth:`exec_status` about."""

    async def exec_status(self, vmid: int, pid: int) -> dict[str, Any]:
        """``{"exited": 0}`` or ``{"exited": 1, "exitcode": n, "out-data": ..., "err-data": ...}``."""

    async def read_file(self, vmid: int, path: str) -> bytes:
        """Contents of a file in the guest."""

    async def write_file(self, vmid: int, path: str, content: bytes) -> None:
        """Replace a file in the guest, keeping its owner and mode when it existed."""

    async def adapt(self, spec: GuestSpec) -> None:
        """Give a running container the cards and mount points of another specification, without a restart."""

    async def attach(self, vmid: int, attachment: Attachment | FileAttachment) -> int:
        """Run a command in a container, or copy a file; returns the exit code once it has ended."""

    async def links(self, vmid: int) -> list[dict[str, Any]]:
        """The container's interfaces as ``ip -json address`` lists them."""

    async def usage(self) -> dict[int, Usage]:
        """What the running guests take; only of those with processes of their own."""

    async def fill_root(
        self, volume: Path, archive: Path | None, password: str | None = None, ssh_keys: str | None = None
    ) -> None:
        """Put a template's files into a new container's root, and root's password (a crypt(3) hash) and keys."""

    async def forget_identity(self, volume: Path) -> None:
        """Let the copy of a container's root have a machine id of its own."""

    async def pack(self, volume: Path, archive: Path, members: Mapping[str, bytes] | None = None) -> None:
        """Write what a volume holds into a tar, compressed as its name says; ``members`` are files put before it.

        Raises :class:`GuestError`.
        """

    async def unpack(self, archive: Path, volume: Path, exclude: tuple[str, ...] = ()) -> None:
        """Put the files of a tar (paths that begin with ``./``) into a volume, without those that are excluded."""

    def folder(self, volume: Path) -> Path:
        """The directory that a container shows of a volume."""

    async def clone_volume(self, source: Path, target: Path) -> None:
        """Copy a volume with owners, modes, attributes and overlay whiteouts."""

    async def create_volume(self, target: Path, image: Path | None = None) -> None:
        """Make an empty volume, or one that boots what ``image`` (a file of the lab's image server) stands for."""

    async def delete_volume(self, path: Path) -> None:
        """Remove a volume; one that does not exist is no error."""

    async def close(self) -> None:
        """End every guest and release what the driver holds."""
