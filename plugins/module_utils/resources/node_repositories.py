# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package repositories of a node: those that Proxmox provides by their handle, others by file and place in it.

PVE adds one it provides, or switches it on, by its handle; switching off needs the place (PVE::API2::APT).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError

PATH = "/nodes/{}/apt/repositories"
OPTIONS: Options = {
    "repositories": {
        "type": "list",
        "elements": "dict",
        "options": {
            "handle": {"type": "str"},
            "path": {"type": "path"},
            "index": {"type": "int"},
            "enabled": {"type": "bool", "default": True},
        },
        "required_one_of": [("handle", "path")],
        "mutually_exclusive": [("handle", "path"), ("handle", "index")],
        "required_by": {"path": ("index",), "index": ("path",)},
    }
}
CEPH = re.compile(r"ceph-(?P<release>\w+)-(?P<component>enterprise|no-subscription|test)")
COMPONENTS = {"test": ("pve-test", "pvetest")}
"""Handle -> component, where it isn't pve-HANDLE: it was called another before Proxmox VE 9."""


def places(answer: Values) -> Iterator[tuple[str, int, Values]]:
    """Every repository with its file and place."""
    for file in answer.get("files") or []:
        for index, row in enumerate(file.get("repositories") or []):
            yield str(file["path"]), index, row


def is_handle(row: Values, handle: str) -> bool:
    """Whether a repository is the one of a handle: by its address and component (proxmox-apt, standard.rs)."""
    ceph = CEPH.fullmatch(handle)
    end = f"/ceph-{ceph['release']}" if ceph else "/debian/pve"
    wanted = (ceph["component"],) if ceph else COMPONENTS.get(handle, (f"pve-{handle}",))
    right = any(str(uri).rstrip("/").endswith(end) for uri in row.get("URIs") or [])
    return right and any(component in wanted for component in row.get("Components") or [])


def steps(node: str, wish: Sequence[Values], answer: Values) -> Iterator[tuple[Step, str, bool]]:
    """What has to be done: the step, the repository's name for people, and whether it is to be enabled."""
    for item in wish:
        found = _by_handle(node, item, answer) if item.get("handle") else _by_place(node, item, answer)
        yield from found


def _by_handle(node: str, item: Values, answer: Values) -> Iterator[tuple[Step, str, bool]]:
    handle, enabled = str(item["handle"]), bool(item["enabled"])
    rows = {str(row["handle"]): row for row in answer.get("standard-repos") or []}
    if handle not in rows:
        known = ", ".join(rows) or "none"
        raise RefusedError(f"Node {node} knows no repository with the handle '{handle}'. It knows {known}.")
    if enabled == truth(rows[handle].get("status") or 0):
        return
    if enabled:
        yield _step("PUT", node, {"handle": handle}, f"enable repository {handle} of node {node}"), handle, True
        return
    found = [(path, index) for path, index, row in places(answer) if is_handle(row, handle) and truth(row["Enabled"])]
    if not found:
        raise RefusedError(
            f"Cannot disable repository {handle} of node {node}: its place isn't known. Name it by path and index; the "
            "module node_info lists both."
        )
    for path, index in found:
        yield _switch(node, path, index, False, handle), handle, False


def _by_place(node: str, item: Values, answer: Values) -> Iterator[tuple[Step, str, bool]]:
    path, index, enabled = str(item["path"]), int(item["index"]), bool(item["enabled"])
    row = next((row for file, place, row in places(answer) if (file, place) == (path, index)), None)
    if row is None:
        known = ", ".join(f"{file} {place}" for file, place, _entry in places(answer)) or "none"
        raise RefusedError(f"Node {node} has no repository {path} {index}. It has {known}.")
    if truth(row["Enabled"]) != enabled:
        yield _switch(node, path, index, enabled, f"{path} {index}"), f"{path} {index}", enabled


def _switch(node: str, path: str, index: int, enabled: bool, name: str) -> Step:
    params = {"path": path, "index": index, "enabled": int(enabled)}
    return _step("POST", node, params, f"{'enable' if enabled else 'disable'} repository {name} of node {node}")


def _step(verb: str, node: str, params: Values, reason: str) -> Step:
    """Each write changes the digest, so it is read right before the next."""
    return Step(verb, url(PATH, node), params, reason, late=lambda now: {"digest": now["digest"]})


def shown(answer: Values) -> dict[str, Json]:
    """The repositories for people."""
    standard = [
        {"handle": row["handle"], "name": row["name"], "enabled": truth(row.get("status") or 0)}
        for row in answer.get("standard-repos") or []
    ]
    rows = [
        {
            "path": path,
            "index": index,
            "enabled": truth(row["Enabled"]),
            "types": list(row.get("Types") or []),
            "uris": list(row.get("URIs") or []),
            "suites": list(row.get("Suites") or []),
            "components": list(row.get("Components") or []),
        }
        for path, index, row in places(answer)
    ]
    return {"standard_repositories": standard, "repositories": rows}
