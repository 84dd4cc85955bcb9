# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets of a virtual network (API schema: ``/cluster/sdn/vnets/{vnet}/subnets``). Pure.

A subnet is made by its network, and has an id of its zone and that: ``inner-10.50.0.0-24``
(PVE::API2::Network::SDN::Subnets, create). So it is looked for in the vnet's list, which tells both.
The schema's ``type`` is always ``subnet``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    Codec,
    Json,
    Properties,
    matching,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, STATE, Section

VNETS = "/cluster/sdn/vnets"
COLLECTION = "/cluster/sdn/vnets/{}/subnets"

BOUNDS = ("start-address", "end-address")
RANGE = Properties(kinds=dict.fromkeys(BOUNDS, "str"))


def _range(value: Json) -> dict[str, Json]:
    found = RANGE.parse(value)
    for bound in BOUNDS:
        if not found.get(bound):
            raise ValueError(f"'{value}' has no {bound}")
    return found


def _ranges(value: Json) -> list[dict[str, Json]]:
    """Ranges ordered by where they begin. PVE answers objects, and takes property strings."""
    return sorted((_range(item) for item in value), key=lambda item: str(item["start-address"]))


RANGES = Codec(
    _ranges,
    _ranges,
    lambda ranges: [f"start-address={item['start-address']},end-address={item['end-address']}" for item in ranges],
    ansible_type="list",
    ansible_spec={"elements": "raw"},
)

FIELDS: tuple[Field, ...] = (
    Field("gateway", matching(r"[0-9A-Fa-f.:]+", "an address")),
    Field("snat", BOOLEAN, default=False),
    Field("dhcp_range", RANGES, wire="dhcp-range"),
    Field("dhcp_dns_server", wire="dhcp-dns-server"),
    Field("dnszoneprefix"),
)

OPTIONS: Options = {"vnet": KEY, "subnet": KEY, **STATE, **LOCKED}


def describe(read: Reader, wish: Values) -> Json | None:
    """The vnet's subnet with the network, or None. A vnet that isn't there has none, if none is wished for."""
    network = _network(wish)
    try:
        rows = read.get(url(COLLECTION, wish["vnet"]))
    except PveError as error:
        if not re.search(MISSING, error.message):
            raise
        if wish["state"] == "present":
            raise ConfigError(
                f"Cannot find subnet {network}: there is no vnet {wish['vnet']}. Declare it first (module sdn_vnet)."
            ) from error
        return None
    have = next((row for row in rows if row.get("cidr") == network), None)
    if have is None and wish["state"] == "present":
        _refuse_overlap(read, wish["vnet"], network, rows)
    return have


def _refuse_overlap(read: Reader, vnet: str, network: str, rows: list[Values]) -> None:
    """PVE takes networks that overlap; a zone's are routed together, so one of them would not be reached.

    ``rows`` are the vnet's own subnets.
    """
    zones = {str(row["vnet"]): row.get("zone") for row in read.get(VNETS) or []}
    mine = ipaddress.ip_network(network)
    for other in sorted(name for name, zone in zones.items() if zone == zones.get(vnet)):
        for row in rows if other == vnet else read.get(url(COLLECTION, other)) or []:
            theirs = ipaddress.ip_network(row["cidr"], strict=False)
            if mine.version == theirs.version and mine.overlaps(theirs):
                raise RefusedError(
                    f"Cannot create subnet {network} of vnet {vnet}: it overlaps with {theirs} of vnet {other} in the "
                    f"same zone {zones[vnet]}. Choose another network, or remove that one first."
                )


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; a subnet that is there is written to by its id."""
    network = _network(wish)
    collection = url(COLLECTION, wish["vnet"])
    item = url(f"{collection}/{{}}", have["subnet"]) if have else ""
    section = replace(SECTION, collection=collection, item=item)
    return section.plan({**wish, "subnet": network, "type": "subnet"}, have)


def _network(wish: Values) -> str:
    """The network as PVE's id has it. Raises ConfigError for anything else."""
    text = str(wish["subnet"])
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(f"Option 'subnet': '{text}' is not a network such as 10.50.0.0/24 ({error})") from error
    if "/" not in text:
        raise ConfigError(f"Option 'subnet': '{text}' is not a network such as 10.50.0.0/24 (the mask is missing)")
    return str(network)


ADVICE: Values = {
    "is not in subnet": "Choose an address inside of the subnet.",
    "on a vlanaware vnet": "Set vlanaware of the vnet to false, or put the subnet into another vnet.",
    "not empty": "Remove its addresses first (module sdn_ip); sdn_info lists them.",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="subnet",
    keys=("subnet",),
    collection=COLLECTION,
    item="",
    missing=MISSING,
    fields=FIELDS,
    key_params={"subnet": "subnet", "type": "type"},
    passed=PASSED,
    advice={**HELD, **ADVICE},
    result=lambda have: {name: have[key] for name, key in (("subnet", "cidr"), ("id", "subnet"), ("vnet", "vnet"))},
)
SUBNET = Resource(
    kind="subnet",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=SECTION.shown,
    writes=(f"POST {COLLECTION}", f"PUT {COLLECTION}/{{}}", f"DELETE {COLLECTION}/{{}}"),
)
