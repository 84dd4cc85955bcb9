# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, groups, roles, tokens and access control lists, and who may do what. Pure data, no I/O.

The evaluation follows pve-access-control (PVE/AccessControl.pm: roles; PVE/RPCEnvironment.pm: permissions): on the way
from ``/`` to a path each level that names the user replaces what was inherited, a token's own entry wins over its
user's, a user's over its groups', ``NoAccess`` over everything.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fakepve import shapes  # type: ignore[import-untyped]

ROOT = "root@pam"
Privileges = dict[str, int]
"""Privilege -> 1 when it is inherited further down, else 0."""

# The built-in roles of PVE 9 (../golden access, roles-list).
PRIVILEGES: frozenset[str] = frozenset(shapes.PRIVILEGES)
_BEYOND_ADMIN = {
    "Mapping.Modify",
    "Permissions.Modify",
    "Realm.Allocate",
    "Sys.AccessNetwork",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
}
_DATASTORE = {"Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit"}
BUILT_IN_ROLES: Mapping[str, frozenset[str]] = {
    "Administrator": PRIVILEGES,
    "NoAccess": frozenset(),
    "PVEAdmin": PRIVILEGES - _BEYOND_ADMIN,
    "PVEAuditor": frozenset(
        ["Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit"]
    ),
    "PVEDatastoreAdmin": frozenset(_DATASTORE),
    "PVEDatastoreUser": frozenset({"Datastore.AllocateSpace", "Datastore.Audit"}),
    "PVEMappingAdmin": frozenset({"Mapping.Audit", "Mapping.Modify", "Mapping.Use"}),
    "PVEMappingUser": frozenset({"Mapping.Audit", "Mapping.Use"}),
    "PVEPoolAdmin": frozenset({"Pool.Allocate", "Pool.Audit"}),
    "PVEPoolUser": frozenset({"Pool.Audit"}),
    "PVESDNAdmin": frozenset({"SDN.Allocate", "SDN.Audit", "SDN.Use"}),
    "PVESDNUser": frozenset({"SDN.Audit", "SDN.Use"}),
    "PVESysAdmin": frozenset({"Sys.Audit", "Sys.Console", "Sys.Syslog"}),
    "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
    "PVEUserAdmin": frozenset({"Group.Allocate", "Realm.AllocateUser", "User.Modify"}),
    "PVEVMAdmin": frozenset(privilege for privilege in PRIVILEGES if privilege.startswith("VM.")),
    "PVEVMUser": frozenset(
        {
            "VM.Audit",
            "VM.Backup",
            "VM.Config.CDROM",
            "VM.Config.Cloudinit",
            "VM.Console",
            "VM.GuestAgent.Audit",
            "VM.GuestAgent.FileRead",
            "VM.GuestAgent.FileSystemMgmt",
            "VM.GuestAgent.FileWrite",
            "VM.PowerMgmt",
        }
    ),
}

# Paths a permission can be granted on (PVE/AccessControl.pm: check_path).
ACL_PATH = re.compile(
    r"/|/access|/access/groups(/[^/]+)?|/access/realm(/[^/]+)?|/nodes(/[^/]+)?|/pool(/.+)?|/sdn(/.+)?|/storage(/[^/]+)?"
    r"|/vms(/[1-9][0-9]{2,})?|/mapping(/[^/]+){0,2}"
)
# Where ``/access/permissions`` looks besides the paths named in the access control list (../golden auth).
STANDARD_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")

PBKDF2_ROUNDS = 20_000


@dataclass
class Token:
    """An API token. ``secret`` is kept as it is, as PVE keeps it (/etc/pve/priv/token.cfg)."""

    secret: str = field(repr=False)
    privsep: int = 1
    expire: int = 0
    comment: str | None = None

    def view(self) -> dict[str, Any]:
        """What the API shows of a token: never the secret."""
        shown: dict[str, Any] = {"privsep": self.privsep, "expire": self.expire}
        return shown | ({"comment": self.comment} if self.comment is not None else {})


