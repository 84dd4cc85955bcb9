# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pveum."""

from __future__ import annotations

from collections.abc import Mapping

from lab.commands.verbs import Verb, Verbs, formatted
from lab.commands.words import Words


def permissions(data: Mapping[str, Mapping[str, int]], words: Words) -> str:
    """``pveum user permissions``: a star marks what is passed on to deeper paths (PVE/CLI/pveum.pm)."""
    if words.options.get("output-format", "text") != "text":
        return formatted(data, words)
    lines = ["Permissions marked with '(*)' have the 'propagate' flag set."]
    for path in sorted(data):
        lines += ["", f"ACL path: {path}"]
        lines += [f"    {name}{' (*)' if passed_on else ''}" for name, passed_on in sorted(data[path].items())]
    return "\n".join(lines)


USERS = "/access/users"
TOKEN = USERS + "/{userid}/token/{tokenid}"

PVEUM: Verbs = {
    "user list": Verb("GET", USERS, show=formatted),
    "user add": Verb("POST", USERS, ("userid",)),
    "user modify": Verb("PUT", USERS + "/{userid}", ("userid",)),
    "user delete": Verb("DELETE", USERS + "/{userid}", ("userid",)),
    "user permissions": Verb("GET", "/access/permissions", ("userid?",), permissions),
    "user token list": Verb("GET", USERS + "/{userid}/token", ("userid",), formatted),
    "user token add": Verb("POST", TOKEN, ("userid", "tokenid"), formatted),
    "user token modify": Verb("PUT", TOKEN, ("userid", "tokenid"), formatted),
    "user token remove": Verb("DELETE", TOKEN, ("userid", "tokenid")),
    "user token permissions": Verb("GET", "/access/permissions", ("userid",), permissions),
    "group list": Verb("GET", "/access/groups", show=formatted),
    "group add": Verb("POST", "/access/groups", ("groupid",)),
    "group modify": Verb("PUT", "/access/groups/{groupid}", ("groupid",)),
    "group delete": Verb("DELETE", "/access/groups/{groupid}", ("groupid",)),
    "role list": Verb("GET", "/access/roles", show=formatted),
    "role add": Verb("POST", "/access/roles", ("roleid",)),
    "role modify": Verb("PUT", "/access/roles/{roleid}", ("roleid",)),
    "role delete": Verb("DELETE", "/access/roles/{roleid}", ("roleid",)),
    "acl list": Verb("GET", "/access/acl", show=formatted),
    "acl modify": Verb("PUT", "/access/acl", ("path",)),
    "acl delete": Verb("PUT", "/access/acl", ("path",), fixed={"delete": "1"}),
    "realm list": Verb("GET", "/access/domains", show=formatted),
}
