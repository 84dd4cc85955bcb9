# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones of the software defined network, as data (API schema: ``/cluster/sdn/zones``).

Without ``pending`` and ``running``, the API reads the configuration as it is edited (PVE::API2::Network::SDN::Zones):
what a change that waits to be applied has made of it.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Json, set_of, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import refuse_used
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

VNETS = "/cluster/sdn/vnets"
TYPES = ("simple", "vlan", "qinq", "vxlan", "evpn", "faucet")

MISSING = r"sdn (?:vnet |subnet )?'.*' does not exist"
"""PVE's words for an object of the software defined network that isn't there (pve-network)."""

SET = set_of(",")

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": list(TYPES)}),
    Field("nodes", SET),
    Field("mtu", INTEGER),
    Field("ipam"),
    Field("dns"),
    Field("reversedns"),
    Field("dnszone"),
    Field("dhcp", spec={"choices": ["dnsmasq", ""]}),
    # vlan, qinq
    Field("bridge"),
    Field("bridge_disable_mac_learning", BOOLEAN, wire="bridge-disable-mac-learning", default=False),
    Field("tag", within(INTEGER, 0)),
    Field("vlan_protocol", wire="vlan-protocol", default="802.1q", spec={"choices": ["802.1q", "802.1ad"]}),
    # vxlan, evpn
    Field("peers", SET),
    Field("fabric"),
    Field("vxlan_port", within(INTEGER, 1, 65536), wire="vxlan-port", default=4789),
    Field("controller"),
    Field("vrf_vxlan", within(INTEGER, 1, 16777215), wire="vrf-vxlan"),
    Field("mac"),
    Field("exitnodes", SET),
    Field("exitnodes_primary", wire="exitnodes-primary"),
    Field("exitnodes_local_routing", BOOLEAN, wire="exitnodes-local-routing", default=False),
    Field("advertise_subnets", BOOLEAN, wire="advertise-subnets", default=False),
    Field("disable_arp_nd_suppression", BOOLEAN, wire="disable-arp-nd-suppression", default=False),
    Field("rt_import", SET, wire="rt-import"),
    # faucet
    Field("dp_id", INTEGER, wire="dp-id"),
)

ADVICE: Values = {
    "is used by vnet": "Move the vnet to another zone, or remove it first (module sdn_vnet).",
    r"controller .*don't exist": "Declare the controller first (module sdn_controller).",
    r"dns: .*don't exist": "Declare the name server first (module sdn_dns).",
    r"ipam: .*not existing": "Declare it first (module sdn_ipam).",
    "missing dns server": "Set dns, too.",
    "exactly one of peers / fabric": "Set either peers or fabric.",
    "vrf-vxlan .* is already declared": "Choose another vrf_vxlan.",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="zone",
    keys=("zone",),
    collection="/cluster/sdn/zones",
    item="/cluster/sdn/zones/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"zone": "zone"},
    required=("type",),
    options=LOCKED,
    passed=PASSED,
    advice={**HELD, **ADVICE},
    result=lambda have: {"zone": have["zone"]},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError when it is to go away and vnets are in it."""
    have = SECTION.describe(read, wish)
    if have is not None and wish["state"] == "absent":
        vnets = sorted(f"vnet {row['vnet']}" for row in read.get(VNETS) or [] if row.get("zone") == wish["zone"])
        refuse_used("zone", wish["zone"], vnets, ADVICE["is used by vnet"])
    return have


ZONE = replace(SECTION.resource(), describe=describe)
