# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Realms, ``/access/domains`` (pve-access-control, PVE/API2/Domains.pm).

No realm's server is asked: nobody can log in through one, and syncing finds nobody.
"""

from __future__ import annotations

from lab.api.access import REALMS
from lab.api.accounts import AccountsArea
from lab.api.fake import Call, Route, Values, die, param_error, split_list
from lab.api.sections import Says, Section, SectionArea, Type, Words, property_object
from lab.api.tasks import log_line

DOMAINS = "/access/domains"
FILE = "domains.cfg"
LDAP_OPTIONS = (
    "server2 bind_dn password port secure sslversion default comment tfa verify capath cert certkey filter "
    "sync_attributes user_classes group_dn group_name_attr group_filter group_classes sync-defaults-options mode "
    "case-sensitive"
)
SYNCED = ("ldap", "ad")


def settle_realm(api: RealmArea, name: str, entry: Values) -> None:
    """One realm is the default, and some names and types are PVE's own."""
    if entry["type"] in REALMS and name not in REALMS:
        raise die(f"unable to create builtin type '{entry['type']}'")
    if entry.get("default"):
        for other in api.stored(FILE).values():
            other.pop("default", None)


REALM = Section(
    path=DOMAINS,
    key="realm",
    file=FILE,
    builtin=REALMS,
    types={
        "ad": Type(required="server1 domain", optional=f"base_dn user_attr {LDAP_OPTIONS}"),
        "ldap": Type(required="server1 base_dn user_attr", optional=LDAP_OPTIONS),
        "openid": Type(
            required="issuer-url client-id",
            optional="client-key autocreate groups-claim groups-autocreate groups-overwrite prompt scopes acr-values "
            "audiences default comment query-userinfo",
            fixed="username-claim",
        ),
        "pam": Type(optional="comment default tfa"),
        "pve": Type(optional="comment default tfa"),
    },
    words=Words(
        exists=Says("domain '{0}' already exists"),
        missing=Says("domain '{0}' does not exist"),
        delete_missing=Says("authentication domain '{0}' does not exist"),
        creating="add auth server failed: ",
        updating="update auth server failed: ",
        deleting="delete auth server failed: ",
    ),
    secrets=frozenset({"password"}),
    listed=("realm", "type", "comment", "default", "tfa"),
    item_has_key=False,
    settle=settle_realm,
)


def tfa_kind(text: str) -> str:
    """The kind of second factor a realm demands."""
    return next((part.removeprefix("type=") for part in split_list(text) if part.startswith("type=")), text)


def sync_lines(realm: str, scope: str, vanished: str, *, dry: bool) -> list[str]:
    """The log of a synchronization that finds nobody (PVE/API2/Domains.pm, sync)."""
    kinds = ["users", "groups"] if scope == "both" else [scope]
    what = " and ".join(kinds)
    end = "NOTE: Dry test run, changes were NOT written to the configuration."
    return [
        f"{'(dry test run) ' if dry else ''}starting sync for realm {realm}",
        f"got data from server, updating {what}",
        *(f"syncing {kind} (remove-vanished opts: {vanished})" for kind in kinds),
        end if dry else f"successfully updated {what} configuration",
    ]


class RealmArea(SectionArea, AccountsArea):
    """Mixin: realms."""

    def routes(self) -> list[Route]:
        """``/access/domains``."""
        return [
            *self.section_routes(REALM),
            ("PUT", REALM.item, self._update_realm),
            ("DELETE", REALM.item, self._delete_realm),
            ("POST", REALM.item + "/sync", self._sync_realm),
        ]

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        shown = super()._list_view(section, name, entry)
        return shown | ({"tfa": tfa_kind(shown["tfa"])} if section is REALM and "tfa" in shown else {})

    def realms(self) -> dict[str, Values]:
        """Realms by name, PVE's own included."""
        return {**REALMS, **self.stored(FILE)}

    async def _update_realm(self, call: Call) -> None:
        """A change must change something, and the connection to a server is only tried where there is one."""
        if call["realm"] in self.realms() and set(call.values) <= {"realm", "digest"}:
            raise die(f"{REALM.words.updating}no options specified")
        await self._update_section(REALM, call)

    async def _delete_realm(self, call: Call) -> None:
        if call["realm"] in REALMS:
            # They are written anew whenever the file is read (PVE/Auth/Plugin.pm, parse_config).
            self.stored(FILE).pop(call["realm"], None)
            return
        await self._delete_section(REALM, call)

    async def _sync_realm(self, call: Call) -> str:
        entry = self.realms().get(call["realm"])
        if entry is None:
            raise param_error(realm="Realm does not exist.")
        if entry["type"] not in SYNCED:
            raise die(f"Cannot sync realm type '{entry['type']}'! Only LDAP/AD realms can be synced.")
        defaults = property_object(entry.get("sync-defaults-options", ""))
        scope = call.get("scope") or defaults.get("scope")
        if scope is None:
            raise param_error(scope="Not passed as parameter and not defined in realm default sync options.")
        vanished = call.get("remove-vanished") or defaults.get("remove-vanished", "none")
        dry = bool(call.get("dry-run"))

        async def body() -> None:
            for line in sync_lines(call["realm"], str(scope), str(vanished), dry=dry):
                log_line(line)

        kind = "auth-realm-sync-test" if dry else "auth-realm-sync"
        upid: str = await self.task(self.node, kind, call["realm"], call.user, body)
        return upid
