# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of users. Pure (API schema: ``/access/groups``)."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import DESCRIPTION, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

SECTION = Section(
    kind="group",
    keys=("groupid",),
    collection="/access/groups",
    item="/access/groups/{}",
    missing=r"group '.*' does not exist",
    fields=(Field("comment", DESCRIPTION),),
    key_params={"groupid": "groupid"},
    has_digest=False,
    has_delete=False,
    result=lambda have: {"users": sorted(have.get("members") or ())},
)


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but a group with users in it stays."""
    members = sorted((have or {}).get("members") or ())
    if wish["state"] == "absent" and members:
        raise RefusedError(
            f"Cannot remove group {wish['groupid']}: {', '.join(members)} {'is' if len(members) == 1 else 'are'} in "
            "it, and Proxmox VE would take them out without a word. Take them out first (homelab.pve.user with their "
            "other groups)."
        )
    return SECTION.plan(wish, have)


GROUP = replace(SECTION.resource(), plan=plan)
