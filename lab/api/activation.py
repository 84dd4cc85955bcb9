# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a storage can be used: servers that answer, volume groups and mount points that exist.

The lab has no storage servers and no volume groups. A definition is accepted as if they were there, except for those
that are told to be out of reach (``LabApi.unreachable``): what a node says then is recorded (../golden storage,
flows-03-storage-dir).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.api.fake import Call, Route, Values, die, split_list
from lab.api.storage import CONTENT, StorageArea
from lab.api.storage_keys import KEYS, key_for, refuse_without_password
from lab.api.volumes import is_disk

Options = Mapping[str, Any]
PBS_PORT = 8007
NONE = "none"
NO = frozenset({"0", "no", "false", "off"})
LINKED = re.compile(r"(?P<base>\d+/base-[^/]+)/\d+/[^/]+")
# What qemu-img writes for an empty image; a raw one is a hole.
ALLOCATED = {"qcow2": 196616}
# A list that is filtered by guest leaves out what no guest can own, but for these (../golden storage, content-vmid).
# Names of disks that PVE finds again; another name can be given to a volume, but no list shows it.
LISTED = re.compile(r"[:/](?:vm|base|subvol|basevol)-\d+-[^/]+$")
DISKS = frozenset({"images", "rootdir"})
NOBODYS = frozenset({"import", "snippets"})


def parent_of(volume: str) -> str | None:
    """The base of a linked clone as a file storage shows it: relative to the clone's folder."""
    found = LINKED.fullmatch(volume)
    return f"../{found['base']}" if found else None


def _mount_point(name: str, options: Options) -> str:
    given = str(options.get("is_mountpoint", "no"))
    path = options["path"] if given in ("1", "yes", "true", "on") else given
    return (
        f"unable to activate storage '{name}' - directory is expected to be a mount point but is not mounted: '{path}'"
    )


def _offline(name: str, _options: Options) -> str:
    return f"storage '{name}' is not online"


def _backup_server(name: str, options: Options) -> str:
    server = f"{options.get('server')}:{options.get('port', PBS_PORT)}"
    return f"{name}: error fetching datastores - 500 Can't connect to {server} (Connection refused)"


def _thin_pool(_name: str, options: Options) -> str:
    return f"no such logical volume {options.get('vgname')}/{options.get('thinpool')}"


def _zfs(name: str, options: Options) -> str:
    pool = str(options.get("pool")).partition("/")[0]
    return (
        f"could not activate storage '{name}', zfs error: open3: exec of zpool import -d /dev/disk/by-id/ "
        f"-o cachefile=none {pool} failed: No such file or directory at /usr/share/perl5/PVE/Cmd.pm line 174."
    )


# Storage type -> the option with what must be reachable, and what a node says when it is not. None: it accepts the
# definition, and the storage is not active.
NEEDS: Mapping[str, tuple[str, Callable[[str, Options], str] | None]] = {
    "nfs": ("server", _offline),
    "cifs": ("server", _offline),
    "pbs": ("server", _backup_server),
    "dir": ("path", _mount_point),
    "lvm": ("vgname", None),
    "lvmthin": ("vgname", _thin_pool),
    "zfspool": ("pool", _zfs),
}


def needed(options: Options) -> str:
    """The server, volume group, pool or mount point that a storage needs; empty for one that needs none."""
    option = NEEDS.get(str(options.get("type", "dir")), ("", None))[0]
    if option == "path" and str(options.get("is_mountpoint", "no")) in NO:
        return ""
    return str(options.get(option, "")).partition("/")[0] if option == "pool" else str(options.get(option, ""))


class ActivationArea(StorageArea):
    """Mixin: activating storages, and the list of what is on one."""

    def __init__(self, **options: object) -> None:
        """Begin with everything in reach."""
        super().__init__(**options)
        # Servers, volume groups, pools and mount points that no node reaches.
        self.unreachable: set[str] = set()

    def routes(self) -> list[Route]:
        """What activates a storage."""
        return [
            ("POST", "/storage", self._create_storage),
            ("PUT", "/storage/{storage}", self._update_storage),
            ("GET", CONTENT, self._list_content),
            ("PUT", CONTENT + "/{volume}", self._set_attributes),
        ]

    def is_activatable(self, name: str) -> bool:
        """Whether what a storage needs is there."""
        return needed(self.storages[name]) not in self.unreachable

    def _activate(self, name: str) -> None:
        """Note whether a storage is active. Raises PVE's error for one that cannot be made."""
        store = self.storages[name]
        if self.is_activatable(name):
            return
        store["active"] = 0
        words = NEEDS[store.get("type", "dir")][1]
        if words and not store.get("disable"):
            raise die(words(name, store))

    async def _create_storage(self, call: Call) -> object:
        made = await self._sc_create(call.values, call.user)
        try:
            self._activate(call["storage"])
            refuse_without_password(call.values)
            return made | self._kept_keys(call)
        except Exception as error:
            del self.storages[call["storage"]]
            raise die(f"create storage failed: {error}") from error

    async def _update_storage(self, call: Call) -> object:
        """An empty list of content types is ``none``, which leaves a storage without any use."""
        answer = await self._sc_update(call.values, call.user)
        if call.values.get("content") == "":
            self.storages[call["storage"]]["content"] = NONE
        return answer | self._kept_keys(call)

    def _kept_keys(self, call: Call) -> Values:
        """What a backup server's storage says of its keys, and what is answered of a new one."""
        store = self.storages[call["storage"]]
        if store["type"] != "pbs" or not any(call.get(name) for name in KEYS):
            return {}
        shown, answered = key_for(call.values, str(store.get("encryption-key", "")))
        store |= shown
        return answered

    def _status_item(self, name: str, node: str, formats: bool = False) -> Values:
        """A storage without any use is not active (../golden flows-03-storage-dir)."""
        item: Values = super()._status_item(name, node, formats)
        return item if item["content"] != NONE else {**item, "active": 0, "total": 0, "used": 0, "avail": 0}

    # --------------------------------------------------------------- content

    def _item(self, storage: str, name: str, record: Values) -> Values:
        """A volume in a list: of a disk in a file the list tells its base, and what it takes."""
        item: Values = super()._item(storage, name, record)
        if not is_disk(f"{storage}:{name}"):
            return item
        item["content"] = "rootdir" if self._is_container(record.get("vmid")) else "images"
        if self._is_file_storage(storage):
            item |= {"parent": parent_of(name), "used": item.get("used", ALLOCATED.get(item["format"], 0))}
        return item

    def _is_container(self, vmid: object) -> bool:
        return any(guest.vmid == vmid for guest in self.cts)

    async def _list_content(self, call: Call) -> list[Values]:
        wanted = call.get("vmid")
        if split_list(self._active_store(call["storage"], call["node"]).get("content")) == [NONE]:
            raise die("unknown vtype 'none'")
        items: list[Values] = await self._content_list(
            {name: value for name, value in call.values.items() if name != "vmid"}, call.user
        )
        listed = (item for item in items if item["content"] not in DISKS or LISTED.search(item["volid"]))
        return [item for item in listed if wanted in (None, item.get("vmid")) or item["content"] in NOBODYS]

    async def _set_attributes(self, call: Call) -> object:
        """Notes and protection; notes of an archive that is not there go to a file beside it (../golden storage)."""
        sid, name, _, _, kind, *_ = self._volume_target(call.values)
        if kind == "backup" and name not in self._volumes(sid) and not call.get("protected"):
            return None
        return await self._content_put(call.values, call.user)
