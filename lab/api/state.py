# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persistence: everything a node knows, as one JSON file that is replaced whole after every change.

Guests come back stopped: their processes ended with the node. Those with ``onboot`` are started again by the daemon.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fakepve import FakeCt  # type: ignore[import-untyped]

from lab.api import directory
from lab.api.accounts import AccountsArea
from lab.api.fake import FakeVm
from lab.api.requestlog import RequestRecord
from lab.api.tasks import TaskArea

SCHEMA = 1
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
    "_fw_state",
    "ha_resources",
    "ha_rules",
    "ha_status",
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


def write_json(path: Path, document: object) -> None:
    """Replace a file with JSON, readable by its owner only; a reader sees the old content or the new."""
    partial = path.with_suffix(".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(document, stream)
    partial.replace(path)


class StateArea(TaskArea, AccountsArea):
    """Mixin: saving and restoring."""

    state_file: Path | None = None

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

    def changed(self) -> None:
        """Save, if this node keeps its state."""
        if self.state_file is not None:
            write_json(self.state_file, self.document())

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
        self.tasklog = [self._ended(decode(record)) for record in document["tasks"]]
        self.tasks = {record["upid"]: record for record in self.tasklog}
        self._sync_pools()

    @staticmethod
    def _vm_from(values: Mapping[str, Any]) -> FakeVm:
        guest = fill(FakeVm(values["vmid"], values["name"], node=values["node"]), values, VM_FIELDS)
        # What waited for the next start has its start when the node comes up again.
        guest.apply_pending()
        return guest

    @staticmethod
    def _ct_from(values: Mapping[str, Any]) -> Any:  # noqa: ANN401
        return fill(FakeCt(values["vmid"], node=values["node"], defaults=False), values, CT_FIELDS)

    @staticmethod
    def _ended(record: dict[str, Any]) -> dict[str, Any]:
        """A task that ran when the node ended did not come to its end; PVE finds no status then."""
        if record["status"] == "running":
            record.update(status="stopped", exitstatus="unexpected status", endtime=record["starttime"])
            record["log"].append("TASK ERROR: unexpected status")
        return record