@dataclass
class User:
    """A user; ``details`` are the free texts: comment, email, firstname, lastname, keys."""

    enable: int = 1
    expire: int = 0
    details: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    # Too many wrong second factors: by time alone, or any, until a time.
    totp_locked: bool = False
    tfa_locked_until: int | None = None
    # Second factors by their ids; what proves them is beside what is told of them.
    factors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def lock(self, now: float) -> dict[str, int]:
        """What keeps the user from giving a second factor; a time that has passed is not told."""
        until = self.tfa_locked_until
        by_time = {"tfa-locked-until": until} if until is not None and until > now else {}
        return {**({"totp-locked": 1} if self.totp_locked else {}), **by_time}

    def valid(self, now: float | None = None) -> bool:
        """Enabled and not expired."""
        return bool(self.enable) and (not self.expire or self.expire > (time.time() if now is None else now))

    def view(self) -> dict[str, Any]:
        """The fields every answer about a user has."""
        return {"enable": self.enable, "expire": self.expire, **self.details}


@dataclass(frozen=True)
class Entry:
    """One line of the access control list. ``kind`` is user, group or token; ``subject`` its id."""

    path: str
    kind: str
    subject: str
    role: str
    propagate: int = 1

    def view(self) -> dict[str, Any]:
        """The line as the API shows it."""
        return {
            "path": self.path,
            "type": self.kind,
            "ugid": self.subject,
            "roleid": self.role,
            "propagate": self.propagate,
        }


def hash_password(password: str, salt: str | None = None) -> str:
    """A salted hash of a password, for keeping."""
    salt = salt or secrets.token_hex(8)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), PBKDF2_ROUNDS)
    return f"{salt}${digest.hex()}"


