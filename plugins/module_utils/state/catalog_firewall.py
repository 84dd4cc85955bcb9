# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: the firewall of the cluster, of nodes, guests, vnets and security groups.

The rules of one configuration are one entry, as their order matters; a security group has its own rules in its entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, decoded, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PermissionDeniedError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    firewall_alias,
    firewall_group,
    firewall_ipset,
    firewall_options,
    firewall_rule,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import LEVELS, Place, of_guest, place
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import (
    CLUSTER,
    GROUPS,
    Name,
    names,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rules import present, wished
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_cards import CARD
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import pending_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind, Lister, Remark, nothing

EVERY_GUEST = 100
"""Up to so many guests each is asked for its firewall. Of more, those that have a card with the firewall on.

For the others a firewall has no effect, and asking would cost several requests for each.
"""

PARALLEL = 8
"""Guests asked at a time."""

Parts: TypeAlias = "Callable[[Reader, Site], Sequence[Entry | Remark]]"
"""What one configuration has of a kind."""


@dataclass(frozen=True)
class Site:
    """A configuration, and the options that name it in an entry."""

    place: Place
    entry: Values

    @property
    def level(self) -> str:
        """Its level."""
        return str(self.entry["level"])


def sites(read: Reader, levels: Sequence[str]) -> list[Site | Remark]:
    """The configurations there are, of some levels. What can't be reached is said once, with the cluster's."""
    found: list[Site | Remark] = [Site(place(read, {}), {"level": "cluster"})] if "cluster" in levels else []
    nodes = read.get("/nodes") or ()
    online = {str(row["node"]) for row in nodes if row.get("status", "online") == "online"}
    found += [
        Remark(f"Node {row['node']} is offline: its firewall, and its guests', is left out.")
        for row in nodes
        if row["node"] not in online
    ]
    if "node" in levels:
        found += [_site(read, "node", node) for node in sorted(online)]
    if "vnet" in levels:
        found += [_site(read, "vnet", row["vnet"]) for row in read.get("/cluster/sdn/vnets") or ()]
    if "guest" in levels:
        found += _guests(read, online)
    return found


def _guests(read: Reader, online: Collection[str]) -> list[Site | Remark]:
    """Those of guests whose firewall is asked for, and how many aren't: see EVERY_GUEST."""
    guests = [guest for guest in read_guests(read) if guest.node in online]
    asked = _firewalled(read, guests)
    left = len(guests) - len(asked)
    said = f"The firewalls of {left} guests without a card that has the firewall on are left out: they have no effect."
    return [
        *(Site(of_guest(guest), {"level": "guest", "vmid": guest.vmid}) for guest in asked),
        *([Remark(said)] if left else []),
    ]


def _site(read: Reader, level: str, name: Json) -> Site:
    entry = {"level": level, LEVELS[level].option: name}
    return Site(place(read, entry), entry)


def _firewalled(read: Reader, guests: Sequence[Guest]) -> Sequence[Guest]:
    """See EVERY_GUEST."""
    if len(guests) <= EVERY_GUEST:
        return guests
    on = together(lambda guest: _has_firewalled_card(read, guest), guests, PARALLEL)
    return [guest for guest, firewalled in zip(guests, on, strict=True) if firewalled]


def _has_firewalled_card(read: Reader, guest: Guest) -> bool:
    try:
        config = pending_config(read.get(guest.path("pending")))  # which the guests' own kinds read, too
    except PveError as error:
        if GONE.search(error.message):
            return False
        raise
    return any(CARD.fullmatch(key) and "firewall=1" in str(value).split(",") for key, value in config.items())


def lister(levels: Sequence[str], parts: Parts) -> Lister:
    """Lists what all configurations of some levels have."""

    def listed(read: Reader) -> Iterator[Entry | Remark]:
        found = sites(read, levels)
        remarks = [item for item in found if isinstance(item, Remark)]
        asked = [item for item in found if isinstance(item, Site)]
        yield from remarks
        for answer in together(lambda site: _parts(read, site, parts), asked, PARALLEL):
            yield from answer

    return listed


def _parts(read: Reader, site: Site, parts: Parts) -> Sequence[Entry | Remark]:
    try:
        return parts(read, site)
    except PermissionDeniedError as error:
        if site.level == "cluster":
            raise
        return [Remark(f"The firewall of {site.place.label} is left out: {error}")]
    except PveError as error:
        # A guest that was removed meanwhile; vnets have a firewall from Proxmox VE 8.3 on.
        if GONE.search(error.message) or error.not_implemented:
            return []
        raise


def options(read: Reader, site: Site) -> list[Entry]:
    """The options, where one is set."""
    fields = firewall_options.fields(site.level)
    values = decoded(fields, read.get(f"{site.place.path}/options") or {})
    own = {item.name: values[item.name] for item in fields if item.name in values}
    told = {item.name: own[item.name] for item in fields if item.name in own and own[item.name] != item.default}
    return [{**site.entry, **told}] if told else []


def rules(read: Reader, site: Site) -> list[Entry | Remark]:
    """The rules, where there are some."""
    found, remarks = declarable(present(read.get(site.place.rules) or ()), site.level, site.place.label)
    return [*remarks, *([{**site.entry, "rules": found}] if found else [])]


def declarable(rows: Sequence[Entry], level: str, label: str) -> tuple[list[Entry], list[Remark]]:
    """The rules that can be declared: no two the same, none that Proxmox VE itself doesn't follow."""
    found: list[Entry] = []
    remarks: list[Remark] = []
    for position, rule in enumerate(rows):
        try:
            wished([*found, rule], level, "content")
        except ConfigError as error:
            remarks.append(Remark(f"Rule {position} of the firewall of {label} is left out: {error}"))
        else:
            found.append(rule)
    return found, remarks


def aliases(read: Reader, site: Site) -> list[Entry]:
    """The aliases."""
    rows = read.get(f"{site.place.path}/aliases") or ()
    return [{**site.entry, **_told(firewall_alias.SECTION.shown(row)["alias"])} for row in rows]


def ipsets(read: Reader, site: Site) -> list[Entry]:
    """The IP sets with their members."""
    path = f"{site.place.path}/ipset"
    found = []
    for row in read.get(path) or ():
        members = tuple(read.get(path + url("/{}", row["name"])) or ())
        shown = firewall_ipset.shown(firewall_ipset.Found(site.place, row, members))["ipset"]
        rows = [{name: value for name, value in member.items() if value} for member in shown.pop("members")]
        found.append({**site.entry, **_told(shown), "members": rows})
    return found


def groups(read: Reader) -> Iterator[Entry | Remark]:
    """The security groups with their rules."""
    for row in read.get(GROUPS) or ():
        label = f"security group {row['group']}"
        told = firewall_group.as_options(row, read.get(url(firewall_group.ITEM, row["group"])) or ())
        found, remarks = declarable(told.pop("rules"), "group", label)
        yield from remarks
        yield {**_told(told), "rules": found}


def _told(values: Values) -> Entry:
    return {name: value for name, value in values.items() if value not in (None, "")}


def levelled(entry: Values) -> Values:
    """An entry that says no level is about the cluster. Upper and lower case of an alias are the same."""
    return {**entry, "level": entry.get("level") or "cluster"}


def folded(entry: Values) -> Values:
    """Upper and lower case of an alias are the same (PVE::API2::Firewall::Aliases)."""
    return {**levelled(entry), "name": str(entry.get("name", "")).lower()}


def referred(kind: str) -> Callable[[Values], Iterator[tuple[str, Values]]]:
    """An alias or IP set of the cluster in the list of names that rules may use."""

    def rows(entry: Values) -> Iterator[tuple[str, Values]]:
        if levelled(entry)["level"] == "cluster":
            yield f"{CLUSTER}/refs", {"type": kind, "name": entry["name"], "scope": "dc"}

    return rows


PLACES: Mapping[str, tuple[str, ...]] = {
    "cluster": (f"{CLUSTER}/rules",),
    "group": (CLUSTER + "/groups/{group}",),
    "node": ("/nodes/{node}/firewall/rules",),
    "vnet": ("/cluster/sdn/vnets/{vnet}/firewall/rules",),
    "guest": (),
}


def unruled(entry: Values) -> Iterator[tuple[str, Values]]:
    """Where rules are removed, they mean nothing any more."""
    for path in PLACES[str(levelled(entry)["level"])]:
        yield path.format(**entry), {}


def of_rules(entry: Values) -> Iterator[tuple[str, str]]:
    """The aliases, IP sets and security groups that rules mean by name."""
    for rule in entry.get("rules") or ():
        for name in names(rule) if isinstance(rule, Mapping) else ():
            yield from meant(name, entry)


def of_members(entry: Values) -> Iterator[tuple[str, str]]:
    """The aliases that are members of an IP set."""
    for member in entry.get("members") or ():
        found = firewall_ipset.ALIAS.fullmatch(str(member.get("cidr"))) if isinstance(member, Mapping) else None
        if found:
            scope, _slash, alias = str(member["cidr"]).rpartition("/")
            yield from meant(Name("alias", alias, f"{scope}/" if scope else ""), entry)


def meant(name: Name, entry: Values) -> Iterator[tuple[str, str]]:
    """Kind and identity of what a name of an entry's may mean: the guest's own, or the cluster's."""
    if name.kind == "group":
        yield "firewall.groups", name.name
    elif name.kind in NAMED:
        own = [f"guest/{entry['vmid']}"] if entry.get("vmid") is not None and name.scope in ("", "guest/") else []
        for place_of in (*own, *(["cluster"] if name.scope in ("", "dc/") else [])):
            yield NAMED[name.kind], f"{place_of}/{name.key[1]}"


NAMED = {"alias": "firewall.aliases", "ipset": "firewall.ipsets"}

BELOW = ("nodes", "vms", "containers", "sdn.vnets")
"""Kinds of what has a firewall."""

ROWS: tuple[Kind, ...] = (
    Kind(
        "firewall.aliases",
        firewall_alias.ALIAS,
        ("level", "vmid", "name"),
        lister(firewall_alias.LEVELS, aliases),
        after=BELOW,
        named=folded,
        appears=referred("alias"),
    ),
    Kind(
        "firewall.ipsets",
        firewall_ipset.IPSET,
        ("level", "vmid", "name"),
        lister(firewall_ipset.LEVELS, ipsets),
        after=(*BELOW, "firewall.aliases"),
        named=levelled,
        uses=of_members,
        appears=referred("ipset"),
        vanishes=lambda entry: (
            [(f"{CLUSTER}/ipset", {"name": entry["name"]})] if levelled(entry)["level"] == "cluster" else []
        ),
    ),
    Kind(
        "firewall.groups",
        firewall_group.GROUP,
        ("group",),
        groups,
        after=(*BELOW, "firewall.aliases", "firewall.ipsets"),
        uses=of_rules,
        appears=lambda entry: [(GROUPS, {"group": entry["group"]})],
        vanishes=lambda entry: [(GROUPS, {"group": entry["group"]})],
    ),
    Kind(
        "firewall.rules",
        firewall_rule.RULES,
        ("level", "node", "vmid", "vnet", "group"),
        lister([level for level in LEVELS if level != "group"], rules),
        after=(*BELOW, "firewall.aliases", "firewall.ipsets", "firewall.groups"),
        named=levelled,
        uses=of_rules,
        removal={"rules": []},
        vanishes=unruled,
    ),
    # The rules are there before the firewall is switched on.
    Kind(
        "firewall.options",
        firewall_options.OPTIONS,
        ("level", "node", "vmid", "vnet"),
        lister(firewall_options.LEVELS, options),
        after=(*BELOW, "firewall.rules"),
        named=levelled,
        removable=nothing,
    ),
)
