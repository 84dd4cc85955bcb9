# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/access``: login, tokens, users, groups, roles, permissions. The rules are in :mod:`lab.api.directory`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from lab.api.directory import (
    ROOT,
    STANDARD_PATHS,
    Directory,
    User,
    hash_password,
    split_token,
)
from lab.api.fake import (
    LOGIN,
    UNAUTHORIZED,
    Call,
    Fake,
    PveError,
    Route,
    Values,
    die,
    is_local,
)

REALMS = {
    "pam": {"type": "pam", "comment": "Linux PAM standard authentication"},
    "pve": {"type": "pve", "comment": "Proxmox VE authentication server"},
}
AUTHORIZATION = re.compile(r"PVEAPIToken[= ]?(?P<id>[^=]+)=(?P<secret>.+)")
# Section of the ``cap`` in a login's answer -> its path and the privileges shown (PVE/API2/AccessControl.pm).
CAPABILITIES: Mapping[str, tuple[str, str]] = {
    "access": ("/access", r"User\.Modify|Group\.Allocate|Permissions\.Modify"),
    "dc": ("/", r"Sys\.Audit|Sys\.Modify|SDN\..*"),
    "mapping": ("/mapping", r"Mapping\..*|Permissions\.Modify"),
    "nodes": ("/nodes", r"Sys\..*|Permissions\.Modify"),
    "sdn": ("/sdn", r"SDN\..*|Permissions\.Modify"),
    "storage": ("/storage", r"Datastore\..*|Permissions\.Modify"),
    "vms": ("/vms", r"VM\..*|Permissions\.Modify"),
}
TOKEN_FORBIDDEN = "Permission check failed (URI '{path}' not available with API token, need proper ticket.\n)"  # noqa: S105


def unauthorized(reason: str) -> PveError:
    """A refusal of the daemon itself: 401 without a body."""
    return PveError(UNAUTHORIZED, reason)


