# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACME accounts and plugins, ``/cluster/acme`` (pve-manager, PVE/API2/ACMEAccount.pm and ACMEPlugin.pm).

No certificate authority is asked: whoever registers becomes a valid account of the directory that is named.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import urljoin

from lab.api.fake import Call, Route, Values, die, param_error, split_list
from lab.api.sections import Says, Section, SectionArea, Type, Words
from lab.api.tasks import log_line

ACCOUNTS = "/cluster/acme/account"
ACCOUNT = ACCOUNTS + "/{name}"
ACCOUNT_FILES = "priv/acme"
DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
DEFAULT = "default"


def decode_data(_api: AcmeArea, _call: Call, given: Values) -> None:
    """What a plugin is told comes in base64, and is answered as it is."""
    if "data" in given:
        try:
            given["data"] = base64.urlsafe_b64decode(str(given["data"]) + "==").decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise die(f"data: {error}") from error


PLUGINS = Section(
    path="/cluster/acme/plugins",
    key="id",
    file="priv/acme/plugins.cfg",
    types={
        "dns": Type(required="api", optional="data disable nodes validation-delay"),
        "standalone": Type(optional="disable nodes"),
    },
    # It is there even if no file says so (proxmox-acme, PVE/ACME/Challenge.pm, parse_config).
    builtin={"standalone": {"type": "standalone"}},
    words=Words(
        exists=Says("ACME plugin ID '{0}' already exists"),
        missing=Says("ACME plugin '{0}' not defined"),
        update_missing=Says("ACME plugin ID '{0}' does not exist"),
    ),
    list_has_digest=True,
    item_has_key=False,
    prepare=decode_data,
    view=lambda name, entry: {**entry, "plugin": name},
)


class AcmeArea(SectionArea):
    """Mixin: ``/cluster/acme/account``, ``/cluster/acme/plugins``."""

    def routes(self) -> list[Route]:
        """Accounts and plugins."""
        return [
            *self.section_routes(PLUGINS),
            ("GET", ACCOUNTS, self._list_accounts),
            ("POST", ACCOUNTS, self._register),
            ("GET", ACCOUNT, self._show_account),
            ("PUT", ACCOUNT, self._update_account),
            ("DELETE", ACCOUNT, self._deactivate),
        ]

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        shown = super()._list_view(section, name, entry)
        return {key: value for key, value in shown.items() if section is not PLUGINS or key != "id"}

    async def _list_sections(self, section: Section, call: Call) -> list[Values]:
        if section is PLUGINS and not self.stored(section.file):
            return []  # a node without the file lists none, as recorded
        found = await super()._list_sections(section, call)
        kind = call.get("type") if section is PLUGINS else None
        return [entry for entry in found if kind is None or entry["type"] == kind]

    def _account(self, call: Call) -> tuple[str, dict[str, Any]]:
        """Name and content of an account's file."""
        name = str(call.get("name", DEFAULT))
        found = self.stored(ACCOUNT_FILES).get(name)
        if found is None:
            raise param_error(name=f"ACME account config file '{name}' does not exist.")
        return name, found

    async def _list_accounts(self, call: Call) -> list[Values]:
        del call
        return [{"name": name} for name in sorted(self.stored(ACCOUNT_FILES))]

    async def _show_account(self, call: Call) -> Values:
        return dict(self._account(call)[1])

    async def _register(self, call: Call) -> str:
        name, directory = str(call.get("name", DEFAULT)), str(call.get("directory", DIRECTORY))
        if name in self.stored(ACCOUNT_FILES):
            raise param_error(name=f"ACME account config file '{name}' already exists.")
        location = urljoin(directory, f"acct/{len(self.stored(ACCOUNT_FILES)) + 1}")
        terms = {"tos": call["tos_url"]} if "tos_url" in call.values else {}
        account = {"contact": contacts(call), "status": "valid"}

        async def body() -> None:
            log_line("Generating ACME account key..")
            log_line("Registering ACME account..")
            self.stored(ACCOUNT_FILES)[name] = {
                "account": account, "directory": directory, "location": location, **terms,
            }  # fmt: skip
            log_line(f"Registration successful, account URL: '{location}'")

        return await self._acme_task("acmeregister", call.user, body)

    async def _update_account(self, call: Call) -> str:
        found, given = self._account(call)[1], contacts(call)

        async def body() -> None:
            found["account"] = {**found["account"], **({"contact": given} if given else {})}

        return await self._acme_task("acmeupdate" if given else "acmerefresh", call.user, body)

    async def _deactivate(self, call: Call) -> str:
        name, _found = self._account(call)

        async def body() -> None:
            del self.stored(ACCOUNT_FILES)[name]
            files = f"/etc/pve/{ACCOUNT_FILES}"
            log_line(f"Renaming account file from '{files}/{name}' to '{files}/_deactivated_{name}_0'")

        return await self._acme_task("acmedeactivate", call.user, body)

    async def _acme_task(self, kind: str, user: str, body: Any) -> str:  # noqa: ANN401 - a task's coroutine function
        upid: str = await self.task(self.node, kind, "", user, body)
        return upid


def contacts(call: Call) -> list[str]:
    """Addresses as the authority has them."""
    return [f"mailto:{address}" for address in split_list(call.get("contact"))]