def matches(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was hashed."""
    if kept is None:
        return False
    return hmac.compare_digest(hash_password(password, kept.partition("$")[0]), kept)


def split_token(user: str) -> tuple[str, str]:
    """``(userid, token name)``; the name is empty for a plain user."""
    userid, _, name = user.partition("!")
    return userid, name


def prefixes(path: str) -> list[str]:
    """``/`` and every further level down to the path itself."""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: depth + 1]) for depth in range(len(parts)))]


@dataclass
class Directory:
    """Everything in ``/etc/pve/user.cfg`` but the pools."""

    users: dict[str, User] = field(default_factory=lambda: {ROOT: User()})
    groups: dict[str, str | None] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    # ------------------------------------------------------------- lookups

    def role_privileges(self, role: str) -> frozenset[str]:
        """Privileges of a role; of one that was removed, none."""
        return BUILT_IN_ROLES.get(role) or frozenset(self.roles.get(role, ()))

    def has_role(self, role: str) -> bool:
        """Whether there is such a role, built in or not."""
        return role in BUILT_IN_ROLES or role in self.roles

    def token(self, user: str) -> Token | None:
        """The token ``user@realm!name``, or None."""
        userid, name = split_token(user)
        owner = self.users.get(userid)
        return owner.tokens.get(name) if owner else None

    def token_user(self, tokenid: str, secret: str, now: float | None = None) -> str | None:
        """The token's own id when the secret is right and neither it nor its user is disabled or expired."""
        token, owner = self.token(tokenid), self.users.get(split_token(tokenid)[0])
        if token is None or owner is None or not owner.valid(now):
            return None
        if token.expire and token.expire <= (time.time() if now is None else now):
            return None
        return tokenid if hmac.compare_digest(token.secret.encode(), secret.encode()) else None

    def login(self, userid: str, password: str, now: float | None = None) -> bool:
        """Whether a user may log in with a password."""
        user = self.users.get(userid)
        return user is not None and user.valid(now) and matches(password, user.password)

    def members(self, group: str) -> list[str]:
        """Users of a group, sorted."""
        return sorted(userid for userid, user in self.users.items() if group in user.groups)

    # ---------------------------------------------------------- evaluation

    def _subjects(self, user: str) -> list[list[tuple[str, str]]]:
        """Whose entries count on one level, the most specific first."""
        if split_token(user)[1]:
            return [[("token", user)]]
        groups = self.users[user].groups if user in self.users else []
        return [[("user", user)], [("group", group) for group in groups]]

    def _level(self, path: str, subjects: Iterable[tuple[str, str]], final: bool) -> dict[str, int]:
        wanted = set(subjects)
        return {
            entry.role: entry.propagate
            for entry in self.entries
            if entry.path == path and (entry.kind, entry.subject) in wanted and (final or entry.propagate)
        }

    def roles_at(self, user: str, path: str) -> dict[str, int]:
        """Role -> propagate flag of a user or token at a path, pools aside."""
        found: dict[str, int] = {}
        for level in prefixes(path):
            named = (self._level(level, subjects, level == path) for subjects in self._subjects(user))
            found = next((roles for roles in named if roles), found)
        return {"NoAccess": found["NoAccess"]} if "NoAccess" in found else found

    def privileges(self, user: str, path: str, pools: Iterable[str] = ()) -> Privileges:
        """What a user or token may do at a path that belongs to these pools."""
        userid, name = split_token(user)
        if user == ROOT:
            return dict.fromkeys(PRIVILEGES, 1)
        pools = list(pools)
        if not name:
            return self._granted(user, path, pools)
        token = self.token(user)
        if token is None:
            return {}
        owned = self.privileges(userid, path, pools)
        if not token.privsep:
            return owned
        granted = self._granted(user, path, pools)
        return {privilege: flag & owned[privilege] for privilege, flag in granted.items() if privilege in owned}

    def _granted(self, user: str, path: str, pools: Iterable[str]) -> Privileges:
        roles = self.roles_at(user, path)
        for pool in pools:
            roles = dict.fromkeys(self.roles_at(user, f"/pool/{pool}"), 1) | roles
        found: Privileges = {}
        for role, propagate in roles.items():
            for privilege in self.role_privileges(role):
                found[privilege] = found.get(privilege, 0) | propagate
        return found

    # ------------------------------------------------------------- changes

    def set_entry(self, entry: Entry) -> None:
        """Add a line, or replace the one for the same path, subject and role."""
        self.drop_entry(entry)
        self.entries.append(entry)

    def drop_entry(self, entry: Entry) -> None:
        """Remove the line for the same path, subject and role."""
        same = (entry.path, entry.kind, entry.subject, entry.role)
        self.entries = [line for line in self.entries if (line.path, line.kind, line.subject, line.role) != same]

    def drop_subject(self, kind: str, subject: str) -> None:
        """Remove every line of a user, group or token."""
        self.entries = [line for line in self.entries if (line.kind, line.subject) != (kind, subject)]

    def drop_user(self, userid: str) -> None:
        """Remove a user, its tokens and every line about them."""
        for name in self.users.pop(userid).tokens:
            self.drop_subject("token", f"{userid}!{name}")
        self.drop_subject("user", userid)

    def drop_group(self, group: str) -> None:
        """Remove a group, its memberships and its lines."""
        del self.groups[group]
        for user in self.users.values():
            user.groups = [name for name in user.groups if name != group]
        self.drop_subject("group", group)

    def drop_role(self, role: str) -> None:
        """Remove a role and the lines that grant it."""
        del self.roles[role]
        self.entries = [line for line in self.entries if line.role != role]

    def drop_path(self, path: str) -> None:
        """Remove the lines of a path that is gone, such as a destroyed guest's."""
        self.entries = [line for line in self.entries if line.path != path]

    # ---------------------------------------------------------- persistence

    def document(self) -> dict[str, Any]:
        """Everything, for saving."""
        return asdict(self)


def load(document: Mapping[str, Any]) -> Directory:
    """What :meth:`Directory.document` gave."""
    users = {
        userid: User(**{**values, "tokens": {name: Token(**token) for name, token in values["tokens"].items()}})
        for userid, values in document["users"].items()
    }
    entries = [Entry(**entry) for entry in document["entries"]]
    return Directory(users, dict(document["groups"]), dict(document["roles"]), entries)
