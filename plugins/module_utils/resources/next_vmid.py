# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free vmids. They are told, not taken: whoever creates a guest first has them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    HIGHEST_VMID,
    is_taken,
    read_guests,
    vmid_bounds,
)

MOST = 1000
"""How many may be asked for: each takes a request."""

OPTIONS: Options = {
    "vmid_range": {"type": "list", "elements": "int"},
    "count": {"type": "int", "default": 1},
}


def next_vmids(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module next_vmid. Raises RefusedError when there are not as many."""
    count, bounds = wish["count"], vmid_bounds(wish.get("vmid_range"))
    if not 1 <= count <= MOST:
        raise ConfigError(f"Option 'count': {count} is not from 1 to {MOST}.")
    found = list(islice(_free(read, bounds, count), count))
    if len(found) < count:
        low, high = bounds or (0, 0)
        raise RefusedError(
            f"There are {len(found)} free vmids from {low} to {high}, and {count} are wanted. "
            "Remove guests you no longer need, or give a wider vmid_range."
        )
    return {"changed": False, "vmid": found[0], "vmids": found}


def _free(read: Reader, bounds: tuple[int, int] | None, count: int) -> Iterator[int]:
    """Free vmids in their order. Without bounds from the cluster's next one on (datacenter option ``next-id``)."""
    low, high = bounds or (int(read.get("/cluster/nextid")), HIGHEST_VMID)
    if bounds is None:
        yield low  # PVE has just said that it is free
        low += 1
    if bounds is None and count == 1:
        return
    seen = {item.vmid for item in read_guests(read)}
    # The list lacks guests that the login may not see, so each is asked about.
    yield from (vmid for vmid in range(low, high + 1) if vmid not in seen and not is_taken(read, vmid))
