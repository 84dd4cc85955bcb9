# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a firewall configuration, as data (API schema: ``firewall/options`` of cluster, node, guest and vnet)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    INTEGER,
    Json,
    Properties,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    parsed,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    Place,
    level_options,
    level_paths,
    level_rules,
    place,
)

LOG_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")

# The cluster's is a number: above 1 it is the time at which it was switched on.
ENABLE = replace(BOOLEAN, decode=lambda wire: int(wire) > 0)

RATE_LIMIT = Properties(default_key="enable", kinds={"enable": "bool", "burst": "int", "rate": "str"})


def _policy(name: str, default: str, *choices: str) -> Field:
    return Field(name, default=default, spec={"choices": list(choices)})


def _log(name: str) -> Field:
    return Field(name, default="nolog", spec={"choices": list(LOG_LEVELS)})


FIELDS: Mapping[str, tuple[frozenset[str], Field]] = {
    item.name: (frozenset(levels.split()), item)
    for levels, item in (
        ("cluster node guest vnet", Field("enable", ENABLE, default=False)),
        # What happens to traffic that no rule is about (PVE::Firewall: DROP coming in, ACCEPT otherwise).
        ("cluster guest", _policy("policy_in", "DROP", "ACCEPT", "REJECT", "DROP")),
        ("cluster guest", _policy("policy_out", "ACCEPT", "ACCEPT", "REJECT", "DROP")),
        ("cluster vnet", _policy("policy_forward", "ACCEPT", "ACCEPT", "DROP")),
        ("cluster", Field("ebtables", BOOLEAN, default=True)),
        ("cluster", Field("log_ratelimit", RATE_LIMIT.codec())),
        ("node guest", _log("log_level_in")),
        ("node guest", _log("log_level_out")),
        ("node vnet", _log("log_level_forward")),
        ("node guest", Field("ndp", BOOLEAN, default=True)),
        ("guest", Field("dhcp", BOOLEAN, default=False)),
        ("guest", Field("ipfilter", BOOLEAN)),
        ("guest", Field("macfilter", BOOLEAN, default=True)),
        ("guest", Field("radv", BOOLEAN)),
        ("node", Field("log_nf_conntrack", BOOLEAN, default=False)),
        ("node", Field("nf_conntrack_allow_invalid", BOOLEAN, default=False)),
        ("node", Field("nf_conntrack_helpers", set_of(","))),
        ("node", Field("nf_conntrack_max", within(INTEGER, 32768), default=262144)),
        ("node", Field("nf_conntrack_tcp_timeout_established", within(INTEGER, 7875), default=432000)),
        ("node", Field("nf_conntrack_tcp_timeout_syn_recv", within(INTEGER, 30, 60), default=60)),
        ("node", Field("nftables", BOOLEAN, default=False)),
        ("node", Field("nosmurfs", BOOLEAN)),
        ("node", _log("smurf_log_level")),
        ("node", Field("protection_synflood", BOOLEAN, default=False)),
        ("node", Field("protection_synflood_burst", INTEGER, default=1000)),
        ("node", Field("protection_synflood_rate", INTEGER, default=200)),
        ("node", Field("tcpflags", BOOLEAN, default=False)),
        ("node", _log("tcp_flags_log_level")),
    )
}
"""By option: the levels that have it."""

LEVELS = ("cluster", "node", "guest", "vnet")


@dataclass(frozen=True)
class Found:
    """Whose options they are, and what Proxmox VE has of them."""

    place: Place
    level: str
    row: Values


def fields(level: str) -> list[Field]:
    """The options of a level. A node's firewall is on unless it is switched off; the others are off."""
    found = [item for levels, item in FIELDS.values() if level in levels]
    return [replace(item, default=True) if (item.name, level) == ("enable", "node") else item for item in found]


def check(wish: Values) -> None:
    """Raise ConfigError for an option that the level hasn't."""
    level = wish["level"]
    for name, (levels, _item) in FIELDS.items():
        if wish.get(name) is not None and level not in levels:
            having = " and ".join(item for item in LEVELS if item in levels)
            raise ConfigError(f"Option '{name}' is one of level {having}, and level is {level}.")


def describe(read: Reader, wish: Values) -> Found:
    """Options are always there; what is unset is left out."""
    check(wish)
    where = place(read, wish)
    return Found(where, str(wish["level"]), read.get(f"{where.path}/options") or {})


def plan(wish: Values, have: Found) -> Plan:
    """One change of what differs."""
    rows = fields(have.level)
    changes = diff(rows, parsed(rows, wish), decoded(rows, have.row))
    if not changes:
        return Plan(reason=f"the firewall options of {have.place.label} are as wished")
    digest = {"digest": have.row["digest"]} if have.row.get("digest") else {}
    names = ", ".join(sorted(change.key for change in changes))
    before, after = views(changes)
    step = Step(
        "PUT",
        f"{have.place.path}/options",
        {**encoded(changes), **digest},
        f"set {names} of the firewall of {have.place.label}",
    )
    return Plan((step,), changes, before=before, after=after)


def shown(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"options": decoded(fields(have.level), have.row)}


OPTIONS = Resource(
    kind="firewall options",
    options=level_options(LEVELS),
    describe=describe,
    plan=plan,
    result=shown,
    fields=tuple(item for _levels, item in FIELDS.values()),
    rules=level_rules(LEVELS),
    writes=tuple(f"PUT {path}/options" for path in level_paths(LEVELS)),
)
