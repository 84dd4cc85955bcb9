# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of storages, as data (API schema: ``/storage``)."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    INTEGER,
    STORAGE_CONTENT,
    TEXT,
    Codec,
    Json,
    Properties,
    matching,
    set_of,
    truth,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Listing,
    Options,
    Plan,
    Reader,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_nodes
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_types import TYPES, check
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_use import listed, users_of_storage

PRUNE = Properties(
    kinds={
        "keep-all": "bool",
        **{f"keep-{period}": "int" for period in ("last", "hourly", "daily", "weekly", "monthly", "yearly")},
    }
)
CONTENT_DIRS = Properties(
    kinds=dict.fromkeys(("backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"), "str")
)
LIMITS = ("default", "clone", "migration", "move", "restore")
BWLIMIT = Properties(default_key="default", kinds=dict.fromkeys(LIMITS, "int"), limits=dict.fromkeys(LIMITS, (0, None)))
FINGERPRINT = matching(
    r"(?:[A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", "a SHA-256 fingerprint: 32 pairs of hexadecimal digits, as AB:CD:..."
)
PORT = within(INTEGER, 1, 65535)


def _mount_point(value: Json) -> str:
    """``yes`` and ``no`` in any spelling, or a path (PVE/Storage/DirPlugin.pm, parse_is_mountpoint)."""
    text = str(value)
    return text if text.startswith("/") or not text else ("yes" if truth(text) else "no")


MOUNT_POINT = Codec(_mount_point, _mount_point, str)


def fingerprint_of(key: str) -> str | None:
    """The fingerprint in a key, None for one that says none, or that is not made yet (``autogen``)."""
    try:
        found = json.loads(key)
    except ValueError:
        return None
    return found.get("fingerprint") if isinstance(found, dict) else None


def _same_key(have: Json, wish: Json) -> bool:
    """PVE tells the fingerprint of the key it has, or 1 for a key without (PVE/Storage/PBSPlugin.pm, on_add_hook)."""
    return have is not None and fingerprint_of(wish) in (None, have)


ENCRYPTION_KEY = replace(TEXT, same=_same_key)


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
    Field("max_protected_backups", within(INTEGER, -1), wire="max-protected-backups"),
    Field("snapshot_as_volume_chain", BOOLEAN, wire="snapshot-as-volume-chain", default=False),
    # dir, btrfs, and what is mounted
    _fixed("path"),
    Field("is_mountpoint", MOUNT_POINT, default="no"),
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
    Field("smbversion", default="default", spec={"choices": ["default", "2.0", "2.1", "3", "3.0", "3.11"]}),
    Field("domain"),
    Field("username"),
    Field("server_password", wire="password", secret=True),
    Field("server_port", PORT, wire="port"),
    _fixed("datastore"),
    Field("namespace"),
    Field("server_fingerprint", FINGERPRINT, wire="fingerprint"),
    Field("encryption_key", ENCRYPTION_KEY, wire="encryption-key", secret=True, readable=True),
    Field("master_pubkey", wire="master-pubkey", secret=True),
    Field("skip_cert_verification", BOOLEAN, wire="skip-cert-verification", default=False),
    # lvm, lvmthin, iscsi
    _fixed("vgname"),
    _fixed("thinpool"),
    _fixed("base"),
    Field("saferemove", BOOLEAN, default=False),
    Field("saferemove_throughput"),
    Field("saferemove_stepsize", INTEGER, wire="saferemove-stepsize", spec={"choices": [1, 2, 4, 8, 16, 32]}),
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
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
        "force": {"type": "bool", "default": False},
    },
    result=lambda have: {"storage": have["storage"]},
)


FILES_ON_PATHS = ("dir", "btrfs", "nfs", "cifs", "cephfs")
CONTENT_FOLDERS = frozenset({"template", "dump", "images", "private", "snippets", "import"})
"""Where the content of a storage on a path is (PVE/Storage/Plugin.pm, vtype_subdirs)."""


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises ConfigError and RefusedError for what can't be meant: PVE takes most of it."""
    wished = parsed(FIELDS, wish)
    if wish["state"] == "present" and wish.get("type"):
        check(str(wish["type"]), wished)
    have = SECTION.describe(read, wish)
    if wish["state"] == "absent":
        _check_unused(read, wish, have)
    else:
        _check_wish(read, wish, wished, have)
    return have


