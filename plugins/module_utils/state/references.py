# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in a document that lead nowhere: looked up in the documents first, and for the rest on the server.

What an entry names is in ``naming.py``. Where things of that name may be declared, and which list of the API has them,
is the table ``TARGETS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Plan, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PermissionDeniedError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import is_taken
from ansible_collections.homelab.pve.plugins.module_utils.state import naming
from ansible_collections.homelab.pve.plugins.module_utils.state.checking import meant
from ansible_collections.homelab.pve.plugins.module_utils.state.declared import Declared, Wish, shortened
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Key, Reference
from ansible_collections.homelab.pve.plugins.module_utils.state.naming import INSTALLED, NAMINGS, Named, named

Names = Callable[[Values], Iterable[Json]]
"""From an entry: the names of what it declares."""


def _named_by(option: str) -> Names:
    return lambda entry: [entry[option]] if entry.get(option) is not None else []


def _members(cluster: Values) -> list[Json]:
    """The nodes of the document's cluster."""
    found = cluster.get("nodes") or []
    return [item["name"] for item in found if isinstance(item, Mapping) and item.get("name")]


def _anything(_name: str) -> bool:
    return True


def _none(_name: str) -> bool:
    return False


@dataclass(frozen=True)
class Target:
    """What may be named: the kinds whose entries declare such things, and the API's lists of those there are.

    ``lists`` are (path, parameters, key of a row); a path with ``{}`` is each node's. ``item`` is the path of one.
    """

    kinds: Mapping[str, Names]
    lists: tuple[tuple[str, Values, str], ...]
    item: str = ""
    kept: Callable[[str], bool] = _none
    """Whether Proxmox VE has one of this name of itself, or may have: it is there even if its kind is pruned."""


RULES = {"ha.rules": _named_by("rule"), "ha.groups": _named_by("group")}


def _mapping(kind: str) -> Names:
    return lambda entry: [entry["id"]] if entry.get("type") == kind and entry.get("id") else []


TARGETS: Mapping[str, Target] = {
    naming.STORAGE: Target(
        {"storage": _named_by("storage")},
        (("/storage", {}, "storage"),),
        "/storage/{}",
        lambda name: name in INSTALLED,
    ),
    naming.NODE: Target({"cluster": _members}, (("/nodes", {}, "node"),), kept=_anything),
    naming.GUEST: Target(
        {"vms": _named_by("vmid"), "containers": _named_by("vmid")}, (("/cluster/resources", {"type": "vm"}, "vmid"),)
    ),
    naming.POOL: Target({"pools": _named_by("poolid")}, (("/pools", {}, "poolid"),), "/pools/{}"),
    naming.BRIDGE: Target(
        {"network": _named_by("iface"), "sdn.vnets": _named_by("vnet")},
        (("/nodes/{}/network", {}, "iface"), ("/cluster/sdn/vnets", {}, "vnet")),
        kept=_anything,
    ),
    naming.USER: Target(
        {"users": _named_by("userid")},
        (("/access/users", {}, "userid"),),
        "/access/users/{}",
        # Those of the system and of directories come by themselves.
        lambda name: not name.endswith("@pve"),
    ),
    naming.GROUP: Target({"groups": _named_by("groupid")}, (("/access/groups", {}, "groupid"),), "/access/groups/{}"),
    naming.ROLE: Target(
        {"roles": _named_by("roleid")},
        (("/access/roles", {}, "roleid"),),
        kept=lambda name: name.startswith("PVE") or name in ("Administrator", "NoAccess"),
    ),
    naming.REALM: Target(
        {"realms": _named_by("realm")}, (("/access/domains", {}, "realm"),), kept=lambda name: name in ("pam", "pve")
    ),
    naming.ZONE: Target(
        {"sdn.zones": _named_by("zone")},
        (("/cluster/sdn/zones", {}, "zone"),),
        "/cluster/sdn/zones/{}",
        lambda name: name == "localnetwork",
    ),
    naming.VNET: Target(
        {"sdn.vnets": _named_by("vnet")}, (("/cluster/sdn/vnets", {}, "vnet"),), "/cluster/sdn/vnets/{}"
    ),
    naming.CONTROLLER: Target(
        {"sdn.controllers": _named_by("controller")}, (("/cluster/sdn/controllers", {}, "controller"),)
    ),
    naming.IPAM: Target(
        {"sdn.ipams": _named_by("ipam")}, (("/cluster/sdn/ipams", {}, "ipam"),), kept=lambda name: name == "pve"
    ),
    naming.DNS: Target({"sdn.dns": _named_by("dns")}, (("/cluster/sdn/dns", {}, "dns"),)),
    naming.FABRIC: Target({"sdn.fabrics": _named_by("id")}, (("/cluster/sdn/fabrics/fabric", {}, "id"),)),
    naming.PCI: Target({"mappings": _mapping("pci")}, (("/cluster/mapping/pci", {}, "id"),), "/cluster/mapping/pci/{}"),
    naming.USB: Target({"mappings": _mapping("usb")}, (("/cluster/mapping/usb", {}, "id"),), "/cluster/mapping/usb/{}"),
    naming.DIR: Target({"mappings": _mapping("dir")}, (("/cluster/mapping/dir", {}, "id"),), "/cluster/mapping/dir/{}"),
    naming.ENDPOINT: Target(
        {"notifications.endpoints": _named_by("name")},
        (("/cluster/notifications/targets", {}, "name"),),
        kept=lambda name: name == "mail-to-root",
    ),
    naming.ACCOUNT: Target({"acme.accounts": _named_by("name")}, (("/cluster/acme/account", {}, "name"),)),
    naming.SECURITY_GROUP: Target(
        {"firewall.groups": _named_by("group")}, (("/cluster/firewall/groups", {}, "group"),)
    ),
    naming.HA_GROUP: Target(RULES, (("/cluster/ha/rules", {}, "rule"), ("/cluster/ha/groups", {}, "group"))),
}
"""What is named -> where there are such things."""


