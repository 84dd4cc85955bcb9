# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways into a running lab's network: for this process, for a command, for an SSH session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import father, layout, record
from lab.errors import LabError
from lab.guests import syscalls
from lab.members import FATHER, Member, Plan, kept
from lab.record import LabStatus


def running() -> LabStatus:
    """The running lab. Raises LabError when there is none."""
    present = record.read(layout.state_dir())
    if present is None:
        raise LabError("The lab is not up. Start it with: ./run.sh lab up")
    return present


def _with_network() -> LabStatus:
    """The running lab, which has a network to enter. Raises LabError otherwise."""
    present = running()
    if present.api_only:
        raise LabError(
            f"The lab here is only an API, on https://{present.nodes[layout.FATHER].api_forward}: it has no network "
            "and no machines to log in to. Run as root, or make user namespaces available (./run.sh lab up says how)."
        )
    return present


_ORIGIN: list[int] = []
"""Descriptor of the network this process came from, once it has entered a lab's."""


def leave_network() -> None:
    """Move this thread back to where it was before :func:`enter_network`.

    Raises LabError without root: the kernel lets nobody else out of a user namespace.
    """
    if not _ORIGIN:
        return
    if _with_network().rootless:
        raise LabError(
            "a lab without root can't be left. Run the phases before it with --only, then ./run.sh lab reset, then the "
            "phases after it with --from"
        )
    syscalls.enter(_ORIGIN[0], syscalls.CLONE_NEWNET)


def enter_network() -> None:
    """Move this thread, and what it starts, into the lab's network.

    Without root the kernel allows it only while there is no other thread. Raises LabError when the lab is not up,
    OSError when the kernel refuses.
    """
    present = _with_network()
    if _is_inside(present):
        return
    if not _ORIGIN:
        _ORIGIN.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
    kinds = [("net", syscalls.CLONE_NEWNET)]
    if present.rootless:
        kinds.insert(0, ("user", syscalls.CLONE_NEWUSER))
    for name, kind in kinds:
        descriptor = os.open(f"/proc/{present.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.enter(descriptor, kind)
        finally:
            os.close(descriptor)


def _is_inside(present: LabStatus) -> bool:
    """Whether this thread is in the lab's network already."""
    return Path("/proc/thread-self/ns/net").samefile(f"/proc/{present.pid}/ns/net")


def inside(argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in the lab's network; itself for a process that is there."""
    present = _with_network()
    if _is_inside(present):
        return list(argv)
    options = ["--user", "--preserve-credentials"] if present.rootless else []
    return ["nsenter", f"--target={present.pid}", *options, "--net", "--", *argv]


def shell(argv: Sequence[str]) -> int:
    """Run a command in the lab's network with this process's terminal; returns its exit code."""
    return subprocess.run(inside(argv), check=False).returncode


def ssh(guest: str, argv: Sequence[str] = ()) -> int:
    """Log in to a node or guest by name, address or ``user@name``; returns ssh's exit code."""
    return subprocess.run(ssh_command(guest, argv), check=False).returncode


def ssh_command(guest: str, argv: Sequence[str] = ()) -> list[str]:
    """The command :func:`ssh` runs. Raises LabError for a guest the lab does not know."""
    state = layout.state_dir()
    user, _, name = guest.rpartition("@")
    address, alias = locate(name, _leases(state), (kept(state) or Plan()).members)
    options = {
        "IdentityFile": str(father.ssh_key(state)),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(father.known_hosts(state)),
        "HostKeyAlias": alias,
        # Guests are met for the first time; the node's key is pinned, and a changed key is refused for all.
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "yes" if alias == address else "accept-new",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return inside(["ssh", *flags, f"{user or 'root'}@{address}", *argv])


def _leases(state: Path) -> str:
    path = state / "dnsmasq.leases"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def locate(name: str, leases: str, nodes: Sequence[Member] = (FATHER,)) -> tuple[str, str]:
    """Address of a node or guest and the name its host key is kept under. Raises LabError listing the known names.

    ``leases`` is dnsmasq's file: expiry, MAC, address, host name, client id. The newest lease of a name wins. Keys are
    kept by MAC, as addresses are given out again.
    """
    rows = [row for line in leases.splitlines() if (row := line.split()) and row[0].isdigit() and ":" in row[1]]
    known = {key: (node.address, node.address) for node in nodes for key in (node.name, node.address)}
    for _, mac, address, host, *_ in sorted(rows, key=lambda row: int(row[0])):
        known[host] = known[address] = (address, mac)
    try:
        return known[name]
    except KeyError:
        names = ", ".join(sorted(key for key in known if not key[0].isdigit() and key != "*"))
        raise LabError(f"The lab has no guest {name!r} with an address. Known: {names}") from None
