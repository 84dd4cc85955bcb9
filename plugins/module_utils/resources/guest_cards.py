# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which guests have a card on a bridge or vnet. Proxmox VE removes either from under them without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest, read_guests

CARD = re.compile(r"net\d+")
BRIDGE = re.compile(r"(?:^|,)bridge=([^,]+)")


def cards_on(config: Values, bridge: str) -> list[str]:
    """The cards of a guest's configuration that are on the bridge: net0, net1, ..."""
    return sorted(
        key for key, value in config.items() if CARD.fullmatch(key) and BRIDGE.findall(str(value)) == [bridge]
    )


def users(read: Reader, bridge: str, node: str | None = None) -> tuple[str, ...]:
    """``net0 of vm 104 (web)`` for each card on a bridge (of one node, or of all); one request for each guest."""
    return tuple(_users(read, bridge, [guest for guest in read_guests(read) if node in (None, guest.node)]))


def _users(read: Reader, bridge: str, guests: list[Guest]) -> Iterator[str]:
    for guest in guests:
        yield from (f"{card} of {guest.label}" for card in cards_on(_config(read, guest), bridge))


def _config(read: Reader, guest: Guest) -> Values:
    try:
        found: Json = read.get(guest.path("config"))
    except PveError as error:
        if GONE.search(error.message):
            return {}
        raise
    return found or {}
