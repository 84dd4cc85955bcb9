# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers: fakepve checks and keeps the books, their volumes follow, and what a node does otherwise is put right.

After pve-container: PVE/API2/LXC.pm, PVE/LXC/Config.pm, PVE/LXC/Migrate.pm; checked against ../golden lxc.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from fakepve.lxc import parse_mount, parse_size, print_mount  # type: ignore[import-untyped]

from lab.api.fake import Call, PveError, Route, TaskError, Values, die
from lab.api.snapshots import SnapshotArea, kept
from lab.api.tasks import followed_by, log_line
from lab.api.volumes import guest_volumes
from lab.guests.driver import GuestError

LXC = "/nodes/{node}/lxc"
ONE = LXC + "/{vmid}"
# The directory of one container (PVE/API2/LXC.pm: vmdiridx).
CHILDREN = (
    "config", "pending", "status", "vncproxy", "termproxy", "vncwebsocket", "spiceproxy", "migrate", "clone", "rrd",
    "rrddata", "firewall", "snapshot", "resize", "interfaces",
)  # fmt: skip
# Storages on which a container's volume (raw or subvol) can be the base of a linked clone.
LINKABLE = ("lvmthin", "zfspool", "rbd", "btrfs")
SSH_KEY = re.compile(r"(?:(?:from|command)=\S+ )?(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]+=*(?: .*)?")

Finish = Callable[[], Awaitable[None]]


def written(values: Mapping[str, Any]) -> Values:
    """The values of a request as they go into the configuration (PVE/LXC/Config.pm: parse and write)."""
    found = dict(values)
    if "cpulimit" in found:
        found["cpulimit"] = f"{float(found['cpulimit']):g}"
    if found.get("description"):
        found["description"] = str(found["description"]).rstrip("\n") + "\n"
    return found


def check_ssh_keys(text: str | None) -> None:
    """Refuse lines that are no public keys, before anything is made."""
    lines = (line.strip() for line in (text or "").splitlines())
    if not all(SSH_KEY.fullmatch(line) for line in lines if line and not line.startswith("#")):
        raise die("SSH public key validation error")


