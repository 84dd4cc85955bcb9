# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses an object of the software defined network that is to go away, where PVE itself doesn't look."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError

ZONES = "/cluster/sdn/zones"


def zones_with(read: Reader, options: Iterable[str], name: str) -> list[str]:
    """The zones that have ``name`` in one of the options, as far as the login may see them."""
    wanted = tuple(options)
    rows: list[Values] = read.get(ZONES) or []
    return sorted(str(row["zone"]) for row in rows if name in (row.get(option) for option in wanted))


def refuse_used(kind: str, name: str, users: Iterable[str], remedy: str) -> None:
    """Raise RefusedError when anybody uses it."""
    found = list(users)
    if found:
        verb = "uses" if len(found) == 1 else "use"
        raise RefusedError(f"Cannot remove {kind} {name}: {', '.join(found)} {verb} it. {remedy}")