def _check_wish(read: Reader, wish: Values, wished: Values, have: Values | None) -> None:
    if have is not None and not wish.get("type"):
        check(str(have["type"]), wished)
    known = set_of(",").decode((have or {}).get("nodes") or "")
    check_nodes(read, [node for node in wished.get("nodes", []) if node not in known])
    _check_password(wished, have or wish)
    if have is None and wished.get("path") and not wish["force"]:
        _check_path(read, str(wish["storage"]), wished)
    if have is not None and wished.get("nodes") not in (None, [], known) and not wish["force"]:
        _check_left(read, str(wish["storage"]), wished["nodes"])


def _check_password(wished: Values, there: Values) -> None:
    """PVE passes over a password without a user (PVE/Storage/CIFSPlugin.pm, on_add_hook)."""
    if wished.get("server_password") and there.get("type") == "cifs" and not {**there, **wished}.get("username"):
        raise ConfigError("Option 'username' is needed: Proxmox VE passes over server_password without it.")


def _check_left(read: Reader, name: str, nodes: Sequence[str]) -> None:
    """PVE takes a storage from a node under the guests that are there."""
    users = users_of_storage(read, name, lambda node: node not in nodes)
    if users:
        raise RefusedError(
            f"Cannot keep storage {name} to {', '.join(nodes)}: guests elsewhere use it: {listed(users)}. Move them "
            "first, or set force: true."
        )


def _check_path(read: Reader, name: str, wished: Values) -> None:
    """Two storages with the same files list them twice, and what one removes is gone for the other."""
    others = [row for row in read.get("/storage") if row["type"] in FILES_ON_PATHS and row.get("path")]
    for row in others:
        if _meet(row, wished) and overlap(str(row["path"]), str(wished["path"])):
            raise RefusedError(
                f"Cannot create storage {name}: its path {wished['path']} overlaps that of storage {row['storage']} "
                f"({row['path']}), so both would have the same files. Use another path, keep the two to different "
                "nodes, or set force: true."
            )


def _meet(row: Values, wished: Values) -> bool:
    """Whether there is a node on which both are."""
    theirs, ours = set_of(",").decode(row.get("nodes") or ""), wished.get("nodes") or []
    return not theirs or not ours or bool(set(theirs) & set(ours))


def overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one is in a folder in which the other keeps its content."""
    parts = [PurePosixPath(posixpath.normpath(path)).parts for path in (one, other)]
    outer, inner = sorted(parts, key=len)
    below = inner[len(outer) :]
    return inner[: len(outer)] == outer and (not below or below[0] in CONTENT_FOLDERS)


def _check_unused(read: Reader, wish: Values, have: Values | None) -> None:
    """PVE removes a definition under the guests that use the storage."""
    users = [] if have is None or wish["force"] else users_of_storage(read, str(wish["storage"]))
    if users:
        raise RefusedError(
            f"Cannot remove storage {wish['storage']}: guests use it: {listed(users)}. Take it from them first, or set "
            "force: true: they then can't start, nor be migrated or backed up."
        )


def _section(kind: str) -> Section:
    """The section of one type: what it needs, and what can't be changed."""
    found = TYPES[kind]
    fields = (replace(row, create_only=row.create_only or row.name in found.fixed) for row in FIELDS)
    return replace(SECTION, fields=tuple(fields), required=("type", *found.needs))


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section, by the rules of its type."""
    kind = (have or wish).get("type")
    return (_section(str(kind)) if kind else SECTION).plan(wish, have)


def told(wish: Values, answers: Sequence[Json]) -> dict[str, Json]:
    """The encryption key that PVE has made: it tells it once (PVE/Storage/PBSPlugin.pm, on_add_hook)."""
    made = [answer["config"]["encryption-key"] for answer in answers if (answer or {}).get("config")]
    return {"encryption_key": made[-1]} if made and wish.get("encryption_key") == "autogen" else {}


LISTED = Listing(r"(?P<list>/storage)/(?P<id>[^/]+)", "storage")
"""The list says of each storage what its own path does, and wants Datastore.Audit only (PVE/API2/Storage/Config.pm)."""

STORAGE = replace(SECTION.resource(), describe=describe, plan=plan, told=told, listings=(LISTED,))

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
