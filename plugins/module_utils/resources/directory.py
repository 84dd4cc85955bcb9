# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories on disks of a node: a file system that is mounted at /mnt/pve/NAME (PVE::API2::Disks::Directory)."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_volume import DiskVolume

ROOT = "/mnt/pve/"


def find(read: Reader, wish: Values) -> Values | None:
    """The directory of that name."""
    rows = read.get(url("/nodes/{}/disks/directory", wish["node"]))
    return next((row for row in rows if row["path"] == ROOT + str(wish["name"])), None)


def shown(row: Values) -> dict[str, Json]:
    """A directory for people. The device is told by the file system's UUID, so it has another name than the option."""
    return {
        "name": str(row["path"]).removeprefix(ROOT),
        "path": row["path"],
        "filesystem": row.get("type"),
        "mounted_device": row.get("device"),
        "mount_options": row.get("options"),
    }


DIRECTORY = DiskVolume(
    kind="directory",
    noun=lambda _wish: "directory",
    path=lambda _wish: "directory",
    collections=("directory",),
    read=find,
    carries=lambda wish, store: store.get("type") == "dir" and store.get("path") == ROOT + str(wish["name"]),
    devices=lambda wished: [wished["device"]],
    shown=shown,
    fields=(
        Field("device"),
        Field("filesystem", create_only=True, default="ext4", spec={"choices": ["ext4", "xfs"]}),
    ),
    required=("device",),
).resource()
