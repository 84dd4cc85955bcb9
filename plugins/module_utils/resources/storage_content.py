# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on a storage: files that are fetched, sent or written there, volumes, and what is noted of backups. Pure.

Parameters of PVE's schema that are no options: ``tmpfilename`` is for the daemons, and ``delay`` has PVE wait, where
the task is awaited here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    STORAGE_CONTENT,
    Json,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    node_file,
    parsed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import os_templates
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_sources import (
    SOURCES,
    check,
    content_of,
    name_of,
    source_size,
    source_text,
    step_for,
    wished_size,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_use import listed, users_of_volume

ON_PATHS = frozenset({"dir", "nfs", "cifs", "btrfs", "cephfs"})
"""Types of storage that keep volumes in a folder for each guest, with the format as their extension."""

DISKS = frozenset({"images", "rootdir"})
USABLE = frozenset({"iso", "snippets", *DISKS})
"""Content that a guest's configuration names."""

ATTRIBUTES: tuple[Field, ...] = (Field("notes", DESCRIPTION), Field("protected", BOOLEAN, default=False))


@dataclass(frozen=True)
class Stored:
    """Where something belongs, PVE's row about it if it is there, and what else its plan depends on."""

    node: str
    volid: str
    row: Mapping[str, Json] | None = None
    users: tuple[str, ...] = ()
    """Guests that use it, where it is to be removed."""

    template: str = ""
    """Name of the appliance template in the node's index."""

    file: str = ""
    """The node's own path of a snippet."""

    text: str | None = None
    """What the snippet holds now."""

    @property
    def storage(self) -> str:
        """The storage's id."""
        return self.volid.partition(":")[0]


# ---------------------------------------------------------------------------------------------------------- describe


def describe(read: Reader, wish: Values) -> Stored:
    """Look for it on the node. Two requests where it is as wished."""
    check(wish)
    storage = str(wish.get("storage") or str(wish["volid"]).partition(":")[0])
    place = _place(read, storage, wish)
    found = _noted(read, wish, place) if _is_noted(wish) else _found(read, wish, storage, place)
    if wish["state"] == "absent":
        return _with_users(read, wish, found)
    if content_of(wish) == "snippets" and not wish.get("volid"):
        return _with_text(read, found)
    return _with_template(read, wish, found)


def _place(read: Reader, storage: str, wish: Values) -> Values:
    """The storage on a node: a row of ``/cluster/resources``. Raises RefusedError where none is, or takes it."""
    rows = [row for row in read.get("/cluster/resources", {"type": "storage"}) or [] if row["storage"] == storage]
    place = _chosen(rows, storage, wish.get("node"))
    taken, content = STORAGE_CONTENT.decode(place.get("content", "")), content_of(wish)
    if content not in taken and not wish.get("volid"):
        raise RefusedError(
            f"Storage '{storage}' does not take {content}: its content is {', '.join(taken) or 'none'}. "
            f"Add {content} with the option content of the module storage, or use another storage."
        )
    return place


def _chosen(rows: Sequence[Values], storage: str, node: str | None) -> Values:
    """The row of the wished node; without one, of the only node or of any that shares the storage."""
    nodes = sorted(str(row["node"]) for row in rows)
    there = [row for row in rows if node in (None, row["node"])]
    if not there:
        where = f" on node {node}" if node else ""
        known = f" It is on {', '.join(nodes)}." if nodes else ""
        raise RefusedError(f"Storage '{storage}' does not exist{where}, or the login may not see it.{known}")
    if len(there) > 1 and not there[0].get("shared"):
        raise ConfigError(
            f"Option 'node' is needed: storage '{storage}' is another one on each of the nodes {', '.join(nodes)}."
        )
    return min(there, key=lambda row: (row.get("status") != "available", str(row["node"])))


def _is_noted(wish: Values) -> bool:
    """Whether only attributes are wished, of what is there."""
    return wish["state"] == "present" and any(wish.get(item.name) is not None for item in ATTRIBUTES)


def _noted(read: Reader, wish: Values, place: Values) -> Stored:
    """The volume itself: a list shows the first line of notes only (PVE/Storage/Plugin.pm, get_subdir_files)."""
    node, storage = str(place["node"]), str(place["storage"])
    found = Stored(node, str(wish.get("volid") or f"{storage}:backup/{name_of(wish)}"))
    try:
        return replace(found, row=read.get(_volume_path(found)))
    except PveError:
        rows = read.get(url("/nodes/{}/storage/{}/content", node, storage)) or []
        if _row(rows, found.volid):
            raise
        return found


def _found(read: Reader, wish: Values, storage: str, place: Values) -> Stored:
    """The row of the volume's list that is meant."""
    node, content = str(place["node"]), content_of(wish)
    params = {} if wish.get("volid") else {"content": content}
    rows = read.get(url("/nodes/{}/storage/{}/content", node, storage), params) or []
    if wish.get("volid"):
        return Stored(node, str(wish["volid"]), _row(rows, str(wish["volid"])))
    if wish.get("template"):
        there = _template([str(row["volid"]) for row in rows], str(wish["template"]), wish["state"])
        return Stored(node, there or f"{storage}:vztmpl/{wish['template']}", _row(rows, there or ""))
    if content in DISKS:
        return _disk(rows, node, storage, wish, in_folders=place.get("plugintype") in ON_PATHS)
    volid = f"{storage}:{content}/{name_of(wish)}"
    return Stored(node, volid, _row(rows, volid))


def _template(volumes: Sequence[str], wanted: str, state: str) -> str | None:
    """The one that is there. To be removed, it has to be named whole."""
    if state == "present":
        return os_templates.newest(volumes, wanted)
    if ".tar" not in wanted:
        raise ConfigError(f"Option 'template': give the whole name of what is to be removed, and not only '{wanted}'.")
    return next((volume for volume in volumes if os_templates.file_name(volume) == wanted), None)


def _row(rows: Sequence[Values], volid: str) -> Values | None:
    return next((row for row in rows if row["volid"] == volid), None)


def _disk(rows: Sequence[Values], node: str, storage: str, wish: Values, *, in_folders: bool) -> Stored:
    """A guest's volume: on a path it is in the guest's folder, and its format is its extension."""
    name = name_of(wish)
    volid = f"{storage}:{wish['vmid']}/{name}" if in_folders else f"{storage}:{name}"
    exact = _row(rows, volid)
    if exact or not in_folders or "." in name:
        return Stored(node, volid, exact)
    named = next((row for row in rows if str(row["volid"]).rpartition(".")[0] == volid), None)
    return Stored(node, str(named["volid"]) if named else f"{volid}.{wish.get('format') or 'raw'}", named)


def _with_users(read: Reader, wish: Values, found: Stored) -> Stored:
    row = found.row
    if row is None or wish["force"] or row.get("content") not in USABLE:
        return found
    owner = int(row["vmid"]) if row["content"] in DISKS and row.get("vmid") else None
    return replace(found, users=tuple(users_of_volume(read, found.volid, owner)))


def _with_template(read: Reader, wish: Values, found: Stored) -> Stored:
    """The name in the node's index, which is only asked for what is not there yet."""
    if not wish.get("template") or found.row is not None:
        return found
    rows = read.get(url("/nodes/{}/aplinfo", found.node)) or []
    name = os_templates.newest((str(row["template"]) for row in rows), str(wish["template"]))
    if name is None:
        raise RefusedError(
            f"Template '{wish['template']}' is not in the index of node {found.node}, which has {len(rows)} templates. "
            "Check the name with 'pveam available' on the node; 'pveam update' renews the index."
        )
    return replace(found, template=name, volid=f"{found.storage}:vztmpl/{name}")


def _with_text(read: Reader, found: Stored) -> Stored:
    """Where a snippet is, and what it holds; by root's login, as nobody else comes this way."""
    reached: Values = next((row for row in read.get("/cluster/status") if row.get("local")), {})
    definition = read.get(url("/storage/{}", found.storage))
    if reached.get("name") != found.node and not int(definition.get("shared") or 0):
        raise RefusedError(
            f"Snippets are written by SSH to the host of the connection, which is node {reached.get('name')}. Use a "
            f"host that is node {found.node}, or a shared storage."
        )
    folders = dict(part.split("=", 1) for part in str(definition.get("content-dirs") or "").split(",") if "=" in part)
    folder = str(folders.get("snippets", "snippets")).strip("/")
    path = f"{definition['path']}/{folder}/{found.volid.partition('/')[2]}"
    return replace(found, file=path, text=node_file(read, path))


# -------------------------------------------------------------------------------------------------------------- plan


def plan(wish: Values, have: Stored) -> Plan:
    """Bring, change, remove, or nothing."""
    if wish["state"] == "absent":
        return _removal(have)
    if have.row is None:
        return _creation(wish, have)
    return _replacement(wish, have) or _attributes(wish, have, have.row)


def _creation(wish: Values, have: Stored) -> Plan:
    if not any(wish.get(name) is not None for name in SOURCES):
        raise ConfigError(_nothing_to_bring(wish, have))
    return Plan((step_for(wish, have),), after={"volid": have.volid})


def _nothing_to_bring(wish: Values, have: Stored) -> str:
    if wish.get("volid") or content_of(wish) == "backup":
        return f"{have.volid} is not there, and can't be made from its name. Check it with the module {INFO}."
    fitting = [name for name, source in SOURCES.items() if content_of(wish) in source.content]
    return f"One of the options {', '.join(fitting)} is needed: {have.volid} is not there yet."


def _replacement(wish: Values, have: Stored) -> Plan | None:
    """Send a file of another size, or a snippet of other text, again: PVE replaces it."""
    row = have.row or {}
    if have.file:
        wished = source_text(wish)
        if wished is None or wished == have.text:
            return None
        return Plan((step_for(wish, have),), before={"size": row["size"]}, after={"size": len(wished.encode())})
    if wish.get("src") and source_size(wish) != int(row["size"]):
        return Plan((step_for(wish, have),), before={"size": row["size"]}, after={"size": source_size(wish)})
    if wish.get("size") and wished_size(wish) > int(row["size"]):
        raise RefusedError(
            f"Cannot grow {have.volid} from {row['size']} to {wished_size(wish)} bytes: Proxmox VE only resizes the "
            "disks of a guest. Use the module vm or container, or remove the volume first."
        )
    return None


def _attributes(wish: Values, have: Stored, row: Values) -> Plan:
    changes = diff(ATTRIBUTES, parsed(ATTRIBUTES, wish), decoded(ATTRIBUTES, row))
    if not changes:
        return Plan(reason=f"{have.volid} is as wished")
    if not _is_backup(have.volid):
        raise ConfigError(f"Options 'notes' and 'protected' are for backups, and {have.volid} is none.")
    # An empty text removes notes; the request has no parameter "delete".
    params = {**{change.key: "" for change in changes if change.after is None}, **encoded(changes)}
    params.pop("delete", None)
    before, after = views(changes)
    names = ", ".join(change.key for change in changes)
    step = Step("PUT", _volume_path(have), params, f"set {names} of {have.volid}")
    return Plan((step,), changes, before=before, after=after)


def _is_backup(volid: str) -> bool:
    return volid.partition(":")[2].startswith("backup/")


def _removal(have: Stored) -> Plan:
    if have.row is None:
        return Plan(reason=f"{have.volid} is absent already")
    if have.users:
        raise RefusedError(
            f"Cannot remove {have.volid} on {have.node}: guests use it: {listed(have.users)}. Take it from them first, "
            "or set force: true."
        )
    if int(have.row.get("protected") or 0):
        raise RefusedError(f"Cannot remove {have.volid} on {have.node}: it is protected. Set protected: false first.")
    step = Step("DELETE", _volume_path(have), {}, f"remove {have.volid} on {have.node}")
    return Plan((step,), before={"volid": have.volid})


def _volume_path(have: Stored) -> str:
    return url("/nodes/{}/storage/{}/content/{}", have.node, have.storage, have.volid)


INFO = "storage_content_info"


def result(have: Stored) -> dict[str, Json]:
    """The module's return value."""
    row = have.row or {}
    known = {name: row[name] for name in ("size", "format", "vmid") if name in row}
    noted = {name: value for name, value in decoded(ATTRIBUTES, row).items() if value != ""}
    return {"volid": have.volid, "node": have.node, **known, **noted}


OPTIONS: Options = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "volid": {"type": "str"},
    "storage": {"type": "str"},
    "content": {"type": "str", "choices": ["iso", "vztmpl", "import", "snippets", "backup", "images", "rootdir"]},
    "node": {"type": "str"},
    "filename": {"type": "str"},
    "url": {"type": "str"},
    "src": {"type": "path"},
    "text": {"type": "str"},
    "template": {"type": "str"},
    "reference": {"type": "str"},
    "checksum": {"type": "str"},
    "compression": {"type": "str", "choices": ["gz", "lzo", "zst", "bz2"]},
    "verify_certificates": {"type": "bool", "default": True},
    "size": {"type": "str"},
    "vmid": {"type": "int"},
    "format": {"type": "str", "choices": ["raw", "qcow2", "subvol", "vmdk"]},
    **{item.name: item.argument() for item in ATTRIBUTES},
    "force": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 1800},
}

ON_STORAGE = "/nodes/{}/storage/{}"

STORAGE_FILE = Resource(
    kind="file",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    rules={
        "required_one_of": [["storage", "volid"]],
        "mutually_exclusive": [
            list(SOURCES),
            *(["volid", other] for other in ("storage", "content", "filename", "vmid", *SOURCES)),
        ],
    },
    writes=(
        *(f"POST {ON_STORAGE}/{way}" for way in ("content", "download-url", "oci-registry-pull", "upload")),
        "POST /nodes/{}/aplinfo",
        f"PUT {ON_STORAGE}/content/{{}}",
        f"DELETE {ON_STORAGE}/content/{{}}",
    ),
)
