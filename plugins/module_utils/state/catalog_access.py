# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: who may do what."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.resources import group, pool, user
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind, section_lister

ROWS: tuple[Kind, ...] = (
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
)
