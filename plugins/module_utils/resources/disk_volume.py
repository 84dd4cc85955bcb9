# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made on whole disks of a node: made once, with what it is made of, and removed; nothing of it is changed.

PVE makes a directory, a volume group, a thin pool or a ZFS pool in a task, and on request a storage on it; on request
it removes the storage and wipes the disks with it (PVE::API2::Disks). What would destroy data is refused unless it is
asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    diff,
    encoded,
    parsed,
    refuse_fixed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_disks import check_unused, disks
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, STATE

ADD_STORAGE = Field("add_storage", BOOLEAN, default=False)
CLEANUPS = (
    Field("cleanup_config", BOOLEAN, wire="cleanup-config", default=False),
    Field("cleanup_disks", BOOLEAN, wire="cleanup-disks", default=False),
)
SHOWN_VOLUMES = 3
"""How many volumes a refusal names."""

TAKEN = {
    r"Storage ID '.*' already exists": "Choose another name, leave out add_storage, or remove that storage first.",
    r"does not match existing storage": "Choose another name, or leave out add_storage.",
}


@dataclass(frozen=True)
class Found:
    """What is known about it: its ``row``, None when there is none, and what its wish needs to be judged by."""

    row: Values | None
    disks: Sequence[Values] = ()
    """The node's disks; read where it is to be made."""

    storages: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    """The storages on it and what is on these; read where it is to be removed."""


