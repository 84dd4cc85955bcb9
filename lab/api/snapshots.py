# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: fakepve keeps the configuration of that time, a copy of every volume keeps the data.

A running guest's copy is taken while it writes, as a real snapshot without a frozen file system is. Memory is not
kept: a rollback to a snapshot with ``vmstate`` boots the guest anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lab.api.config_area import ConfigArea
from lab.api.fake import Call, FakeVm, Route
from lab.api.tasks import followed_by
from lab.api.volumes import guest_volumes

SNAPSHOT = "/nodes/{node}/qemu/{vmid}/snapshot"


def kept(volume: str, snapshot: str) -> str:
    """The volume that holds another's data at the time of a snapshot."""
    return f"{volume}@{snapshot}"


class SnapshotArea(ConfigArea):
    """Mixin: snapshots of VMs with their data."""

    def routes(self) -> list[Route]:
        """Taking, removing and returning to snapshots."""
        return [
            ("POST", SNAPSHOT, self._take),
            ("DELETE", SNAPSHOT + "/{snapname}", self._forget),
            ("POST", SNAPSHOT + "/{snapname}/rollback", self._return_to),
        ]

    async def _take(self, call: Call) -> object:
        guest = self.find(call["node"], call["vmid"])

        async def copy() -> None:
            for volume in guest_volumes(guest.config).values():
                await self.copy_directory(volume, kept(volume, call["snapname"]))

        with followed_by(copy):
            return await self._qm_snapshot(call.values, call.user)

    async def _forget(self, call: Call) -> object:
        guest = self.find(call["node"], call["vmid"])
        volumes = guest_volumes(guest.snapshots.get(call["snapname"], {}))

        async def drop() -> None:
            for volume in volumes.values():
                await self.drop_volume(kept(volume, call["snapname"]))

        with followed_by(drop):
            return await self._qm_snapshot_delete(call.values, call.user)

    async def _return_to(self, call: Call) -> object:
        guest = self.find(call["node"], call["vmid"])
        ran = guest.status == "running"
        with followed_by(self._restoring(guest, call, ran)):
            return await self._qm_rollback(call.values, call.user)

    def _restoring(self, guest: FakeVm, call: Call, ran: bool) -> Callable[[], Awaitable[None]]:
        async def restore() -> None:
            await self.driver.kill(guest.vmid)
            self._powered_off(guest)
            for volume in guest_volumes(guest.config).values():
                await self.drop_volume(volume)
                await self.copy_directory(kept(volume, call["snapname"]), volume)
            if call.get("start") or (ran and guest.snapshots[call["snapname"]].get("vmstate")):
                await self._boot(guest)

        return restore
