# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of a fabric, as data (API schema: ``/cluster/sdn/fabrics/node/{fabric_id}``, from PVE 9 on)."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json, Properties
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ip_codecs import address_codec
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric import (
    MISSING,
    PROTOCOLS,
    since_nine,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric import SECTION as FABRICS
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED, PASSED
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

INTERFACE = Properties(
    kinds={"name": "str", "hello_multiplier": "int", "ip": "lower", "ip6": "lower"},
    default_key="name",
    limits={"hello_multiplier": (2, 100)},
)


def _interfaces(value: Json) -> list[dict[str, Json]]:
    """Interfaces by name, each once; their order means nothing."""
    found = [INTERFACE.parse(item) for item in value]
    for item in found:
        if not item.get("name"):
            raise ValueError(f"an interface without a name: {INTERFACE.encode(item)}")
    names = [item["name"] for item in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"interface {twice[0]} is named twice")
    return sorted(found, key=lambda item: str(item["name"]))


def _written(item: Values) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(item.items()) if value not in (None, ""))


INTERFACES = Codec(
    _interfaces,
    lambda wire: sorted((INTERFACE.decode(item) for item in wire), key=lambda item: str(item["name"])),
    lambda value: [_written(item) for item in value],
    ansible_type="list",
    ansible_spec={"elements": "raw"},
)

FIELDS: tuple[Field, ...] = (
    Field("protocol", create_only=True, spec={"choices": list(PROTOCOLS)}),
    Field("ip", address_codec(4)),
    Field("ip6", address_codec(6)),
    Field("interfaces", INTERFACES),
)

ADVICE: Values = {
    "outside the IP prefix": "Choose an address inside of it.",
    "does not have an IP prefix configured": "Set ip_prefix or ip6_prefix of the fabric first (module sdn_fabric).",
    "does not have an IP configured": "Set ip (or ip6), an address inside of it.",
    "nodes with duplicated IPs": "Choose an address no other node of the fabric has.",
}
"""PVE's words -> what to do."""

SECTION = Section(
    kind="fabric node",
    keys=("fabric_id", "node_id"),
    collection="/cluster/sdn/fabrics/node/{}",
    item="/cluster/sdn/fabrics/node/{}/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"node_id": "node_id"},
    deletes_list=True,
    always=("protocol",),
    separator="/",
    options=LOCKED,
    passed=PASSED,
    advice={**HELD, **ADVICE},
)


def describe(read: Reader, wish: Values) -> Json:
    """The node and, where one is to be made, the protocol of the fabric it is to be in."""
    have = since_nine(SECTION, read, wish)
    if have is not None or wish["state"] == "absent":
        return {"node": have}
    fabric = FABRICS.describe(read, {"id": wish["fabric_id"]})
    if fabric is None:
        raise ConfigError(
            f"Cannot add node {wish['node_id']} to fabric {wish['fabric_id']}: there is no such fabric. "
            "Declare it first (module sdn_fabric)."
        )
    return {"node": None, "protocol": fabric["protocol"]}


def plan(wish: Values, state: Values) -> Plan:
    """As any section; a new node speaks what its fabric does."""
    spoken = {"protocol": state["protocol"]} if wish.get("protocol") is None and "protocol" in state else {}
    return SECTION.plan({**wish, **spoken}, state["node"])


def result(state: Values) -> dict[str, Json]:
    """The node, under a name that is one word."""
    have = state["node"]
    if have is None:
        return {}
    names = {"fabric_id": have["fabric_id"], "node_id": have["node_id"]}
    return {"fabric_node": {**SECTION.shown(have)["fabric node"], **names}}


NODE = replace(SECTION.resource(), describe=describe, plan=plan, result=result)
