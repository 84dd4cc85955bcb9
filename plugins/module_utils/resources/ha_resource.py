# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of the HA manager, as data (API schema: ``/cluster/ha/resources``)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    TEXT,
    Json,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Step,
    Until,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

SID = re.compile(r"(?:(?:vm|ct):)?[1-9]\d*")
"""A guest's id as the HA manager's (PVE::HA::Tools, pve-ha-resource-or-vm-id)."""

KEPT, ABSENT = "present", "absent"
STATES = ("started", "stopped", "enabled", "disabled", "ignored")
SYNONYMS = {"enabled": "started"}
"""PVE writes the one down as the other (PVE::HA::Resources)."""

ADVICE: Values = {
    r"ha groups have been migrated": "Proxmox VE 9 has HA rules instead of groups: use the module ha_rule.",
    r"does not exist in cluster": "Make the guest first.",
    r"unknown node|no such cluster node": "Check the name of the node; the module node_info lists those there are.",
    r"in error state": "Set state: disabled, put the guest right, then set state: started.",
}


def _state(value: object) -> str:
    return SYNONYMS.get(str(value), str(value))


COUNT = within(INTEGER, 0)

SECTION = Section(
    kind="HA resource",
    keys=("sid",),
    collection="/cluster/ha/resources",
    item="/cluster/ha/resources/{}",
    missing=r"no such resource",
    key_params={"sid": "sid"},
    fields=(
        Field("state", replace(TEXT, parse=_state, decode=_state), default="started"),
        Field("max_restart", COUNT, default=1),
        Field("max_relocate", COUNT, default=1),
        Field("failback", BOOLEAN, default=True),
        Field("group"),
        Field("comment", DESCRIPTION),
    ),
)
STATE_KEPT = replace(SECTION, fields=tuple(item for item in SECTION.fields if item.name != "state"))
"""The same where the user leaves the state to others."""

OPTIONS: Options = {
    "state": {"type": "str", "choices": [KEPT, *STATES, ABSENT], "default": KEPT},
    "purge": {"type": "bool"},
    "node": {"type": "str"},
    "relocate": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
}
CURRENT = "/cluster/ha/status/current"


@dataclass(frozen=True)
class Placed:
    """A resource, None when the guest is none yet, and the node that the guest is on."""

    row: Values | None
    node: str


def describe(read: Reader, wish: Values) -> Json | Placed | None:
    """PVE's answer, or None when the guest is no resource; with its node where one is wished.

    Raises ConfigError for what is no id of a guest.
    """
    if not SID.fullmatch(str(wish["sid"])):
        raise ConfigError(f"Option 'sid': '{wish['sid']}' is not of the form vm:100, ct:100 or 100")
    row = SECTION.describe(read, wish)
    if wish.get("node") is None or wish["state"] == ABSENT:
        return row
    return Placed(row, _node(read, wish, row))


def _node(read: Reader, wish: Values, row: Values | None) -> str:
    """Where the guest is. The HA manager knows its own; before its next pass it doesn't know a new one yet."""
    sid = str((row or wish)["sid"])
    for service in read.get(CURRENT) if row else ():
        if service.get("sid") == sid and service.get("node"):
            return str(service["node"])
    vmid = int(sid.rpartition(":")[2])
    return str(check_guests(read, [vmid])[vmid]["node"])


def plan(wish: Values, have: Json | Placed | None) -> Plan:
    """As any section; state present leaves the requested state alone. What is elsewhere is moved."""
    placed = have if isinstance(have, Placed) else None
    row = placed.row if placed else have
    made = (STATE_KEPT if wish["state"] == KEPT else SECTION).plan(wish, row)
    made = replace(made, steps=tuple(_told(step, wish) for step in made.steps))
    if placed is None or placed.node == wish["node"]:
        return made
    before, after = {**made.before, "node": placed.node}, {**made.after, "node": wish["node"]}
    return replace(made, steps=(*made.steps, _move(wish, placed)), reason="", before=before, after=after)


def _told(step: Step, wish: Values) -> Step:
    """A step with advice; a removal with what it does to rules, which PVE 8 knows nothing of."""
    purge = {"purge": int(wish["purge"])} if step.verb == "DELETE" and wish.get("purge") is not None else {}
    return replace(step, params={**step.params, **purge}, advice=ADVICE)


def _move(wish: Values, have: Placed) -> Step:
    """The request to the HA manager, until the guest is there."""
    sid, node, verb = str((have.row or wish)["sid"]), str(wish["node"]), "relocate" if wish["relocate"] else "migrate"

    def arrived(read: Reader) -> bool | None:
        row = SECTION.describe(read, {"sid": sid})
        return True if row and _node(read, wish, row) == node else None

    def not_blocked(_read: Reader, answer: Json, _timeout: float) -> Json:
        """A move that a rule forbids is answered like any other, and not made (PVE::API2::HA::Resources)."""
        blocking = [str(item["sid"]) for item in (answer or {}).get("blocking-resources") or ()]
        if blocking:
            raise RefusedError(f"a rule keeps it apart from {', '.join(blocking)}, which is on that node.")
        return answer

    reason = f"{verb} HA resource {sid} from node {have.node} to {node}"
    waited = Until(
        arrived,
        "it is not there after {timeout} s. The module ha_status_info shows what the HA manager does with it; a rule "
        "may call it back.",
    )
    path = url(f"{SECTION.item}/{verb}", sid)
    return Step("POST", path, {"node": node}, reason, once=True, follow=not_blocked, until=waited, advice=ADVICE)


def shown(have: Json | Placed | None) -> dict[str, Json]:
    """The module's return value."""
    row = have.row if isinstance(have, Placed) else have
    if row is None:
        return {}
    node = {"node": have.node} if isinstance(have, Placed) else {}
    return {"ha_resource": {"sid": row["sid"], **SECTION.shown(row)[SECTION.kind], **node}}


HA_RESOURCE = SECTION.resource()
HA_RESOURCE = replace(
    HA_RESOURCE,
    options={**HA_RESOURCE.options, **OPTIONS},
    describe=describe,
    plan=plan,
    result=shown,
    writes=(*HA_RESOURCE.writes, f"POST {SECTION.item}/migrate", f"POST {SECTION.item}/relocate"),
)
