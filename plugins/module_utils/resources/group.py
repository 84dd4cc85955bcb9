# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of users. Pure data (API schema: ``/access/groups``)."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import DESCRIPTION
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field
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
GROUP = SECTION.resource()
