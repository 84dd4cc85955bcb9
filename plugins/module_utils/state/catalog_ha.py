# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: what the HA manager is to do.

Which guests run where is said by rules on Proxmox VE 9, and by groups on 8. A document may have either: the modules
make of one what the release has (``ha_group.py``, ``ha_rule.py``), and an export has what the release has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Plan, Reader, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    ha_armed,
    ha_group,
    ha_placement,
    ha_resource,
    ha_rule,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import HA_TYPES
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import (
    JOINED,
    Entry,
    Kind,
    nothing,
    section_values,
)

IN_A_RULE_OF_ITS_OWN = "group"
"""What an HA resource of Proxmox VE 8 says itself; the export has it in ``ha.groups``, as a release with rules does."""


def list_resources(read: Reader) -> Iterator[Entry]:
    """The guests that high availability manages."""
    for row in read.get(ha_resource.SECTION.collection) or ():
        values = section_values(ha_resource.SECTION, row)
        values.pop(IN_A_RULE_OF_ITS_OWN, None)
        # To be managed is the least that an entry says: PVE leaves out the state where it is to be started.
        yield {"sid": row["sid"], "state": values.pop("state", "started"), **values}


def list_rules(read: Reader) -> Iterator[Entry]:
    """The rules; none on Proxmox VE 8."""
    try:
        rows = read.get(ha_rule.SECTION.collection) or ()
    except PveError as error:
        if not error.not_implemented:
            raise
        return
    for row in rows:
        yield {"rule": row["rule"], **section_values(ha_rule.SECTION, row)}


def list_groups(read: Reader) -> Iterator[Entry]:
    """The groups with the guests in them; none from Proxmox VE 9 on."""
    section = ha_placement.SECTION
    try:
        rows = read.get(section.collection) or ()
    except PveError as error:
        if ha_placement.MIGRATED not in error.message:
            raise
        return
    managed = {str(row["sid"]): row for row in read.get(ha_placement.MANAGED) or ()} if rows else {}
    for row in rows:
        members = ha_placement.Grouped(str(row["group"]), row, managed).members()
        yield {"group": row["group"], **section_values(section, row), **({"resources": members} if members else {})}


def list_armed(read: Reader) -> Iterator[Entry]:
    """That it is disarmed, where it is: Proxmox VE arms it by itself."""
    try:
        found = ha_armed.describe(read, {})
    except RefusedError:
        return  # this release can't be disarmed
    if found.state not in ha_armed.WATCHES:
        yield {"state": ha_armed.DISARMED, **({"resource_mode": found.mode} if found.mode else {})}


def at_home(resource: Resource) -> Resource:
    """A rule, or group, that names no nodes prefers those its guests are to be on; it is made so, never changed to.

    Of one whose members only guests speak of, those stay that are in it: another document may have put them there.
    """

    def plan(wish: Values, have: Any) -> Plan:  # noqa: ANN401 - what the resource describes
        if _is_there(have):
            return resource.plan({**wish, **_with_members(wish, resource.result(have))}, have)
        made_there = {**wish, "nodes": str(wish[HOME]).split(",")} if wish.get(HOME) and not _names(wish) else wish
        return resource.plan(made_there, have)

    # The modules say which API there is, too, of what isn't there.
    return replace(resource, plan=plan, result=lambda have: resource.result(have) if _is_there(have) else {})


def _with_members(wish: Values, told: Values) -> dict[str, Json]:
    if not wish.get(JOINED):
        return {}
    there = next((value.get("resources") for value in told.values() if isinstance(value, Mapping)), None)
    return {"resources": sorted({*(there or ()), *wish["resources"]})}


def _names(wish: Values) -> bool:
    return wish.get("nodes") is not None


def _is_there(have: Any) -> bool:  # noqa: ANN401 - as above
    return have is not None and not (isinstance(have, ha_placement.Grouped | ha_group.Ruled) and have.row is None)


def bare(entry: Values) -> Values:
    """A guest's id is unique, so ``100`` and ``vm:100`` are the same."""
    return {**entry, "sid": str(entry.get("sid", "")).rpartition(":")[2]}


def resource_rows(entry: Values) -> list[tuple[str, Values]]:
    """A resource in the list; an id alone may be of either kind."""
    sid = str(entry["sid"])
    sids = [sid] if ":" in sid else [f"{kind}:{sid}" for kind in HA_TYPES.values()]
    return [(ha_placement.MANAGED, {"sid": each}) for each in sids]


def of_guest(entry: Values) -> Iterator[str]:
    """A guest may be put under HA by its own entry."""
    if entry.get("ha") and entry.get("vmid"):
        yield str(entry["vmid"])


ROWS: tuple[Kind, ...] = (
    Kind(
        "ha.resources",
        ha_resource.HA_RESOURCE,
        ("sid",),
        list_resources,
        after=("vms", "containers"),
        named=bare,
        appears=resource_rows,
        declared_by={"vms": of_guest, "containers": of_guest},
    ),
    Kind(
        "ha.groups",
        at_home(ha_group.HA_GROUP),
        ("group",),
        list_groups,
        roams=True,
        after=("ha.resources",),
        # Proxmox VE removes no group that guests are in.
        removal={"resources": []},
        declared_by={"ha.rules": lambda entry: (str(entry["rule"]),)},
    ),
    Kind(
        "ha.rules",
        at_home(ha_rule.HA_RULE),
        ("rule",),
        list_rules,
        roams=True,
        after=("ha.resources",),
        declared_by={"ha.groups": lambda entry: (str(entry["group"]),)},
    ),
    Kind(
        "ha.armed",
        ha_armed.HA_ARMED,
        (),
        list_armed,
        after=("ha.resources", "ha.groups", "ha.rules"),
        single=True,
        removable=nothing,
    ),
)
