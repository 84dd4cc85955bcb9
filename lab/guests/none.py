# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver of the API-only lab: guests that exist as states and addresses, with no process behind them."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from lab.guests import archive as archives
from lab.guests.agent import exec_result, no_such_command
from lab.guests.driver import (
    Attachment,
    FileAttachment,
    GuestError,
    GuestNotRunningError,
    GuestSpec,
    Nic,
    Usage,
    in_thread,
)
from lab.guests.userland import NOT_FOUND, Ended, ProgramError, Userland, reads_input

_LOOPBACK: dict[str, Any] = {
    "name": "lo",
    "hardware-address": "00:00:00:00:00:00",
    "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}],
}


def pretended_address(nic: Nic, vmid: int) -> str | None:
    """The CIDR a card has: its static one, or for DHCP one in 10.99.0.100-199 that follows from the VMID."""
    if nic.address == "dhcp":
        return f"10.99.0.{100 + vmid % 100}/24"
    return nic.address


def pretended_interface(nic: Nic, vmid: int) -> dict[str, Any]:
    """One entry of ``network-get-interfaces`` for a card of a guest that has no process."""
    entry: dict[str, Any] = {"name": nic.name, "hardware-address": nic.mac.lower()}
    address = pretended_address(nic, vmid)
    if address is not None:
        interface = ipaddress.ip_interface(address)
        entry["ip-addresses"] = [
            {
                "ip-address": str(interface.ip),
                "ip-address-type": f"ipv{interface.version}",
                "prefix": interface.network.prefixlen,
            }
        ]
    return entry


LOOPBACK_NIC = Nic("lo", "00:00:00:00:00:00", "", "127.0.0.1/8", address6="::1/128")


def pretended_link(nic: Nic, vmid: int) -> dict[str, Any]:
    """A card as ``ip -json address`` would list it."""
    given = (pretended_address(nic, vmid), nic.address6 if "/" in (nic.address6 or "") else None)
    found = [ipaddress.ip_interface(address) for address in given if address and "/" in address]
    addresses = [
        {"family": "inet6" if item.version == 6 else "inet", "local": str(item.ip), "prefixlen": item.network.prefixlen}  # noqa: PLR2004
        for item in found
    ]
    return {"ifname": nic.name, "address": nic.mac.lower(), "addr_info": addresses}


FIRST_PID = 1000
COPY_FAILED = 255


@dataclass
class _Pretended:
    """A running guest: what it was booted from, its files and programs, and the commands it runs."""

    spec: GuestSpec
    system: Userland
    pids: Iterator[int] = field(default_factory=lambda: count(FIRST_PID))
    commands: dict[int, tuple[float, Ended]] = field(default_factory=dict)
    """By pid: when it ends, and how."""


def run_attached(system: Userland, vmid: int, attachment: Attachment) -> int:
    """Run a program on its three files; one that would wait for input is given all there is."""
    source, output, errors = attachment.files
    if attachment.terminals:
        _write_all(errors, b"a container that only pretends has no terminal\n")
        return NOT_FOUND
    argv = list(attachment.argv) or ["sh", "-c", "", "sh"]
    try:
        ended = system.run(argv, _all_of(source) if reads_input(argv) else b"")
    except GuestError:
        os.write(errors, f'lxc-attach: {vmid}: {os.strerror(errno.ENOENT)} - Failed to exec "{argv[0]}"\n'.encode())
        return NOT_FOUND
    _write_all(output, ended.out)
    _write_all(errors, ended.err)
    time.sleep(ended.after)
    return ended.code


def copy_file(system: Userland, attachment: FileAttachment) -> int:
    """Copy a file into or out of a guest that pretends (PVE/CLI/pct.pm: push, pull)."""
    source, output, errors = attachment.files
    try:
        if attachment.write:
            system.put(attachment.path, _all_of(source), attachment.mode, attachment.user, attachment.group)
        else:
            _write_all(output, system.content(attachment.path))
    except ProgramError as error:
        _write_all(errors, f"{error}\n".encode())
        return COPY_FAILED
    return 0