DECLARING: Mapping[str, list[tuple[str, Names]]] = {
    kind: [(what, target.kinds[kind]) for what, target in TARGETS.items() if kind in target.kinds]
    for kind in {kind for target in TARGETS.values() for kind in target.kinds}
}
"""Kind -> what its entries declare, and by which names."""


def of(kind: str) -> Callable[[Values], Iterator[Reference]]:
    """What an entry of a kind names, as kind and identity of everything that may be meant: see ``Kind.references``."""

    def references(entry: Values) -> Iterator[Reference]:
        for found in named(NAMINGS.get(kind, ()), entry):
            for other in TARGETS[found.what].kinds:
                for identity in _identities(other, found, entry):
                    yield Reference(found.place, other, identity)

    return references


def _identities(kind: str, found: Named, entry: Values) -> list[str]:
    """Of an interface the node is part of its identity: that of the entry, else of the document."""
    if kind != "network":
        return [found.name]
    node = entry.get("node") or entry.get(HOME)
    return [f"{node}/{found.name}"] if node else []


@dataclass
class Index:
    """What the documents declare, by what it is and its name."""

    present: dict[tuple[str, str], Declared] = field(default_factory=dict)
    absent: dict[tuple[str, str], Declared] = field(default_factory=dict)

    def names(self, what: str) -> list[str]:
        """Everything of a sort that the documents have."""
        return sorted({name for sort, name in self.present if sort == what})


def index(entries: Iterable[Declared]) -> Index:
    """What the documents' entries declare."""
    found = Index()
    for declared in entries:
        side = found.absent if declared.entry.get("state") == "absent" else found.present
        for what, names in DECLARING.get(declared.kind.name, ()):
            side.update({(what, str(name)): declared for name in names(declared.entry)})
    return found


def _in_use(wishes: Iterable[Wish]) -> Iterator[tuple[Wish, Named]]:
    """Everything that is named by what is to be there."""
    for wish in wishes:
        if wish.values.get("state") != "absent":
            for found in named(NAMINGS.get(wish.declared.kind.name, ()), wish.values):
                yield wish, found


def dangling(
    entries: Iterable[Declared], wishes: Iterable[Wish], pruned: Collection[str]
) -> Iterator[tuple[Declared, Place, str]]:
    """Names of what the documents themselves say will not be there: nothing has to be asked for that.

    ``entries`` are all of the documents, ``wishes`` those of them that passed; ``pruned`` are kinds of which nothing is
    left but what the documents have.
    """
    known = index(entries)
    for wish, found in _in_use(wishes) if pruned or known.absent else ():
        key = (found.what, found.name)
        if key in known.present:
            continue
        target = TARGETS[found.what]
        if key in known.absent:
            at = known.absent[key].at()
            yield wish.declared, found.place, f"the {found.what} '{found.name}' is to be absent ({at})."
        elif set(target.kinds) <= set(pruned) and not target.kept(found.name):
            kinds = " and ".join(target.kinds)
            yield (
                wish.declared,
                found.place,
                f"there is no {found.what} '{found.name}' in the documents, and what they don't have is removed (prune "
                f"has {kinds}). {_choice(found.name, known.names(found.what))}",
            )


