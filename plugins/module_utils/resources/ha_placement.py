# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HA groups with the guests in them: how Proxmox VE 8 says on which nodes guests run (PVE::HA::Groups).

From release 9 on there are rules instead (``ha_rule.py``). A group is what a rule about nodes is, but the guests name
it and not the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Codec, Json, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Plan,
    Reader,
    Step,
    Values,
    diff,
    parsed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

RULES_API, GROUPS_API = "rules", "groups"
"""What a module says that it used."""

MANAGED = "/cluster/ha/resources"
MANAGE_FIRST = "Have high availability manage the guest first, with the module ha_resource."
MIGRATED = "ha groups have been migrated to rules"
"""PVE 9's words whatever is asked of groups."""

WRITES = ("POST /cluster/ha/groups", "PUT /cluster/ha/groups/{}", "DELETE /cluster/ha/groups/{}", f"PUT {MANAGED}/{{}}")


def checked(codec: Codec, pattern: str, what: str) -> Codec:
    """The same for lists only whose elements match a pattern, as a whole; ``what`` completes "... is not"."""

    def parse(value: Json) -> Json:
        items = codec.parse(value)
        wrong = [item for item in items if not re.fullmatch(pattern, item)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is not {what}")
        return items

    return replace(codec, parse=parse)


def _node(text: str) -> str:
    # A node without a priority has 0 (PVE::HA::Rules::NodeAffinity).
    return re.sub(r":0+$", "", text)


RESOURCES = checked(set_of(","), r"(?:vm|ct):[1-9]\d*", "of the form vm:100 or ct:100")
NODES = checked(
    set_of(",", normal=_node), r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?::\d+)?", "a node or node:priority"
)

SECTION = Section(
    kind="HA group",
    keys=("group",),
    collection="/cluster/ha/groups",
    item="/cluster/ha/groups/{}",
    missing=r"no such ha group",
    key_params={"group": "group"},
    fields=(
        Field("nodes", NODES),
        Field("restricted", BOOLEAN, default=False),
        Field("nofailback", BOOLEAN, default=False),
        Field("comment", DESCRIPTION),
    ),
    required=("nodes",),
)
MEMBERS: tuple[Field, ...] = (Field("resources", RESOURCES),)

ADVICE: Values = {r"ha group is used by service": "Take the guests out first (resources: [])."}


@dataclass(frozen=True)
class Grouped:
    """What is known on Proxmox VE 8: the group, None when there is none, and the resources of HA where needed."""

    name: str
    row: Values | None
    resources: Mapping[str, Values] = field(default_factory=dict)
    """By sid; read only where it matters who is in the group."""

    def members(self) -> list[str]:
        """The resources that are in the group."""
        return sorted(sid for sid, row in self.resources.items() if row.get("group") == self.name)


def read_group(read: Reader, name: str, *, with_members: bool) -> Grouped:
    """The group. Raises PveError on Proxmox VE 9, which says that groups are rules now."""
    row = SECTION.describe(read, {"group": name})
    resources = read.get(MANAGED) if with_members else ()
    return Grouped(name, row, {str(item["sid"]): item for item in resources})


def plan_group(wish: Values, have: Grouped) -> Plan:
    """The group as any section, and the guests that are to be in it where the wish has ``resources``.

    A wish that the group be absent takes out those whom it names no more before.
    """
    made = SECTION.plan(wish, have.row)
    changes = diff(MEMBERS, parsed(MEMBERS, wish), {"resources": have.members()})
    if not changes:
        return replace(made, steps=_told(made.steps))
    there, wished = have.members(), changes[0].after or []
    unknown = [sid for sid in wished if sid not in have.resources]
    if unknown:
        raise RefusedError(f"Cannot put {unknown[0]} into HA group {have.name}: it is not managed. {MANAGE_FIRST}")
    joining = [_member(sid, {"group": have.name}, f"put {sid} into") for sid in wished if sid not in there]
    leaving = [_member(sid, {"delete": "group"}, f"take {sid} out of") for sid in there if sid not in wished]
    named = [replace(step, reason=f"{step.reason} HA group {have.name}") for step in (*joining, *leaving)]
    steps = (*named, *made.steps) if wish["state"] == "absent" else (*made.steps, *named)
    before, after = views(changes)
    if wish["state"] == "absent":
        after = {}
    return replace(made, steps=_told(steps), reason="", before={**made.before, **before}, after={**made.after, **after})


def _member(sid: str, params: Values, reason: str) -> Step:
    return Step("PUT", url(f"{MANAGED}/{{}}", sid), params, reason)


def _told(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(replace(step, advice=ADVICE) for step in steps)
