# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: who may do what.

What the login itself needs is never pruned: its user, its token, and what is granted to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources import acl, group, realm, realm_sync, role, user
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_token import SECTION as TOKEN_SECTION
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import (
    Entry,
    Kept,
    Kind,
    secret,
    section_lister,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared, login_of
from ansible_collections.homelab.pve.plugins.module_utils.state.tokens import TOKEN

BUILT_IN = "pve"
"""The realm whose users' passwords Proxmox VE keeps itself."""


def own(read: Reader) -> frozenset[str]:
    """Those without whom nothing goes on: root, the user that is logged in, and the token."""
    login = login_of(read)
    return frozenset((user.ROOT, login, login.partition("!")[0]))


def users(read: Reader) -> Iterator[Entry]:
    """All users. A password can't be told; a second factor is its owner's, and not declared."""
    kept = own(read)
    for row in read.get(user.SECTION.collection, {"full": 1}) or ():
        userid = str(row["userid"])
        entry = {"userid": userid, **declared(user.SECTION.fields, row), **_password(userid)}
        yield Kept(entry) if userid in kept else entry


def _password(userid: str) -> Entry:
    known = userid.rpartition("@")[2] == BUILT_IN
    return {"user_password": secret("users", userid, "user_password")} if known else {}


def tokens(read: Reader) -> Iterator[Entry]:
    """All tokens. A secret is told once, when the token is made: a rebuilt server has new ones."""
    kept = own(read)
    for row in read.get(user.SECTION.collection, {"full": 1}) or ():
        for token in row.get("tokens") or ():
            entry = {"userid": row["userid"], "tokenid": token["tokenid"], **declared(TOKEN_SECTION.fields, token)}
            yield Kept(entry) if f"{row['userid']}!{token['tokenid']}" in kept else entry


def roles(read: Reader) -> Iterator[Entry]:
    """Roles that aren't Proxmox VE's own."""
    for row in read.get(role.SECTION.collection) or ():
        if not row.get("special"):
            yield {"roleid": row["roleid"], **declared(role.SECTION.fields, row)}


OPTION_OF = {kind: option for option, kind in acl.SUBJECTS.items()}


def grants(read: Reader) -> Iterator[Entry]:
    """The access control list, an entry for each role that somebody has somewhere."""
    kept = own(read)
    for row in read.get("/access/acl") or ():
        subject = {OPTION_OF[row["type"]]: [row["ugid"]]}
        propagate = bool(int(row.get("propagate", 1)))
        entry = {"path": row["path"], "roles": [row["roleid"]], **subject, "propagate": propagate}
        yield Kept(entry) if row["ugid"] in kept else entry


def granted(entry: Values) -> Iterator[str]:
    """The grants that an entry is about, each named as the one that is listed."""
    for name in sorted(set(entry.get("roles") or ())):
        for option in acl.SUBJECTS:
            for subject in entry.get(option) or ():
                yield ACL.identity({"path": entry["path"], "roles": [name], option: [subject]})


def realms(read: Reader) -> Iterator[Entry]:
    """The realms; Proxmox VE's own only as far as they aren't as it brings them."""
    for row in read.get(realm.COLLECTION) or ():
        name = str(row["realm"])
        have = read.get(url(realm.ITEM, name))
        entry = {"realm": name, **_realm(name, have)}
        if name not in realm.OWN:
            yield entry
        elif entry != {"realm": name, "type": name, "comment": realm.OWN[name]}:
            yield Kept(entry)


def _realm(name: str, have: Values) -> Entry:
    hide = partial(secret, "realms", name)
    entry = declared(
        [item for item in realm.FIELDS if item.name != realm.FACTOR.name], {**have, "password": None}, hide
    )
    if have.get("bind_dn"):  # a search that is not anonymous has a password, which Proxmox VE keeps for itself
        entry["bind_password"] = hide("bind_password")
    factor = realm.FACTOR.codec.decode(have["tfa"]) if have.get("tfa") else {}
    shown = {name: hide(f"tfa.{name}") if name == "key" else value for name, value in factor.items()}
    return {**entry, **({"tfa": shown} if shown else {})}


def jobs(read: Reader) -> Iterator[Entry]:
    """The jobs that fetch users of a directory."""
    for row in read.get("/cluster/jobs/realm-sync") or ():
        yield {"id": row["id"], **declared(realm_sync.SECTION.fields, row)}


GROUPS = Kind(
    "groups",
    group.GROUP,
    ("groupid",),
    section_lister(group.SECTION, {"groupid": "groupid"}),
    audit=("Sys.Audit", "/access/groups"),
)
REALMS = Kind(
    "realms", realm.REALM, ("realm",), realms, appears=lambda entry: [("/access/domains", _listed_realm(entry))]
)
USERS = Kind("users", user.USER, ("userid",), users, after=("groups", "realms"), audit=("Sys.Audit", "/access/groups"))
ROLES = Kind(
    "roles",
    role.ROLE,
    ("roleid",),
    roles,
    appears=lambda entry: [("/access/roles", {"roleid": entry["roleid"], "privs": ",".join(entry.get("privs") or ())})],
)
TOKENS = Kind(
    "tokens",
    TOKEN,
    ("userid", "tokenid"),
    tokens,
    after=("users",),
    separator="!",
    audit=("Sys.Audit", "/access/groups"),
)
ACL = Kind(
    "acl",
    acl.ACL,
    ("path", "roles", "users", "groups", "tokens"),
    grants,
    after=("users", "groups", "roles", "tokens"),
    separator=" ",
    named=lambda entry: {**entry, "path": acl.normal_path(entry["path"])},
    declares=granted,
    audit=("Sys.Audit", "/access"),
)
REALM_SYNC = Kind("realm_sync", realm_sync.REALM_SYNC_JOB, ("id",), jobs, after=("realms",))


def _listed_realm(entry: Values) -> Entry:
    return {"realm": entry["realm"], "type": entry.get("type")}


ROWS: tuple[Kind, ...] = (REALMS, GROUPS, USERS, ROLES, TOKENS, ACL, REALM_SYNC)
