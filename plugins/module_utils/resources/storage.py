# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of storages, as data (API schema: ``/storage``)."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    INTEGER,
    STORAGE_CONTENT,
    TEXT,
    Codec,
    Json,
    Properties,
    set_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

TYPES = (
    "dir", "nfs", "cifs", "lvm", "lvmthin", "zfspool", "zfs", "btrfs", "cephfs", "rbd", "iscsi", "iscsidirect", "pbs",
    "esxi",
)  # fmt: skip

PRUNE = Properties(
    kinds={
        "keep-all": "bool",
        **{f"keep-{period}": "int" for period in ("last", "hourly", "daily", "weekly", "monthly", "yearly")},
    }
)
CONTENT_DIRS = Properties(
    kinds=dict.fromkeys(("backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"), "str")
)
BWLIMIT = Properties(
    default_key="default", kinds=dict.fromkeys(("default", "clone", "migration", "move", "restore"), "int")
)


def _fixed(name: str, codec: Codec = TEXT, **row: Json) -> Field:
    """A row that is set at creation only."""
    return Field(name, codec, create_only=True, **row)


# The connection has a port, a password and a fingerprint of its own, so a storage's are named after its server.
FIELDS: tuple[Field, ...] = (
    _fixed("type", spec={"choices": list(TYPES)}),
    Field("content", STORAGE_CONTENT),
    Field("nodes", set_of(",")),
    Field("disable", BOOLEAN, default=False),
    Field("shared", BOOLEAN, default=False),
    Field("prune_backups", PRUNE.codec(), wire="prune-backups"),
    Field("content_dirs", CONTENT_DIRS.codec(), wire="content-dirs"),
    Field("bwlimit", BWLIMIT.codec()),
    Field("format", spec={"choices": ["raw", "qcow2", "subvol", "vmdk"]}),
    Field("preallocation", default="metadata", spec={"choices": ["off", "metadata", "falloc", "full"]}),
    Field("max_protected_backups", INTEGER, wire="max-protected-backups"),
    Field("snapshot_as_volume_chain", BOOLEAN, wire="snapshot-as-volume-chain", default=False),
    # dir, btrfs, and what is mounted
    _fixed("path"),
    Field("is_mountpoint"),
    Field("create_base_path", BOOLEAN, wire="create-base-path", default=True),
    Field("create_subdirs", BOOLEAN, wire="create-subdirs", default=True),
    Field("mkdir", BOOLEAN, default=True),
    Field("nocow", BOOLEAN, default=False),
    # nfs, cifs, pbs, esxi
    Field("server"),
    _fixed("export"),
    _fixed("share"),
    Field("subdir"),
    Field("options"),
    Field("smbversion", default="default"),
    Field("domain"),
    Field("username"),
    Field("server_password", wire="password", secret=True),
    Field("server_port", INTEGER, wire="port"),
    _fixed("datastore"),
    Field("namespace"),
    Field("server_fingerprint", wire="fingerprint"),
    Field("encryption_key", wire="encryption-key", secret=True),
    Field("master_pubkey", wire="master-pubkey", secret=True),
    Field("skip_cert_verification", BOOLEAN, wire="skip-cert-verification", default=False),
    # lvm, lvmthin, iscsi
    _fixed("vgname"),
    _fixed("thinpool"),
    _fixed("base"),
    Field("saferemove", BOOLEAN, default=False),
    Field("saferemove_throughput"),
    Field("saferemove_stepsize", INTEGER, wire="saferemove-stepsize"),
    Field("tagged_only", BOOLEAN, default=False),
    _fixed("portal"),
    _fixed("target"),
    # zfspool, zfs
    Field("pool"),
    Field("blocksize"),
    Field("sparse", BOOLEAN, default=False),
    Field("mountpoint"),
    _fixed("iscsiprovider"),
    Field("nowritecache", BOOLEAN, default=False),
    Field("comstar_hg"),
    Field("comstar_tg"),
    Field("lio_tpg"),
    Field("zfs_base_path", wire="zfs-base-path"),
    # cephfs, rbd
    Field("monhost"),
    Field("keyring", secret=True),
    Field("krbd", BOOLEAN, default=False),
    Field("data_pool", wire="data-pool"),
    Field("fs_name", wire="fs-name"),
    Field("fuse", BOOLEAN, default=False),
    _fixed("authsupported"),
)

SECTION = Section(
    kind="storage",
    keys=("storage",),
    collection="/storage",
    item="/storage/{}",
    missing=r"storage '.*' does not exist",
    fields=FIELDS,
    key_params={"storage": "storage"},
    required=("type",),
    options={
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False}
    },
    result=lambda have: {"storage": have["storage"]},
)
STORAGE = SECTION.resource()

INFO_OPTIONS: Options = {
    "storage": {"type": "str"},
    "type": {"type": "str", "choices": list(TYPES)},
    "content": {"type": "str"},
    "node": {"type": "str"},
}
SPACE = ("avail", "used", "total")
"""What a node tells of a storage's room, in bytes."""


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module storage_info: the storages that meet every criterion that is set, by name."""
    rows = [SECTION.shown(row)["storage"] for row in read.get("/storage")]
    found = [row for row in rows if _wanted(row, wish)]
    if wish.get("node"):
        found = _usable(read, str(wish["node"]), found)
    return {"changed": False, "storages": sorted(found, key=lambda row: str(row["storage"]))}


def _usable(read: Reader, node: str, rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Those that are enabled for the node and active there, with their space (PVE::API2::Storage::Status, index)."""
    there = read.get(url("/nodes/{}/storage", node), {"enabled": True}) or []
    active = {str(row["storage"]): row for row in there if int(row.get("active") or 0)}
    known = [(row, active[str(row["storage"])]) for row in rows if row["storage"] in active]
    return [{**row, **{name: int(now.get(name) or 0) for name in SPACE}} for row, now in known]


def _wanted(row: Values, wish: Values) -> bool:
    return (
        wish.get("storage") in (None, row["storage"])
        and wish.get("type") in (None, row["type"])
        and (wish.get("content") is None or wish["content"] in row.get("content", []))
    )
