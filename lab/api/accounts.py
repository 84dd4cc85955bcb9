# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, tokens, groups, roles and the access control list: ``/access/*`` beside logging in."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from lab.api.access import AccessArea
from lab.api.directory import ACL_PATH, BUILT_IN_ROLES, PRIVILEGES, ROOT, Entry, Token, User, hash_password
from lab.api.fake import Call, Route, die, param_error, split_list

USERS = "/access/users"
TOKEN = USERS + "/{userid}/token/{tokenid}"
DETAILS = ("comment", "email", "firstname", "lastname", "keys")


def check_privileges(names: list[str]) -> list[str]:
    """The names, if they are privileges."""
    for name in names:
        if name not in PRIVILEGES:
            raise param_error(privs=f"invalid format - invalid privilege '{name}'\n")
    return names


class AccountsArea(AccessArea):
    """Mixin: everything that can hold or give a privilege."""

    def routes(self) -> list[Route]:
        """``/access/{users,groups,roles,acl}``."""
        group, role = "/access/groups/{groupid}", "/access/roles/{roleid}"
        return [
            ("GET", USERS, self._users),
            ("POST", USERS, self._add_user),
            ("GET", USERS + "/{userid}", self._show_user),
            ("PUT", USERS + "/{userid}", self._change_user),
            ("DELETE", USERS + "/{userid}", self._remove_user),
            ("PUT", USERS + "/{userid}/unlock-tfa", self._unlock_factors),
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

    # ----------------------------------------------------------------- users

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

    def _user_line(self, userid: str, user: User, *, full: bool) -> dict[str, Any]:
        realm = userid.rpartition("@")[2]
        line = {"userid": userid, **user.view(), **user.lock(self.clock.now())}
        if realm in self.realms():
            line["realm-type"] = self.realms()[realm]["type"]
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

    async def _unlock_factors(self, call: Call) -> int:
        """Whether the user was locked."""
        user = self._user(call["userid"])
        was = bool(user.lock(self.clock.now()))
        user.totp_locked, user.tfa_locked_until = False, None
        return int(was)

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

    async def _groups(self, call: Call) -> list[dict[str, Any]]:
        # PVE/API2/Group.pm, index: others are left out, without an error.
        seen = ("User.Modify", "Sys.Audit", "Group.Allocate")
        return [
            {"groupid": group, "users": ",".join(self.directory.members(group))}
            | ({"comment": comment} if comment is not None else {})
            for group, comment in sorted(self.directory.groups.items())
            if any(self.allowed(call.user, f"/access/groups/{group}", privilege) for privilege in seen)
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
