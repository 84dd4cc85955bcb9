# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a storage of each type takes and needs, and what can be put on it. Pure.

From pve-storage, PVE/Storage/*Plugin.pm: ``options`` and ``plugindata`` of each type. Proxmox VE drops a content type
that a storage doesn't take with no more than a line in the node's log, so it is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

EVERYWHERE = ("type", "content", "nodes", "disable")
FILES = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import")
GUESTS = ("images", "rootdir")
BACKUPS = ("prune_backups", "max_protected_backups")
FOLDERS = (*BACKUPS, "format", "mkdir", "create_base_path", "create_subdirs")
MOUNTED = (*FOLDERS, "path", "content_dirs", "bwlimit", "options")
CHAINS = ("preallocation", "snapshot_as_volume_chain")


@dataclass(frozen=True)
class StorageType:
    """Options by the module's names: ``needs`` at creation, ``takes`` besides."""

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    content: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    """Options that only a creation sets here, where another type can change them."""

    may_be_empty: bool = False
    """Whether it may be for no content at all (``none``)."""

    formats: tuple[str, ...] = ("raw",)

    @property
    def options(self) -> frozenset[str]:
        """All options it takes."""
        return frozenset((*EVERYWHERE, *self.needs, *self.takes))


TYPES: Mapping[str, StorageType] = {
    "dir": StorageType(
        ("path",),
        (*FOLDERS, *CHAINS, "content_dirs", "bwlimit", "shared", "is_mountpoint"),
        FILES,
        ("snapshot_as_volume_chain",),
        may_be_empty=True,
        formats=("raw", "qcow2", "vmdk", "subvol"),
    ),
    "nfs": StorageType(
        ("server", "export"),
        (*MOUNTED, *CHAINS),
        FILES,
        ("server", "snapshot_as_volume_chain"),
        formats=("raw", "qcow2", "vmdk"),
    ),
    "cifs": StorageType(
        ("server", "share"),
        (*MOUNTED, *CHAINS, "subdir", "username", "server_password", "domain", "smbversion"),
        FILES,
        ("server", "snapshot_as_volume_chain"),
        formats=("raw", "qcow2", "vmdk"),
    ),
    "lvm": StorageType(
        ("vgname",),
        (
            *("shared", "saferemove", "saferemove_stepsize", "saferemove_throughput", "base", "tagged_only"),
            *("bwlimit", "snapshot_as_volume_chain"),
        ),
        GUESTS,
        formats=("raw", "qcow2"),
    ),
    "lvmthin": StorageType(("thinpool", "vgname"), ("bwlimit",), GUESTS),
    "zfspool": StorageType(
        ("pool",), ("blocksize", "sparse", "bwlimit", "mountpoint"), GUESTS, ("pool",), formats=("raw", "subvol")
    ),
    "zfs": StorageType(
        ("portal", "target", "pool", "blocksize", "iscsiprovider"),
        ("nowritecache", "sparse", "comstar_hg", "comstar_tg", "lio_tpg", "bwlimit", "zfs_base_path"),
        ("images",),
        ("pool", "blocksize"),
    ),
    "btrfs": StorageType(
        ("path",),
        (*FOLDERS, "preallocation", "shared", "is_mountpoint", "nocow"),
        FILES,
        may_be_empty=True,
        formats=("raw", "subvol"),
    ),
    "cephfs": StorageType(
        (),
        (*MOUNTED, "monhost", "subdir", "username", "fuse", "keyring", "fs_name"),
        ("vztmpl", "iso", "backup", "snippets", "import"),
    ),
    "rbd": StorageType(
        (), ("monhost", "pool", "data_pool", "namespace", "username", "krbd", "keyring", "bwlimit"), GUESTS
    ),
    "iscsi": StorageType(("portal", "target"), ("bwlimit",), ("images",), may_be_empty=True),
    "iscsidirect": StorageType(("portal", "target"), ("bwlimit",), ("images",), may_be_empty=True),
    "pbs": StorageType(
        ("server", "datastore"),
        (
            *BACKUPS,
            *("namespace", "server_port", "username", "server_password", "server_fingerprint"),
            *("encryption_key", "master_pubkey"),
        ),
        ("backup",),
        ("server",),
        may_be_empty=True,
    ),
    "esxi": StorageType(
        ("server", "username", "server_password"),
        ("shared", "skip_cert_verification", "server_port"),
        ("import",),
        formats=("raw", "qcow2", "vmdk"),
    ),
}


def check(name: str, wished: Values) -> None:
    """Raise ConfigError for what a storage of this type doesn't do. ``wished``: canonical values by option."""
    kind = TYPES[name]
    for option, value in wished.items():
        _check_option(name, kind, option, empty=value in ("", [], {}, None))
    if "content" in wished:
        _check_content(name, kind, wished["content"])
    _check_known(name, "content_dirs", wished.get("content_dirs") or {}, kind.content)
    _check_known(name, "format", [wished["format"]] if wished.get("format") else [], kind.formats)


def _check_option(name: str, kind: StorageType, option: str, *, empty: bool) -> None:
    if empty and option in kind.needs:
        raise ConfigError(f"Option '{option}' is empty, and a storage of type {name} needs it.")
    if not empty and option not in kind.options:
        raise ConfigError(
            f"Option '{option}' is not for a storage of type {name}, which takes {', '.join(sorted(kind.options))}."
        )


def _check_content(name: str, kind: StorageType, content: list[str]) -> None:
    if not content and not kind.may_be_empty:
        raise ConfigError(
            f"Option 'content' is empty: a storage of type {name} takes at least one of {', '.join(kind.content)}. "
            "To keep it from being used, set disable: true."
        )
    _check_known(name, "content", content, kind.content)


def _check_known(name: str, option: str, given: Json, known: tuple[str, ...]) -> None:
    strange = sorted(set(given) - set(known))
    if strange:
        raise ConfigError(
            f"Option '{option}': a storage of type {name} takes {', '.join(known)}, and not {', '.join(strange)}."
        )
