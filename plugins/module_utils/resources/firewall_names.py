# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in firewall rules: whether what they mean is there, and which rules mean something.

Proxmox VE takes rules of security groups that there are none of, and removes groups, aliases and IP sets that rules
use; such a rule then stands for nothing (PVE::Firewall, verify_rule).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    PermissionDeniedError,
    PveError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    LEVELS,
    Place,
    of_guest,
    place,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_syntax import ALIAS, IPSET
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import read_guests

CLUSTER = LEVELS["cluster"].path
GROUPS = f"{CLUSTER}/groups"


@dataclass(frozen=True)
class Name:
    """What a rule means by name. ``scope`` is ``dc/``, ``guest/`` or ``sdn/`` where the rule says which one."""

    kind: str
    name: str
    scope: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same name as another: upper and lower case of an IP set or a group matter."""
        return self.kind, self.name.casefold() if self.kind in ("alias", "macro") else self.name


SCOPES: Mapping[str, str] = {"cluster": "dc/", "guest": "guest/"}
"""By level: how rules say that they mean that level's alias or IP set."""

KINDS = {"alias": "alias", "ipset": "IP set", "group": "security group", "macro": "macro"}


def names(rule: Values) -> Iterator[Name]:
    """What a rule means by name."""
    for option in ("source", "dest"):
        for kind, pattern in (("ipset", IPSET), ("alias", ALIAS)):
            if found := pattern.fullmatch(str(rule.get(option) or "")):
                yield Name(kind, found["name"], found["scope"] or "")
    if rule.get("type") == "group":
        yield Name("group", str(rule["action"]))
    if rule.get("macro"):
        yield Name("macro", str(rule["macro"]))


def check_names(read: Reader, where: Place, rules: Sequence[Values], there: Iterable[Values]) -> None:
    """Raise RefusedError for the first name that means nothing. What rules that are ``there`` mean is not looked up."""
    old = {(name.key, name.scope) for rule in there for name in names(rule)}
    new = [
        (index, name) for index, rule in enumerate(rules) for name in names(rule) if (name.key, name.scope) not in old
    ]
    for kinds, known in (
        (("alias", "ipset"), _references),
        (("group",), _groups),
        (("macro",), _macros),
    ):
        wanted = [(index, name) for index, name in new if name.kind in kinds]
        found = _visible(read, where, known) if wanted else None
        for index, name in wanted:
            if found is not None and not any(_meant(name, other) for other in found):
                raise RefusedError(f"rules[{index}]: {_missing(name, where, found)}")


def _visible(read: Reader, where: Place, known: Callable[[Reader, Place], Iterable[Name]]) -> list[Name] | None:
    """What there is; None when the login may not see it, which leaves the check to Proxmox VE."""
    try:
        return list(known(read, where))
    except PermissionDeniedError:
        return None


def _references(read: Reader, where: Place) -> Iterator[Name]:
    # A guest's list has those of the cluster, too. Nodes, vnets and security groups have none of their own.
    for row in read.get(f"{where.names}/refs") or []:
        yield Name(str(row["type"]), str(row["name"]), f"{row['scope']}/")


def _groups(read: Reader, _where: Place) -> Iterator[Name]:
    return (Name("group", str(row["group"])) for row in read.get(GROUPS) or [])


def _macros(read: Reader, _where: Place) -> Iterator[Name]:
    return (Name("macro", str(row["macro"])) for row in read.get(f"{CLUSTER}/macros") or [])


def _meant(name: Name, other: Name) -> bool:
    return name.key == other.key and name.scope in ("", other.scope)


def _missing(name: Name, where: Place, known: Iterable[Name]) -> str:
    near = get_close_matches(name.name, [other.name for other in known if other.kind == name.kind], 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    if name.kind == "macro":
        return f"there is no macro '{name.name}'.{hint or ' The path /cluster/firewall/macros of the API lists them.'}"
    return (
        f"there is no {KINDS[name.kind]} '{name.scope}{name.name}' for the rules of {where.label}.{hint} Declare it "
        f"first (module firewall_{name.kind})."
    )


def refuse_used(read: Reader, target: Name, where: Place) -> None:
    """Raise RefusedError naming the rules that mean a ``target`` of the configuration, as far as the login may see."""
    found = [use for place in _places(read, where) for use in _uses(read, target, place)]
    if found:
        raise RefusedError(
            f"Cannot remove {KINDS[target.kind]} {target.name} of {where.label}: it is used by {', '.join(found)}. "
            "Proxmox VE would remove it all the same, and they would stand for nothing. Change them first."
        )


def _places(read: Reader, where: Place) -> Iterator[Place]:
    """The configurations whose rules may mean something of this one."""
    if where.names != CLUSTER:
        yield where
        return
    yield place(read, {})
    for level, path in (("group", GROUPS), ("node", "/nodes"), ("vnet", "/cluster/sdn/vnets")):
        for row in _read(read, path):
            yield place(read, {"level": level, level: row[level]})
    yield from (of_guest(guest) for guest in read_guests(read))


def _uses(read: Reader, target: Name, where: Place) -> Iterator[str]:
    """The rules and IP sets of a configuration that mean the target, in words."""
    for user, meant in (*_rules(read, where), *(_sets(read, where) if target.kind == "alias" else ())):
        if any(_stands_for(read, name, target, where) for name in meant):
            yield f"{user} of {where.label}"


def _rules(read: Reader, where: Place) -> Iterator[tuple[str, Iterable[Name]]]:
    return ((f"rule {row['pos']}", names(row)) for row in _read(read, where.rules))


def _sets(read: Reader, where: Place) -> Iterator[tuple[str, Iterable[Name]]]:
    """The IP sets with the aliases in them, of a configuration that may have some."""
    if where.path != where.names:
        return
    for row in _read(read, f"{where.path}/ipset"):
        members = (
            ALIAS.fullmatch(str(item["cidr"])) for item in _read(read, where.path + url("/ipset/{}", row["name"]))
        )
        yield f"IP set {row['name']}", [Name("alias", item["name"], item["scope"] or "") for item in members if item]


def _stands_for(read: Reader, name: Name, target: Name, where: Place) -> bool:
    if not _meant(name, target):
        return False
    # A guest's own goes before the cluster's of the same name (PVE::Firewall, resolve_alias).
    masked = target.scope == "dc/" and not name.scope and where.names != CLUSTER
    return not (masked and any(_meant(replace(name, scope="guest/"), other) for other in _references(read, where)))


def _read(read: Reader, path: str) -> Sequence[Values]:
    """A list; empty where the login may not see it, and for the rules of vnets before Proxmox VE 8.3 (501)."""
    try:
        found: Sequence[Values] = read.get(path) or ()
    except PermissionDeniedError:
        return ()
    except PveError as error:
        if not error.not_implemented:
            raise
        return ()
    return found
