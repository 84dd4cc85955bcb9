# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of this network namespace, and word of every change to them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable

# linux/rtnetlink.h: the multicast groups of IPv4 and IPv6 addresses.
RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV6_IFADDR = 0x100
MESSAGE_SIZE = 65536


def global_addresses(interfaces: list[dict[str, object]]) -> list[str]:
    """Addresses in the output of ``ip -json address`` that another host can use: loopback and link-local are not."""
    found: list[str] = []
    for interface in interfaces:
        entries = interface.get("addr_info", [])
        assert isinstance(entries, list)  # noqa: S101 - iproute2's format
        found += [entry["local"] for entry in entries if entry.get("scope") == "global"]
    return sorted(found)


async def local_addresses() -> list[str]:
    """The usable addresses of this namespace, sorted."""
    process = await asyncio.create_subprocess_exec("ip", "-json", "address", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return global_addresses(json.loads(output or b"[]"))


def watch(changed: Callable[[], None]) -> Callable[[], None]:
    """Call ``changed`` in the running event loop after every change of an address; returns what ends it."""
    loop = asyncio.get_running_loop()
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    link.bind((0, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))

    def read() -> None:
        link.recv(MESSAGE_SIZE)
        changed()

    def end() -> None:
        loop.remove_reader(link)
        link.close()

    loop.add_reader(link, read)
    return end