class AccessArea(Fake):
    """Mixin: who may log in, and what they may do."""

    def __init__(self, **options: object) -> None:
        """Start with root@pam alone."""
        super().__init__(**options)
        self.directory = Directory()
        # fakepve's own permission table; empty, so that its checks ask allowed() below.
        self.acl: dict[str, object] = {}

    def routes(self) -> list[Route]:
        """``/access/*``."""
        return [
            ("GET", "/access/ticket", self._no_ticket),
            ("POST", "/access/ticket", self._login),
            ("PUT", "/access/password", self._set_password),
            ("GET", "/access/permissions", self._effective),
        ]

    # --------------------------------------------------------- who is asking

    def _authenticate(self, request: web.Request) -> str | None:
        """The user of a request, or PVE's 401 (../golden auth)."""
        if request.path.endswith(LOGIN):
            return None
        if is_local(request):
            return ROOT
        token = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if token:
            return self._token_user(token["id"], token["secret"])
        return self._ticket_user(request)

    def _token_user(self, tokenid: str, secret: str) -> str:
        user = self.directory.token_user(tokenid.strip(), secret, self.clock.now())
        if user is None:
            raise unauthorized("Authentication failed!")
        return user

    def _ticket_user(self, request: web.Request) -> str:
        ticket = request.cookies.get("PVEAuthCookie")
        if not ticket:
            raise unauthorized("No ticket")
        session = self.tickets.get(ticket)
        if session is None or session["expires"] < self.clock.now() or not self._may_login(session["user"]):
            raise unauthorized("Authentication failed!")
        if request.method not in ("GET", "HEAD") and request.headers.get("CSRFPreventionToken") != session["csrf"]:
            raise unauthorized("Permission denied - invalid csrf token")
        return str(session["user"])

    def issue_ticket(self, user: str) -> tuple[str, str]:
        """A ticket and its CSRF token, good for two hours of the lab's clock."""
        stamp = f"{int(self.clock.now()):08X}"
        ticket, csrf = f"PVE:{user}:{stamp}::{secrets.token_hex(24)}", f"{stamp}:{secrets.token_urlsafe(32)}"
        self.tickets[ticket] = {"user": user, "csrf": csrf, "expires": self.clock.now() + self.ticket_ttl}
        return ticket, csrf

    def _may_login(self, userid: str) -> bool:
        user = self.directory.users.get(userid)
        return user is not None and user.valid(self.clock.now())

    async def _no_ticket(self, _call: Call) -> None:
        """PVE answers the login form's GET with nothing."""

    async def _login(self, call: Call) -> dict[str, Any]:
        userid = call["username"] if "realm" not in call.values else f"{call['username']}@{call['realm']}"
        # A ticket that is still good renews itself when it is given as the password.
        renewed = self.tickets.get(call["password"], {}).get("user") == userid
        known = self.directory.login(userid, call["password"], self.clock.now())
        if not (renewed and self._may_login(userid)) and not known:
            raise PveError(UNAUTHORIZED, "authentication failure")
        ticket, csrf = self.issue_ticket(userid)
        return {
            **({"clustername": self.cluster_name} if len(self.nodes) > 1 else {}),
            "username": userid,
            "ticket": ticket,
            "CSRFPreventionToken": csrf,
            "cap": {section: self._capability(userid, *rule) for section, rule in CAPABILITIES.items()},
        }

    def _capability(self, userid: str, path: str, pattern: str) -> dict[str, int]:
        held = self.directory.privileges(userid, path)
        return dict.fromkeys((name for name in sorted(held) if re.fullmatch(pattern, name)), 1)

    async def _set_password(self, call: Call) -> None:
        if split_token(call.user)[1]:
            raise PveError(403, TOKEN_FORBIDDEN.format(path="/access/password"))
        user = self._user(call["userid"])
        user.password = hash_password(call["password"])

    def realms(self) -> Mapping[str, Mapping[str, Any]]:
        """Realms by name; other areas may know more of them."""
        return REALMS

    # ----------------------------------------------------------- permissions

    def check_permissions(
        self, user: str | None, perms: Mapping[str, Any] | None, values: Values, declared: Values | None = None
    ) -> None:
        """The schema's rule for a method: root@pam passes, a token of root only where its user's privileges do."""
        if user == ROOT or (perms or {}).get("user") == "world" or (user and (perms or {}).get("user") == "all"):
            return
        allowed, why = (False, "user != root@pam")
        if user and perms and "check" in perms:
            allowed, why = self._check(user, perms["check"], values, declared)
        if not allowed:
            raise PveError(403, f"Permission check failed ({why})" if why else "Permission check failed")

    def _check_acl_path(self, user: str | None, perms: Mapping[str, Any] | None, values: Values) -> None:
        """fakepve asks this before it looks at the parameters, and PVE refuses who may not before what is wrong.

        A rule that names a parameter which was not given can only be judged after the schema has been.
        """
        super()._check_acl_path(user, perms, values)
        named = re.findall(r"\{(\w+)\}|'(userid)-param'", str(perms))
        if user and perms and all((first or second) in values for first, second in named):
            self.check_permissions(user, perms, values)

    def privileges_of(self, user: str, path: str) -> dict[str, int]:
        """Privilege -> propagate flag of a user or token at a path, those of the path's pools included."""
        return self.directory.privileges(user, path, self._pools_of_path(path))

    def _pools_of_path(self, path: str) -> list[str]:
        kind, _, name = path.lstrip("/").partition("/")
        if kind == "vms" and name.isdigit():
            pool = self._pool_of_vm(int(name))
            return [pool] if pool else []
        if kind == "storage":
            return [pool for pool, meta in self.pool_info.items() if name in meta["storage"]]
        return []

    def allowed(self, user: str, path: str, priv: str) -> bool:
        """Whether a user or token holds a privilege at a path."""
        return user == ROOT or priv in self.privileges_of(user, path)

    async def _effective(self, call: Call) -> dict[str, dict[str, int]]:
        user = call.get("userid") or call.user
        if split_token(user)[0] != split_token(call.user)[0]:
            self.require(call.user, "/access", "Sys.Audit")
        if "path" in call.values:
            return {call["path"]: self.privileges_of(user, call["path"])}
        pooled = {f"/vms/{vmid}" for members in self.pools.values() for vmid in members}
        paths = {*STANDARD_PATHS, *(entry.path for entry in self.directory.entries), *pooled}
        held = {path: self.privileges_of(user, path) for path in sorted(paths)}
        # What is only inherited from above is said where it was granted.
        return {path: found for path, found in held.items() if found}

    # ----------------------------------------------------------------- users

    def _user(self, userid: str) -> User:
        user = self.directory.users.get(userid)
        if user is None:
            raise die(f"no such user ('{userid}')")
        return user

    # ------------------------------------------------------- follow the guests

    def _pool_leave(self, vmid: int) -> None:
        """A guest that is destroyed leaves its pool, and its permissions are removed."""
        super()._pool_leave(vmid)
        self.directory.drop_path(f"/vms/{vmid}")
