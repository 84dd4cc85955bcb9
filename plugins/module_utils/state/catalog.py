# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of thing a state document may declare. Explicit: Ansible ships what is imported by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.state import (
    catalog_access,
    catalog_cluster,
    catalog_firewall,
    catalog_fleet,
    catalog_guests,
    catalog_ha,
    catalog_network,
    catalog_sdn,
    catalog_storage,
    references,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

ROWS: tuple[Kind, ...] = (
    *catalog_fleet.ROWS,
    *catalog_cluster.ROWS,
    *catalog_access.ROWS,
    *catalog_storage.ROWS,
    *catalog_network.ROWS,
    *catalog_sdn.ROWS,
    *catalog_guests.ROWS,
    *catalog_ha.ROWS,
    *catalog_firewall.ROWS,
)
"""In the order in which an export has them: from the cluster to the guests, and what is about guests."""

FIRST = "cluster"
"""A node that makes or joins a cluster is busy with nothing else: what it serves is the cluster's afterwards."""


def _complete(kind: Kind) -> Kind:
    after = kind.after if kind.name == FIRST else (*kind.after, FIRST)
    return replace(kind, after=after, references=references.of(kind.name))


KINDS: Mapping[str, Kind] = {kind.name: _complete(kind) for kind in ROWS}
