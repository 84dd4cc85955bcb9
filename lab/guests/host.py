# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node that a guest runs on, as the process sees it that starts the guest.

Mostly that process is one of the node's own. The nodes of a cluster are served by one process outside of them all: it
reaches into a node by way of the node's init.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.guests import syscalls

T = TypeVar("T")

BACKLOG = 1024
_ETH_P_RARP = 0x8035
_BROADCAST = b"\xff" * 6
# RFC 903: Ethernet, IPv4, six and four bytes of address, "request reverse"; who sends it asks for itself.
_RARP_HEAD = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 3)
_FRAME = 60
_ETH_P_ARP = 0x0806
# RFC 826: the same, "request".
_ARP_HEAD = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)


@dataclass(frozen=True)
class Host:
    """A node whose init is ``pid``; 0 is the one this process runs in."""

    pid: int = 0

    @property
    def root(self) -> Path:
        """Where the node's root is."""
        return Path(f"/proc/{self.pid}/root") if self.pid else Path("/")

    @property
    def cards(self) -> Path:
        """Where the kernel lists the node's network devices."""
        return self.root / "sys/class/net"

    @property
    def resolv_conf(self) -> str:
        """The node's resolver configuration; empty without one."""
        path = self.root / "etc/resolv.conf"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def in_network(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` in the node's network, among this process's files."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv] if self.pid else list(argv)


HERE = Host()


def within_network(pid: int, function: Callable[[], T]) -> T:
    """Call a function on a thread that is in a process's network namespace. Raises what it raises, and OSError."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                syscalls.enter(descriptor, syscalls.CLONE_NEWNET)
            finally:
                os.close(descriptor)
            results.append(function())
        except BaseException as error:
            failures.append(error)

    # A thread of its own, which ends: a thread of a pool would stay in there.
    thread = threading.Thread(target=run, name=f"network of {pid}")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def listen(pid: int, port: int) -> socket.socket:
    """A socket that listens on every address of a node; its connections live in the node's network."""

    def make() -> socket.socket:
        return socket.create_server(("", port), backlog=BACKLOG)

    return within_network(pid, make)


def open_unix(path: Path) -> socket.socket:
    """A listening Unix socket only its owner can connect to; what a dead process left at the path is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def announcement(mac: str) -> bytes:
    """The frame that tells bridges where a card is now; QEMU sends the same after a migration (net/announce.c)."""
    own = bytes.fromhex(mac.replace(":", ""))
    nowhere = b"\0" * 4
    frame = _BROADCAST + own + struct.pack("!H", _ETH_P_RARP) + _RARP_HEAD + own + nowhere + own + nowhere
    return frame.ljust(_FRAME, b"\0")


def gratuitous(mac: str, address: str) -> bytes:
    """The frame that tells who has an IPv4 address now (RFC 5227, 3: an ARP announcement)."""
    own, ours = bytes.fromhex(mac.replace(":", "")), socket.inet_aton(address)
    frame = _BROADCAST + own + struct.pack("!H", _ETH_P_ARP) + _ARP_HEAD + own + ours + b"\0" * 6 + ours
    return frame.ljust(_FRAME, b"\0")


def announce(pid: int, card: str, mac: str, address: str | None = None) -> None:
    """Send the announcements from a guest's card: where it is, and its IPv4 address. Raises OSError while it is down.

    Without the second who knew another guest at the address would go on talking to that one for some seconds.
    """
    frames = [announcement(mac), *([gratuitous(mac, address)] if address else [])]

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_RARP)) as raw:
            raw.bind((card, _ETH_P_RARP))
            for frame in frames:
                raw.send(frame)

    within_network(pid, send)
