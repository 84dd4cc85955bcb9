# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: VMs and containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    HOME,
    RESERVED,
    Plan,
    Resource,
    Step,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER, LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU, VM
from ansible_collections.homelab.pve.plugins.module_utils.state.declared import Wish
from ansible_collections.homelab.pve.plugins.module_utils.state.guest_listing import lister
from ansible_collections.homelab.pve.plugins.module_utils.state.guest_restoring import restorable
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

RESOURCES = "/cluster/resources"
DOWN = ("/status/shutdown", "/status/stop")
AGAIN = ("/status/reboot", "/status/reset")


def restarts(plan: Plan) -> bool:
    """Whether a plan ends a guest and begins it again; a container that runs is moved that way."""
    return any(map(_renews, plan.steps)) or _down_and_up(plan.steps)


def _renews(step: Step) -> bool:
    return step.path.endswith(AGAIN) or bool(step.path.endswith("/migrate") and step.params.get("restart"))


def _down_and_up(steps: Sequence[Step]) -> bool:
    down = next((index for index, step in enumerate(steps) if step.path.endswith(DOWN)), None)
    return down is not None and any(step.path.endswith("/status/start") for step in steps[down:])


def row_of(kind: GuestKind, values: Values) -> Iterator[tuple[str, Values]]:
    """The row that the cluster's list will have of a guest, as far as it is known where that will be."""
    node = values.get("node") or values.get(HOME)
    if not (node and values.get("vmid")):
        return
    yield (
        RESOURCES,
        {
            "id": f"{kind.type}/{values['vmid']}",
            "type": kind.type,
            "vmid": values["vmid"],
            "name": values.get(kind.name_key) or "",
            "node": str(node),
            "status": "stopped",
            "template": int(values.get("state") == "template"),
            "pool": values.get("pool"),
        },
    )


def acquainted(wishes: Sequence[Wish]) -> list[Wish]:
    """The wishes, in which a guest knows of the others: the vmid of its source, and the ids that are none for it."""
    guests = [wish for wish in wishes if wish.declared.kind.roams]
    ids = frozenset(wish.values["vmid"] for wish in guests if wish.values.get("vmid"))
    called = {_called(wish, wish.declared.kind.else_by): wish.values.get("vmid") for wish in guests}
    return [_among(wish, called, ids) if wish.declared.kind.roams else wish for wish in wishes]


def _called(wish: Wish, option: str) -> tuple[str, str]:
    return wish.declared.kind.name, str(wish.values.get(option))


def _among(wish: Wish, called: Mapping[tuple[str, str], int | None], ids: frozenset[int]) -> Wish:
    reserved = {} if wish.values.get("vmid") else {RESERVED: ids}
    source = called.get(_called(wish, "clone")) if wish.values.get("clone") else None
    clone = {"clone": str(source)} if source else {}
    declared = replace(wish.declared, entry={**wish.declared.entry, **clone})
    return replace(wish, declared=declared, values={**wish.values, **reserved, **clone})


def sources(values: Values) -> tuple[str, ...]:
    """The guest that a new one is cloned from."""
    return (str(values["clone"]),) if values.get("clone") else ()


def _kind(name: str, kind: GuestKind, resource: Resource) -> Kind:
    return Kind(
        name,
        restorable(kind, resource),
        ("vmid",),
        lister(kind, name),
        after=("storage", "pools", "network", "sdn.vnets", "mappings"),
        roams=True,
        else_by=kind.name_key,
        independent=True,
        needs=sources,
        restarts=restarts,
        removal={"force": True, "purge": True},
        appears=partial(row_of, kind),
        audit=("VM.Audit", "/vms"),
    )


ROWS: tuple[Kind, ...] = (_kind("vms", QEMU, VM), _kind("containers", LXC, CONTAINER))
