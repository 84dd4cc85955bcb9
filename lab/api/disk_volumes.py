# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made on the disks of a node: directories, volume groups, thin pools, ZFS pools (pve-storage, PVE/API2/Disks).

As the disks themselves, all of it is a state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.api.disks import DISKS, DiskArea
from lab.api.fake import Call, Handler, Route, TaskError, Values, die, split_list
from lab.api.sections import Entries
from lab.api.seed import GIB

# How many disks a level of redundancy needs.
LEVELS: Mapping[str, int] = {
    "single": 1,
    "mirror": 2,
    "raid10": 4,
    "raidz": 3,
    "raidz2": 4,
    "raidz3": 5,
    "draid": 3,
    "draid2": 4,
    "draid3": 5,
}
# What a ZFS pool is made with.
OPTIONS = ("raidlevel", "ashift", "compression")
SLACK = 128 * 1024
"""Bytes of a volume group that a thin pool leaves free; its metadata is left out here."""


@dataclass(frozen=True)
class Kind:
    """What can be made on disks: the path's last part, the task's names, the storage, and how a disk looks then."""

    path: str
    created: str
    removed: str
    storage: Callable[[str], Values]
    used: str
    partitions: tuple[str, ...] = ()

    def owns(self, name: str, store: Values) -> bool:
        """Whether a storage is on it."""
        return all(store.get(key) == value for key, value in self.storage(name).items() if key != "content")


GUESTS = "rootdir,images"
KINDS: Mapping[str, Kind] = {
    kind.path: kind
    for kind in (
        Kind(
            "directory",
            "dircreate",
            "dirremove",
            lambda name: {"type": "dir", "path": f"/mnt/pve/{name}", "content": f"{GUESTS},iso,backup,vztmpl,snippets"},
            "",
            ("1",),
        ),
        Kind("lvm", "lvmcreate", "lvmremove", lambda name: {"type": "lvm", "vgname": name, "content": GUESTS}, "LVM"),
        Kind(
            "lvmthin",
            "lvmthincreate",
            "lvmthinremove",
            lambda name: {"type": "lvmthin", "vgname": name, "thinpool": name, "content": GUESTS},
            "LVM",
        ),
        Kind(
            "zfs",
            "zfscreate",
            "zfsremove",
            lambda name: {"type": "zfspool", "pool": name, "content": GUESTS},
            "ZFS",
            ("1", "9"),
        ),
    )
}


