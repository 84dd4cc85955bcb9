# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's network as a whole: its interfaces, what waits to be applied, and the end of the waiting.

PVE writes changes to ``/etc/network/interfaces.new`` and tells the difference to what is applied beside its list of
interfaces (PVE/API2/Network.pm); ``pvesh`` prints the list only.
"""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    url,
    whole,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_interface import COLLECTION, FIELDS, TYPES
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

FILE = "/etc/network/interfaces"
NOT_TOLD = "Proxmox VE tells what waits over HTTPS only. Set transport: https."

INFO_OPTIONS: Options = {
    "node": KEY,
    "iface": {"type": "str"},
    "type": {"type": "str", "choices": list(TYPES)},
}
SHOWN = (*FIELDS, Field("method"), Field("method6"))


def waiting(read: Reader, node: str) -> tuple[list[Values], str | None]:
    """The interfaces of a node, and what waits as a unified diff; None where the way to the API doesn't tell it."""
    rows, beside = whole(read, url(COLLECTION, node))
    return rows, None if beside is None else str(beside.get("changes") or "")


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module network_info: the interfaces that meet every criterion that is set, by name."""
    rows, changes = waiting(read, wish["node"])
    found = [_shown(row) for row in rows if all(wish.get(key) in (None, row[key]) for key in ("iface", "type"))]
    return {"changed": False, "interfaces": sorted(found, key=lambda row: str(row["iface"])), "changes": changes}


def _shown(row: Values) -> dict[str, Json]:
    flags = {name: bool(row.get(name)) for name in ("active", "exists")}
    return {"iface": row["iface"], **decoded(SHOWN, row), **flags}


APPLY_OPTIONS: Options = {
    "node": KEY,
    "state": {"type": "str", "choices": ["applied", "reverted"], "default": "applied"},
    "wait_timeout": {"type": "float", "default": 120},
}
APPLY_FIELDS = (Field("regenerate_frr", BOOLEAN, wire="regenerate-frr"),)


def sides(changes: str) -> tuple[list[str], list[str]]:
    """The lines of a unified diff as they are in the old file and in the new one, without its header."""
    lines = [line for line in changes.splitlines()[2:] if not line.startswith(("@@", "\\"))]
    return [line[1:] for line in lines if line[:1] != "+"], [line[1:] for line in lines if line[:1] != "-"]


def plan(wish: Values, changes: str | None) -> Plan:
    """Apply what waits, or drop it; nothing where nothing waits."""
    node, path = wish["node"], url(COLLECTION, wish["node"])
    if changes is None:
        raise ConfigError(f"Cannot tell whether changes of node {node}'s network wait: {NOT_TOLD}")
    if not changes:
        return Plan(reason=f"no change of node {node}'s network waits")
    old, new = sides(changes)
    if wish["state"] == "reverted":
        step = Step("DELETE", path, {}, f"drop the waiting changes of node {node}'s network")
        return Plan((step,), before={FILE: new}, after={FILE: old})
    frr = wish.get("regenerate_frr")
    params = {} if frr is None else {"regenerate-frr": int(frr)}
    step = Step("PUT", path, params, f"apply the waiting changes of node {node}'s network")
    return Plan((step,), before={FILE: old}, after={FILE: new})


NETWORK_APPLY = Resource(
    kind="network",
    options=APPLY_OPTIONS,
    fields=APPLY_FIELDS,
    describe=lambda read, wish: waiting(read, wish["node"])[1],
    plan=plan,
    result=lambda changes: {"changes": changes},
    writes=("PUT /nodes/{}/network", "DELETE /nodes/{}/network"),
)
