# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications: endpoints, matchers, and the list of targets (PVE/API2/Cluster/Notifications.pm, proxmox-notify).

Nothing is sent. What PVE brings itself can be changed, and is as it was when it is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.api.fake import Call, PveError, Route, Values
from lab.api.sections import BAD_REQUEST, Says, Section, SectionArea, Type, Words

BASE = "/cluster/notifications"
FILE = "notifications.cfg"
NOT_FOUND = 404
TAKEN = Says("Cannot create '{0}', an entity with the same name already exists", status=BAD_REQUEST)
NO_ENDPOINT = Says("endpoint '{0}' not found", status=NOT_FOUND)
NO_MATCHER = Says("matcher '{0}' not found", status=NOT_FOUND)
COMMON = "comment disable"
MAIL = "mailto mailto-user author"
ENDPOINTS: Mapping[str, Type] = {
    "gotify": Type(required="server token", optional=COMMON),
    "sendmail": Type(optional=f"{COMMON} {MAIL} from-address"),
    "smtp": Type(required="server from-address", optional=f"{COMMON} {MAIL} mode port username password"),
    "webhook": Type(required="method url", optional=f"{COMMON} body header secret"),
}
SECRETS = {"gotify": {"token"}, "smtp": {"password"}}
BUILTIN: Mapping[str, Mapping[str, Values]] = {
    "sendmail": {
        "mail-to-root": {
            "type": "sendmail",
            "mailto-user": ["root@pam"],
            "comment": "Send mails to root@pam's email address",
        }
    },
    "matcher": {
        "default-matcher": {
            "type": "matcher",
            "mode": "all",
            "target": ["mail-to-root"],
            "comment": "Route all notifications to mail-to-root",
        }
    },
}
# What a notification can be told apart by, and the values PVE itself uses.
FIELDS = ("type", "hostname", "job-id")
EVENTS = ("package-updates", "fencing", "replication", "vzdump", "system-mail")
TARGET_KEYS = ("name", "type", "comment", "disable")


def without_type(_name: str, entry: Values) -> Values:
    """The options of a section; its path says its type."""
    return {option: value for option, value in entry.items() if option != "type"}


def said(section: Section) -> Section:
    """A section without its type when it is read."""
    return replace(section, view=without_type)


def endpoint(kind: str) -> Section:
    """The section of one kind of endpoint."""
    return said(
        Section(
            path=f"{BASE}/endpoints/{kind}",
            key="name",
            file=FILE,
            type=kind,
            types={kind: ENDPOINTS[kind]},
            words=Words(exists=TAKEN, missing=NO_ENDPOINT, delete_missing=NO_ENDPOINT, keeps_status=True),
            builtin=BUILTIN.get(kind, {}),
            secrets=frozenset(SECRETS.get(kind, ())),
            settle=settle_endpoint,
            release=release_endpoint,
        )
    )


def settle_endpoint(_api: NotificationArea, _name: str, entry: Values) -> None:
    """A mail goes to somebody."""
    if entry["type"] in ("sendmail", "smtp") and not (entry.get("mailto") or entry.get("mailto-user")):
        raise PveError(BAD_REQUEST, "must at least provide one recipient, either in mailto or in mailto-user")


def release_endpoint(api: NotificationArea, name: str, _entry: Values) -> None:
    """An endpoint that a matcher names stays, unless PVE brings it itself."""
    users = [matcher for matcher, entry in api.matchers().items() if name in entry.get("target", ())]
    if users and name not in BUILTIN["sendmail"]:
        raise PveError(BAD_REQUEST, f"cannot delete '{name}', referenced by: {', '.join(sorted(users))}")


def settle_matcher(api: NotificationArea, _name: str, entry: Values) -> None:
    """A matcher's targets exist."""
    known = api.endpoints()
    for name in entry.get("target", ()):
        if name not in known:
            raise PveError(NOT_FOUND, f"endpoint '{name}' does not exist")


ENDPOINT_SECTIONS = tuple(endpoint(kind) for kind in ENDPOINTS)
MATCHERS = said(
    Section(
        path=f"{BASE}/matchers",
        key="name",
        file=FILE,
        type="matcher",
        types={
            "matcher": Type(optional=f"{COMMON} invert-match match-calendar match-field match-severity mode target")
        },
        words=Words(exists=TAKEN, missing=NO_MATCHER, delete_missing=NO_MATCHER, keeps_status=True),
        builtin=BUILTIN["matcher"],
        settle=settle_matcher,
    )
)


class NotificationArea(SectionArea):
    """Mixin: ``/cluster/notifications``."""

    def routes(self) -> list[Route]:
        """Endpoints, matchers, and what is told about both."""
        return [
            *self.section_routes(*ENDPOINT_SECTIONS, MATCHERS),
            ("GET", f"{BASE}/targets", self._list_targets),
            ("POST", BASE + "/targets/{name}/test", self._test_target),
            ("GET", f"{BASE}/matcher-fields", self._list_fields),
            ("GET", f"{BASE}/matcher-field-values", self._list_values),
        ]

    def entries(self, section: Section, call: Call) -> dict[str, Values]:
        """All kinds share a file, and every name is there once."""
        found = super().entries(section, call)
        if section.file != FILE:
            return found
        return {name: entry for name, entry in found.items() if entry["type"] == section.type}

    def endpoints(self) -> dict[str, Values]:
        """Every endpoint by name."""
        kept = {name: entry for name, entry in self.stored(FILE).items() if entry["type"] in ENDPOINTS}
        return {**BUILTIN["sendmail"], **kept}

    def matchers(self) -> dict[str, Values]:
        """Every matcher by name."""
        kept = {name: entry for name, entry in self.stored(FILE).items() if entry["type"] == MATCHERS.type}
        return {**BUILTIN["matcher"], **kept}

    def _check_new(self, section: Section, name: str, kind: str, given: Values) -> None:
        """A name is there once, whatever it is of."""
        if section.file == FILE and name in {**self.endpoints(), **self.matchers()}:
            raise TAKEN.error(name)
        super()._check_new(section, name, kind, given)

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        shown = super()._list_view(section, name, entry)
        return shown | ({"origin": self._origin(name)} if section.file == FILE else {})

    def _origin(self, name: str) -> str:
        """Whether PVE brings something itself, and whether it was changed since."""
        own = any(name in found for found in BUILTIN.values())
        changed = name in self.stored(FILE)
        return ("modified-builtin" if changed else "builtin") if own else "user-created"

    def _view(self, section: Section, name: str, entry: Values) -> Values:
        """Of a webhook's secrets only the names are told."""
        shown = super()._view(section, name, entry)
        if "secret" in shown:
            names = (part for secret in shown["secret"] for part in str(secret).split(",") if part.startswith("name="))
            shown["secret"] = sorted(names)
        return shown

    async def _list_targets(self, _call: Call) -> list[Values]:
        named = {name: {"name": name, **entry} for name, entry in self.endpoints().items()}
        return [
            {key: entry[key] for key in TARGET_KEYS if key in entry} | {"origin": self._origin(name)}
            for name, entry in named.items()
        ]

    async def _test_target(self, call: Call) -> None:
        if call["name"] not in self.endpoints():
            raise NO_ENDPOINT.error(call["name"])

    async def _list_fields(self, _call: Call) -> list[Values]:
        return [{"name": name} for name in FIELDS]

    async def _list_values(self, _call: Call) -> list[dict[str, Any]]:
        nodes = [{"value": name, "field": "hostname"} for name in self.nodes]
        return [*({"value": name, "field": "type"} for name in EVENTS), *nodes]