class ContainerArea(SnapshotArea):
    """Mixin: ``/nodes/{node}/lxc``."""

    def routes(self) -> list[Route]:
        """What goes beyond fakepve's containers."""
        return [
            ("GET", ONE, self._list_ct_children),
            ("POST", LXC, self._create_ct),
            ("DELETE", ONE, self._destroy_ct),
            ("GET", ONE + "/pending", self._read_ct_pending),
            ("PUT", ONE + "/config", self._put_ct_config),
            ("POST", ONE + "/clone", self._clone_ct),
            ("POST", ONE + "/template", self._template_ct),
            ("PUT", ONE + "/resize", self._resize_ct),
            ("POST", ONE + "/move_volume", self._move_ct_volume),
            ("POST", ONE + "/status/suspend", self._suspend_ct),
        ]

    # ------------------------------------------------------------------ read

    async def _list_ct_children(self, call: Call) -> list[dict[str, str]]:
        self._find_ct(call["node"], call["vmid"])
        return [{"subdir": name} for name in CHILDREN]

    async def _read_ct_pending(self, call: Call) -> list[dict[str, Any]]:
        guest = self._find_ct(call["node"], call["vmid"])
        rows: list[dict[str, Any]] = await self._lxc_pending(call.user, call.values)
        return [*rows, {"key": "digest", "value": guest.digest()}]

    def ct_resources(self, user: str, kind: str | None = None) -> list[Values]:
        """The containers of ``/cluster/resources``."""
        return [{**item, "memhost": 0} for item in super().ct_resources(user, kind)]

    @staticmethod
    def _cpus(guest: Any) -> Any:  # noqa: ANN401 - a guest of fakepve
        """Without a limit a container has every processor of its node."""
        return guest.config.get("cores") or guest.config.get("cpulimit") or os.cpu_count()

    # --------------------------------------------------------------- volumes

    def _taken_volumes(self) -> set[str]:
        """Names that are no longer free: of every container, and whatever else is on the storages."""
        taken: set[str] = super()._taken_volumes()
        return taken | self._known_volumes()

    def _ct_volumes(self, vmid: int) -> set[str]:
        """Every volume the container's configuration and snapshots name."""
        guest = self.ct(vmid)
        configs = [guest.config, *guest.snapshots.values()] if guest else []
        return {volume for config in configs for volume in guest_volumes(config).values()}

    async def _settle_volumes(self, vmid: int, before: set[str], sources: Mapping[str, str] | None = None) -> None:
        """Make and remove volumes, so that there are those the container has now; ``sources``: new -> copied from."""
        now = self._ct_volumes(vmid)
        for volume in sorted(now - before):
            self._book(vmid, volume)
            if sources and volume in sources:
                await self.copy_directory(sources[volume], volume)
            else:
                await self.make_volume(volume)
        for volume in sorted(before - now):
            self._unbook(volume)
            await self.drop_volume(volume)

    def _book(self, vmid: int, volume: str) -> None:
        """Enter a volume into the storage's book. Raises TaskError when there is no room for it."""
        storage, _, name = volume.partition(":")
        store, size = self.storages[storage], self._size_of(vmid, volume)
        self.need_room(storage, name, size)
        if size > store.get("avail", size):
            raise TaskError(f"unable to write to storage '{storage}': No space left on device")
        if "avail" in store:
            store["avail"] -= size
        record = {"content": "rootdir", "format": "raw", "size": size, "vmid": vmid, "ctime": int(time.time())}
        store.setdefault("volumes", {})[name] = record

    def _unbook(self, volume: str) -> None:
        storage, _, name = volume.partition(":")
        store = self.storages.get(storage, {})
        record = store.get("volumes", {}).pop(name, {})
        if "avail" in store:
            store["avail"] += int(record.get("size") or 0)

    def _size_of(self, vmid: int, volume: str) -> int:
        mounts = (parse_mount(value) for value in self.ct(vmid).config.values() if str(value).startswith(volume))
        return next((int(parse_size(mount["size"]) or 0) for mount in mounts if "size" in mount), 0)

    async def _or_abandoned(self, vmid: int, prefix: str, finish: Finish) -> None:
        """Volume work for a new container; one that cannot be finished is removed again."""
        try:
            await finish()
        except (TaskError, GuestError, OSError) as error:
            before, guest = self._ct_volumes(vmid), self.ct(vmid)
            self._drop(guest)
            await self._settle_volumes(vmid, before)
            raise TaskError(f"{prefix}{error}") from error

    # ---------------------------------------------------------------- create

    async def _create_ct(self, call: Call) -> object:
        check_ssh_keys(call.get("ssh-public-keys"))
        vmid, values = int(call["vmid"]), written(call.values)
        # Of the container that is restored over, if there is one.
        before = self._ct_volumes(vmid)

        verb = "restore" if call.get("restore") else "create"

        async def finish() -> None:
            self._ct_ostype(vmid, call)
            await self._or_abandoned(vmid, f"unable to {verb} CT {vmid} - ", partial(self._make_new_ct, call, before))
            await self.start_new_ct(call)

        with followed_by(finish):
            return await self._lxc_create(call.user, values)

    async def _make_new_ct(self, call: Call, before: set[str]) -> None:
        await self._settle_volumes(int(call["vmid"]), before)
        await self.fill_new_ct(call)

    async def fill_new_ct(self, call: Call) -> None:
        """Put on the volumes of a new container what belongs there."""

    async def start_new_ct(self, call: Call) -> None:
        """Start a new container, if that was asked for."""

    def _ct_ostype(self, vmid: int, call: Call) -> None:
        """What the request says of the system wins over what fakepve takes from the template's name."""
        config = self.ct(vmid).config
        wanted, detected = call.get("ostype"), config["ostype"]
        if wanted not in (None, "unmanaged", detected):
            log_line(f"WARN: got unexpected ostype ({detected} != {wanted})")
        config.update({key: call[key] for key in ("ostype", "arch") if call.get(key)})

    async def _destroy_ct(self, call: Call) -> object:
        """A container that runs is ended before its volumes go."""
        vmid = int(call["vmid"])
        guest, before = self._find_ct(call["node"], vmid), self._ct_volumes(vmid)
        used = next((volume for volume in sorted(before) if self._is_base(volume)), None)
        if used and not guest.lock and not guest.config.get("protection"):

            async def refuse() -> None:
                raise TaskError(f"base volume '{used}' is still in use by linked cloned")

            return await self.task(guest.node, "vzdestroy", vmid, call.user, refuse)

        copies = [
            kept(volume, name)
            for name, section in guest.snapshots.items()
            for volume in guest_volumes(section).values()
        ]

        async def clear() -> None:
            await self.driver.kill(vmid)
            await self._settle_volumes(vmid, before)
            for volume in copies:
                await self.drop_volume(volume)

        with followed_by(clear):
            return await self._lxc_destroy(call.user, call.values)

    # ---------------------------------------------------------------- change

    async def _put_ct_config(self, call: Call) -> None:
        vmid, before = int(call["vmid"]), self._ct_volumes(int(call["vmid"]))
        try:
            await self._lxc_config_put(call.user, written(call.values))
            self._keep_order(self.ct(vmid), call.get("features"))
            await self._settle_volumes(vmid, before)
        except TaskError as error:
            raise die(str(error)) from error

    @staticmethod
    def _keep_order(guest: Any, features: str | None) -> None:  # noqa: ANN401
        """Features stay as they were written; fakepve sorts them."""
        for section in (guest.config, guest.pending):
            if features and sorted(str(section.get("features")).split(",")) == sorted(features.split(",")):
                section["features"] = features

    async def _resize_ct(self, call: Call) -> object:
        guest = self._find_ct(call["node"], call["vmid"])
        if call["disk"] not in guest.config:
            # PVE parses the empty value and passes on what the parser says (../golden lxc: resize-missing).
            missing = dict.fromkeys(("mp", "volume"), "property is missing and it is not optional")
            raise PveError(500, "format error", missing)

        async def note() -> None:
            volume = guest_volumes(guest.config)[call["disk"]]
            self._volume_record(volume)["size"] = self._size_of(guest.vmid, volume)
            log_line("Image resized.")

        with followed_by(note):
            return await self._lxc_resize(call.user, call.values)

    async def _move_ct_volume(self, call: Call) -> object:
        """To another storage, as a task; the old volume stays as ``unused<n>`` unless ``delete`` is set."""
        guest = self._find_ct(call["node"], call["vmid"])
        if call.get("target-vmid"):
            raise die("Storage does not support moving of this disk to another container")
        self._ct_check_lock(guest)
        self._check_movable(guest, call)
        guest.lock = "disk"

        async def body() -> None:
            try:
                await self._move_to_storage(guest, call)
            finally:
                guest.lock = None

        return await self.task(guest.node, "move_volume", guest.vmid, call.user, body, vm=guest)

    def _check_movable(self, guest: Any, call: Call) -> None:  # noqa: ANN401
        key = call["volume"]
        if guest.status == "running":
            raise die("cannot move volumes of a running container")
        if key.startswith("unused"):
            raise die(f"cannot move volume '{key}', only configured volumes can be moved to another storage")
        volume = guest_volumes(guest.config).get(key)
        if volume is None:
            raise die("format error")
        if call.get("delete") and any(volume in guest_volumes(old).values() for old in guest.snapshots.values()):
            raise die("you can't move a volume with snapshots and delete the source")
        if call.get("digest") not in (None, guest.digest()):
            raise die("detected modified configuration - file changed by other user? Try again.")
        self._storage_for(call["storage"])

    async def _move_to_storage(self, guest: Any, call: Call) -> None:  # noqa: ANN401
        key, before = call["volume"], self._ct_volumes(guest.vmid)
        old = guest.config[key]
        mount = parse_mount(old)
        source, target = mount["volume"], self._allocate(guest.vmid, call["storage"], self._taken_volumes())
        guest.config[key] = print_mount({**mount, "volume": target}, key == "rootfs")
        if not call.get("delete"):
            guest.config[self._unused_key(guest.config)] = source
        try:
            await self._settle_volumes(guest.vmid, before, {target: source})
        except TaskError:
            guest.config[key] = old
            raise

    # ----------------------------------------------------- clone and template

    async def _clone_ct(self, call: Call) -> object:
        newid, source = int(call["newid"]), self._find_ct(call["node"], call["vmid"])
        config = source.snapshots.get(call.get("snapname"), source.config)
        volumes = {key: volume for key, volume in guest_volumes(config).items() if not key.startswith("unused")}
        full = bool(call.get("full", not source.template))
        if not full:
            self._check_linkable(volumes.values())

        async def copy() -> None:
            made = guest_volumes(self.ct(newid).config)
            await self._settle_volumes(
                newid, set(), {made[key]: volume for key, volume in volumes.items() if key in made}
            )
            if "rootfs" in made:
                await self.driver.forget_identity(self.volume_path(made["rootfs"]))
            for key, volume in volumes.items() if not full else ():
                self._volume_record(made[key])["base"] = volume

        with followed_by(partial(self._or_abandoned, newid, "clone failed: ", copy)):
            return await self._lxc_clone(call.user, written(call.values))

    def _check_linkable(self, volumes: Iterable[str]) -> None:
        for volume in volumes:
            if self.storages.get(volume.partition(":")[0], {}).get("type") not in LINKABLE:
                raise die(f"Linked clone feature for '{volume}' is not available")

    async def _template_ct(self, call: Call) -> None:
        """PVE starts a task and does not say which: the answer is null."""
        guest = self._find_ct(call["node"], call["vmid"])
        before = guest_volumes(guest.config)

        async def rename() -> None:
            for key, volume in guest_volumes(guest.config).items():
                self._unbook(before[key])
                self._book(guest.vmid, volume)
                self.move_volume(before[key], volume)

        with followed_by(rename):
            await self._lxc_template(call.user, call.values)

    # ----------------------------------------------------------------- power

    async def _suspend_ct(self, call: Call) -> object:
        """PVE's own packages hold nothing that could checkpoint a container, so the task fails (../golden lxc)."""
        self._find_ct(call["node"], call["vmid"])
        guest = self._here(call.values)
        self._ct_running(guest, f"CT {call['vmid']} not running")

        async def body() -> None:
            raise TaskError(f"command 'lxc-checkpoint -n {guest.vmid} -s -D /var/lib/vz/dump' failed: exit code 1")

        return await self.task(guest.node, "vzsuspend", guest.vmid, call.user, body, vm=guest)
