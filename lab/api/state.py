# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persistence: everything a node knows, in one file that is brought up to date after every change.

Guests come back stopped: their processes ended with the node. Those with ``onboot`` are started again by the daemon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from fakepve import FakeCt  # type: ignore[import-untyped]

from lab.api import directory, settings
from lab.api.accounts import AccountsArea
from lab.api.fake import FakeVm
from lab.api.requestlog import RequestRecord
from lab.api.statefile import StateFile, read_parts
from lab.api.tasks import TaskArea

SCHEMA = 1
# How many ids share a part of the saved state.
BUCKET = 64
# Tasks kept over a restart; PVE rotates its list of finished tasks at a size of the same order.
KEPT_TASKS = 500

VM_FIELDS = ("vmid", "name", "node", "config", "pending", "template", "lock", "snapshots", "ha_state", "acpi")
CT_FIELDS = ("vmid", "node", "config", "pending", "snapshots", "ha_state")
# Attributes of the API that are its state.
API_FIELDS = (
    "storages",
    "pools",
    "pool_info",
    "cluster_name",
    "nodes",
    "expected_votes",
    "_fw_state",
    "ha_resources",
    "ha_groups",
    "ha_rules",
    "ha_status",
    "corosync_conf",
    "fingerprints",
    "etc_pve",
    "node_texts",
)


def encode(value: object) -> object:
    """A value as JSON, with sets and with keys that are no strings."""
    if isinstance(value, set | frozenset):
        return {"$set": [encode(item) for item in sorted(value, key=str)]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: encode(item) for key, item in value.items()}
        return {"$pairs": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What :func:`encode` was given; a tuple comes back as a list."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$set"}:
        return set(decode(value["$set"]))
    if set(value) == {"$pairs"}:
        return {decode(key): decode(item) for key, item in value["$pairs"]}
    return {key: decode(item) for key, item in value.items()}


def fields(source: object, names: Iterable[str]) -> dict[str, Any]:
    """Some attributes of an object."""
    return {name: getattr(source, name) for name in names if hasattr(source, name)}


def fill(target: Any, values: Mapping[str, Any], names: Iterable[str]) -> Any:  # noqa: ANN401 - a guest of fakepve
    """Set those attributes on an object and return it."""
    for name in names:
        if name in values:
            setattr(target, name, values[name])
    return target


def bucket(vmid: object) -> int | None:
    """The part of the state a guest is in, or a volume of it: one for some dozens of ids."""
    return vmid // BUCKET if isinstance(vmid, int) else None


def guest_parts(kind: str, guests: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[str, object]]:
    """The guests as parts of the state."""
    found: dict[int | None, list[object]] = {}
    values = attrgetter(*names)
    for guest in guests:
        found.setdefault(bucket(guest.vmid), []).append(dict(zip(names, values(guest), strict=True)))
    return ((f"{kind}/{name}", members) for name, members in found.items())


def storage_parts(storages: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    """The storages as parts: their definitions, and their volumes by the guest they belong to."""
    for storage, entry in storages.items():
        yield f"storage/{storage}", {key: value for key, value in entry.items() if key != "volumes"}
        volumes: dict[int | None, dict[str, Any]] = {}
        for name, record in entry.get("volumes", {}).items():
            volumes.setdefault(bucket(record.get("vmid")), {})[name] = record
        yield from ((f"volumes/{storage}/{name}", members) for name, members in volumes.items())


def joined(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The document that was saved as these parts (their values as :func:`encode` made them)."""
    api: dict[str, Any] = {"storages": {}}
    document: dict[str, Any] = {"api": api, "vms": [], "cts": [], "tasks": []}
    for part, value in parts.items():
        kind, _, name = part.partition("/")
        if kind == "api":
            api[name] = value
        elif kind == "storage":
            api["storages"][name] = {**value, "volumes": {}}
        elif kind == "volumes":
            api["storages"][name.partition("/")[0]]["volumes"] |= value
        elif kind in ("vms", "cts"):
            document[kind] += value
        elif kind == "task":
            document["tasks"].append(value)
        else:
            document[kind] = value
    return document


def read_document(path: Path) -> dict[str, Any]:
    """The state in a file, as :meth:`StateArea.restore` takes it. Raises ValueError for something else."""
    try:
        return joined(read_parts(path))
    except KeyError:  # the document in one piece, as it used to be written
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document


class StateArea(TaskArea, AccountsArea):
    """Mixin: saving and restoring."""

    state_file: Path | None = None
    _saved: StateFile | None = None

    def document(self) -> dict[str, Any]:
        """The node's state as a JSON document."""
        return {
            "schema": SCHEMA,
            "api": encode(fields(self, API_FIELDS)),
            "access": self.directory.document(),
            "vms": [encode(fields(guest, VM_FIELDS)) for guest in self.vms],
            "cts": [encode(fields(guest, CT_FIELDS)) for guest in self.cts],
            "tasks": [encode(record) for record in self.tasklog[-KEPT_TASKS:]],
        }

    def parts(self) -> Iterator[tuple[str, object]]:
        """The same in parts that are saved each for itself; values are not encoded."""
        known = fields(self, API_FIELDS)
        yield "schema", SCHEMA
        yield "access", self.directory.document()
        yield from storage_parts(known.pop("storages"))
        yield from ((f"api/{name}", value) for name, value in known.items())
        yield from guest_parts("vms", self.vms, VM_FIELDS)
        yield from guest_parts("cts", self.cts, CT_FIELDS)
        yield from ((f"task/{record['upid']}", record) for record in self.tasklog[-KEPT_TASKS:])

    def changed(self) -> None:
        """Save, if this node keeps its state."""
        if self.state_file is None:
            return
        if self._saved is None:
            self._saved = StateFile(self.state_file, encode)
        self._saved.save(self.parts())

    def answered(self, record: RequestRecord) -> None:
        """Save what a request changed before the client can know of it."""
        if record.wrote:
            self.changed()

    def restore(self, document: Mapping[str, Any]) -> None:
        """Become what a document says. Raises ValueError for one of another schema."""
        if document.get("schema") != SCHEMA:
            raise ValueError(f"the node's state has schema {document.get('schema')}, this lab reads {SCHEMA}")
        fill(self, decode(document["api"]), API_FIELDS)
        self.directory = directory.load(document["access"])
        self.vms = [self._vm_from(decode(values)) for values in document["vms"]]
        self.cts = [self._ct_from(decode(values)) for values in document["cts"]]
        self.tasklog = [self._cut_short(decode(record)) for record in document["tasks"]]
        self.tasks = {record["upid"]: record for record in self.tasklog}
        self._sync_pools()

    @staticmethod
    def _vm_from(values: Mapping[str, Any]) -> FakeVm:
        guest = fill(FakeVm(values["vmid"], values["name"], node=values["node"]), values, VM_FIELDS)
        # What waited for the next start has its start when the node comes up again.
        settings.apply_pending(guest)
        return guest

    @staticmethod
    def _ct_from(values: Mapping[str, Any]) -> Any:  # noqa: ANN401
        return fill(FakeCt(values["vmid"], node=values["node"], defaults=False), values, CT_FIELDS)

    @staticmethod
    def _cut_short(record: dict[str, Any]) -> dict[str, Any]:
        """A task that ran when the node ended did not come to its end; PVE finds no status then."""
        if record["status"] == "running":
            record.update(status="stopped", exitstatus="unexpected status", endtime=record["starttime"])
            record["log"].append("TASK ERROR: unexpected status")
        return record
