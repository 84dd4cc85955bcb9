# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of the access control list: who has which role on a path. Pure (API schema: ``/access/acl``).

PVE has no list of entries to be replaced: one request grants, or takes, each of its roles for each of its subjects on
one path. What is there and what isn't wished is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import STATE

SUBJECTS = {"users": "user", "groups": "group", "tokens": "token"}
"""Option, and parameter of a request -> type in an entry."""

UNKNOWN: Values = {
    r"(?:user|group|token) '.*' does not exist": "Check the name, or make it first (homelab.pve.user, "
    "homelab.pve.group or homelab.pve.api_token)."
}
"""What to do about PVE's refusal. It is PVE's to say who is there: not every login sees all users and groups."""

NAMES: Mapping[str, Json] = {"type": "list", "elements": "str"}
OPTIONS: Options = {
    "path": {"type": "str", "required": True},
    "roles": {**NAMES, "required": True},
    **dict.fromkeys(("users", "groups"), NAMES),
    "tokens": {**NAMES, "no_log": False},
    "propagate": {"type": "bool"},
    **STATE,
}


@dataclass(frozen=True, order=True)
class Grant:
    """What an entry is about; whether it propagates is its value."""

    role: str
    kind: str
    name: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.role} to {self.kind} {self.name}"


@dataclass(frozen=True)
class Seen:
    """The entries of a path, and the names of all roles."""

    grants: Mapping[Grant, bool]
    roles: frozenset[str]
    path: str


def normal_path(path: object) -> str:
    """A path as PVE writes it: no slash too many (PVE::AccessControl, normalize_path)."""
    return "/" + "/".join(part for part in re.split("/+", str(path)) if part)


def describe(read: Reader, wish: Values) -> Seen:
    """The entries of the path as far as the login sees them, and all roles."""
    path = normal_path(wish["path"])
    rows = [row for row in read.get("/access/acl") if row["path"] == path]
    grants = {
        Grant(str(row["roleid"]), str(row["type"]), str(row["ugid"])): bool(int(row.get("propagate", 1)))
        for row in rows
    }
    # What was just granted needs no look at the roles once more.
    roles = () if BOUND in wish else read.get("/access/roles")
    return Seen(grants, frozenset(str(row["roleid"]) for row in roles), path)


def plan(wish: Values, seen: Seen) -> Plan:
    """One request for each set of subjects that lack, or have, the same roles."""
    wished = [
        Grant(role, kind, str(name))
        for role in sorted(set(wish["roles"]))
        for option, kind in SUBJECTS.items()
        for name in sorted(set(wish.get(option) or ()))
    ]
    if not wished:
        raise ConfigError("Nobody is named, or no role: set roles, and one of users, groups and tokens.")
    if wish["state"] == "absent":
        return _removal(seen, [grant for grant in wished if grant in seen.grants])
    _refuse_unknown(wish["roles"], seen.roles)
    propagate = wish.get("propagate")
    wrong = [grant for grant in wished if _wrong(seen.grants.get(grant), propagate)]
    params = {} if propagate is None else {"propagate": int(propagate)}
    after = {str(grant): _told(propagate is not False) for grant in wrong}
    return _plan(seen, wrong, params, "grant", after)


def _wrong(have: bool | None, wish: bool | None) -> bool:
    return have is None or (wish is not None and have != wish)


def _removal(seen: Seen, grants: list[Grant]) -> Plan:
    return _plan(seen, grants, {"delete": 1}, "take back", {})


def _plan(seen: Seen, grants: list[Grant], params: Values, verb: str, after: Values) -> Plan:
    if not grants:
        return Plan(reason=f"access to {seen.path} is as wished")
    steps = tuple(_step(seen.path, roles, subjects, params, verb) for subjects, roles in _together(grants).items())
    before = {str(grant): _told(seen.grants[grant]) for grant in grants if grant in seen.grants}
    return Plan(steps, before=before, after=after)


def _together(grants: Iterable[Grant]) -> dict[tuple[tuple[str, str], ...], list[str]]:
    """Subjects -> the roles that are about just these."""
    by_role: dict[str, list[tuple[str, str]]] = {}
    for grant in grants:
        by_role.setdefault(grant.role, []).append((grant.kind, grant.name))
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for role, subjects in by_role.items():
        found.setdefault(tuple(subjects), []).append(role)
    return found


def _step(path: str, roles: list[str], subjects: tuple[tuple[str, str], ...], params: Values, verb: str) -> Step:
    named = {option: ",".join(name for of, name in subjects if of == kind) for option, kind in SUBJECTS.items()}
    given = {option: names for option, names in named.items() if names}
    words = ", ".join(f"{kind} {name}" for kind, name in subjects)
    reason = f"{verb} {', '.join(roles)} on {path} {'from' if 'delete' in params else 'to'} {words}"
    values = {"path": path, "roles": ",".join(roles), **given, **params}
    return Step("PUT", "/access/acl", values, reason, advice=UNKNOWN)


def _refuse_unknown(wished: Iterable[str], known: frozenset[str]) -> None:
    unknown = sorted(set(wished) - known)
    if unknown:
        meant = get_close_matches(unknown[0], sorted(known), n=1)
        advice = f"Did you mean {meant[0]}?" if meant else f"Roles are {', '.join(sorted(known))}."
        raise ConfigError(f"Option 'roles': there is no role '{unknown[0]}'. {advice}")


def _told(propagate: bool) -> str:
    return "propagates" if propagate else "does not propagate"


def shown(seen: Seen) -> dict[str, Json]:
    """The module's return value: all entries of the path."""
    return {
        "path": seen.path,
        "entries": [
            {"roleid": grant.role, "type": grant.kind, "ugid": grant.name, "propagate": propagate}
            for grant, propagate in sorted(seen.grants.items())
        ],
    }


ACL = Resource(
    kind="acl",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=shown,
    rules={"required_one_of": [list(SUBJECTS)]},
    writes=("PUT /access/acl",),
)