@dataclass(frozen=True)
class DiskVolume:
    """One kind."""

    kind: str
    """Key of the result, and part of every option's documentation."""

    noun: Callable[[Values], str]
    """What it is called, by the wish."""

    path: Callable[[Values], str]
    """The last part of its collection's path, by the wish."""

    read: Callable[[Reader, Values], Values | None]
    carries: Callable[[Values, Values], bool]
    """From the wish and a storage's definition: whether the storage is on it."""

    devices: Callable[[Values], Sequence[str]]
    """The devices, from the parsed wish."""

    shown: Callable[[Values], dict[str, Json]]
    """From the row: values by option, and what else is told."""

    fields: tuple[Field, ...]
    """What it is made of."""

    required: tuple[str, ...]
    collections: tuple[str, ...]
    """Every ``path``."""

    holds: Callable[[Values], str] = lambda _row: ""
    """From the row: what of value is on it, in words; empty for nothing that is known of."""

    removal: Callable[[Values], Values] = lambda _wish: {}
    check: Callable[[Values], str] = lambda _wished: ""
    """From the parsed wish of a creation: what is wrong with it."""

    options: Options = field(default_factory=dict)

    def resource(self) -> Resource:
        """As a resource of the engine."""
        timeout: Options = {"wait_timeout": {"type": "float", "default": 600}}
        force: Options = {"force": {"type": "bool", "default": False}}
        paths = [f"/nodes/{{}}/disks/{path}" for path in self.collections]
        return Resource(
            kind=self.kind,
            options={"node": KEY, "name": KEY, **STATE, **self.options, **force, **timeout},
            fields=(*self.fields, ADD_STORAGE, *CLEANUPS),
            describe=self.describe,
            plan=self.plan,
            result=lambda found: {self.kind: self.shown(found.row)} if found.row else {},
            writes=tuple(write for path in paths for write in (f"POST {path}", f"DELETE {path}/{{}}")),
        )

    def describe(self, read: Reader, wish: Values) -> Found:
        """What is there, and what it takes to make it or to remove it."""
        row = self.read(read, wish)
        if wish["state"] == "present":
            return Found(row) if row else Found(None, disks=disks(read, wish["node"]))
        return self._removable(read, wish, row) if row else Found(None)

    def _removable(self, read: Reader, wish: Values, row: Values) -> Found:
        stores = [str(item["storage"]) for item in read.get("/storage") if self._is_on(wish, item)]
        looked = () if wish["force"] else stores
        volumes = tuple(volume for name in looked for volume in _volumes(read, str(wish["node"]), name))
        return Found(row, storages=tuple(stores), volumes=volumes)

    def _is_on(self, wish: Values, store: Values) -> bool:
        """Whether a storage is on it, on this node: another node may have one of the same name."""
        nodes = str(store.get("nodes") or wish["node"]).split(",")
        return wish["node"] in nodes and self.carries(wish, store)

    def plan(self, wish: Values, found: Found) -> Plan:
        """Make it, remove it, or nothing."""
        name = f"{self.noun(wish)} {wish['name']} of node {wish['node']}"
        if wish["state"] == "absent":
            return self._removal(wish, found, name)
        wished = parsed(self.fields, wish)
        if found.row is None:
            return self._creation(wish, wished, found, name)
        changes = diff(self.fields, wished, {**wished, **self._told(found.row)})
        refuse_fixed(self.noun(wish), wish["name"], changes)
        return Plan(reason=f"{name} is there")

    def _told(self, row: Values) -> dict[str, Json]:
        """What PVE tells of what it was made of; the rest can't be compared."""
        names = {item.name for item in self.fields}
        return {name: value for name, value in self.shown(row).items() if name in names and value is not None}

    def _creation(self, wish: Values, wished: Values, found: Found, name: str) -> Plan:
        doing = f"make {name}"
        for option in self.required:
            if option not in wished:
                raise ConfigError(f"Option '{option}' is needed: {name} does not exist yet.")
        problem = self.check({**wish, **wished})
        if problem:
            raise ConfigError(f"Cannot {doing}: {problem}")
        check_unused(found.disks, self.devices(wished), doing)
        fields = tuple(item.explicit() for item in (*self.fields, ADD_STORAGE))
        changes = diff(fields, {**wished, **parsed((ADD_STORAGE,), wish)}, {})
        params = {"name": wish["name"], **encoded(changes)}
        step = Step("POST", url("/nodes/{}/disks/{}", wish["node"], self.path(wish)), params, doing, advice=TAKEN)
        before, after = views(changes)
        return Plan((step,), changes, before=before, after={"name": wish["name"], **after})

    def _removal(self, wish: Values, found: Found, name: str) -> Plan:
        if found.row is None:
            return Plan(reason=f"{name} is absent already")
        if not wish["force"]:
            self._check_removal(found, name)
        changes: tuple[Change, ...] = diff(CLEANUPS, parsed(CLEANUPS, wish), {})
        path = url("/nodes/{}/disks/{}/{}", wish["node"], self.path(wish), wish["name"])
        step = Step("DELETE", path, {**self.removal(wish), **encoded(changes)}, f"remove {name}")
        left = () if wish.get("cleanup_config") else found.storages
        warnings = tuple(
            f"Storage {store} stays configured though {name} is gone. Set cleanup_config to remove it, too."
            for store in left
        )
        wiped = {"disks": "wiped"} if wish.get("cleanup_disks") else {}
        return Plan((step,), before=self.shown(found.row), after=wiped, warnings=warnings)

    def _check_removal(self, found: Found, name: str) -> None:
        held = self.holds(found.row or {}) or _listed(found.volumes)
        if held:
            raise RefusedError(
                f"Cannot remove {name}: it holds {held}. Move or remove that first, or set force to lose it."
            )


def _volumes(read: Reader, node: str, storage: str) -> list[str]:
    """What is on a storage. Raises RefusedError when that can't be seen."""
    try:
        return [str(item["volid"]) for item in read.get(url("/nodes/{}/storage/{}/content", node, storage))]
    except PveError as error:
        raise RefusedError(
            f"Cannot see what is on storage {storage} of node {node}: {error} Set force to remove what it is on unseen."
        ) from error


def _listed(volumes: Sequence[str]) -> str:
    more = len(volumes) - SHOWN_VOLUMES
    return ", ".join(volumes[:SHOWN_VOLUMES]) + (f" and {more} more" if more > 0 else "")
