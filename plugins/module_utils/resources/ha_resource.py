# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of the HA manager, as data (API schema: ``/cluster/ha/resources``)."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    TEXT,
    Json,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
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
}


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None when the guest is no resource. Raises ConfigError for what is no id of a guest."""
    if not SID.fullmatch(str(wish["sid"])):
        raise ConfigError(f"Option 'sid': '{wish['sid']}' is not of the form vm:100, ct:100 or 100")
    return SECTION.describe(read, wish)


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; state present leaves the requested state alone."""
    made = (STATE_KEPT if wish["state"] == KEPT else SECTION).plan(wish, have)
    return replace(made, steps=tuple(_told(step, wish) for step in made.steps))


def _told(step: Step, wish: Values) -> Step:
    """A step with advice; a removal with what it does to rules, which PVE 8 knows nothing of."""
    purge = {"purge": int(wish["purge"])} if step.verb == "DELETE" and wish.get("purge") is not None else {}
    return replace(step, params={**step.params, **purge}, advice=ADVICE)


def shown(have: Json | None) -> dict[str, Json]:
    """The module's return value."""
    if have is None:
        return {}
    return {"ha_resource": {"sid": have["sid"], **SECTION.shown(have)[SECTION.kind]}}


HA_RESOURCE = replace(SECTION.resource(), describe=describe, plan=plan, result=shown)
HA_RESOURCE = replace(HA_RESOURCE, options={**HA_RESOURCE.options, **OPTIONS})
