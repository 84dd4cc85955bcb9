# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managers of addresses of the software defined network, as data (API schema: ``/cluster/sdn/ipams``).

PVE asks a netbox or phpipam at each write whether it takes the token (on_update_hook of their plugins), and answers the
token to who may change it. The one called ``pve`` is built in and can't be removed.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import INTEGER, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_dns import FINGERPRINT
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import refuse_used, zones_with
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

NEEDS = {"netbox": ("url", "token"), "phpipam": ("url", "token", "section"), "pve": ()}
"""What each type can't be without."""

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": list(NEEDS)}),
    Field("url"),
    Field("token", secret=True, readable=True),
    Field("section", INTEGER),
    Field("server_fingerprint", FINGERPRINT, wire="fingerprint"),
)

SECTION = Section(
    kind="ipam",
    keys=("ipam",),
    collection="/cluster/sdn/ipams",
    item="/cluster/sdn/ipams/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"ipam": "ipam"},
    required=("type",),
    options=LOCKED,
    passed=PASSED,
    advice=HELD,
    result=lambda have: {"ipam": have["ipam"]},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError when it is to go away and a zone has its addresses there."""
    name = wish["ipam"]
    if wish["state"] == "absent" and name == "pve":
        raise RefusedError("Cannot remove ipam pve: it is built in.")
    have = SECTION.describe(read, wish)
    if have is not None and wish["state"] == "absent":
        zones = [f"zone {zone}" for zone in zones_with(read, ("ipam",), name)]
        refuse_used("ipam", name, zones, "Set ipam of the zone to another one, or to '', first (module sdn_zone).")
    return have


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; what its type needs is asked for before PVE is."""
    made = SECTION.plan(wish, have)
    if have is None and wish["state"] == "present":
        missing = [option for option in NEEDS[wish["type"]] if wish.get(option) in (None, "")]
        if missing:
            raise ConfigError(f"Option '{missing[0]}' is needed: ipam {wish['ipam']} is of the type {wish['type']}.")
    return made


IPAM = replace(SECTION.resource(), describe=describe, plan=plan)
