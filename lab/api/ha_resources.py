# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of high availability: ``/cluster/ha/resources`` (../golden ha, ha-3node).

As on a node, what is asked for is only written down; the manager's next pass does it (``ha_work.py``).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lab.api.fake import Call, FakeVm, PveError, Route, Values, check_digest, die, param_error, split_list
from lab.api.ha_memory import Memory
from lab.api.migration import MigrationArea

RESOURCES = "/cluster/ha/resources"
ONE = RESOURCES + "/{sid}"
# What PVE calls them in a task's log, and in a refusal.
TITLES = {"vm": "VM", "ct": "CT"}
KINDS = {"vm": "a VM", "ct": "a container"}
SETTINGS = ("state", "comment", "max_restart", "max_relocate", "failback", "auto-rebalance", "group")
SINCE_9 = ("failback", "auto-rebalance", "purge")
UNDEFINED = "property is not defined in schema and the schema does not allow additional properties"
IGNORED = "ignored"
MIGRATED = "ha groups have been migrated to rules"
IN_ERROR = "service '{}' in error state, must be disabled and fixed first"


def config_digest(config: object) -> str:
    """The digest of a part of the configuration."""
    return hashlib.sha1(json.dumps(config, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


class HaResourcesArea(MigrationArea):
    """Mixin: the resources, each a guest by its ``sid`` (``vm:100``)."""

    def __init__(self, **options: object) -> None:
        """Start with nothing to manage."""
        super().__init__(**options)
        self.ha_resources: dict[str, Values] = {}
        self.ha_rules: dict[str, Values] = {}

    def routes(self) -> list[Route]:
        """``/cluster/ha/resources``."""
        return [
            ("GET", RESOURCES, self._list_ha),
            ("POST", RESOURCES, self._add_ha),
            ("GET", ONE, self._show_ha),
            ("PUT", ONE, self._change_ha),
            ("DELETE", ONE, self._remove_ha),
        ]

    def ha_memory_of_manager(self) -> Memory:
        """What the manager keeps."""
        raise NotImplementedError

    def _ask_manager(self) -> None:
        """Have the manager look at what is asked for."""
        raise NotImplementedError

    # ---------------------------------------------------------------- lookups

    def _ha_guest(self, sid: str) -> Any | None:  # noqa: ANN401 - a guest of fakepve
        return self.guest(int(sid.partition(":")[2]))

    def _full_sid(self, sid: str) -> str:
        """``vm:330`` for ``330`` or itself; the kind is that of the guest."""
        if ":" in sid:
            return sid
        found = self.guest(int(sid))
        return f"{'vm' if found is None or isinstance(found, FakeVm) else 'ct'}:{sid}"

    def _ha_view(self, sid: str) -> Values:
        return {
            "sid": sid,
            "type": sid.partition(":")[0],
            **self.ha_resources[sid],
            "digest": config_digest(self.ha_resources),
        }

    async def _list_ha(self, call: Call) -> list[Values]:
        kinds = [call["type"]] if call.get("type") else list(KINDS)
        return [self._ha_view(sid) for sid in sorted(self.ha_resources) if sid.partition(":")[0] in kinds]

    async def _show_ha(self, call: Call) -> Values:
        sid = self._full_sid(call["sid"])
        if sid not in self.ha_resources:
            raise die(f"no such resource '{sid}'")
        return self._ha_view(sid)

    # ---------------------------------------------------------------- changes

    async def _add_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        self._check_release(call)
        self._check_ha_guest(sid)
        if sid in self.ha_resources:
            raise die(f"create resource failed: resource ID '{sid}' already defined")
        self.ha_resources[sid] = {"state": "started"} | self._ha_settings(call)
        self._follow_wish(sid)

    @staticmethod
    def _ha_settings(call: Call) -> Values:
        found = {name: call[name] for name in SETTINGS if name in call.values}
        # ``enabled`` is another word for ``started`` (PVE/HA/Resources.pm).
        return found | ({"state": "started"} if found.get("state") == "enabled" else {})

    def has_rules(self) -> bool:
        """Whether the release has rules in place of groups."""
        raise NotImplementedError

    def _check_release(self, call: Call) -> None:
        """Refuse what only the other release has: 9 groups, and 8 what it has in them."""
        if self.has_rules() and call.get("group"):
            raise die(f"invalid parameter 'group': {MIGRATED}")
        foreign = [name for name in SINCE_9 if name in call.values and not self.has_rules()]
        if foreign:
            raise param_error(**dict.fromkeys(foreign, UNDEFINED))

    def _check_ha_guest(self, sid: str) -> None:
        kind, _, vmid = sid.partition(":")
        found = self.guest(int(vmid))
        if found is None:
            raise die(f"resource '{sid}' does not exist in cluster")
        if (kind == "vm") is not isinstance(found, FakeVm):
            raise die(f"resource '{sid}' - guest with ID {vmid} is not {KINDS[kind]}")

    def _check_no_error(self, sid: str, wished: str | None = None) -> None:
        """What is in the state ``error`` is disabled before anything else is asked of it."""
        service = self.ha_memory_of_manager().services.get(sid)
        if service is not None and service.state == "error" and wished != "disabled":
            raise die(IN_ERROR.format(sid))

    async def _change_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        self._check_release(call)
        self._check_no_error(sid, call.get("state"))
        try:
            check_digest(config_digest(self.ha_resources), call.get("digest"))
        except PveError as error:
            raise die(f"update resources config failed: {error.message}") from error
        if sid not in self.ha_resources:
            raise die(f"update resources config failed: no such resource '{sid}'")
        for name in split_list(call.get("delete")):
            self.ha_resources[sid].pop(name, None)
        self.ha_resources[sid] = {"state": "started"} | self.ha_resources[sid] | self._ha_settings(call)
        self._follow_wish(sid)

    def _follow_wish(self, sid: str) -> None:
        """A resource is managed from now on, or not; the manager will look at it."""
        guest, wished = self._ha_guest(sid), self.ha_resources[sid]["state"]
        if guest is not None:
            guest.ha_state = None if wished == IGNORED else guest.ha_state or "queued"
        self._ask_manager()

    async def _remove_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        self._check_release(call)
        if sid not in self.ha_resources:
            raise die(f"cannot delete service '{sid}', not HA managed!")
        self.drop_ha(sid, purge=bool(call.get("purge", 1)))
        self._ask_manager()

    def drop_ha(self, sid: str, *, purge: bool = True) -> None:
        """Forget a resource; with ``purge`` rules forget it too, and those about it alone go."""
        self.ha_resources.pop(sid, None)
        for name, rule in list(self.ha_rules.items()) if purge else ():
            left = [other for other in split_list(rule["resources"]) if other != sid]
            rule["resources"] = ",".join(left)
            if not left:
                del self.ha_rules[name]
        guest = self._ha_guest(sid)
        if guest is not None:
            guest.ha_state = None

    def _pool_leave(self, vmid: int) -> None:
        """A guest that is destroyed is no resource any more."""
        super()._pool_leave(vmid)
        for kind in KINDS:
            if f"{kind}:{vmid}" in self.ha_resources:
                self.drop_ha(f"{kind}:{vmid}")
