# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's API asks of whatever runs its guests.

The API side knows configurations and tasks, a driver knows processes and volumes; this file is all they share.
Drivers: :mod:`lab.guests.none` (pretends), :mod:`lab.guests.namespace` (Linux namespaces).
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class Nic:
    """One network card. ``address`` is a CIDR, ``"dhcp"`` or None for a card that is left alone."""

    name: str
    mac: str
    bridge: str
    address: str | None = None
    gateway: str | None = None


@dataclass(frozen=True)
class GuestSpec:
    """Everything a boot needs: the volume and what cloud-init would be told.

    ``disk`` is the boot volume, a directory as the node sees it. ``password`` is a crypt(3) hash or plain text.
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

    async def clone_volume(self, source: Path, target: Path) -> None:
        """Copy a volume with owners, modes, attributes and overlay whiteouts."""

    async def create_volume(self, target: Path, image: Path | None = None) -> None:
        """Make an empty volume, or one that boots what ``image`` (a file of the lab's image server) stands for."""

    async def delete_volume(self, path: Path) -> None:
        """Remove a volume; one that does not exist is no error."""

    async def close(self) -> None:
        """End every guest and release what the driver holds."""
