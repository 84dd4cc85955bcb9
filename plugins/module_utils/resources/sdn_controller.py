# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers of the software defined network, as data (API schema: ``/cluster/sdn/controllers``)."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Json, set_of, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import refuse_used, zones_with
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

TYPES = ("evpn", "bgp", "isis", "faucet")
SET = set_of(",")

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": list(TYPES)}),
    Field("asn", within(INTEGER, 0, 4294967295)),
    Field("peers", SET),
    Field("fabric"),
    Field("node"),
    # bgp
    Field("ebgp", BOOLEAN, default=False),
    Field("ebgp_multihop", INTEGER, wire="ebgp-multihop"),
    Field("loopback"),
    Field("bgp_multipath_as_path_relax", BOOLEAN, wire="bgp-multipath-as-path-relax", default=False),
    # isis
    Field("isis_domain", wire="isis-domain"),
    Field("isis_ifaces", SET, wire="isis-ifaces"),
    Field("isis_net", wire="isis-net"),
)

ADVICE: Values = {
    "is used by": "Give the zone another controller, or remove it first (module sdn_zone).",
    "exactly one of peers / fabric": "Set either peers or fabric.",
    "only 1 global evpn controller": "Use the one there is; the module sdn_info names it.",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="controller",
    keys=("controller",),
    collection="/cluster/sdn/controllers",
    item="/cluster/sdn/controllers/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"controller": "controller"},
    required=("type",),
    options=LOCKED,
    passed=PASSED,
    advice={**HELD, **ADVICE},
    result=lambda have: {"controller": have["controller"]},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError when it is to go away and a zone uses it."""
    have = SECTION.describe(read, wish)
    if have is not None and wish["state"] == "absent":
        zones = [f"zone {name}" for name in zones_with(read, ("controller",), wish["controller"])]
        refuse_used("controller", wish["controller"], zones, ADVICE["is used by"])
    return have


CONTROLLER = replace(SECTION.resource(), describe=describe)
