# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which guests use a storage, or a file on it. Proxmox VE itself takes both away under a guest. Pure.

Read from the guests' configurations: what stands in a snapshot only, or belongs to a guest that the login may not see
(VM.Audit), is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url

MOST = 5
"""How many guests a message names."""

TEXTS = frozenset({"description", "name", "hostname", "tags"})
"""What a configuration holds in people's words."""


def users_of_storage(read: Reader, storage: str, on: Callable[[str], bool] = bool) -> list[str]:
    """The guests that have something on a storage: ``100 (web): scsi0, ide2``; ``on``: on which nodes to look."""
    return users_matching(read, rf"(?:^|[,=]){re.escape(storage)}:", lambda row: on(str(row["node"])))


def users_of_volume(read: Reader, volid: str, vmid: int | None = None) -> list[str]:
    """The guests that use a volume; ``vmid``: nobody but the guest it belongs to can."""
    return users_matching(read, rf"(?:^|[,=]){re.escape(volid)}(?:,|$)", lambda row: vmid in (None, int(row["vmid"])))


def users_matching(read: Reader, pattern: str, asked: Callable[[Values], bool] = bool, keys: str = "") -> list[str]:
    """The guests with a value that matches ``pattern`` in their configuration, at keys that begin like ``keys``."""
    rows = read.get("/cluster/resources", {"type": "vm"}) or []
    guests = sorted(filter(asked, rows), key=lambda row: int(row["vmid"]))
    found = [(row, _places(read, row, pattern, keys)) for row in guests]
    return [f"{row['vmid']} ({row.get('name') or 'no name'}): {', '.join(places)}" for row, places in found if places]


def _places(read: Reader, guest: Values, pattern: str, keys: str) -> list[str]:
    config = read.get(url("/nodes/{}/{}/{}/config", guest["node"], guest["type"], guest["vmid"]))
    asked = {key: str(value) for key, value in config.items() if key not in TEXTS and re.match(keys, key)}
    return sorted(key for key, value in asked.items() if re.search(pattern, value))


def listed(users: Sequence[str]) -> str:
    """Some guests for a message."""
    more = f" and {len(users) - MOST} more" if len(users) > MOST else ""
    return "; ".join(users[:MOST]) + more
