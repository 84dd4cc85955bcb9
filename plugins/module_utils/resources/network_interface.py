# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces of a node, as data, and what can't be right about one (PVE/API2/Network.pm).

PVE's parameters ``address`` and ``netmask`` (and those of IPv6) are no options: ``cidr`` says both. The types
``fabric`` and ``vnet`` are SDN's, and ``unknown`` is none to wish for. PVE reads ``comments6`` back as ``comments``
(PVE/Network/Interfaces.pm), so there is one option for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    TEXT,
    Codec,
    Json,
    bounded,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_cards import users as cards_on
from ansible_collections.homelab.pve.plugins.module_utils.resources.ip_codecs import address_codec
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_checks import (
    BRIDGES,
    PORTS,
    below,
    own_ports,
    problems,
    users,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, Section

TYPES = ("bridge", "bond", "eth", "alias", "vlan", "OVSBridge", "OVSBond", "OVSPort", "OVSIntPort")
BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb", "balance-slb",
    "lacp-balance-slb", "lacp-balance-tcp",
)  # fmt: skip
ALL_VLANS = "2-4094"
"""What PVE writes for a VLAN-aware bridge that names no VLANs (PVE/Network/Interfaces.pm)."""

COLLECTION = "/nodes/{}/network"
MISSING = "interface does not exist"


def _number(low: int, high: int) -> Codec:
    """A whole number; 0 stands for none."""

    def parse(value: Json) -> int:
        number = int(value)
        return int(bounded(number, low, high)) if number else 0

    return replace(INTEGER, parse=parse, empty=lambda value: not value)


VLANS = replace(PORTS, parse=lambda value: PORTS.parse(value) or [ALL_VLANS])
# PVE takes the mere presence of these for a yes, so a no is their absence (PVE/Network/Interfaces.pm).
FLAG = replace(BOOLEAN, empty=lambda value: not value)


def _switch_options(value: Json) -> str:
    """Options of Open vSwitch by name: PVE writes them in any order, and some as options of their own."""
    words = sorted(str(value).split())
    for word in words:
        option = SPLIT_OFF.get(word.partition("=")[0])
        if option:
            raise ValueError(f"'{word}' is an option of its own. Set {option} instead")
    return " ".join(words)


SPLIT_OFF = {"tag": "ovs_tag", "bond_mode": "bond_mode", "lacp": "bond_mode"}
"""What PVE reads out of ``ovs_options``, and the options that say it (PVE/Network/Interfaces.pm)."""

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": list(TYPES)}),
    Field("cidr", address_codec(4, prefix=True)),
    Field("gateway", address_codec(4)),
    Field("cidr6", address_codec(6, prefix=True)),
    Field("gateway6", address_codec(6)),
    Field("mtu", _number(1280, 65520)),
    Field("autostart", FLAG, default=False),
    Field("comments", DESCRIPTION),
    Field("bridge_ports", PORTS),
    Field("bridge_vlan_aware", FLAG, default=False),
    Field("bridge_vids", VLANS),
    Field("slaves", PORTS),
    Field("bond_mode", spec={"choices": list(BOND_MODES)}),
    Field("bond_primary", TEXT, wire="bond-primary"),
    Field("bond_xmit_hash_policy", spec={"choices": ["layer2", "layer2+3", "layer3+4"]}),
    Field("vlan_id", _number(1, 4094), wire="vlan-id"),
    Field("vlan_raw_device", wire="vlan-raw-device"),
    Field("ovs_bridge"),
    Field("ovs_ports", PORTS),
    Field("ovs_bonds", PORTS),
    Field("ovs_options", replace(TEXT, parse=_switch_options, decode=lambda wire: " ".join(sorted(wire.split())))),
    Field("ovs_tag", _number(1, 4094)),
)


def section(node: str) -> Section:
    """The interfaces of a node."""
    return Section(
        kind="interface",
        keys=("iface",),
        collection=url(COLLECTION, node),
        item=url(COLLECTION, node) + "/{}",
        missing=MISSING,
        fields=FIELDS,
        key_params={"iface": "iface"},
        required=("type",),
        options={"node": KEY, "allow_overlap": {"type": "bool", "default": False}},
        has_digest=False,
        result=lambda have: {"iface": have["iface"]},
    )


@dataclass(frozen=True)
class State:
    """An interface of a node, None where there is none, and the others there are, by name."""

    now: Values | None
    others: Mapping[str, Values]
    cards: tuple[str, ...] = ()
    """Guests' cards that are on a bridge that is to be removed."""


