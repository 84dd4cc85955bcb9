# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: VMs and containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Plan, Resource, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER, LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU, VM
from ansible_collections.homelab.pve.plugins.module_utils.state.guest_listing import lister
from ansible_collections.homelab.pve.plugins.module_utils.state.guest_restoring import restorable
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

RESOURCES = "/cluster/resources"
DOWN = ("/status/shutdown", "/status/stop")
AGAIN = ("/status/reboot", "/status/reset")


def restarts(plan: Plan) -> bool:
    """Whether a plan ends a guest and begins it again."""
    return any(step.path.endswith(AGAIN) for step in plan.steps) or _down_and_up(plan.steps)


def _down_and_up(steps: Sequence[Step]) -> bool:
    down = next((index for index, step in enumerate(steps) if step.path.endswith(DOWN)), None)
    return down is not None and any(step.path.endswith("/status/start") for step in steps[down:])


def row_of(kind: GuestKind, values: Values) -> Iterator[tuple[str, Values]]:
    """The row that the cluster's list will have of a guest; its id and node stand in ``values`` once they are known."""
    if not values.get("vmid"):
        return
    yield (
        RESOURCES,
        {
            "id": f"{kind.type}/{values['vmid']}",
            "type": kind.type,
            "vmid": values["vmid"],
            "name": values.get(kind.name_key) or "",
            "node": str(values.get("node") or values.get(HOME) or ""),
            "status": "stopped",
            "template": int(values.get("state") == "template"),
            "pool": values.get("pool"),
        },
    )


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
