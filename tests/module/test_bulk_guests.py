"""Module bulk_guests against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, hurried

KIND = "bulk_guests"
ALL: dict[str, Any] = {"vms": [200, 201]}


def two(modules: Modules) -> Modules:
    """The modules, with two containers that are stopped."""
    for vmid in (200, 201):
        modules.container(vmid, rootfs="shared:4" if "shared" in modules.lab.api.storages else "local-lvm:4")
    return modules


@pytest.fixture
def old(lab_8_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to father of a cluster of release 8.4."""
    return Modules(hurried(lab_8_api), capsys)


def test_named_guests(cluster: Modules) -> None:
    two(cluster)
    started = cluster.converge(KIND, state="started", **ALL, guest_timeout=60)
    assert started["plan"] == ["start container 200 (ct), container 201 (ct)"]
    cluster.unchanged(KIND, state="started", **ALL)
    assert len(cluster.lab.requests()) == 1
    moved = cluster.converge(KIND, state="migrated", target="mother", **ALL)
    assert {item["node"] for item in moved["guests"]} == {"mother"}
    cluster.converge(KIND, state="stopped", **ALL, force_stop=True)


def test_the_guests_of_a_node(cluster: Modules) -> None:
    two(cluster)
    cluster.converge(KIND, state="started", node="father")
    cluster.converge(KIND, state="migrated", node="father", target="son", with_local_disks=True)
    cluster.converge(KIND, state="stopped", node="son", max_workers=2)


def test_vms_are_suspended(modules: Modules) -> None:
    modules.ok("vm", vmid=300, name="web", state="started")
    modules.converge(KIND, state="suspended", vms=[300])
    modules.converge(KIND, state="started", vms=[300])
    modules.converge(KIND, state="suspended", node="father")


def test_without_bulk_actions_those_of_the_nodes_do(old: Modules) -> None:
    two(old)
    old.converge(KIND, state="started", **ALL)
    old.converge(KIND, state="stopped", **ALL)


def test_a_guest_that_fails(modules: Modules) -> None:
    two(modules)
    modules.lab.api.snapshot_lock(201, "backup")
    assert modules.run(KIND, state="started", **ALL)["msg"] == (
        "Cannot start container 200 (ct), container 201 (ct): these are not started: container 201 (ct). Guests on "
        "which the login has no VM.PowerMgmt are left out by Proxmox VE. Its task says:\n"
        "  Starting CT 201 failed: CT is locked (backup)"
    )
    modules.unchanged(KIND, state="started", vms=[200])


def test_refusals(modules: Modules) -> None:
    assert modules.message(KIND, state="started", vms=[999]) == ("There is no guest with vmid 999. Check the vmid.")
    assert modules.message(KIND, state="stopped", vms=[9000]) == (
        "Cannot have vm 9000 (debian-12-pve) stopped: it is a template."
    )
    assert modules.message(KIND, state="started") == "one of the following is required: vms, node"
    assert modules.message(KIND, state="migrated", vms=[9000]) == (
        "state is migrated but all of the following are missing: target"
    )


def test_least_privileges(modules: Modules) -> None:
    two(modules)
    needed = {f"/vms/{vmid}": ["VM.Audit", "VM.PowerMgmt"] for vmid in (200, 201)}
    messages = modules.refusals({"/vms/200": needed["/vms/200"]}, KIND, state="started", vms=[200])
    assert messages["VM.Audit on /vms/200"].startswith(
        "The guest with vmid 200 is hidden from the login. Grant VM.Audit"
    )
    assert messages["VM.PowerMgmt on /vms/200"] == (
        "Cannot start container 200 (ct): these are not started: container 200 (ct). Guests on which the login has no "
        "VM.PowerMgmt are left out by Proxmox VE."
    )
    limited = modules.limited(needed)
    limited.converge(KIND, state="started", **ALL)
    limited.converge(KIND, state="stopped", node="father")
