# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: fakepve keeps the configuration of that time, a copy of every volume keeps the data.

A running guest's copy is taken while it writes, as a real snapshot without a frozen file system is. Memory is not
kept: a rollback to a snapshot with ``vmstate`` boots the guest anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from lab.api.config_area import ConfigArea
from lab.api.fake import Call, FakeVm, Route
from lab.api.settings import free_unused
from lab.api.tasks import followed_by
from lab.api.volumes import guest_volumes, size_of

SNAPSHOT = "/nodes/{{node}}/{kind}/{{vmid}}/snapshot"
KINDS = ("qemu", "lxc")


def kept(volume: str, snapshot: str) -> str:
    """The volume that holds another's data at the time of a snapshot."""
    return f"{volume}@{snapshot}"


class SnapshotArea(ConfigArea):
    """Mixin: snapshots of VMs and containers with their data."""

    def routes(self) -> list[Route]:
        """Taking, removing and returning to snapshots."""
        config = SNAPSHOT.format(kind="qemu") + "/{snapname}/config"
        routes = [route for kind in KINDS for route in self._snapshot_routes(kind, SNAPSHOT.format(kind=kind))]
        return [*routes, ("GET", config, self._read_snapshot)]

    async def _read_snapshot(self, call: Call) -> dict[str, Any]:
        """The section of a snapshot: it has no digest of its own (../golden flows-09-snapshots)."""
        section: dict[str, Any] = await self._qm_snapshot_config_get(call.values, call.user)
        return {key: value for key, value in section.items() if key != "digest"}

    def _snapshot_routes(self, kind: str, path: str) -> list[Route]:
        return [
            ("POST", path, partial(self._take, kind)),
            ("DELETE", path + "/{snapname}", partial(self._forget, kind)),
            ("POST", path + "/{snapname}/rollback", partial(self._return_to, kind)),
        ]

    def _snapshot_guest(self, kind: str, call: Call) -> Any:  # noqa: ANN401 - a guest of fakepve
        return self.find(call["node"], call["vmid"]) if kind == "qemu" else self._find_ct(call["node"], call["vmid"])

    async def _in_books(self, kind: str, action: str, call: Call) -> object:
        """fakepve's part of a request."""
        if kind == "qemu":
            return await getattr(self, f"_qm_{action}")(call.values, call.user)
        return await getattr(self, f"_lxc_{action}")(call.user, call.values)

    async def _take(self, kind: str, call: Call) -> object:
        guest = self._snapshot_guest(kind, call)

        async def copy() -> None:
            for volume in guest_volumes(guest.config).values():
                await self.copy_directory(volume, kept(volume, call["snapname"]))

        with followed_by(copy):
            return await self._in_books(kind, "snapshot", call)

    async def _forget(self, kind: str, call: Call) -> object:
        guest = self._snapshot_guest(kind, call)
        volumes = guest_volumes(guest.snapshots.get(call["snapname"], {}))

        async def drop() -> None:
            for volume in volumes.values():
                await self.drop_volume(kept(volume, call["snapname"]))

        with followed_by(drop):
            return await self._in_books(kind, "snapshot_delete", call)

    async def _return_to(self, kind: str, call: Call) -> object:
        guest = self._snapshot_guest(kind, call)
        restore = (
            self._boot_again(guest, call)
            if kind == "qemu"
            else partial(self._restore_volumes, guest, call, guest.config)
        )
        with followed_by(restore):
            return await self._in_books(kind, "rollback", call)

    async def _restore_volumes(self, guest: Any, call: Call, before: Mapping[str, Any]) -> None:  # noqa: ANN401
        """Give a guest the volumes of a snapshot; ``before`` is its configuration until then.

        What it has got since then stays, as unused (PVE/AbstractConfig.pm: snapshot_rollback).
        """
        named = set(guest_volumes(guest.config).values())
        for volume in guest_volumes(before).values():
            if volume not in named:
                guest.config[free_unused(guest.config)] = volume
        for volume in guest_volumes(guest.snapshots[call["snapname"]]).values():
            await self.drop_volume(volume)
            await self.copy_directory(kept(volume, call["snapname"]), volume)
        self._restore_sizes(guest.snapshots[call["snapname"]])

    def _restore_sizes(self, section: dict[str, Any]) -> None:
        """A volume that has grown since is as small again as it was."""
        for key, volume in guest_volumes(section).items():
            size = size_of(section[key])
            if size:
                self._volume_record(volume)["size"] = size

    def _boot_again(self, guest: FakeVm, call: Call) -> Callable[[], Awaitable[None]]:
        ran, before = guest.status == "running", guest.config

        async def restore() -> None:
            await self.driver.kill(guest.vmid)
            self._powered_off(guest)
            # The memory belongs to the snapshot, not to what was made of it.
            guest.config.pop("vmstate", None)
            await self._restore_volumes(guest, call, before)
            if call.get("start") or (ran and guest.snapshots[call["snapname"]].get("vmstate")):
                await self._boot(guest)

        return restore
