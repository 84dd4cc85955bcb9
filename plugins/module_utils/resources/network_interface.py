# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces of a node, as data, and what can't be right about one (PVE/API2/Network.pm).

PVE's parameters ``address`` and ``netmask`` (and those of IPv6) are no options: ``cidr`` says both. The types
``fabric`` and ``vnet`` are SDN's, and ``unknown`` is none to wish for. PVE reads ``comments6`` back as ``comments``
(PVE/Network/Interfaces.pm), so there is one option for both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    TEXT,
    Codec,
    Json,
    bounded,
    set_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, Section

TYPES = ("bridge", "bond", "eth", "alias", "vlan", "OVSBridge", "OVSBond", "OVSPort", "OVSIntPort")
BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb", "balance-slb",
    "lacp-balance-slb", "lacp-balance-tcp",
)  # fmt: skip
HASHED_MODES = ("balance-xor", "802.3ad")
ALL_VLANS = "2-4094"
"""What PVE writes for a VLAN-aware bridge that names no VLANs (PVE/Network/Interfaces.pm)."""

COLLECTION = "/nodes/{}/network"
MISSING = "interface does not exist"


def _address(version: int, prefix: bool) -> Codec:
    """An IP address in its shortest spelling, with or without the length of its prefix."""
    sample = {4: "192.0.2.10", 6: "2001:db8::10"}[version] + ("/24" if version == 4 else "/64") * prefix  # noqa: PLR2004
    what = f"an IPv{version} address{' with the length of its prefix' * prefix}, such as {sample}"

    def parse(value: Json) -> str:
        text = str(value).strip()
        if not text:
            return ""
        try:
            found = ip_interface(text)
        except ValueError:
            raise ValueError(f"'{value}' is not {what}") from None
        if found.version != version or ("/" in text) is not prefix:
            raise ValueError(f"'{value}' is not {what}")
        return found.with_prefixlen if prefix else str(found.ip)

    return Codec(parse, parse)


def _number(low: int, high: int) -> Codec:
    """A whole number; 0 stands for none."""

    def parse(value: Json) -> int:
        number = int(value)
        return int(bounded(number, low, high)) if number else 0

    return replace(INTEGER, parse=parse, empty=lambda value: not value)


PORTS = set_of(" ")
VLANS = replace(PORTS, parse=lambda value: PORTS.parse(value) or [ALL_VLANS])
# PVE takes the mere presence of these for a yes, so a no is their absence (PVE/Network/Interfaces.pm).
FLAG = replace(BOOLEAN, empty=lambda value: not value)

FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": list(TYPES)}),
    Field("cidr", _address(4, prefix=True)),
    Field("gateway", _address(4, prefix=False)),
    Field("cidr6", _address(6, prefix=True)),
    Field("gateway6", _address(6, prefix=False)),
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
    Field("ovs_options"),
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


PORT_OPTIONS = ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds")


@dataclass(frozen=True)
class State:
    """An interface of a node, None where there is none, and the others there are, by name."""

    now: Values | None
    others: Mapping[str, Values]


def describe(read: Reader, wish: Values) -> State:
    """What is configured, waiting changes included. Bridges the login may not see are missing among the others."""
    node, iface = wish["node"], str(wish["iface"])
    if iface == "lo":
        raise ConfigError("Option 'iface': Proxmox VE's API does not show or change the loopback interface lo.")
    try:
        now = {**read.get(url(COLLECTION + "/{}", node, iface)), "iface": iface}
    except PveError as error:
        if MISSING not in str(error):
            raise
        now = None
    rows = read.get(url(COLLECTION, node))
    return State(now, {str(row["iface"]): row for row in rows if row["iface"] != iface})


def plan(wish: Values, state: State) -> Plan:
    """As any section; but what PVE would refuse, drop silently or do harm with is refused here."""
    if wish["state"] == "absent":
        return _removal(wish, state)
    made = section(str(wish["node"])).plan(wish, state.now)
    after = _foreseen(made, state.now)
    for problem in problems(made, str(wish["iface"]), after, state, overlap=bool(wish.get("allow_overlap"))):
        raise RefusedError(f"Cannot set interface {wish['iface']} on node {wish['node']}: {problem}")
    return _complete(made, state.now) if state.now and made.steps else made


