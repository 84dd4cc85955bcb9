# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own network: a bridge in its network namespace, DHCP and DNS on it, and doors to it from loopback."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import http.server
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import layout
from lab.guests.machine import ip_batch
from lab.members import FATHER, Member

_BRIDGE_MAC = "02:99:00:00:00:01"
# Loopback is 127.0.0.0/8 on Linux: each lab gets addresses of its own there, away from 127.0.x.y.
_FIRST_OCTET, _OCTETS = 64, 128
_PROBES = 64
# Guests come and go without giving their addresses back; there are a hundred.
_LEASE_TIME = "5m"
_BUFFER = 65536
# Leases follow the MAC and not the client id: a bridge made over the card keeps the guest's address.
_DNSMASQ = (
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--log-facility=-",
    "--pid-file",
    "--user=root",
    f"--interface={layout.BRIDGE}",
    "--except-interface=lo",
    "--bind-interfaces",
    f"--dhcp-range={layout.DHCP_FIRST},{layout.DHCP_LAST},{_LEASE_TIME}",
    "--dhcp-authoritative",
    "--dhcp-ignore-clid",
    "--no-ping",
    "--quiet-dhcp",
    "--no-resolv",
    "--no-hosts",
    "--expand-hosts",
    f"--domain={layout.DOMAIN}",
    f"--local=/{layout.DOMAIN}/",
)


@dataclass(frozen=True)
class Forward:
    """A port of a node, reachable on a loopback address of the machine."""

    name: str
    address: str
    port: int
    target: str
    target_port: int


def bridge_lines() -> list[str]:
    """``ip -batch`` lines for the LAN. The bridge has a fixed MAC, or it would change with every guest plugged in."""
    return [
        "link set lo up",
        f"link add {layout.BRIDGE} address {_BRIDGE_MAC} type bridge stp_state 0 forward_delay 0",
        f"addr add {layout.GATEWAY}/{layout.PREFIX} dev {layout.BRIDGE}",
        f"link set {layout.BRIDGE} up",
    ]


async def build() -> None:
    """Make the bridge in this network namespace."""
    await ip_batch(bridge_lines())


def dnsmasq_command(state: Path, members: Sequence[Member] = (FATHER,)) -> list[str]:
    """DHCP for guests and DNS that knows the nodes too, with the leases below ``state``."""
    records = [f"--host-record={item.name},{item.name}.{layout.DOMAIN},{item.address}" for item in members]
    return ["dnsmasq", *_DNSMASQ, *records, f"--dhcp-leasefile={state / 'dnsmasq.leases'}"]


def serve_images(directory: Path) -> http.server.ThreadingHTTPServer:
    """Serve ``directory`` over HTTP on the gateway's address, from a thread."""
    handler = functools.partial(_QuietHandler, directory=str(directory))
    server = http.server.ThreadingHTTPServer((layout.GATEWAY, layout.IMAGE_SERVER_PORT), handler)
    threading.Thread(target=server.serve_forever, name="images", daemon=True).start()
    return server


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Files without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def loopback_address(state: Path, attempt: int, member: Member = FATHER) -> str:
    """A loopback address that follows from the lab's directory and the node; another one for every attempt."""
    place = state if member == FATHER else state / "nodes" / member.name
    digest = hashlib.sha256(f"{place}:{attempt}".encode()).digest()
    return f"127.{_FIRST_OCTET + digest[0] % _OCTETS}.{digest[1]}.{1 + digest[2] % 254}"


def listen(state: Path, ports: tuple[int, ...], member: Member = FATHER) -> tuple[str, list[socket.socket]]:
    """Listening sockets for ``ports`` on one loopback address that is free for all. Raises OSError when none is."""
    failure = OSError("no loopback address was tried")
    for attempt in range(_PROBES):
        address = loopback_address(state, attempt, member)
        try:
            return address, _listen_all(address, ports)
        except OSError as error:
            failure = error
    raise failure


def _listen_all(address: str, ports: tuple[int, ...]) -> list[socket.socket]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((address, port), backlog=128)) for port in ports]
        stack.pop_all()
    return sockets


async def forward(listener: socket.socket, host: str, port: int) -> asyncio.Server:
    """Carry every connection made to ``listener`` on to ``host:port``."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    return await asyncio.start_server(carry, sock=listener)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end; a connection that breaks ends the copy only."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_BUFFER):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
