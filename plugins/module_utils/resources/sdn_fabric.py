# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fabrics of the software defined network, as data (API schema: ``/cluster/sdn/fabrics/fabric``, from PVE 9 on).

What PVE says comes from its configuration's library (proxmox-ve-config, sdn/fabric).
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import NUMBER, Json, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ip_codecs import network_codec
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

PROTOCOLS = ("openfabric", "ospf")
MISSING = r"fabric '.*' does not exist in configuration|node '.*' does not exist in fabric"
SECONDS = within(NUMBER, 1, 600)

FIELDS: tuple[Field, ...] = (
    Field("protocol", create_only=True, spec={"choices": list(PROTOCOLS)}),
    Field("ip_prefix", network_codec(4)),
    Field("ip6_prefix", network_codec(6)),
    Field("hello_interval", SECONDS),
    Field("csnp_interval", SECONDS),
    Field("area"),
)

ADVICE: Values = {
    "overlaps with": "Choose another network, or change the other fabric first.",
    "is still used in the EVPN controller": "Change or remove the controller first (module sdn_controller).",
    "is still used in the VXLAN zone": "Change or remove the zone first (module sdn_zone).",
    "does not have an IP configured": "Give each of the fabric's nodes an address in it (module sdn_fabric_node).",
    "outside the IP prefix": "Give each of the fabric's nodes an address in it (module sdn_fabric_node).",
    "duplicate OSPF area": "Choose another area.",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="fabric",
    keys=("id",),
    collection="/cluster/sdn/fabrics/fabric",
    item="/cluster/sdn/fabrics/fabric/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"id": "id"},
    required=("protocol",),
    deletes_list=True,
    always=("protocol",),
    options=LOCKED,
    passed=PASSED,
    advice={**HELD, **ADVICE},
    result=lambda have: {"id": have["id"]},
)


def since_nine(section: Section, read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError where it has no fabrics; without any, none is there to remove."""
    try:
        return section.describe(read, wish)
    except PveError as error:
        if not error.not_implemented:
            raise
        if wish["state"] == "absent":
            return None
        raise RefusedError(
            "This Proxmox VE has no fabrics: they come with version 9. Upgrade it, or leave them out."
        ) from error


FABRIC = replace(SECTION.resource(), describe=lambda read, wish: since_nine(SECTION, read, wish))