def _removal(wish: Values, state: State) -> Plan:
    iface = str(wish["iface"])
    # A card of the machine is listed whether it is configured or not.
    now = None if state.now is None or (_is_card(state.now) and not _settings(state.now)) else state.now
    users = sorted(name for name, row in state.others.items() if iface in below(name, row)) if now else []
    if users:
        raise RefusedError(
            f"Cannot remove interface {iface} from node {wish['node']}: {', '.join(users)} "
            f"{'stands' if len(users) == 1 else 'stand'} on it. Change or remove {users[0]} first."
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


def below(name: str, row: Values) -> list[str]:
    """The interfaces one stands on: ports, slaves, and the one a VLAN or alias belongs to."""
    ports = [port for option in PORT_OPTIONS for port in PORTS.decode(row.get(option) or "")]
    raw = [str(row["vlan-raw-device"])] if row.get("vlan-raw-device") else []
    base = re.fullmatch(r"(.+)[.:]\d+", name)
    return list(dict.fromkeys([*ports, *raw, *([base[1]] if base else [])]))


def problems(made: Plan, iface: str, after: Values, state: State, *, overlap: bool) -> Iterator[str]:
    """Why what is planned can't be right, in words. Only what a plan changes is looked at."""
    changed = {change.field.name for change in made.changes if change.after is not None}
    emptied = {change.field.name for change in made.changes if change.after is None}
    yield from _dropped(changed, after)
    yield from _gateways(changed, emptied, after, state.others)
    yield from _ports(changed, iface, after, state.others)
    if not overlap:
        yield from _overlaps(changed, iface, after, state.others)
    if made.steps and state.now:
        yield from _lost_methods(after, state.now)


NEEDS: Sequence[tuple[str, Callable[[Values], bool], str]] = (
    ("bridge_vids", lambda row: bool(row.get("bridge_vlan_aware")), "bridge_vlan_aware: true"),
    ("bond_primary", lambda row: row.get("bond_mode") == "active-backup", "bond_mode: active-backup"),
    (
        "bond_xmit_hash_policy",
        lambda row: row.get("bond_mode") in HASHED_MODES,
        f"bond_mode: {' or '.join(HASHED_MODES)}",
    ),
)
"""What PVE drops without a word (PVE/Network/Interfaces.pm), unless the interface is so."""


def _dropped(changed: set[str], after: Values) -> Iterator[str]:
    for option, met, need in NEEDS:
        if option in changed and not met(after):
            yield f"{option} has an effect with {need} only."


def _gateways(changed: set[str], emptied: set[str], after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    for gateway, cidr in (("gateway", "cidr"), ("gateway6", "cidr6")):
        if after.get(gateway) and not after.get(cidr) and ({gateway} & changed or {cidr} & emptied):
            yield f"{gateway} {after[gateway]} needs an address in {cidr}. Set {cidr}, or set {gateway} to ''."
        for other, row in sorted(others.items()) if gateway in changed else ():
            if row.get(gateway):
                yield (
                    f"{gateway} {after[gateway]} would be the node's second, {other} has {row[gateway]}. "
                    f"Set {gateway} of {other} to '' first."
                )


def _ports(changed: set[str], iface: str, after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    users = {port: name for name, row in others.items() for option in PORT_OPTIONS for port in _list(row.get(option))}
    for option in (name for name in PORT_OPTIONS if name in changed):
        for port in _list(after.get(option)):
            if port != iface and port in users:
                yield f"{port} in {option} is used by {users[port]} already. Take it out there first."
            # PVE makes the VLAN of an interface where a bridge names one (PVE/Network/Interfaces.pm).
            elif port != iface and port not in others and not re.fullmatch(r".+\.\d+", port):
                yield f"{option} names {port}, which is not there. The module network_info lists what there is."
            elif option == "bridge_ports" and (others.get(port, {}).get("cidr") or others.get(port, {}).get("cidr6")):
                yield f"{port} in {option} has an address of its own. Set its cidr and cidr6 to '' first."
    if changed & {*PORT_OPTIONS, "vlan_raw_device", "type"}:
        circle = _circle(iface, {**others, iface: after})
        if circle:
            yield f"it would stand on itself: {' on '.join(circle)}."


def _list(value: Json) -> list[str]:
    return PORTS.decode(value or "")  # type: ignore[no-any-return]


def _circle(iface: str, rows: Mapping[str, Values], way: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The way from an interface down to itself, empty when there is none."""
    here = way[-1] if way else iface
    for lower in below(here, rows.get(here, {})):
        if lower == iface:
            return (*(way or (iface,)), iface)
        found = _circle(iface, rows, (*(way or (iface,)), lower)) if lower not in way else ()
        if found:
            return found
    return ()


def _overlaps(changed: set[str], iface: str, after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    for option in ("cidr", "cidr6"):
        mine = ip_interface(after[option]) if option in changed else None
        for other, row in sorted(others.items()) if mine else ():
            theirs = ip_interface(row[option]) if row.get(option) else None
            if mine and theirs and _device(other) != _device(iface) and _overlap(mine, theirs):
                yield (
                    f"{option} {after[option]} overlaps with {row[option]} of {other}. Choose another network, or set "
                    "allow_overlap if both are really to be in one."
                )


def _overlap(one: IPv4Interface | IPv6Interface, other: IPv4Interface | IPv6Interface) -> bool:
    return one.network.overlaps(other.network)


def _device(iface: str) -> str:
    """The device of an alias: its addresses are that device's."""
    return iface.partition(":")[0]


def _lost_methods(after: Values, now: Values) -> Iterator[str]:
    for method, cidr in (("method", "cidr"), ("method6", "cidr6")):
        if now.get(method) in ("dhcp", "auto") and not after.get(cidr):
            yield (
                f"it gets its address by {now[method]} ({method}), which any change over Proxmox VE's API would end. "
                f"Set {cidr}, or edit /etc/network/interfaces on the node."
            )


def _result(state: State) -> dict[str, Json]:
    return section("").shown(state.now)


NETWORK_INTERFACE = replace(section("").resource(), describe=describe, plan=plan, result=_result)
