"""Module vm in a cluster of three nodes: moving, high availability, guests that move meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import carry_out, look
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM

from .conftest import Modules, denied

WEB: dict[str, Any] = {
    "vmid": 100,
    "name": "web",
    "node": "father",
    "cores": 1,
    "disks": {"scsi0": {"storage": "local-lvm", "size": "1G"}},
}
SHARED: dict[str, Any] = {**WEB, "disks": {"scsi0": {"storage": "shared", "size": "1G"}}}


# ------------------------------------------------------------------------ moving


def test_a_vm_is_moved_to_the_node_that_is_given(cluster: Modules) -> None:
    cluster.converge("vm", **WEB)
    moved = cluster.converge("vm", vmid=100, node="son")
    assert (moved["node"], moved["plan"]) == ("son", ["move vm 100 (web) from father to son"])
    assert (moved["diff"]["before"], moved["diff"]["after"]) == ({"node": "father"}, {"node": "son"})


def test_without_a_node_a_vm_stays_where_it_is(cluster: Modules) -> None:
    cluster.ok("vm", **{**WEB, "node": "son"})
    assert cluster.unchanged("vm", name="web", cores=1)["node"] == "son"


def test_what_follows_a_move_happens_on_the_new_node(cluster: Modules) -> None:
    cluster.ok("vm", **WEB)
    wish = {"vmid": 100, "node": "mother", "cores": 2, "pool": None, "state": "started"}
    wish["disks"] = {"scsi0": {"size": "2G"}, "scsi1": {"storage": "shared", "size": "1G"}}
    result = cluster.converge("vm", **wish)
    assert result["plan"] == [
        "move vm 100 (web) from father to mother",
        "set cores, scsi1 of vm 100 (web)",
        "grow scsi0 of vm 100 (web) to 2G",
        "start vm 100 (web)",
    ]
    assert (result["node"], result["status"]) == ("mother", "running")


def test_a_running_vm_on_a_shared_storage_moves_online(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED, state="started")
    moved = cluster.converge("vm", **{**SHARED, "node": "son"}, state="started")
    assert (moved["node"], moved["status"]) == ("son", "running")


def test_a_running_vm_takes_its_disks_along_when_told(cluster: Modules) -> None:
    cluster.ok("vm", **WEB, state="started")
    moved = cluster.converge("vm", **{**WEB, "node": "son"}, with_local_disks=True)
    assert (moved["node"], moved["status"]) == ("son", "running")


def test_the_disks_go_to_a_storage_the_other_node_has(cluster: Modules) -> None:
    values = {"storage": "fast", "type": "dir", "path": "/srv/fast", "content": "images", "nodes": "father"}
    client = connect(Connection(**cluster.lab.options()))
    client.post("/storage", values)
    cluster.ok("vm", vmid=100, name="web", node="father", disks={"scsi0": "fast:1"})
    moved = cluster.converge("vm", vmid=100, node="son", target_storage="local-lvm")
    assert moved["config"]["scsi0"] == "local-lvm:vm-100-disk-0,size=1G"


MOVE = "Cannot move vm 100 (web) from father to son: "


@pytest.mark.parametrize(
    ("wish", "prepare", "message"),
    [
        (
            {"node": "ghost"},
            {},
            "Cannot move vm 100 (web) from father to ghost: there is no such node. The other nodes are mother, son.",
        ),
        (
            {},
            {"hostpci0": "0000:01:00.0"},
            f"{MOVE}it uses devices of this node: hostpci0. Remove them, or use mapped devices.",
        ),
        (
            {},
            {"ide3": "local:iso/x.iso,media=cdrom"},
            f"{MOVE}ide3 holds an image of this node's. Eject it first (file: none in the option disks).",
        ),
        ({}, {"lock": "backup"}, f"{MOVE}it is locked (backup). Wait until that is done, and run again."),
    ],
    ids=["node", "device", "image", "lock"],
)
def test_a_move_that_would_fail_is_refused(
    cluster: Modules, wish: dict[str, Any], prepare: dict[str, Any], message: str
) -> None:
    cluster.ok("vm", **WEB)
    guest = cluster.lab.api.vm(100)
    guest.config |= prepare
    guest.lock = prepare.get("lock")
    assert cluster.message("vm", **{"vmid": 100, "node": "son", **wish}) == message


def test_a_running_vm_with_local_disks_is_not_moved_by_accident(cluster: Modules) -> None:
    cluster.ok("vm", **WEB, state="started")
    assert cluster.message("vm", vmid=100, node="son") == (
        f"{MOVE}it is running, and scsi0 is on a storage of this node. "
        "Set with_local_disks to true to copy the disks too."
    )


def test_a_clone_goes_to_another_node_by_a_shared_storage(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED)
    made = cluster.converge("vm", vmid=101, name="copy", clone="web", full=True, node="son")
    assert (made["node"], made["config"]["scsi0"]) == ("son", "shared:vm-101-disk-0,size=1G")


def test_a_vm_for_no_node_is_refused(cluster: Modules) -> None:
    assert cluster.message("vm", vmid=100, name="web") == (
        "Option 'node' is needed to create a VM: the nodes are father, mother, son."
    )


# --------------------------------------------------------- moves under our hands


@pytest.mark.parametrize("options", [{"cores": 2}, {"state": "started"}, {"disks": {"scsi0": {"size": "2G"}}}], ids=str)
def test_a_vm_that_moves_between_look_and_write_is_found_again(cluster: Modules, options: dict[str, Any]) -> None:
    cluster.ok("vm", **SHARED)
    client = connect(Connection(**cluster.lab.options()))
    wish = {"state": "present", "vmid": 100, **options}
    seen = look(VM, wish, client)
    cluster.lab.api.vm(100).node = "son"
    outcome = carry_out(VM, wish, client, seen, timeout=30)
    assert outcome.changed
    assert VM.result(outcome.state)["node"] == "son"
    assert not look(VM, wish, client).changed


# -------------------------------------------------------------- high availability


def test_twelve_steps_of_an_ha_resource(cluster: Modules) -> None:
    made = cluster.converge("vm", **SHARED, ha={"max_restart": 2, "comment": "c"})
    assert made["ha"] == {"state": "stopped", "max_restart": 2, "comment": "c"}
    changed = cluster.converge("vm", vmid=100, ha={"max_restart": 1, "max_relocate": 3, "comment": ""})
    assert changed["ha"] == {"state": "stopped", "max_restart": 1, "max_relocate": 3}
    gone = cluster.converge("vm", vmid=100, ha={"state": "absent"})
    assert "ha" not in gone


def test_a_new_ha_resource_keeps_the_vm_as_it_is(cluster: Modules) -> None:
    made = cluster.ok("vm", **SHARED, state="started", ha={})
    assert (made["status"], made["ha"]) == ("running", {"state": "started"})
    cluster.unchanged("vm", vmid=100, state="started", ha={})


@pytest.mark.parametrize(
    ("before", "state", "status"), [("stopped", "started", "running"), ("started", "stopped", "stopped")]
)
def test_the_manager_is_waited_for(cluster: Modules, before: str, state: str, status: str) -> None:
    cluster.ok("vm", **SHARED, state=before, ha={})
    result = cluster.converge("vm", vmid=100, state=state)
    assert result["status"] == status
    assert cluster.ok("vm", vmid=100, ha={})["ha"]["state"] == state


def test_the_manager_moves_what_it_manages(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED, state="started", ha={})
    moved = cluster.converge("vm", vmid=100, node="son", state="started")
    assert (moved["node"], moved["status"]) == ("son", "running")


def test_a_manager_that_does_nothing_is_not_waited_for_for_ever(cluster: Modules) -> None:
    cluster.lab.api.manager_pause = 3600.0
    # Nor does it look in its rhythm, which is one of the lab's clock.
    cluster.lab.api.clock.set(rate=0)
    cluster.ok("vm", **SHARED, state="stopped", ha={})
    result = cluster.run("vm", vmid=100, state="started", wait_timeout=0.2)
    assert result["msg"] == (
        "Cannot start vm 100 (web): vm 100 (web) is managed by HA, which has not made it running within 0.2 s. The "
        "cluster's HA status says why; a resource in the state error must be disabled first."
    )


def test_a_managed_vm_is_removed_when_forced(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED, state="started", ha={})
    cluster.converge("vm", vmid=100, state="absent", force=True)
    assert cluster.lab.api.ha_resources == {}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"state": "started", "ha": {"state": "disabled"}},
            "Option 'ha': the state disabled contradicts the state started of the guest: the HA manager would undo it. "
            "Leave one of the two out.",
        ),
        (
            {"state": "stopped", "ha": {"state": "started"}},
            "Option 'ha': the state started contradicts the state stopped of the guest: the HA manager would undo it. "
            "Leave one of the two out.",
        ),
        (
            {"ha": {"state": "up"}},
            "value of state must be one of: started, stopped, disabled, ignored, absent, got: up found in ha",
        ),
        (
            {"ha": {"max_restart": "often"}},
            "argument 'max_restart' is of type str found in 'ha'. and we were unable to convert to int: "
            "\"'often'\" cannot be converted to an int",
        ),
    ],
    ids=["up", "down", "choice", "type"],
)
def test_ha_that_can_not_be_meant(cluster: Modules, wish: dict[str, Any], message: str) -> None:
    cluster.ok("vm", **SHARED)
    assert cluster.message("vm", vmid=100, **wish) == message


def test_groups_are_a_thing_of_the_past(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED)
    result = cluster.run("vm", vmid=100, ha={"group": "gg"})
    assert result["msg"] == (
        "Cannot put vm 100 (web) under HA: POST /cluster/ha/resources: 500 invalid parameter 'group': ha groups have "
        "been migrated to rules.\nProxmox VE 9 has HA rules instead of groups: leave out group."
    )


# --------------------------------------------------------------------- privileges


def test_least_privileges_to_move(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED)
    privileges = {"/vms/100": ["VM.Audit", "VM.Migrate"]}
    assert cluster.limited(privileges).ok("vm", vmid=100, node="son")["node"] == "son"
    refusals = cluster.refusals(privileges, "vm", vmid=100, node="mother")
    assert refusals["VM.Migrate on /vms/100"].endswith(denied("VM.Migrate", "/vms/100"))


def test_least_privileges_for_ha(cluster: Modules) -> None:
    cluster.ok("vm", **SHARED)
    privileges = {"/vms/100": ["VM.Audit"], "/": ["Sys.Audit", "Sys.Console"]}
    refusals = cluster.refusals(privileges, "vm", vmid=100, ha={"comment": "x"})
    assert refusals["Sys.Audit on /"].endswith(denied("Sys.Audit", "/"))
    assert refusals["Sys.Console on /"].endswith(denied("Sys.Console", "/"))
    assert cluster.limited(privileges).ok("vm", vmid=100, ha={"comment": "x"})["ha"]["comment"] == "x"