def describe(read: Reader, wish: Values) -> State:
    """What is configured, waiting changes included. Bridges the login may not see are missing among the others."""
    node, iface = wish["node"], str(wish["iface"])
    if iface == "lo":
        raise ConfigError("Option 'iface': Proxmox VE's API does not show or change the loopback interface lo.")
    now = _one(read, node, iface)
    others = {str(row["iface"]): row for row in read.get(url(COLLECTION, node)) if row["iface"] != iface}
    if wish["state"] == "present":
        return State(now, {**others, **_unlisted(read, wish, others)})
    return State(now, others, cards_on(read, iface, node) if now and now.get("type") in BRIDGES else ())


def _one(read: Reader, node: str, iface: str) -> Values | None:
    try:
        return {**read.get(url(COLLECTION + "/{}", node, iface)), "iface": iface}
    except PveError as error:
        if MISSING not in str(error):
            raise
        return None


def _unlisted(read: Reader, wish: Values, others: Mapping[str, Values]) -> dict[str, Values]:
    """What the wish is to stand on and the list doesn't have: a login that can't see bridges can still ask for one."""
    named = [*below(str(wish["iface"]), {"vlan-raw-device": wish.get("vlan_raw_device")}), wish.get("ovs_bridge")]
    found = {name: _one(read, wish["node"], name) for name in named if name and name not in (*others, wish["iface"])}
    return {name: row for name, row in found.items() if row}


def plan(wish: Values, state: State) -> Plan:
    """As any section; but what PVE would refuse, drop silently or do harm with is refused here."""
    if wish["state"] == "absent":
        return _removal(wish, state)
    wish = _with_own_ports(wish, state)
    made = section(str(wish["node"])).plan(wish, state.now)
    after = _foreseen(made, state.now)
    for problem in problems(made, wish, state.now, after, state.others):
        raise RefusedError(f"Cannot set interface {wish['iface']} on node {wish['node']}: {problem}")
    return _complete(made, state.now) if state.now and made.steps else made


def _with_own_ports(wish: Values, state: State) -> Values:
    """What names an Open vSwitch bridge as its own is a port of it: PVE lists it there by itself."""
    if wish.get("ovs_ports") is None:
        return wish
    return {**wish, "ovs_ports": [*wish["ovs_ports"], *own_ports(str(wish["iface"]), state.others)]}


def _removal(wish: Values, state: State) -> Plan:
    iface = str(wish["iface"])
    # A card of the machine is listed whether it is configured or not.
    now = None if state.now is None or (_is_card(state.now) and not _settings(state.now)) else state.now
    names = users(iface, now, state.others) if now else []
    cannot = f"Cannot remove interface {iface} from node {wish['node']}:"
    if names:
        raise RefusedError(
            f"{cannot} {', '.join(names)} {'stands' if len(names) == 1 else 'stand'} on it. "
            f"Change or remove {names[0]} first."
        )
    if state.cards:
        raise RefusedError(
            f"{cannot} {', '.join(state.cards)} {'is' if len(state.cards) == 1 else 'are'} on it. "
            "Put them on another bridge first."
        )
    return section(str(wish["node"])).plan(wish, now)


def _is_card(row: Values) -> bool:
    return row.get("type") == "eth" and bool(row.get("exists"))


def _settings(row: Values) -> list[str]:
    return [item.key for item in FIELDS if item.name != "type" and row.get(item.key)]


def _foreseen(made: Plan, now: Values | None) -> dict[str, Json]:
    """The interface as it will be, in PVE's form."""
    changes = {change.field.key: change for change in made.changes}
    kept = {name: value for name, value in (now or {}).items() if name not in changes}
    return {**kept, **{key: c.field.codec.encode(c.after) for key, c in changes.items() if c.after is not None}}


def _complete(made: Plan, now: Values) -> Plan:
    """PVE needs the type with each change, and takes an address that isn't sent again for one that is given up."""
    (step,) = made.steps
    gone = str(step.params.get("delete", "")).split(",")
    kept = {name: now[name] for name in ("cidr", "cidr6") if now.get(name) and name not in gone}
    return replace(made, steps=(replace(step, params={"type": now["type"], **kept, **step.params}),))


def _result(state: State) -> dict[str, Json]:
    return section("").shown(state.now)


NETWORK_INTERFACE = replace(
    section("").resource(),
    describe=describe,
    plan=plan,
    result=_result,
    writes=(f"POST {COLLECTION}", f"PUT {COLLECTION}/{{}}", f"DELETE {COLLECTION}/{{}}"),
)
