# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers of the software defined network, as data (API schema: ``/cluster/sdn/dns``).

PVE asks the server at each write whether it takes the key (PVE::Network::SDN::Dns::PowerdnsPlugin, verify_api), and
answers the key to who may change it. ``reversev6mask`` is in the schema of a creation, but no option of any type.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import INTEGER, Json, matching
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import refuse_used, zones_with
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

FINGERPRINT = matching(r"(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}", "a SHA-256 fingerprint of the form AB:CD:...")

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": ["powerdns"]}),
    Field("url"),
    Field("key", secret=True, readable=True),
    Field("ttl", INTEGER),
    Field("reversemaskv6", INTEGER),
    Field("server_fingerprint", FINGERPRINT, wire="fingerprint"),
)

SECTION = Section(
    kind="dns",
    keys=("dns",),
    collection="/cluster/sdn/dns",
    item="/cluster/sdn/dns/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"dns": "dns"},
    required=("type", "url", "key"),
    options=LOCKED,
    passed=PASSED,
    advice=HELD,
    result=lambda have: {"dns": have["dns"]},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError when it is to go away and a zone writes names to it."""
    have = SECTION.describe(read, wish)
    if have is not None and wish["state"] == "absent":
        zones = [f"zone {name}" for name in zones_with(read, ("dns", "reversedns"), wish["dns"])]
        refuse_used("dns", wish["dns"], zones, "Set dns and reversedns of the zone to '' first (module sdn_zone).")
    return have


DNS = replace(SECTION.resource(), describe=describe)
