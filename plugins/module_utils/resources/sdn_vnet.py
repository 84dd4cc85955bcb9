# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual networks of the software defined network, as data (API schema: ``/cluster/sdn/vnets``).

The schema's ``type`` is always ``vnet``.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Json, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_cards import users as cards_on
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import refuse_used
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

SUBNETS = "/cluster/sdn/vnets/{}/subnets"

FIELDS: tuple[Field, ...] = (
    Field("zone"),
    Field("tag", within(INTEGER, 1, 16777215)),
    Field("alias"),
    Field("vlanaware", BOOLEAN, default=False),
    Field("isolate_ports", BOOLEAN, wire="isolate-ports", default=False),
)

ADVICE: Values = {
    r"missing (?:vlan|vxlan) tag": "A vnet of such a zone needs tag, a number that no other vnet of the zone has.",
    r"tag .* already exist": "Choose another tag.",
    "tag is not allowed on simple zone": "Leave tag out.",
    "undefined type": "Declare the zone first (module sdn_zone).",
    "Can't delete vnet if subnets": "Remove its subnets first (module sdn_subnet).",
    "can't change zone if subnets": "Remove its subnets first (module sdn_subnet).",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="vnet",
    keys=("vnet",),
    collection="/cluster/sdn/vnets",
    item="/cluster/sdn/vnets/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"vnet": "vnet"},
    required=("zone",),
    options=LOCKED,
    passed=PASSED,
    advice={**HELD, **ADVICE},
    result=lambda have: {"vnet": have["vnet"]},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError when it is to go away and has subnets, or guests' cards are on it."""
    have = SECTION.describe(read, wish)
    if have is not None and wish["state"] == "absent":
        rows = read.get(url(SUBNETS, wish["vnet"])) or []
        subnets = sorted(f"subnet {row['cidr']}" for row in rows)
        refuse_used("vnet", wish["vnet"], subnets, ADVICE["Can't delete vnet if subnets"])
        refuse_used("vnet", wish["vnet"], cards_on(read, wish["vnet"]), "Put them on another bridge first.")
    return have


VNET = replace(SECTION.resource(), describe=describe)
