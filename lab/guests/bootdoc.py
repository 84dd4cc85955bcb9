# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot document: what a driver hands to a guest's init over its standard input. Plain JSON types only."""

from __future__ import annotations

from typing import TypedDict


class NicDocument(TypedDict):
    """One card; an address is a CIDR, "dhcp" or None (``address6`` also "auto")."""

    name: str
    address: str | None
    gateway: str | None
    address6: str | None
    gateway6: str | None
    host_managed: bool


class LibraryDocument(TypedDict):
    """Paths, as the guest's parent sees them, of what a node gets bound under its library directory."""

    base: str
    lab: str
    python: str


class BootDocument(TypedDict):
    """Everything the init needs before it leaves its parent's root."""

    vmid: int
    kind: str
    entrypoint: str | None
    environment: list[str]
    volume: str
    boot_id: str
    instance: str
    hostname: str
    user: str
    password: str | None
    ssh_keys: list[str]
    nics: list[NicDocument]
    nameserver: str | None
    searchdomain: str | None
    library: LibraryDocument
    rootless: bool
