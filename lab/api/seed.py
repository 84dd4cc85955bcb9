# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node of the lab holds before anybody touched it: storages, templates, root's token.

A seed is data: the API takes it when a node starts for the first time; later starts read the saved state instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.api.apt_sources import AS_INSTALLED

GIB = 1024**3
TEMPLATE_DISK_SIZE = 8 * GIB

# A PVE installation has these two (pve-storage, PVE/Storage.pm); what `local` may hold differs, see below.
LVM_THIN: Mapping[str, Any] = {"type": "lvmthin", "content": "rootdir,images", "vgname": "pve", "thinpool": "data"}
LOCAL_WITH_SNIPPETS: Mapping[str, Any] = {
    "type": "dir",
    "path": "/var/lib/vz",
    "content": "iso,vztmpl,backup,import,snippets",
}
# A storage that every node of a cluster sees.
SHARED: Mapping[str, Any] = {"type": "rbd", "content": "rootdir,images", "pool": "rbd", "shared": 1}
# A fresh installation has no snippets on `local`, and a nested node of the lab has no second storage for images.
LOCAL_AS_INSTALLED: Mapping[str, Any] = {
    "type": "dir",
    "path": "/var/lib/vz",
    "content": "images,rootdir,iso,vztmpl,backup,import",
}


@dataclass(frozen=True)
class Template:
    """A QEMU template with one disk. ``node`` says that guests made from it are PVE nodes themselves."""

    vmid: int
    name: str
    tags: str
    node: bool = False
    storage: str = "local-lvm"
    cores: int = 2
    memory: int = 2048

    @property
    def volume(self) -> str:
        """Name of the boot volume on its storage."""
        return f"base-{self.vmid}-disk-0"

    def config(self) -> dict[str, Any]:
        """The template's configuration, as ``GET config`` shows it."""
        return {
            "name": self.name,
            "agent": "enabled=1",
            "boot": "order=scsi0",
            "cores": self.cores,
            "memory": str(self.memory),
            "ide2": f"{self.storage}:vm-{self.vmid}-cloudinit,media=cdrom,size=4M",
            "net0": f"virtio=BC:24:11:00:{self.vmid % 10000 // 100:02d}:{self.vmid % 100:02d},bridge=vmbr0",
            "ostype": "l26",
            "scsi0": f"{self.storage}:{self.volume},size=8G",
            "scsihw": "virtio-scsi-single",
            "serial0": "socket",
            "tags": self.tags,
            "template": 1,
        }


@dataclass(frozen=True)
class Seed:
    """Initial contents of a node. ``tokens`` maps token ids to secrets; their privileges are not separated."""

    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    password: str | None = field(default=None, repr=False)
    disks: tuple[Mapping[str, Any], ...] = ()
    """Disks beside the one the node runs from, as the API lists them."""
    repositories: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """File -> package repositories in it, as the API lists them."""


TEMPLATES = (
    Template(9000, "debian-12-pve", tags="debian;pve", node=True),
    Template(9001, "debian-12", tags="debian", memory=512, cores=1),
)


def disk(letter: str, size: int = 64 * GIB) -> Mapping[str, Any]:
    """An unused disk as ``GET disks/list`` tells of it."""
    serial = f"LAB{ord(letter):05d}"
    return {
        "by_id_link": f"/dev/disk/by-id/ata-LAB_SSD_{serial}",
        "devpath": f"/dev/sd{letter}",
        "gpt": 0,
        "health": "PASSED",
        "model": "LAB_SSD",
        "osdid": -1,
        "osdid-list": None,
        "rpm": 0,
        "serial": serial,
        "size": size,
        "type": "ssd",
        "vendor": "ATA     ",
        "wearout": 99,
        "wwn": f"0x50026b77000000{ord(letter):02x}",
    }


DISKS = tuple(disk(letter) for letter in "bcde")


def outer(tokens: Mapping[str, str], password: str | None = None) -> Seed:
    """The seed of the lab's own node, ``father``."""
    storages = {"local": LOCAL_WITH_SNIPPETS, "local-lvm": LVM_THIN}
    return Seed(storages, TEMPLATES, tokens, password, DISKS, AS_INSTALLED)


def nested(tokens: Mapping[str, str], password: str | None = None) -> Seed:
    """The seed of a node that was cloned from a PVE template: as installed, nothing on it."""
    return Seed({"local": LOCAL_AS_INSTALLED}, (), tokens, password)
