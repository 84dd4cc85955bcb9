# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: the cluster itself."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.state import fleet
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind, nothing


def dialect(entry: Entry) -> Entry:
    """The name of a cluster is what the module cluster calls ``clustername``."""
    if "clustername" not in entry:
        return entry
    rest = {option: value for option, value in entry.items() if option != "clustername"}
    return {"name": entry["clustername"], **rest}


ROWS: tuple[Kind, ...] = (
    # Only a node that is off for good leaves a cluster, so it is never pruned.
    Kind("cluster", fleet.FLEET, (), fleet.listed, single=True, dialect=dialect, removable=nothing),
)
