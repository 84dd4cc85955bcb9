# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container is unpacked from: a template on a storage, or one of Proxmox VE's index that is fetched first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Step, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError

CONTENT = "vztmpl"
NO_NODE = re.compile(r"hostname lookup '[^']*' failed|no such cluster node")


@dataclass(frozen=True)
class OsTemplate:
    """A template's volume id, and the step that brings it there where it isn't yet."""

    volume: str
    fetch: tuple[Step, ...] = ()


def file_name(volume: str) -> str:
    """``local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst`` without where it is."""
    return volume.rpartition("/")[2]


def age(volume: str) -> tuple[list[str | int], str]:
    """Sorts names as versions: 12.12-1 comes after 12.7-1."""
    parts = re.split(r"(\d+)", file_name(volume))
    return [int(part) if part.isdigit() else part for part in parts], volume


def newest(volumes: Iterable[str], wanted: str) -> str | None:
    """The newest of those with a name such as ``debian-13-standard``, a pattern, or the whole file name."""
    found = [volume for volume in volumes if _is_called(file_name(volume), wanted)]
    return max(found, key=age, default=None)


def _is_called(name: str, wanted: str) -> bool:
    # A template's file is called package_version_architecture (PVE::APLInfo).
    return name.startswith(f"{wanted}_") or fnmatchcase(name, wanted)


def find(read: Reader, node: str, wanted: str, fetch_to: str | None) -> OsTemplate:
    """The template of this volume id or name on ``node``. Raises RefusedError when there is none."""
    there = _volumes(read, node)
    if wanted in there:
        return OsTemplate(wanted)
    found = newest(there, wanted)
    if found:
        return OsTemplate(found)
    if fetch_to is None or ":" in wanted:
        raise _missing(node, wanted, there)
    return _from_index(read, node, wanted, fetch_to, there)


def for_ostype(read: Reader, node: str, ostype: str) -> str | None:
    """Name of the newest template on a node for a distribution, a plain one before others; None without one.

    A container doesn't remember its own.
    """
    there = _volumes(read, node)
    patterns = (f"{ostype}-*-standard_*", f"{ostype}-*-default_*", f"{ostype}-*")
    found = next((volume for pattern in patterns if (volume := newest(there, pattern))), None)
    return file_name(found).partition("_")[0] if found else None


def _volumes(read: Reader, node: str) -> list[str]:
    """Volume ids of the node's templates, on whichever storage."""
    # A storage that is off line can't be listed; its templates could not be used either.
    storages = [row["storage"] for row in _storages(read, node) if int(row.get("active", 1))]
    paths = (url("/nodes/{}/storage/{}/content", node, storage) for storage in storages)
    return sorted(str(item["volid"]) for path in paths for item in read.get(path, {"content": CONTENT}) or [])


def _storages(read: Reader, node: str) -> Json:
    try:
        return read.get(url("/nodes/{}/storage", node), {"content": CONTENT, "enabled": True}) or []
    except PveError as error:
        if not NO_NODE.search(error.message):
            raise
        raise RefusedError(
            f"There is no node '{node}' in the cluster: {error.message}. Check the option node."
        ) from error


def _missing(node: str, wanted: str, there: Iterable[str]) -> RefusedError:
    known = ", ".join(there) or "none"
    return RefusedError(
        f"Template '{wanted}' was not found on node {node}. Templates there are: {known}. Give one of them in the "
        "option ostemplate, or a name of Proxmox VE's index and template_storage to have it fetched; the login needs "
        "Datastore.AllocateSpace or Datastore.Audit on the storage to see its templates."
    )


def _from_index(read: Reader, node: str, wanted: str, storage: str, there: Iterable[str]) -> OsTemplate:
    path = url("/nodes/{}/aplinfo", node)
    rows: Json = read.get(path) or []
    name = newest((str(row["template"]) for row in rows), wanted)
    if name is None:
        raise RefusedError(
            f"Template '{wanted}' is neither on a storage of node {node} ({', '.join(there) or 'there is none'}) nor "
            f"in its index of {len(rows)} templates. Check the name with 'pveam available' on the node; 'pveam update' "
            "renews the index."
        )
    fetch = Step("POST", path, {"storage": storage, "template": name}, f"fetch template {name} to storage {storage}")
    return OsTemplate(f"{storage}:{CONTENT}/{name}", (fetch,))
