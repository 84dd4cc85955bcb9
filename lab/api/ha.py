# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""High availability: resources, rules, and a manager that brings guests into the state that was requested.

As on a node, what is asked for is only written down; the manager's next pass does it (../golden ha, ha-3node). A real
manager looks every ten seconds, this one ``manager_pause`` seconds after something was asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, Values, check_digest, die, split_list
from lab.api.migration import MigrationArea
from lab.api.tasks import log_line

RESOURCES = "/cluster/ha/resources"
ONE = RESOURCES + "/{sid}"
RULES = "/cluster/ha/rules"
RULE = RULES + "/{rule}"
# What PVE calls them in a task's log.
TITLES = {"vm": "VM", "ct": "CT"}
KINDS = {"vm": ("qemu", "a VM"), "ct": ("lxc", "a container")}
SETTINGS = ("state", "comment", "max_restart", "max_relocate", "failback", "auto-rebalance")
DEFAULT_LIMIT = 1
RULE_SETTINGS = ("type", "resources", "nodes", "strict", "affinity", "comment", "disable")
# The word for each state in which the manager keeps a guest running, or not.
RUNNING_STATES = frozenset({"started", "enabled"})
IGNORED = "ignored"
MIGRATED = "ha groups have been migrated to rules"


class HaArea(MigrationArea):
    """Mixin: ``/cluster/ha``, and the power state of the guests it manages."""

    # Real seconds until the manager does what was asked for.
    manager_pause = 0.05

    def __init__(self, **options: object) -> None:
        """Start with nothing to manage."""
        super().__init__(**options)
        self.ha_resources: dict[str, Values] = {}
        self.ha_rules: dict[str, Values] = {}
        self._passes: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """``/cluster/ha``."""
        return [
            ("GET", RESOURCES, self._list_ha),
            ("POST", RESOURCES, self._add_ha),
            ("GET", ONE, self._show_ha),
            ("PUT", ONE, self._change_ha),
            ("DELETE", ONE, self._remove_ha),
            ("POST", ONE + "/migrate", self._ha_motion("migrate")),
            ("POST", ONE + "/relocate", self._ha_motion("relocate")),
            ("GET", "/cluster/ha/groups", self._no_groups),
            ("POST", "/cluster/ha/groups", self._refuse_group),
            ("GET", RULES, self._list_rules),
            ("POST", RULES, self._add_rule),
            ("GET", RULE, self._show_rule),
            ("PUT", RULE, self._change_rule),
            ("DELETE", RULE, self._remove_rule),
            ("GET", "/cluster/ha/status/current", self._ha_status),
        ]

    # ------------------------------------------------------------- resources

    def _ha_guest(self, sid: str) -> Any | None:  # noqa: ANN401 - a guest of fakepve
        return self.guest(int(sid.partition(":")[2]))

    def _full_sid(self, sid: str) -> str:
        """``vm:330`` for ``330`` or itself; the kind is that of the guest."""
        if ":" in sid:
            return sid
        found = self.guest(int(sid))
        return f"{'vm' if found is None or isinstance(found, FakeVm) else 'ct'}:{sid}"

    def _ha_digest(self) -> str:
        text = json.dumps(self.ha_resources, sort_keys=True)
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def _ha_view(self, sid: str) -> Values:
        return {"sid": sid, "type": sid.partition(":")[0], **self.ha_resources[sid], "digest": self._ha_digest()}

    async def _list_ha(self, call: Call) -> list[Values]:
        kinds = [call["type"]] if call.get("type") else list(KINDS)
        return [self._ha_view(sid) for sid in sorted(self.ha_resources) if sid.partition(":")[0] in kinds]

    async def _show_ha(self, call: Call) -> Values:
        sid = self._full_sid(call["sid"])
        if sid not in self.ha_resources:
            raise die(f"no such resource '{sid}'")
        return self._ha_view(sid)

    async def _add_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        self._refuse_groups(call)
        self._check_ha_guest(sid)
        if sid in self.ha_resources:
            raise die(f"create resource failed: resource ID '{sid}' already defined")
        self.ha_resources[sid] = {"state": "started"} | self._ha_settings(call)
        self._ask_manager(sid)

    @staticmethod
    def _ha_settings(call: Call) -> Values:
        found = {name: call[name] for name in SETTINGS if name in call.values}
        # ``enabled`` is another word for ``started`` (PVE/HA/Resources.pm).
        return found | ({"state": "started"} if found.get("state") == "enabled" else {})

    @staticmethod
    def _refuse_groups(call: Call) -> None:
        if call.get("group"):
            raise die(f"invalid parameter 'group': {MIGRATED}")

    def _check_ha_guest(self, sid: str) -> None:
        kind, _, vmid = sid.partition(":")
        found = self.guest(int(vmid))
        if found is None:
            raise die(f"resource '{sid}' does not exist in cluster")
        if (kind == "vm") is not isinstance(found, FakeVm):
            raise die(f"resource '{sid}' - guest with ID {vmid} is not {KINDS[kind][1]}")

    async def _change_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        self._refuse_groups(call)
        try:
            check_digest(self._ha_digest(), call.get("digest"))
        except PveError as error:
            raise die(f"update resources config failed: {error.message}") from error
        if sid not in self.ha_resources:
            raise die(f"update resources config failed: no such resource '{sid}'")
        for name in split_list(call.get("delete")):
            self.ha_resources[sid].pop(name, None)
        self.ha_resources[sid] |= self._ha_settings(call)
        self._ask_manager(sid)

    async def _remove_ha(self, call: Call) -> None:
        sid = self._full_sid(call["sid"])
        if sid not in self.ha_resources:
            raise die(f"cannot delete service '{sid}', not HA managed!")
        self.drop_ha(sid)

    def drop_ha(self, sid: str) -> None:
        """Forget a resource; rules that are about it alone go too."""
        self.ha_resources.pop(sid, None)
        for name, rule in list(self.ha_rules.items()):
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

    # ---------------------------------------------------------------- manager

    def _ask_manager(self, sid: str) -> None:
        """What is wished of a resource is written down; the manager will look at it."""
        guest = self._ha_guest(sid)
        if guest is None:
            return
        wished = self.ha_resources[sid]["state"]
        guest.ha_state = None if wished == IGNORED else guest.ha_state or "queued"
        if wished != IGNORED:
            self._later(lambda: self._manage(sid))

    def _later(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await asyncio.sleep(self.manager_pause)
            await work()

        started = asyncio.create_task(run())
        self._passes.add(started)
        started.add_done_callback(self._passes.discard)

    async def stop_workers(self) -> None:
        """Interrupt what the manager has yet to do, and every task."""
        for waiting in list(self._passes):
            waiting.cancel()
        await asyncio.gather(*self._passes, return_exceptions=True)
        await super().stop_workers()

    async def _manage(self, sid: str) -> None:
        """One pass: the guest is started or stopped by a task of the manager's own (user root@pam)."""
        guest = self._ha_guest(sid)
        if guest is None or sid not in self.ha_resources:
            return
        wished = self.ha_resources[sid]["state"]
        runs = guest.status == "running"
        if (wished in RUNNING_STATES) != runs:
            await self._manager_task(guest, start=not runs)
        guest.ha_state = wished
        self.changed()

    async def _manager_task(self, guest: Any, *, start: bool) -> None:  # noqa: ANN401
        async def body() -> None:
            if start:
                await self._power_on(guest)
            else:
                await self.driver.kill(guest.vmid)
                self._powered_off(guest)

        ttype = "qmstart" if start else "qmstop"
        with self.on_node(guest.node):
            await self.task(guest.node, ttype, guest.vmid, "root@pam", body, vm=guest)

    # -------------------------------------------------------- managed guests

    async def _start(self, call: Call) -> str:
        """A managed guest is started by the manager: the task only asks for it."""
        managed = self._managed(call)
        return await super()._start(call) if managed is None else await self._ask_state(managed, call, "started")

    async def _stop(self, call: Call) -> str:
        managed = self._managed(call)
        return await super()._stop(call) if managed is None else await self._ask_state(managed, call, "stopped")

    def _managed(self, call: Call) -> FakeVm | None:
        guest = self.vm(int(call["vmid"]))
        return guest if guest is not None and guest.node == call["node"] and guest.ha_managed else None

    async def _shutdown(self, call: Call) -> str:
        managed = self._managed(call)
        return await super()._shutdown(call) if managed is None else await self._ask_state(managed, call, "stopped")

    async def _ask_state(self, guest: Any, call: Call, state: str) -> str:  # noqa: ANN401
        verb = "start" if state == "started" else "stop"
        sid = self._full_sid(str(guest.vmid))

        async def body() -> None:
            log_line(f"Requesting HA {verb} for {TITLES[sid[:2]]} {guest.vmid}")
            self.ha_resources[sid]["state"] = state
            self._ask_manager(sid)

        upid: str = await self.task(guest.node, f"ha{verb}", guest.vmid, call.user, body)
        return upid

    # ---------------------------------------------------------------- motion

    def _ha_motion(self, action: str) -> Callable[[Call], Awaitable[Values]]:
        async def handle(call: Call) -> Values:
            sid = self._full_sid(call["sid"])
            if sid not in self.ha_resources:
                raise die(f"resource '{sid}' is not HA managed")
            guest, node = self._ha_guest(sid), call["node"]
            blocking = self._blocking(sid, node)
            if not blocking:
                self._later(lambda: self._bring(guest, node, online=action == "migrate"))
            shown = {"sid": sid, "requested-node": node}
            return shown | ({"blocking-resources": blocking} if blocking else {})

        return handle

    def _blocking(self, sid: str, node: str) -> list[Values]:
        """Resources on a node that a rule keeps apart from this one."""
        apart = {
            other
            for rule in self.ha_rules.values()
            if rule.get("affinity") == "negative" and not rule.get("disable") and sid in split_list(rule["resources"])
            for other in split_list(rule["resources"])
        }
        there = [other for other in sorted(apart - {sid}) if getattr(self._ha_guest(other), "node", None) == node]
        return [{"sid": other, "cause": "resource-affinity"} for other in there]

    async def request_motion(self, guest: Any, target: str, user: str) -> str:  # noqa: ANN401
        """``POST .../migrate`` of a managed guest asks the manager."""
        sid = self._full_sid(str(guest.vmid))

        async def body() -> None:
            log_line(f"Requesting HA migration for {TITLES[sid[:2]]} {guest.vmid} to node {target}")
            blocking = self._blocking(sid, target)
            if blocking:
                log_line(f"cannot migrate resource '{sid}' to node '{target}':")
                raise TaskError(f"command 'ha-manager migrate {sid} {target}' failed: exit code 2")
            self._later(lambda: self._bring(guest, target, online=True))

        upid: str = await self.task(guest.node, "hamigrate", guest.vmid, user, body)
        return upid

    async def _bring(self, guest: Any, node: str, *, online: bool) -> None:  # noqa: ANN401
        """The manager's migration; one it cannot make leaves the guest where it is."""
        if node not in self.nodes or node == guest.node or self.guest(guest.vmid) is not guest:
            return
        with self.on_node(guest.node):
            await self._motion_task(guest, Call({"target": node, "online": int(online)}, "root@pam"))
        self.changed()

    async def _motion_task(self, guest: Any, call: Call) -> None:  # noqa: ANN401
        taking_disks = Call({**call.values, "with-local-disks": 1}, call.user)

        async def body() -> None:
            await self.move_guest(guest, taking_disks)

        await self.task(guest.node, "qmigrate", guest.vmid, call.user, body, vm=guest)

    # ------------------------------------------------------------------ rules

    async def _no_groups(self, _call: Call) -> list[Values]:
        raise die(f"cannot index groups: {MIGRATED}")

    async def _refuse_group(self, _call: Call) -> None:
        raise die(f"cannot create group: {MIGRATED}")

    def _rule_view(self, name: str) -> Values:
        text = json.dumps(self.ha_rules, sort_keys=True)
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        order = list(self.ha_rules).index(name) + 1
        return {"rule": name, "order": order, **self.ha_rules[name], "digest": digest}

    async def _list_rules(self, call: Call) -> list[Values]:
        shown = (self._rule_view(name) for name in self.ha_rules)
        return [rule for rule in shown if call.get("type") in (None, rule["type"])]

    async def _show_rule(self, call: Call) -> Values:
        if call["rule"] not in self.ha_rules:
            raise die(f"no such ha rule '{call['rule']}'")
        return self._rule_view(call["rule"])

    async def _add_rule(self, call: Call) -> None:
        name, failed = call["rule"], "create ha rule failed: "
        if name in self.ha_rules:
            raise die(f"{failed}HA rule '{name}' already defined")
        self._check_ha_rule(call, failed)
        self.ha_rules[name] = self._rule_settings(call)
        if "nodes" in call.values:
            self.ha_rules[name]["nodes"] = ",".join(sorted(split_list(call["nodes"])))

    @staticmethod
    def _rule_settings(call: Call) -> Values:
        found = {name: call[name] for name in RULE_SETTINGS if name in call.values}
        # The schema has these below ``oneOf``, so that they come as they were sent.
        return {name: int(value) if name in ("strict", "disable") else value for name, value in found.items()}

    def _check_ha_rule(self, call: Call, failed: str) -> None:
        unknown = [node for node in split_list(call.get("nodes")) if node.partition(":")[0] not in self.nodes]
        if unknown:
            raise die(f"{failed}cannot use non-existent node(s) {', '.join(unknown)}.")
        foreign = [sid for sid in split_list(call.get("resources")) if sid not in self.ha_resources]
        if foreign:
            raise die(f"{failed}cannot use unmanaged resource(s) {', '.join(foreign)}.")

    async def _change_rule(self, call: Call) -> None:
        name, failed = call["rule"], "update HA rules failed: "
        if name not in self.ha_rules:
            raise die(f"{failed}HA rule '{name}' does not exist")
        self._check_ha_rule(call, failed)
        for key in split_list(call.get("delete")):
            self.ha_rules[name].pop(key, None)
        self.ha_rules[name] |= self._rule_settings(call)

    async def _remove_rule(self, call: Call) -> None:
        """Removing a rule that is not there succeeds (../golden ha)."""
        self.ha_rules.pop(call["rule"], None)

    # ----------------------------------------------------------------- status

    async def _ha_status(self, _call: Call) -> list[Values]:
        quorum = {"id": "quorum", "type": "quorum", "node": self.node, "quorate": int(self.quorate), "status": "OK"}
        now = time.strftime("%a %b %d %H:%M:%S %Y")
        master = {
            "id": "master",
            "type": "master",
            "node": self.node,
            "timestamp": int(time.time()),
            "status": f"{self.node} ({'active' if self.ha_resources else 'idle'}, {now})",
        }
        return [quorum, master, *(self._service(sid) for sid in sorted(self.ha_resources))]

    def _service(self, sid: str) -> Values:
        settings, guest = self.ha_resources[sid], self._ha_guest(sid)
        node, state = getattr(guest, "node", self.node), getattr(guest, "ha_state", None) or "ignored"
        limits = {"max_restart": DEFAULT_LIMIT, "max_relocate": DEFAULT_LIMIT, "failback": 1}
        return {
            "id": f"service:{sid}",
            "type": "service",
            "sid": sid,
            "node": node,
            "state": state,
            "request_state": settings["state"],
            "status": f"{sid} ({node}, {state})",
            **limits,
            **{key: value for key, value in settings.items() if key != "state"},
        } | ({} if state == "queued" else {"crm_state": state})