class DiskVolumeArea(DiskArea):
    """Mixin: directories, volume groups, thin pools and ZFS pools on disks."""

    def routes(self) -> list[Route]:
        """The lists, and what makes and removes."""
        makers = ((path, self._maker(kind)) for path, kind in KINDS.items())
        removers = ((path, self._remover(kind)) for path, kind in KINDS.items())
        return [
            ("GET", f"{DISKS}/directory", self._list_directories),
            ("GET", f"{DISKS}/lvm", self._list_groups),
            ("GET", f"{DISKS}/lvmthin", self._list_thin_pools),
            ("GET", f"{DISKS}/zfs", self._list_pools),
            ("GET", f"{DISKS}/zfs/{{name}}", self._say_pool),
            *(("POST", f"{DISKS}/{path}", handler) for path, handler in makers),
            *(("DELETE", f"{DISKS}/{path}/{{name}}", handler) for path, handler in removers),
        ]

    # --------------------------------------------------------- make and remove

    def _maker(self, kind: Kind) -> Handler:
        async def handle(call: Call) -> str:
            node, name = call["node"], call["name"]
            devices = [self._unused(node, path) for path in split_list(call.get("devices") or call["device"])]
            self._check_storage_for(kind, call)
            self._check_volume(kind, call, len(devices))

            async def body() -> None:
                if kind.path.startswith("lvm") and name in self._volume_groups(node):
                    raise TaskError(f"volume group with name '{name}' already exists on node '{node}'")
                self._make(kind, call, devices)
                if call.get("add_storage"):
                    await self._add_storage(kind, call)

            return await self.task(node, kind.created, name, call.user, body)

        return handle

    def _check_storage_for(self, kind: Kind, call: Call) -> None:
        """A storage of that name may be there if it is the same on other nodes (PVE/API2/Storage/Config.pm)."""
        name, node = call["name"], call["node"]
        if not call.get("add_storage"):
            return
        self.require(call.user, "/storage", "Datastore.Allocate")
        store = self.storages.get(name)
        if store is None:
            return
        if not store.get("nodes") or node in split_list(store["nodes"]):
            raise die(f"Storage ID '{name}' already exists on node {node}")
        for key, value in kind.storage(name).items():
            if key != "content" and store.get(key) != value:
                raise die(f"Option '{key}' ({value}) does not match existing storage configuration '{store.get(key)}'")

    def _check_volume(self, kind: Kind, call: Call, count: int) -> None:
        node, name = call["node"], call["name"]
        if kind.path == "directory" and name in self._made(node, kind.path):
            path = f"/mnt/pve/{name}"
            raise die(
                f"the path for '{name}' is already mounted: {path} ({self._made(node, kind.path)[name]['devices'][0]})"
            )
        if kind.path != "zfs":
            return
        self._need_zfs()
        level = call["raidlevel"]
        if call.get("draid-config") and not level.startswith("draid"):
            raise die("draid-config set without using dRAID level")
        if name in self._made(node, kind.path):
            raise die(f"pool '{name}' already exists on node '{node}'")
        if level == "raid10" and count % 2:
            raise die("raid10 needs an even number of disks")
        if level == "single" and count > 1:
            raise die("please give only one disk for single disk mode")
        if count < LEVELS[level]:
            raise die(f"{level} needs at least {LEVELS[level]} disks")

    def _make(self, kind: Kind, call: Call, devices: Sequence[str]) -> None:
        node, name = call["node"], call["name"]
        filesystem = call.get("filesystem", "ext4") if kind.path == "directory" else ""
        options: Values = {key: call.values[key] for key in OPTIONS if key in call.values}
        for device in devices:
            size = self._device(node, device)["size"]
            self._occupy(node, device, filesystem or kind.used, kind.partitions, mounted=kind.path == "directory")
            options["size"] = options.get("size", 0) + size
        self._made(node, kind.path)[name] = {**options, "devices": list(devices), "filesystem": filesystem}
        if kind.path == "lvmthin":
            self._made(node, "lvm")[name] = {"devices": list(devices), "size": options["size"]}

    def _occupy(self, node: str, device: str, used: str, partitions: Sequence[str], *, mounted: bool) -> None:
        for state in self._states(node).values():
            for part in state["partitions"]:
                if part["devpath"] == device:
                    part.update(used=used, mounted=int(mounted))
                    return
        size = self._device(node, device)["size"]
        parts = [
            {"devpath": f"{device}{number}", "used": used if number == "1" else "ZFS reserved", "size": size}
            for number in partitions
        ]
        if mounted:
            parts[0]["mounted"] = 1
        self._states(node)[device] = {"gpt": int(bool(parts)), "used": used, "partitions": parts}

    async def _add_storage(self, kind: Kind, call: Call) -> None:
        name, node = call["name"], call["node"]
        if name in self.storages:
            nodes = {*split_list(self.storages[name]["nodes"]), node}
            self.storages[name]["nodes"] = ",".join(sorted(nodes))
            return
        mount = {"is_mountpoint": "1"} if kind.path == "directory" else {}
        await self._sc_create({"storage": name, "nodes": node, **kind.storage(name), **mount}, call.user)

    def _remover(self, kind: Kind) -> Handler:
        async def handle(call: Call) -> str:
            node, name = call["node"], call["name"]
            if call.get("cleanup-config"):
                self.require(call.user, "/storage", "Datastore.Allocate")
            group = call.get("volume-group", "")

            async def body() -> None:
                self._need_made(kind, node, name, group)
                self._remove(kind, call, group or name)

            return await self.task(node, kind.removed, f"{group}-{name}" if group else name, call.user, body)

        return handle

    def _need_made(self, kind: Kind, node: str, name: str, group: str) -> None:
        there = name in self._made(node, kind.path) and group in ("", name)
        words = {
            "directory": f"command 'systemctl stop mnt-pve-{name}.mount' failed: exit code 5",
            "lvm": f"no such volume group '{name}'",
            "lvmthin": f"no such thin pool {group}/{name}",
            "zfs": f"command 'zpool destroy {name}' failed: exit code 1",
        }
        if not there:
            raise TaskError(words[kind.path])

    def _remove(self, kind: Kind, call: Call, group: str) -> None:
        node, name = call["node"], call["name"]
        made = self._made(node, kind.path).pop(name)
        if kind.path == "lvm":
            self._made(node, "lvmthin").pop(name, None)
        for device in made["devices"]:
            self._release_device(node, device, kind)
        if call.get("cleanup-config"):
            self._forget_storages(kind, name, node)
        if call.get("cleanup-disks"):
            self._made(node, "lvm").pop(group, None)
            for device in made["devices"]:
                self._wipe(node, device)

    def _release_device(self, node: str, device: str, kind: Kind) -> None:
        """What is left on a disk: a file system and ZFS' labels stay, a volume group is gone without a trace."""
        state = self._states(node).get(device, {"partitions": []})
        for part in state["partitions"]:
            part.pop("mounted", None)
        if kind.path == "lvm":
            state["used"] = ""

    def _forget_storages(self, kind: Kind, name: str, node: str) -> None:
        for sid in [sid for sid, store in self.storages.items() if kind.owns(name, store)]:
            nodes = set(split_list(self.storages[sid].get("nodes"))) or set(self.nodes)
            nodes.discard(node)
            if nodes:
                self.storages[sid]["nodes"] = ",".join(sorted(nodes))
            else:
                del self.storages[sid]

    # ------------------------------------------------------------------- lists

    async def _list_directories(self, call: Call) -> list[Values]:
        return [
            {
                "unitfile": f"/etc/systemd/system/mnt-pve-{name}.mount",
                "path": f"/mnt/pve/{name}",
                "device": f"/dev/disk/by-uuid/{index:08x}-0000-4000-8000-000000000000",
                "type": made["filesystem"],
                "options": "defaults",
            }
            for index, (name, made) in enumerate(self._made(call["node"], "directory").items(), start=1)
        ]

    def _volume_groups(self, node: str) -> Entries:
        return self._made(node, "lvm")

    def _volumes_on(self, **options: str) -> list[Mapping[str, Any]]:
        """The guests' volumes on storages with these options."""
        stores = (store for store in self.storages.values() if all(store.get(k) == v for k, v in options.items()))
        return [volume for store in stores for volume in store["volumes"].values()]

    async def _list_groups(self, call: Call) -> Values:
        thin = self._made(call["node"], "lvmthin")
        return {
            "leaf": 0,
            "children": [
                self._group(name, made, name in thin)
                for name, made in sorted(self._volume_groups(call["node"]).items())
            ],
        }

    def _group(self, name: str, made: Values, thin: bool) -> Values:
        volumes = self._volumes_on(type="lvm", vgname=name)
        free = SLACK if thin else made["size"] - sum(volume["size"] for volume in volumes)
        share = made["size"] // len(made["devices"])
        devices = [
            {"name": device, "size": share, "free": 0 if thin else share, "leaf": 1} for device in made["devices"]
        ]
        return {
            "name": name,
            "size": made["size"],
            "free": free,
            "lvcount": len(volumes) + int(thin),
            "leaf": 0,
            "children": devices,
        }

    async def _list_thin_pools(self, call: Call) -> list[Values]:
        return [
            {
                "lv": name,
                "vg": name,
                "lv_size": made["size"] - SLACK,
                "used": sum(volume["size"] for volume in self._volumes_on(type="lvmthin", vgname=name)),
                "metadata_size": GIB,
                "metadata_used": 0,
            }
            for name, made in self._made(call["node"], "lvmthin").items()
        ]

    def _need_zfs(self) -> None:
        """The recorded node has no ZFS tools; one with disks for them has."""
        if not self.spare_disks:
            raise die("zfsutils-linux not installed")

    async def _list_pools(self, call: Call) -> list[Values]:
        self._need_zfs()
        figures = {"alloc": 0, "frag": 0, "dedup": 1, "health": "ONLINE"}
        pools = self._made(call["node"], "zfs").items()
        return [{"name": name, "size": made["size"], "free": made["size"], **figures} for name, made in sorted(pools)]

    async def _say_pool(self, call: Call) -> Values:
        self._need_zfs()
        made = self._made(call["node"], "zfs").get(call["name"])
        if made is None:
            raise die(f"command 'zpool status -P {call['name']}' failed: exit code 1")
        known = {"state": "ONLINE", "read": 0, "write": 0, "cksum": 0, "msg": ""}
        leaves = [{**known, "name": f"{device}1", "leaf": 1} for device in made["devices"]]
        tree = {**known, "name": call["name"], "leaf": 0, "children": redundancy(made["raidlevel"], leaves, known)}
        return {
            "name": call["name"],
            "state": "ONLINE",
            "errors": "No known data errors",
            "leaf": 0,
            "children": [tree],
        }


def redundancy(level: str, leaves: list[Values], known: Values) -> list[Values]:
    """The devices below a pool, as ``zpool status`` groups them."""
    if level == "single":
        return leaves
    width = 2 if level == "raid10" else len(leaves)
    pairs = [leaves[index : index + width] for index in range(0, len(leaves), width)]
    name = {"mirror": "mirror", "raid10": "mirror", "raidz": "raidz1"}.get(level, level)
    if level.startswith("draid"):
        parity = level.removeprefix("draid") or "1"
        name = f"draid{parity}:{len(leaves) - int(parity)}d:{len(leaves)}c:0s"
    return [{**known, "name": f"{name}-{index}", "leaf": 0, "children": pair} for index, pair in enumerate(pairs)]
