# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/cluster/ha/groups``: what Proxmox VE 8 has in place of rules, and what 9 says of it (PVE/API2/HA/Groups.pm).

A group is for the manager what a rule about nodes is, with the resources that name it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from lab.api.fake import Call, Handler, PveError, Route, Values, check_digest, die, split_list
from lab.api.ha_placement import NODE
from lab.api.ha_resources import MIGRATED, HaResourcesArea, config_digest
from lab.api.release import RELEASE, is_known

GROUPS = "/cluster/ha/groups"
GROUP = GROUPS + "/{group}"
FLAGS = ("restricted", "nofailback")
SETTINGS = ("nodes", "comment", *FLAGS)


class HaGroupsArea(HaResourcesArea):
    """Mixin: the groups."""

    release_version: str = RELEASE

    def __init__(self, **options: object) -> None:
        """Start without groups."""
        super().__init__(**options)
        self.ha_groups: dict[str, Values] = {}

    def routes(self) -> list[Route]:
        """``/cluster/ha/groups``."""
        handlers: list[tuple[str, str, str, Callable[[Call], Awaitable[object]]]] = [
            ("GET", GROUPS, "index groups", self._list_ha_groups),
            ("POST", GROUPS, "create group", self._add_ha_group),
            ("GET", GROUP, "read group", self._show_ha_group),
            ("PUT", GROUP, "update group", self._change_ha_group),
            ("DELETE", GROUP, "delete group", self._remove_ha_group),
        ]
        return [(method, path, partial(self._of_8, what, work)) for method, path, what, work in handlers]

    def has_rules(self) -> bool:
        """Whether the release has rules in place of groups."""
        return is_known("/cluster/ha/rules", self.release_version)

    async def _of_8(self, what: str, work: Handler, call: Call) -> object:
        if self.has_rules():
            raise die(f"cannot {what}: {MIGRATED}")
        return await work(call)

    def group_rules(self) -> dict[str, Values]:
        """The groups that resources are in, as rules."""
        members = {
            name: sorted(sid for sid, wish in self.ha_resources.items() if wish.get("group") == name)
            for name in self.ha_groups
        }
        return {
            name: {
                "type": NODE,
                "resources": ",".join(sids),
                "nodes": self.ha_groups[name]["nodes"],
                "strict": self.ha_groups[name].get("restricted", 0),
            }
            for name, sids in members.items()
            if sids
        }

    def failback_of(self, sid: str) -> Values:
        """What the group of a resource says of going back; a resource says it itself where there are rules."""
        group = self.ha_groups.get(str(self.ha_resources[sid].get("group")), {})
        return {"failback": int(not group["nofailback"])} if "nofailback" in group else {}

    def _ha_group_view(self, name: str) -> Values:
        return {"group": name, "type": "group", **self.ha_groups[name], "digest": config_digest(self.ha_groups)}

    async def _list_ha_groups(self, _call: Call) -> list[Values]:
        return [self._ha_group_view(name) for name in sorted(self.ha_groups)]

    async def _show_ha_group(self, call: Call) -> Values:
        if call["group"] not in self.ha_groups:
            raise die(f"no such ha group '{call['group']}'")
        return self._ha_group_view(call["group"])

    @staticmethod
    def _ha_group_settings(call: Call) -> Values:
        found = {name: call[name] for name in SETTINGS if name in call.values}
        return found | {name: int(found[name]) for name in FLAGS if name in found}

    async def _add_ha_group(self, call: Call) -> None:
        if call["group"] in self.ha_groups:
            raise die(f"create ha group failed: ha group ID '{call['group']}' already defined")
        self.ha_groups[call["group"]] = self._ha_group_settings(call)

    async def _change_ha_group(self, call: Call) -> None:
        name = call["group"]
        try:
            check_digest(config_digest(self.ha_groups), call.get("digest"))
        except PveError as error:
            raise die(f"update ha group failed: {error.message}") from error
        if name not in self.ha_groups:
            raise die(f"update ha group failed: no such ha group '{name}'")
        deleted = split_list(call.get("delete"))
        if "nodes" in deleted:
            raise die("update ha group failed: unable to delete required option 'nodes'")
        kept = {key: value for key, value in self.ha_groups[name].items() if key not in deleted}
        self.ha_groups[name] = kept | self._ha_group_settings(call)
        self._ask_manager()

    async def _remove_ha_group(self, call: Call) -> None:
        """Removing a group that is not there succeeds."""
        users = sorted(sid for sid, wish in self.ha_resources.items() if wish.get("group") == call["group"])
        if users:
            raise die(f"delete ha group failed: ha group is used by service '{users[0]}'")
        self.ha_groups.pop(call["group"], None)
