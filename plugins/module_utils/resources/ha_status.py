# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HA manager tells of itself (API: ``/cluster/ha/status/current``)."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values

INFO_OPTIONS: Options = {"sid": {"type": "str"}, "node": {"type": "str"}}

CURRENT = "/cluster/ha/status/current"
TRUTHS = ("failback", "auto-rebalance")


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module ha_status_info: quorum, the manager, its nodes, and the resources that are asked for."""
    rows = read.get(CURRENT)
    quorum, manager, fencing = (_only(rows, kind) for kind in ("quorum", "master", "fencing"))
    found = [_resource(row) for row in _of(rows, "service") if _wanted(row, wish)]
    return {
        "changed": False,
        "quorate": truth((quorum or {}).get("quorate", False)),
        "manager": _told(manager, "node", "status", "timestamp"),
        # Proxmox VE 8, and 9.0, tell nothing of it.
        "armed_state": (fencing or {}).get("armed-state"),
        "nodes": [_told(row, "node", "status", "timestamp") for row in _of(rows, "lrm")],
        "resources": sorted(found, key=lambda row: str(row["sid"])),
    }


def _of(rows: Sequence[Values], kind: str) -> list[Values]:
    return sorted((row for row in rows if row["type"] == kind), key=lambda row: str(row.get("node")))


def _only(rows: Sequence[Values], kind: str) -> Values | None:
    return next((row for row in rows if row["type"] == kind), None)


def _told(row: Values | None, *names: str) -> dict[str, Json] | None:
    return None if row is None else {name: row.get(name) for name in names}


def _wanted(row: Values, wish: Values) -> bool:
    return _names(str(row["sid"]), wish.get("sid")) and wish.get("node") in (None, row.get("node"))


def _names(sid: str, asked: Json) -> bool:
    """Whether a resource is the one asked for, as ``vm:100`` or ``100``; None asks for all."""
    return asked is None or str(asked) in (sid, sid.partition(":")[2])


def _resource(row: Values) -> dict[str, Json]:
    values = {name.replace("-", "_"): value for name, value in row.items() if name not in ("id", "type", *TRUTHS)}
    return {**values, **{name.replace("-", "_"): truth(row[name]) for name in TRUTHS if name in row}}
