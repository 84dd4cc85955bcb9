# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving containers to another node, and those that high availability manages (pve-container, PVE/LXC/Migrate.pm;
../golden migrate).
"""

from __future__ import annotations

from typing import Any

from fakepve.lxc import mount_type, parse_mount  # type: ignore[import-untyped]

from lab.api.container_power import ContainerPowerArea
from lab.api.containers import ONE
from lab.api.fake import Call, FakeVm, Handler, Route, TaskError, Values, die, param_error, split_list
from lab.api.ha import HaArea
from lab.api.migration import target_storage
from lab.api.tasks import log_line
from lab.api.volumes import guest_volumes

# Seconds a container has to end before it is moved (PVE/API2/LXC.pm: migrate_vm).
RESTART_TIMEOUT = 180.0
# What the manager does to reach a state, by the request it takes the place of.
HA_STATES = {"start": "started", "stop": "stopped", "shutdown": "stopped"}


class ContainerMotionArea(ContainerPowerArea, HaArea):
    """Mixin: ``migrate``, and the power state of managed containers."""

    def routes(self) -> list[Route]:
        """What a migration would meet, the migration, and power."""
        return [
            ("GET", ONE + "/migrate", self._ct_preconditions),
            ("POST", ONE + "/migrate", self._migrate_ct),
            *(("POST", f"{ONE}/status/{action}", self._ct_power(action)) for action in HA_STATES),
        ]

    # ------------------------------------------------------------- migration

    def _ct_storages(self, guest: Any) -> set[str]:  # noqa: ANN401 - a guest of fakepve
        return {volume.partition(":")[0] for volume in guest_volumes(guest.config).values()}

    async def _ct_preconditions(self, call: Call) -> Values:
        guest = self._find_ct(call["node"], call["vmid"])
        self._ct_check_lock(guest)
        missing = {
            node: sorted(name for name in self._ct_storages(guest) if not self._storage_enabled(name, node))
            for node in self.nodes
            if node != guest.node
        }
        return {
            "running": int(guest.status == "running"),
            "allowed-nodes": [node for node, storages in missing.items() if not storages],
            "not-allowed-nodes": {node: {"unavailable_storages": names} for node, names in missing.items() if names},
        }

    async def _migrate_ct(self, call: Call) -> str:
        guest = self._checked_ct_migration(call)
        if guest.ha_managed:
            return await self.request_motion(guest, call["target"], call.user)

        async def body() -> None:
            await self.need_way(call["target"])
            await self.move_ct(guest, call)

        upid: str = await self.task(guest.node, "vzmigrate", guest.vmid, call.user, body, vm=guest)
        return upid

    def _checked_ct_migration(self, call: Call) -> Any:  # noqa: ANN401
        if call["target"] == call["node"]:
            raise param_error(target="target is local node.")
        self.need_node(call["target"])
        guest = self._find_ct(call["node"], call["vmid"])
        for name in split_list(call.get("target-storage")):
            storage = name.rpartition(":")[2]
            self._store(storage)
            self.require(call.user, f"/storage/{storage}", "Datastore.AllocateSpace")
            self._check_enabled(storage, call["target"])
        if guest.status == "running" and not call.get("online") and not call.get("restart"):
            raise die("can't migrate running container without --online or --restart")
        return guest

    async def move_ct(self, guest: Any, call: Call) -> None:  # noqa: ANN401
        """The migration's task: what stands against it, then the container and its volumes are the target's."""
        obstacle = self._ct_obstacle(guest, call)
        if obstacle:
            log_line(f"ERROR: migration aborted (duration 00:00:00): {obstacle}")
            raise TaskError("migration aborted")
        log_line(
            f"starting migration of CT {guest.vmid} to node '{call['target']}' ({self.address_of(call['target'])})"
        )
        runs = guest.status == "running"
        if runs:
            log_line(f"shutdown CT {guest.vmid}")
            await self._ct_powerdown(guest, float(call.get("timeout") or RESTART_TIMEOUT), force=True)
        await self._take_volumes_along(guest, call)
        guest.node = call["target"]
        if runs:
            log_line("start container on target node")
            with self.on_node(guest.node):
                await self._start_steps(guest, call.user)
        log_line("migration finished successfully (duration 00:00:00)")

    def _ct_obstacle(self, guest: Any, call: Call) -> str | None:  # noqa: ANN401
        if guest.lock:
            return f"CT is locked ({guest.lock})"
        if guest.status == "running" and call.get("online"):
            return "lxc live migration is currently not implemented"
        for key, value in sorted(guest.config.items()):
            if key.startswith("mp") and not parse_mount(value).get("shared"):
                kind = mount_type(parse_mount(value)["volume"])
                if kind != "volume":
                    return f"cannot migrate local {kind} mount point '{key}'"
        goals = {target_storage(call.get("target-storage"), name) for name in self._ct_storages(guest)}
        missing = sorted(name for name in goals if not self._storage_enabled(name, call["target"]))
        return f"storage '{missing[0]}' is not available on node '{call['target']}'" if missing else None

    async def _take_volumes_along(self, guest: Any, call: Call) -> None:  # noqa: ANN401
        for key, volume in guest_volumes(guest.config).items():
            storage = volume.partition(":")[0]
            goal = target_storage(call.get("target-storage"), storage)
            if goal == storage:
                continue
            before = self._ct_volumes(guest.vmid)
            moved = self._allocate(guest.vmid, goal, self._taken_volumes())
            guest.config[key] = str(guest.config[key]).replace(volume, moved, 1)
            await self._settle_volumes(guest.vmid, before, {moved: volume})

    # ------------------------------------------------------ high availability

    def _ct_power(self, action: str) -> Handler:
        """Power of a container; of a managed one the manager is asked instead."""

        async def handle(call: Call) -> object:
            guest = self._here(call.values)
            asks = guest is not None and guest.ha_managed
            runs = guest is not None and guest.status == "running"
            if asks and runs is (HA_STATES[action] == "stopped"):
                return await self._ask_state(guest, call, HA_STATES[action])
            plain = self._stop_ct(call) if action == "stop" else getattr(self, f"_lxc_{action}")(call.user, call.values)
            return await plain

        return handle

    async def _manager_task(self, guest: Any, *, start: bool) -> str:  # noqa: ANN401
        if isinstance(guest, FakeVm):
            return await super()._manager_task(guest, start=start)

        async def body() -> None:
            if start:
                await self._start_steps(guest, "root@pam")
            else:
                await self.cut_ct_power(guest)

        with self.on_node(guest.node):
            ttype = "vzstart" if start else "vzstop"
            upid: str = await self.task(guest.node, ttype, guest.vmid, "root@pam", body, vm=guest)
        return upid

    async def _motion_task(self, guest: Any, call: Call) -> str:  # noqa: ANN401
        if isinstance(guest, FakeVm):
            return await super()._motion_task(guest, call)

        async def body() -> None:
            await self.move_ct(guest, Call({"target": call["target"], "restart": 1}, call.user))

        upid: str = await self.task(guest.node, "vzmigrate", guest.vmid, "root@pam", body, vm=guest)
        return upid
