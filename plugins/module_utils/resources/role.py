# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, which are names for sets of privileges. Pure (API schema: ``/access/roles``).

One request tells all: PVE lists every role with its privileges, and its role Administrator has all there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ALL = "Administrator"
RESERVED = "pve"
"""Beginning of names that PVE keeps for itself, in any case of letters (PVE::API2::Role, create_role)."""

PRIVILEGES = set_of(",")

# PVE's `append` is left out: privileges are declared as a whole.
SECTION = Section(
    kind="role",
    keys=("roleid",),
    collection="/access/roles",
    item="/access/roles/{}",
    missing=r"role '.*' does not exist",
    fields=(Field("privs", PRIVILEGES),),
    key_params={"roleid": "roleid"},
    has_digest=False,
    has_delete=False,
    result=lambda have: {"special": bool(have.get("special"))},
)


@dataclass(frozen=True)
class Seen:
    """A role, with what a plan has to know beside it."""

    role: Json | None
    privileges: frozenset[str]
    """All there are; none when PVE doesn't tell."""

    grants: tuple[str, ...] = ()
    """Where it is granted, in words; looked up only where the role is to go."""


def describe(read: Reader, wish: Values) -> Seen:
    """The role, and what a plan has to know beside it."""
    rows = {str(row["roleid"]): row for row in read.get("/access/roles")}
    entries = read.get("/access/acl") if wish["state"] == "absent" and wish["roleid"] in rows else ()
    return Seen(
        rows.get(str(wish["roleid"])),
        frozenset(PRIVILEGES.parse(rows.get(ALL, {}).get("privs") or "")),
        tuple(f"{row['path']} to {row['type']} {row['ugid']}" for row in entries if row["roleid"] == wish["roleid"]),
    )


def plan(wish: Values, seen: Seen) -> Plan:
    """As any section; but roles of PVE's own stay as they are, and privileges have to be some that there are."""
    refuse_unknown(PRIVILEGES.parse(wish.get("privs") or ""), seen.privileges)
    made = SECTION.plan(wish, seen.role)
    if not made.steps:
        return made
    verb = {"POST": "create", "PUT": "change", "DELETE": "remove"}[made.steps[0].verb]
    if seen.role is not None and seen.role.get("special"):
        raise RefusedError(
            f"Cannot {verb} role {wish['roleid']}: it is Proxmox VE's own. Declare a role with another name."
        )
    if verb == "create" and str(wish["roleid"]).lower().startswith(RESERVED):
        raise RefusedError(
            f"Cannot create role {wish['roleid']}: Proxmox VE keeps names that begin with PVE for itself. "
            "Take another name."
        )
    if seen.grants:
        raise RefusedError(
            f"Cannot remove role {wish['roleid']}: it is granted on {', '.join(sorted(seen.grants))}, and Proxmox VE "
            "would drop that without a word. Remove these entries first (homelab.pve.acl with state: absent)."
        )
    return made


def refuse_unknown(wished: Sequence[str], known: frozenset[str]) -> None:
    """Raise ConfigError for privileges that there are not, with the one that was probably meant."""
    unknown = [name for name in wished if name not in known] if known else []
    if unknown:
        raise ConfigError(
            "; ".join(f"Option 'privs': there is no privilege '{name}'{_meant(name, known)}" for name in unknown)
        )


def _meant(name: str, known: frozenset[str]) -> str:
    lower = {privilege.lower(): privilege for privilege in sorted(known)}
    close = get_close_matches(name.lower(), lower, n=1)
    return f". Did you mean {lower[close[0]]}?" if close else f". There are {', '.join(sorted(known))}."


ROLE = replace(SECTION.resource(), describe=describe, plan=plan, result=lambda seen: SECTION.shown(seen.role))
