# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of thing a state document may declare. Explicit: Ansible ships what is imported by name."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.homelab.pve.plugins.module_utils.resources import group, pool, storage, user
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind, section_lister

ROWS: tuple[Kind, ...] = (
    Kind(
        "storage",
        storage.STORAGE,
        ("storage",),
        section_lister(storage.SECTION, {"storage": "storage"}),
        appears=lambda entry: [("/storage", dict(entry))],
    ),
    Kind("groups", group.GROUP, ("groupid",), section_lister(group.SECTION, {"groupid": "groupid"})),
    Kind(
        "users",
        user.USER,
        ("userid",),
        section_lister(user.SECTION, {"userid": "userid"}, in_full=True),
        after=("groups",),
        removable=lambda entry: entry["userid"] != user.ROOT,
    ),
    Kind("pools", pool.POOL, ("poolid",), after=("storage",)),
    Kind("vms", VM, ("vmid",), after=("storage", "pools"), per_node=True),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in ROWS}
