# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pveum (PVE/CLI/pveum.pm of pve-access-control)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.commands import client, output, passwords
from lab.commands.command import Alias, Answered, Command, Show, Tree, formatted, lines, own
from lab.commands.options import Values

USERS, GROUPS, ROLES = "/access/users", "/access/groups", "/access/roles"
REALMS, POOLS, ACL = "/access/domains", "/pools", "/access/acl"
TOKEN = USERS + "/{userid}/token/{tokenid}"
USERID = {"type": "string", "format": "pve-userid", "maxLength": 64}
PERMISSIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "path": {"type": "string", "title": "ACL path"},
            "permissions": {"type": "string", "title": "Permissions"},
        },
    },
}


def _of(method: str, path: str, *words: str, show: Show | None = None, **more: object) -> Command:
    return Command(method, path, words, show=show, formats=show is not None, **more)  # type: ignore[arg-type]


def _listed(path: str, *words: str) -> Command:
    return _of("GET", path, *words, show=formatted)


def _kind(path: str, name: str, one: str = "") -> dict[str, Command]:
    """Adding, changing, deleting and listing objects that the API has at a path; ``one`` is the path of one of them."""
    place = one or f"{path}/{{{name}}}"
    return {
        "add": _of("POST", path, name),
        "modify": _of("PUT", place, name),
        "delete": _of("DELETE", place, name),
        "list": _listed(path),
    }


def permissions(answered: Answered) -> str:
    """A star marks what is passed on to deeper paths."""
    how = output.style(answered.formats)
    if how.form != "text":
        return formatted(answered)
    rows = [{"path": path, "permissions": _privileges(answered.data[path])} for path in sorted(answered.data)]
    note = "Permissions marked with '(*)' have the 'propagate' flag set.\n"
    return output.render(rows, PERMISSIONS, how) + note


def _privileges(privileges: Mapping[str, int]) -> str:
    return "\n".join(f"{name} (*)" if privileges[name] else name for name in sorted(privileges))


def whole_token(values: Values) -> Values:
    """``pveum user token permissions`` has the user and the token's name; the API one id."""
    values["userid"] = f"{values['userid']}!{values.pop('tokenid')}"
    return values


def _entry(entry: Mapping[str, Any], indent: str) -> str:
    kind = f"{entry['type']}:"
    return f"{indent}{kind:<9} {entry['id']}\n{indent}    {entry.get('description') or ''}\n"


def _entries(entries: list[Mapping[str, Any]], indent: str = "") -> str:
    return "\n".join(_entry(entry, indent) for entry in entries)


def list_tfa(values: Values) -> str:
    """``pveum user tfa list``: the second factors of one user, or of all who have some."""
    if "userid" in values:
        return _entries(client.call("GET", f"/access/tfa/{values['userid']}"))
    users = sorted(client.call("GET", "/access/tfa"), key=lambda user: str(user["userid"]))
    return "\n".join(f"{user['userid']}:\n{_entries(user['entries'], '    ')}" for user in users)


def delete_tfa(values: Values) -> None:
    """``pveum user tfa delete``: one factor, or all of a user."""
    base = f"/access/tfa/{values['userid']}"
    wanted = [values["id"]] if "id" in values else [entry["id"] for entry in client.call("GET", base)]
    for name in wanted:
        client.call("DELETE", f"{base}/{name}")


def ticket(answered: Answered) -> str:
    """``pveum ticket``."""
    return lines([answered.data["ticket"]])


PVEUM: Tree = {
    "user": {
        **_kind(USERS, "userid"),
        "permissions": _of("GET", "/access/permissions", "userid", show=permissions),
        "tfa": {
            "delete": own(delete_tfa, ("userid",), userid=USERID, id={"type": "string", "optional": 1}),
            "list": own(list_tfa, ("userid",), userid={**USERID, "optional": 1}),
            "unlock": _of("PUT", USERS + "/{userid}/unlock-tfa", "userid"),
        },
        "token": {
            "add": _of("POST", TOKEN, "userid", "tokenid", show=formatted),
            "modify": _of("PUT", TOKEN, "userid", "tokenid", show=formatted),
            "delete": _of("DELETE", TOKEN, "userid", "tokenid", show=formatted),
            "remove": Alias("delete"),
            "list": _listed(USERS + "/{userid}/token", "userid"),
            "permissions": _of(
                "GET",
                "/access/permissions",
                "userid",
                "tokenid",
                show=permissions,
                properties={"userid": USERID, "tokenid": {"type": "string"}},
                prepare=whole_token,
                section="PVE::CLI",
            ),
        },
    },
    "group": _kind(GROUPS, "groupid"),
    "role": _kind(ROLES, "roleid"),
    "acl": {
        "modify": _of("PUT", ACL, "path", fixed={"delete": 0}),
        "delete": _of("PUT", ACL, "path", fixed={"delete": 1}),
        "list": _listed(ACL),
    },
    "realm": {**_kind(REALMS, "realm"), "sync": _of("POST", REALMS + "/{realm}/sync", "realm")},
    "pool": _kind(POOLS, "poolid", one=POOLS),
    "ticket": Command(
        "POST", "/access/ticket", ("username",), ticket, ask={"password": lambda _: passwords.read("Enter password: ")}
    ),
    "passwd": Command("PUT", "/access/password", ("userid",), ask={"password": passwords.confirmed}),
    **{
        f"{kind}{short}": Alias(f"{kind} {verb}")
        for kind in ("user", "group", "role", "acl")
        for short, verb in (("add", "add"), ("mod", "modify"), ("del", "delete"))
        if (kind, short) != ("acl", "add")
    },
}
