# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/access``: login, tokens, users, groups, roles, permissions. The rules are in :mod:`lab.api.directory`."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from lab.api.directory import (
    ACL_PATH,
    BUILT_IN_ROLES,
    PRIVILEGES,
    ROOT,
    STANDARD_PATHS,
    Directory,
    Entry,
    Token,
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
    param_error,
    split_list,
)

USERS = "/access/users"
TOKEN = USERS + "/{userid}/token/{tokenid}"
DETAILS = ("comment", "email", "firstname", "lastname", "keys")
REALMS = {
    "pam": {"type": "pam", "comment": "Linux PAM standard authentication"},
    "pve": {"type": "pve", "comment": "Proxmox VE authentication server"},
}
# SHA-1 of nothing: neither realm has a line in domains.cfg.
EMPTY_FILE_DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
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


def check_privileges(names: list[str]) -> list[str]:
    """The names, if they are privileges."""
    for name in names:
        if name not in PRIVILEGES:
            raise param_error(privs=f"invalid format - invalid privilege '{name}'\n")
    return names


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
        group, role = "/access/groups/{groupid}", "/access/roles/{roleid}"
        return [
            ("GET", "/access/ticket", self._no_ticket),
            ("POST", "/access/ticket", self._login),
            ("PUT", "/access/password", self._set_password),
            ("GET", "/access/permissions", self._effective),
            ("GET", "/access/domains", self._realms),
            ("GET", "/access/domains/{realm}", self._show_realm),
            ("GET", USERS, self._users),
            ("POST", USERS, self._add_user),
            ("GET", USERS + "/{userid}", self._show_user),
            ("PUT", USERS + "/{userid}", self._change_user),
            ("DELETE", USERS + "/{userid}", self._remove_user),
            ("GET", USERS + "/{userid}/token", self._tokens),
            ("GET", TOKEN, self._show_token),
            ("POST", TOKEN, self._add_token),
            ("PUT", TOKEN, self._change_token),
            ("DELETE", TOKEN, self._remove_token),
            ("GET", "/access/groups", self._groups),
            ("POST", "/access/groups", self._add_group),
            ("GET", group, self._show_group),
            ("PUT", group, self._change_group),
            ("DELETE", group, self._remove_group),
            ("GET", "/access/roles", self._roles),
            ("POST", "/access/roles", self._add_role),
            ("GET", role, self._show_role),
            ("PUT", role, self._change_role),
            ("DELETE", role, self._remove_role),
            ("GET", "/access/acl", self._entries),
            ("PUT", "/access/acl", self._change_entries),
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
        user = self.directory.token_user(tokenid.strip(), secret)
        if user is None:
            raise unauthorized("Authentication failed!")
        return user

    def _ticket_user(self, request: web.Request) -> str:
        ticket = request.cookies.get("PVEAuthCookie")
        if not ticket:
            raise unauthorized("No ticket")
        session = self.tickets.get(ticket)
        if session is None or session["expires"] < time.time() or not self._may_login(session["user"]):
            raise unauthorized("Authentication failed!")
        if request.method not in ("GET", "HEAD") and request.headers.get("CSRFPreventionToken") != session["csrf"]:
            raise unauthorized("Permission denied - invalid csrf token")
        return str(session["user"])

    def _may_login(self, userid: str) -> bool:
        user = self.directory.users.get(userid)
        return user is not None and user.valid()

    async def _no_ticket(self, _call: Call) -> None:
        """PVE answers the login form's GET with nothing."""

    async def _login(self, call: Call) -> dict[str, Any]:
        userid = call["username"] if "realm" not in call.values else f"{call['username']}@{call['realm']}"
        # A ticket that is still good renews itself when it is given as the password.
        renewed = self.tickets.get(call["password"], {}).get("user") == userid
        if not (renewed and self._may_login(userid)) and not self.directory.login(userid, call["password"]):
            raise PveError(UNAUTHORIZED, "authentication failure")
        ticket, csrf = self.issue_ticket(userid)
        return {
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
        return priv in self.privileges_of(user, path)

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

    async def _realms(self, _call: Call) -> list[dict[str, str]]:
        return [{"realm": realm, **values} for realm, values in REALMS.items()]

    async def _show_realm(self, call: Call) -> dict[str, str]:
        if call["realm"] not in REALMS:
            raise die(f"domain '{call['realm']}' does not exist")
        return {**REALMS[call["realm"]], "digest": EMPTY_FILE_DIGEST}

    # ----------------------------------------------------------------- users

    def _user(self, userid: str) -> User:
        user = self.directory.users.get(userid)
        if user is None:
            raise die(f"no such user ('{userid}')")
        return user

    async def _users(self, call: Call) -> list[dict[str, Any]]:
        audit = any(
            self.allowed(call.user, path, privilege)
            for path, privilege in (("/access/groups", "Sys.Audit"), ("/access/groups", "User.Modify"))
        )
        shown = {userid: user for userid, user in self.directory.users.items() if audit or userid == call.user}
        wanted = call.get("enabled")
        return [
            self._user_line(userid, user, full=bool(call.get("full")))
            for userid, user in sorted(shown.items())
            if wanted is None or bool(wanted) == bool(user.enable)
        ]

    @staticmethod
    def _user_line(userid: str, user: User, *, full: bool) -> dict[str, Any]:
        realm = userid.rpartition("@")[2]
        line = {"userid": userid, **user.view()}
        if realm in REALMS:
            line["realm-type"] = REALMS[realm]["type"]
        if full:
            line["groups"] = ",".join(user.groups)
            line["tokens"] = [{"tokenid": name, **token.view()} for name, token in sorted(user.tokens.items())]
        return line

    async def _show_user(self, call: Call) -> dict[str, Any]:
        user = self._user(call["userid"])
        tokens = {name: token.view() for name, token in user.tokens.items()} or None
        return {**user.view(), "groups": list(user.groups), "tokens": tokens}

    def _fill_user(self, user: User, call: Call, action: str) -> None:
        for group in split_list(call.get("groups")):
            if group not in self.directory.groups:
                raise die(f"{action} user failed: no such group '{group}'")
        user.enable = int(call.get("enable", user.enable))
        user.expire = int(call.get("expire", user.expire))
        user.details |= {name: str(call[name]) for name in DETAILS if name in call.values}
        if "groups" in call.values:
            kept = user.groups if call.get("append") else []
            user.groups = sorted({*kept, *split_list(call["groups"])})

    async def _add_user(self, call: Call) -> None:
        userid = call["userid"]
        if userid in self.directory.users:
            raise die(f"create user failed: user '{userid}' already exists")
        user = User()
        self._fill_user(user, call, "create")
        if "password" in call.values:
            user.password = hash_password(call["password"])
        self.directory.users[userid] = user

    async def _change_user(self, call: Call) -> None:
        self._fill_user(self._user(call["userid"]), call, "update")

    async def _remove_user(self, call: Call) -> None:
        self._user(call["userid"])
        if call["userid"] == ROOT:
            raise die("unable to delete 'root@pam'")
        self.directory.drop_user(call["userid"])

    # ---------------------------------------------------------------- tokens

    def _token(self, call: Call) -> Token:
        token = self._user(call["userid"]).tokens.get(call["tokenid"])
        if token is None:
            raise die(f"no such token '{call['tokenid']}' for user '{call['userid']}'")
        return token

    async def _tokens(self, call: Call) -> list[dict[str, Any]]:
        tokens = self._user(call["userid"]).tokens
        return [{"tokenid": name, **token.view()} for name, token in sorted(tokens.items())]

    async def _show_token(self, call: Call) -> dict[str, Any]:
        return self._token(call).view()

    async def _add_token(self, call: Call) -> dict[str, Any]:
        user = self._user(call["userid"])
        if call["tokenid"] in user.tokens:
            raise param_error(tokenid="Token already exists.")
        token = Token(str(uuid.uuid4()))
        self._fill_token(token, call)
        user.tokens[call["tokenid"]] = token
        # PVE echoes what it was given, as the strings they came in.
        given = {name: str(call[name]) for name in ("privsep", "expire", "comment") if name in call.values}
        return {
            "full-tokenid": f"{call['userid']}!{call['tokenid']}",
            "value": token.secret,
            "info": {"privsep": "1"} | given,
        }

    @staticmethod
    def _fill_token(token: Token, call: Call) -> None:
        token.privsep = int(call.get("privsep", token.privsep))
        token.expire = int(call.get("expire", token.expire))
        token.comment = call.get("comment", token.comment)

    async def _change_token(self, call: Call) -> dict[str, Any]:
        token = self._token(call)
        self._fill_token(token, call)
        if "comment" in split_list(call.get("delete")):
            token.comment = None
        view = token.view() | {name: str(call[name]) for name in ("privsep", "expire") if name in call.values}
        if call.get("regenerate"):
            token.secret = str(uuid.uuid4())
            view |= {"value": token.secret, "full-tokenid": f"{call['userid']}!{call['tokenid']}"}
        return view

    async def _remove_token(self, call: Call) -> None:
        self._token(call)
        del self._user(call["userid"]).tokens[call["tokenid"]]
        self.directory.drop_subject("token", f"{call['userid']}!{call['tokenid']}")

    # ---------------------------------------------------------------- groups

    def _need_group(self, group: str, prefix: str = "") -> None:
        if group not in self.directory.groups:
            raise die(f"{prefix}group '{group}' does not exist")

    async def _groups(self, _call: Call) -> list[dict[str, Any]]:
        return [
            {"groupid": group, "users": ",".join(self.directory.members(group))}
            | ({"comment": comment} if comment is not None else {})
            for group, comment in sorted(self.directory.groups.items())
        ]

    async def _show_group(self, call: Call) -> dict[str, Any]:
        self._need_group(call["groupid"])
        comment = self.directory.groups[call["groupid"]]
        shown: dict[str, Any] = {"members": self.directory.members(call["groupid"])}
        return shown | ({"comment": comment} if comment is not None else {})

    async def _add_group(self, call: Call) -> None:
        if call["groupid"] in self.directory.groups:
            raise die(f"create group failed: group '{call['groupid']}' already exists")
        self.directory.groups[call["groupid"]] = call.get("comment")

    async def _change_group(self, call: Call) -> None:
        self._need_group(call["groupid"])
        if "comment" in call.values:
            self.directory.groups[call["groupid"]] = call["comment"]

    async def _remove_group(self, call: Call) -> None:
        self._need_group(call["groupid"], "delete group failed: ")
        self.directory.drop_group(call["groupid"])

    # ----------------------------------------------------------------- roles

    async def _roles(self, _call: Call) -> list[dict[str, Any]]:
        names = sorted([*BUILT_IN_ROLES, *self.directory.roles])
        return [
            {
                "roleid": name,
                "special": int(name in BUILT_IN_ROLES),
                "privs": ",".join(sorted(self.directory.role_privileges(name))),
            }
            for name in names
        ]

    async def _show_role(self, call: Call) -> dict[str, int]:
        if not self.directory.has_role(call["roleid"]):
            raise die(f"role '{call['roleid']}' does not exist")
        return dict.fromkeys(sorted(self.directory.role_privileges(call["roleid"])), 1)

    async def _add_role(self, call: Call) -> None:
        role = call["roleid"]
        if role.lower().startswith("pve"):
            raise param_error(roleid="cannot use role ID starting with the (case-insensitive) 'PVE' namespace")
        if self.directory.has_role(role):
            raise die(f"create role failed: role '{role}' already exists")
        self.directory.roles[role] = check_privileges(split_list(call.get("privs")))

    def _own_role(self, role: str, action: str) -> None:
        """Refuse for a role that is built in, and for one that is not there."""
        if role in BUILT_IN_ROLES:
            raise die(f"auto-generated role '{role}' cannot be {action}")
        if role not in self.directory.roles:
            prefix = "delete role failed: " if action == "deleted" else ""
            raise die(f"{prefix}role '{role}' does not exist")

    async def _change_role(self, call: Call) -> None:
        self._own_role(call["roleid"], "modified")
        privileges = check_privileges(split_list(call.get("privs")))
        kept = self.directory.roles[call["roleid"]] if call.get("append") else []
        self.directory.roles[call["roleid"]] = sorted({*kept, *privileges})

    async def _remove_role(self, call: Call) -> None:
        self._own_role(call["roleid"], "deleted")
        self.directory.drop_role(call["roleid"])

    # ------------------------------------------------------------------- acl

    async def _entries(self, call: Call) -> list[dict[str, Any]]:
        audit = self.allowed(call.user, "/access", "Sys.Audit")
        return [
            entry.view()
            for entry in sorted(self.directory.entries, key=lambda entry: entry.path)
            if audit or self.allowed(call.user, entry.path, "Permissions.Modify")
        ]

    async def _change_entries(self, call: Call) -> None:
        path = "/" + call["path"].strip("/")
        if not ACL_PATH.fullmatch(path):
            raise param_error(path=f"invalid ACL path '{path}'")
        subjects = [(kind, name) for kind in ("user", "group", "token") for name in split_list(call.get(kind + "s"))]
        if not subjects:
            message = "either 'users', 'groups' or 'tokens' is required."
            raise param_error(users=message, groups=message, tokens=message)
        change = self.directory.drop_entry if call.get("delete") else self.directory.set_entry
        for role in split_list(call["roles"]):
            for kind, subject in subjects:
                self._check_entry(role, kind, subject)
                change(Entry(path, kind, subject, role, int(call.get("propagate", 1))))

    def _check_entry(self, role: str, kind: str, subject: str) -> None:
        """Refuse a line about something that does not exist (../golden access)."""
        known: dict[str, Callable[[str], bool]] = {
            "user": lambda name: name in self.directory.users,
            "group": lambda name: name in self.directory.groups,
            "token": lambda name: self.directory.token(name) is not None,
        }
        if not self.directory.has_role(role):
            raise die(f"ACL update failed: role '{role}' does not exist")
        if not known[kind](subject):
            raise die(f"ACL update failed: {kind} '{subject}' does not exist")

    # ------------------------------------------------------- follow the guests

    def _pool_leave(self, vmid: int) -> None:
        """A guest that is destroyed leaves its pool, and its permissions are removed."""
        super()._pool_leave(vmid)
        self.directory.drop_path(f"/vms/{vmid}")