def _choice(name: str, known: Sequence[str]) -> str:
    return meant(name, known) if known else "There is none."


def nowhere(wishes: Sequence[Wish], plans: Mapping[Key, Plan | None], read: Reader) -> list[str]:
    """What is wrong, with file and line, about names of what is neither in the documents nor on the server.

    Only what the ``plans`` would write anew counts: what is written there already may name what is gone, as the backup
    job of a guest that was removed. None stands for a creation, or a plan whose details can't be told. Every list is
    read once, and only where something is named that no document has.
    """
    known, read = index(wish.declared for wish in wishes), SharedReads(read)
    open_ones = [
        (wish, found)
        for wish, found in _in_use(wishes)
        if (found.what, found.name) not in known.present and _is_written(found.name, plans.get(wish.declared.key))
    ]
    lines: dict[str, None] = {}
    for what in dict.fromkeys(found.what for _wish, found in open_ones):
        lines |= dict.fromkeys(_missing(what, [pair for pair in open_ones if pair[1].what == what], known, read))
    return shortened(list(lines))


def _is_written(name: str, plan: Plan | None) -> bool:
    """Whether a plan writes a name that isn't there yet."""
    if plan is None:
        return True
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    return bool(word.search(str(plan.after))) and not word.search(str(plan.before))


def _missing(what: str, pairs: Sequence[tuple[Wish, Named]], known: Index, read: Reader) -> Iterator[str]:
    names = {found.name for _wish, found in pairs}
    nodes = list(dict.fromkeys(str(node) for wish, _named in pairs if (node := wish.values.get("node") or _home(wish))))
    there = _there(TARGETS[what], names, nodes, read)
    if there is None:
        return
    gone = {name for name in names - there if _is_gone(what, name, read)}
    choices = sorted({*there, *known.names(what)})
    for wish, found in pairs:
        if found.name in gone:
            yield (
                f"{_at(wish.declared, found)}: there is no {what} '{found.name}', neither in the documents nor on the "
                f"server. {_choice(found.name, choices)}{ADVICE.get(what, '')}"
            )


ADVICE = {
    naming.NODE: " The option nodes says what a node of the documents is really called; node stands in for theirs."
}


def _at(declared: Declared, found: Named) -> str:
    return declared.at_node(found.place) if found.place in ((HOME,), ("node",)) else declared.at(found.place)


def _home(wish: Wish) -> Json:
    return wish.values.get(HOME)


def _there(target: Target, wanted: Collection[str], nodes: Sequence[str], read: Reader) -> set[str] | None:
    """The names on the server, read until all that are wanted are found; None when the server doesn't tell."""
    found: set[str] = set()
    told = False
    for path, params, key in _lists(target, nodes, read):
        try:
            rows = read.get(path, params or None)
        except PveError:
            continue
        told = True
        found |= {str(row[key]) for row in rows or () if row.get(key) is not None}
        if set(wanted) <= found:
            break
    return found if told else None


def _lists(target: Target, nodes: Sequence[str], read: Reader) -> Iterator[tuple[str, Values, str]]:
    """The lists that may have it; those of nodes last, the entries' own nodes first among them."""
    for path, params, key in sorted(target.lists, key=lambda row: "{}" in row[0]):
        if "{}" not in path:
            yield path, params, key
            continue
        yield from ((url(path, node), params, key) for node in nodes)
        others = (str(row["node"]) for row in read.get("/nodes") if row.get("status") == "online")
        yield from ((url(path, node), params, key) for node in others if node not in nodes)


def _is_gone(what: str, name: str, read: Reader) -> bool:
    """Whether there is none of the name, rather than one that the login may not see."""
    if what == naming.GUEST:
        return not is_taken(read, int(name))
    item = TARGETS[what].item
    if not item:
        return True
    try:
        read.get(url(item, name))
    except PermissionDeniedError:
        return False
    except PveError:
        return True
    return False
