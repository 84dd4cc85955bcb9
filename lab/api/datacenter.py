# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/cluster/options``, which is datacenter.cfg, and the next free VMID, which follows it (PVE/API2/Cluster.pm)."""

from __future__ import annotations

from typing import Any

from lab.api.fake import Call, Route, Values, die, param_error, split_list
from lab.api.guests import GuestArea
from lab.api.sections import SectionArea, parts_of, property_object

FILE = "datacenter.cfg"
# The file is one object and not made of sections; this is its place among those that are.
ONLY = ""
OPTIONS = "/cluster/options"
# Without Sys.Audit a user sees what the interface needs.
FOR_EVERYBODY = ("console", "tag-style")
DEFAULT_MAC_PREFIX = "BC:24:11"
FIRST_ID, LAST_ID = 100, 1_000_000
FREE_TAGS = "free"


def tag_list(text: object) -> list[str]:
    """Tags of a guest or of an option, in a list."""
    return [str(tag) for tag in split_list(text)]


class DatacenterArea(SectionArea, GuestArea):
    """Mixin: what holds for the whole cluster."""

    def routes(self) -> list[Route]:
        """The options, and the id for a new guest."""
        return [
            ("GET", OPTIONS, self._read_options),
            ("PUT", OPTIONS, self._set_options),
            ("GET", "/cluster/nextid", self._next_id),
        ]

    def datacenter(self) -> Values:
        """The options that were set, as texts."""
        return self.stored(FILE).setdefault(ONLY, {})

    # --------------------------------------------------------------- options

    async def _read_options(self, call: Call) -> Values:
        shown = self._every_option()
        if not self.allowed(call.user, "/", "Sys.Audit"):
            shown = {name: value for name, value in shown.items() if name in FOR_EVERYBODY}
        return shown | {"allowed-tags": self._allowed_tags()}

    def _every_option(self) -> Values:
        options = {"mac_prefix": DEFAULT_MAC_PREFIX, "description": "", **self.datacenter()}
        shown: Values = {name: self._option_view(name, value) for name, value in options.items()}
        if "registered-tags" in shown:
            shown["registered-tags"] = tag_list(shown["registered-tags"])
        return shown

    @staticmethod
    def _option_view(name: str, value: Any) -> Any:  # noqa: ANN401 - as the schema has it
        parts = parts_of(OPTIONS, "PUT", name)
        if parts:
            return property_object(str(value), parts)
        return f"{value}\n" if name == "description" and value else value

    def _allowed_tags(self) -> list[str]:
        """Registered tags, and those in use where users may make up their own (PVE/GuestHelpers.pm)."""
        options = self.datacenter()
        access = property_object(str(options.get("user-tag-access", "")))
        found = {*tag_list(options.get("registered-tags")), *tag_list(access.get("user-allow-list"))}
        if access.get("user-allow", FREE_TAGS) == FREE_TAGS:
            found |= {tag for guest in [*self.vms, *self.cts] for tag in tag_list(guest.config.get("tags"))}
        return sorted(found)

    async def _set_options(self, call: Call) -> None:
        options = self.datacenter()
        options |= {name: value for name, value in call.values.items() if name != "delete"}
        for name in split_list(call.get("delete")):
            options.pop(name, None)

    # --------------------------------------------------------------- next id

    async def _next_id(self, call: Call) -> str:
        taken = {int(guest.vmid) for guest in [*self.vms, *self.cts]}
        if "vmid" in call.values:
            if int(call["vmid"]) in taken:
                raise param_error(vmid=f"VM {call['vmid']} already exists")
            return str(call["vmid"])
        limits = property_object(str(self.datacenter().get("next-id", "")))
        lower, upper = int(limits.get("lower", FIRST_ID)), int(limits.get("upper", LAST_ID))
        free = next((vmid for vmid in range(lower, upper) if vmid not in taken), None)
        if free is None:
            raise die(f"unable to get any free VMID in range [{lower}, {upper}]")
        return str(free)
