# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of users, groups, roles and entries of the access control list: one request each. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources import api_token, group, role, tfa_entry, user
from ansible_collections.homelab.pve.plugins.module_utils.resources.acl import normal_path

USER_OPTIONS: Options = {
    "userid": {"type": "str"},
    "group": {"type": "str"},
    "enable": {"type": "bool"},
    "tfa": {"type": "bool", "default": False},
}
GROUP_OPTIONS: Options = {"groupid": {"type": "str"}}
ROLE_OPTIONS: Options = {"roleid": {"type": "str"}, "priv": {"type": "str"}, "special": {"type": "bool"}}
TOKEN_OPTIONS: Options = {"userid": {"type": "str"}, "tokenid": {"type": "str", "no_log": False}}
ACL_OPTIONS: Options = {
    "path": {"type": "str"},
    "roleid": {"type": "str"},
    "type": {"type": "str", "choices": ["user", "group", "token"]},
    "ugid": {"type": "str"},
}


def users(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module user_info."""
    rows = [_user(row) for row in read.get("/access/users", {"full": True})]
    found = [
        row
        for row in rows
        if _meets(row, wish, "userid", "enable") and (wish.get("group") is None or wish["group"] in row["groups"])
    ]
    factors = _factors(read) if wish.get("tfa") else None
    told = [row if factors is None else {**row, "tfa": factors.get(row["userid"], [])} for row in found]
    return _answer("users", told, "userid")


def _factors(read: Reader) -> dict[str, Json]:
    """Second factors by user; those who have none aren't in PVE's list."""
    return {row["userid"]: [tfa_entry.told(entry) for entry in row["entries"]] for row in read.get("/access/tfa")}


def _user(row: Values) -> dict[str, Json]:
    """A row of the list, whose tokens are rows and whose groups may be missing, as module user tells a user."""
    tokens = {str(token["tokenid"]): token for token in row.get("tokens") or ()}
    told = user.SECTION.shown({**row, "tokens": tokens, "enable": row.get("enable", 0)})["user"]
    return {"groups": [], **told, **user.locks(row), "userid": row["userid"]}


def tokens(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module api_token_info."""
    rows = [
        _token(row, token) for row in read.get("/access/users", {"full": True}) for token in row.get("tokens") or ()
    ]
    return _answer("tokens", [row for row in rows if _meets(row, wish, *TOKEN_OPTIONS)], "full_tokenid")


def _token(owner: Values, row: Values) -> dict[str, Json]:
    ids = {"userid": owner["userid"], "tokenid": row["tokenid"]}
    return {**api_token.SECTION.shown(row)["token"], **ids, "full_tokenid": f"{ids['userid']}!{ids['tokenid']}"}


def groups(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module group_info."""
    rows = [_group(row) for row in read.get("/access/groups")]
    return _answer("groups", [row for row in rows if _meets(row, wish, "groupid")], "groupid")


def _group(row: Values) -> dict[str, Json]:
    members = [name for name in str(row.get("users") or "").split(",") if name]
    return {**group.SECTION.shown({**row, "members": members})["group"], "groupid": row["groupid"]}


def roles(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module role_info."""
    rows = [
        {"privs": [], **role.SECTION.shown(row)["role"], "roleid": row["roleid"]} for row in read.get("/access/roles")
    ]
    found = [
        row
        for row in rows
        if _meets(row, wish, "roleid", "special") and (wish.get("priv") is None or wish["priv"] in row["privs"])
    ]
    return _answer("roles", found, "roleid")


def entries(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module acl_info."""
    path = None if wish.get("path") is None else normal_path(wish["path"])
    rows = [{**row, "propagate": bool(int(row.get("propagate", 1)))} for row in read.get("/access/acl")]
    found = [row for row in rows if _meets(row, {**wish, "path": path}, *ACL_OPTIONS)]
    return _answer("entries", found, "path", "type", "ugid", "roleid")


def _meets(row: Values, wish: Values, *names: str) -> bool:
    return all(wish.get(name) is None or wish[name] == row.get(name) for name in names)


def _answer(kind: str, rows: list[dict[str, Json]], *keys: str) -> dict[str, Json]:
    return {"changed": False, kind: sorted(rows, key=lambda row: [str(row[key]) for key in keys])}
