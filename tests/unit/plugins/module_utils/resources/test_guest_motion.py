# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a VM: the step, and what is refused from PVE's preconditions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import (
    CONTAINER_MOTION,
    VM_MOTION,
    arrival,
    elsewhere,
    moved,
    preconditions,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, guest

from .reading import Table, row

MIGRATE = "/nodes/father/qemu/104/migrate"
FREE: dict[str, Any] = {"allowed_nodes": ["mother", "son"], "not_allowed_nodes": {}, "local_disks": []}
SCSI0 = {"volid": "local-lvm:vm-104-disk-0", "drivename": "scsi0", "is_attached": 1, "cdrom": 0}
ISO = {"volid": "local:iso/x.iso", "drivename": "ide3", "is_attached": 1, "cdrom": 1, "is_cloudinit": 0}
CLOUDINIT = {"volid": "local:104/vm-104-cloudinit.qcow2", "drivename": "ide2", "is_attached": 1, "cdrom": 1} | {
    "is_cloudinit": 1
}
LINKED = {**SCSI0, "volid": "local:9000/base-9000-disk-0.qcow2/104/vm-104-disk-0.qcow2"}
REFUSED = "Cannot move vm 104 (web) from father to son: "


def web(**more: Any) -> Guest:
    return guest(row(104, "web", **more))


def wish(**options: Any) -> dict[str, Any]:
    return {"state": "present", "node": "son", "with_local_disks": False, **options}


@pytest.mark.parametrize(
    ("options", "running", "params"),
    [
        ({}, False, {"target": "son"}),
        ({}, True, {"target": "son", "online": True}),
        ({"with_local_disks": True}, True, {"target": "son", "online": True, "with-local-disks": True}),
        ({"target_storage": "data"}, False, {"target": "son", "targetstorage": "data"}),
    ],
)
def test_the_step(options: dict[str, Any], running: bool, params: dict[str, Any]) -> None:
    found = moved(VM_MOTION, wish(**options), FREE, web(), running=running)
    (step,) = found.steps
    assert found.guest.node == "son"
    assert (step.verb, step.path, step.reason) == ("POST", MIGRATE, "move vm 104 (web) from father to son")
    assert {name: value for name, value in step.params.items() if value is not None} == params
    assert step.until is None


@pytest.mark.parametrize(
    ("options", "found", "running", "message"),
    [
        ({"node": "ghost"}, FREE, False, "there is no such node. The other nodes are mother, son."),
        (
            {},
            {**FREE, "not_allowed_nodes": {"son": {"unavailable_storages": ["data"]}}},
            False,
            "son does not have the storage data. Set target_storage to one that it has.",
        ),
        (
            {"target_storage": "x"},
            {**FREE, "not_allowed_nodes": {"son": {"unavailable-resources": ["gpu"]}}},
            False,
            "son has no device for the mapping gpu. Add it to the mapping first.",
        ),
        (
            {},
            {**FREE, "not_allowed_nodes": {"son": {"blocking-ha-resources": [{"sid": "vm:1", "cause": "x"}]}}},
            False,
            "an HA rule keeps it apart from vm:1. Move those first, or change the rule.",
        ),
        (
            {},
            {**FREE, "local_resources": ["hostpci0"], "local_disks": [ISO]},
            False,
            "it uses devices of this node: hostpci0. Remove them, or use mapped devices. "
            "ide3 holds an image of this node's. Eject it first (file: none in the option disks).",
        ),
        (
            {},
            {**FREE, "local_disks": [LINKED]},
            False,
            "scsi0 is a linked clone on a storage of this node. Move the disk to a shared storage first.",
        ),
        (
            {},
            {**FREE, "local_disks": [SCSI0, CLOUDINIT]},
            True,
            "it is running, and scsi0 is on a storage of this node. "
            "Set with_local_disks to true to copy the disks too.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_in_the_way(options: dict[str, Any], found: dict[str, Any], running: bool, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        moved(VM_MOTION, wish(**options), found, web(), running=running)
    assert str(caught.value) == REFUSED.replace("son", options.get("node", "son")) + message


@pytest.mark.parametrize(
    ("options", "found", "running"),
    [
        ({"target_storage": "x"}, {**FREE, "not_allowed_nodes": {"son": {"unavailable_storages": ["data"]}}}, False),
        ({}, {**FREE, "local_disks": [SCSI0, CLOUDINIT]}, False),
        ({"with_local_disks": True}, {**FREE, "local_disks": [SCSI0]}, True),
    ],
)
def test_what_is_not_in_the_way(options: dict[str, Any], found: dict[str, Any], running: bool) -> None:
    assert len(moved(VM_MOTION, wish(**options), found, web(), running=running).steps) == 1


@pytest.mark.parametrize(
    ("options", "away"),
    [({}, True), ({"node": None}, False), ({"node": "father"}, False), ({"state": "absent"}, False)],
)
def test_who_is_moved(options: dict[str, Any], away: bool) -> None:
    assert elsewhere(wish(**options), web()) is away


def test_a_locked_guest_is_not_moved() -> None:
    reader = Table({MIGRATE: PveError("GET", MIGRATE, 500, "VM is locked (backup)")})
    with pytest.raises(RefusedError) as caught:
        preconditions(reader, web(), "son")
    assert str(caught.value) == f"{REFUSED}it is locked (backup). Wait until that is done, and run again."


def test_another_error_is_passed_on() -> None:
    with pytest.raises(PveError):
        preconditions(Table({}), web(), "son")


@pytest.mark.parametrize(
    ("rows", "there"),
    [([], None), ([row(104)], None), ([row(104, node="son", lock="migrate")], None), ([row(104, node="son")], True)],
    ids=str,
)
def test_a_managed_guest_is_waited_for(rows: list[dict[str, Any]], there: bool | None) -> None:
    (step,) = moved(VM_MOTION, wish(), FREE, web(hastate="started"), running=False).steps
    assert step.until is not None
    assert step.until.otherwise == arrival(web(), "son").otherwise
    assert step.until.seen(Table({"/cluster/resources": rows})) is there


CONTAINER_FREE: dict[str, Any] = {"allowed-nodes": ["mother", "son"], "not-allowed-nodes": {}}


@pytest.mark.parametrize(
    ("options", "running", "params"),
    [
        ({"restart": "never"}, False, {"target": "son"}),
        (
            {"restart": "if_needed", "shutdown_timeout": 60},
            True,
            {"target": "son", "restart": True, "timeout": 60},
        ),
        (
            {"restart": "never", "target_storage": "data", "bwlimit": 1000},
            False,
            {"target": "son", "target-storage": "data", "bwlimit": 1000},
        ),
    ],
)
def test_the_step_of_a_container(options: dict[str, Any], running: bool, params: dict[str, Any]) -> None:
    found = moved(CONTAINER_MOTION, wish(**options), CONTAINER_FREE, web(type="lxc"), running=running)
    (step,) = found.steps
    assert step.path == "/nodes/father/lxc/104/migrate"
    assert {name: value for name, value in step.params.items() if value is not None} == params


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (
            "son",
            "it is running, and containers are not moved while they run. Stop it first, or set restart to if_needed to "
            "have it restarted on the other node.",
        ),
        ("ghost", "there is no such node. The other nodes are mother, son."),
    ],
)
def test_what_keeps_a_container(node: str, reason: str) -> None:
    wanted = wish(node=node, restart="never")
    with pytest.raises(RefusedError) as raised:
        moved(CONTAINER_MOTION, wanted, CONTAINER_FREE, web(type="lxc"), running=True)
    assert str(raised.value) == f"Cannot move container 104 (web) from father to {node}: {reason}"