def _all_of(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read()


def _write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as stream:
        stream.write(content)


class NoneDriver:
    """Answers at once and starts nothing. Commands in a guest are pretended: see :mod:`lab.guests.userland`."""

    def __init__(self) -> None:
        """Start with no guest running."""
        self._guests: dict[int, _Pretended] = {}

    def _guest(self, vmid: int) -> _Pretended:
        try:
            return self._guests[vmid]
        except KeyError:
            raise GuestNotRunningError(vmid) from None

    async def boot(self, spec: GuestSpec) -> None:
        """Call the guest running."""
        self._guests[spec.vmid] = _Pretended(spec, Userland(spec.hostname))

    async def kill(self, vmid: int) -> None:
        """Call the guest stopped."""
        self._guests.pop(vmid, None)

    async def shutdown(self, vmid: int, timeout: float) -> bool:  # noqa: ARG002
        """Call the guest stopped."""
        await self.kill(vmid)
        return True

    async def reboot(self, vmid: int, timeout: float) -> bool:  # noqa: ARG002
        """End every command."""
        self._guest(vmid).commands.clear()
        return True

    async def suspend(self, vmid: int) -> None:
        """Raise unless the guest runs."""
        self._guest(vmid)

    async def resume(self, vmid: int) -> None:
        """Raise unless the guest runs."""
        self._guest(vmid)

    async def running(self) -> frozenset[int]:
        """VMIDs called running."""
        return frozenset(self._guests)

    async def interfaces(self, vmid: int) -> list[dict[str, Any]]:
        """Loopback and the cards of the specification."""
        spec = self._guest(vmid).spec
        return [dict(_LOOPBACK), *(pretended_interface(nic, vmid) for nic in spec.nics)]

    async def exec(self, vmid: int, argv: list[str], stdin: bytes | None = None) -> int:
        """Run the command at once; its end is told when its time has come."""
        guest = self._guest(vmid)
        ended = guest.system.run(argv, stdin or b"")
        pid = next(guest.pids)
        guest.commands[pid] = (time.monotonic() + ended.after, ended)
        return pid

    async def exec_status(self, vmid: int, pid: int) -> dict[str, Any]:
        """Whether a command has ended, and then how; as with the agent, an end is told once."""
        commands = self._guest(vmid).commands
        if pid not in commands:
            raise no_such_command(pid)
        when, ended = commands[pid]
        if time.monotonic() < when:
            return {"exited": 0}
        del commands[pid]
        return exec_result(ended.code, ended.out, ended.err)

    async def read_file(self, vmid: int, path: str) -> bytes:
        """A file written before, or the agent's error."""
        return self._guest(vmid).system.read(path)

    async def write_file(self, vmid: int, path: str, content: bytes) -> None:
        """Remember the file until the guest stops."""
        self._guest(vmid).system.write(path, content)

    async def adapt(self, spec: GuestSpec) -> None:
        """Remember the guest's new cards."""
        self._guest(spec.vmid).spec = spec

    async def attach(self, vmid: int, attachment: Attachment | FileAttachment) -> int:
        """Run one of the pretended programs, or copy one of the pretended files."""
        system = self._guest(vmid).system
        if isinstance(attachment, FileAttachment):
            return await asyncio.to_thread(copy_file, system, attachment)
        return await asyncio.to_thread(run_attached, system, vmid, attachment)

    async def links(self, vmid: int) -> list[dict[str, Any]]:
        """Loopback and the cards of the specification."""
        return [pretended_link(nic, vmid) for nic in (LOOPBACK_NIC, *self._guest(vmid).spec.nics)]

    async def usage(self) -> dict[int, Usage]:
        """Nothing: what is pretended takes nothing."""
        return {}

    async def fill_root(
        self, volume: Path, archive: Path | None, password: str | None = None, ssh_keys: str | None = None
    ) -> None:
        """Leave the directory empty."""

    async def forget_identity(self, volume: Path) -> None:
        """Do nothing: there is no identity."""

    async def pack(self, volume: Path, archive: Path, members: Mapping[str, bytes] | None = None) -> None:
        """Write the directory into an archive."""
        await in_thread(archives.pack, volume, archive, members)

    async def unpack(self, archive: Path, volume: Path, exclude: tuple[str, ...] = ()) -> None:
        """Put the files of an archive into the directory."""
        await in_thread(archives.unpack, archive, volume, exclude)

    def folder(self, volume: Path) -> Path:
        """The volume's own directory."""
        return volume

    async def clone_volume(self, source: Path, target: Path) -> None:
        """Copy the directory."""
        shutil.copytree(source, target, symlinks=True)

    async def create_volume(self, target: Path, image: Path | None = None) -> None:  # noqa: ARG002
        """Make an empty directory."""
        target.mkdir(parents=True)

    async def delete_volume(self, path: Path) -> None:
        """Remove the directory."""
        shutil.rmtree(path, ignore_errors=True)

    async def close(self) -> None:
        """Call every guest stopped."""
        self._guests.clear()
