"""Module container_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

EVERYTHING = ["config", "pending", "status", "snapshots", "interfaces"]


@pytest.fixture
def guests(modules: Modules) -> Modules:
    """Two containers, the second of which runs, and a VM."""
    modules.container(200, hostname="ct-one", tags="a")
    modules.container(201, hostname="ct-two", start=1)
    modules.ok("vm", name="web", vmid=104)
    return modules


@pytest.mark.parametrize(
    ("criteria", "vmids"),
    [
        ({}, [200, 201]),
        ({"vmid": [201]}, [201]),
        ({"name_pattern": "*-one"}, [200]),
        ({"status": "running"}, [201]),
        ({"tags": ["a"]}, [200]),
        ({"vmid_range": [201, 300]}, [201]),
    ],
    ids=str,
)
def test_criteria_take_one_request(guests: Modules, criteria: dict[str, Any], vmids: list[int]) -> None:
    result = guests.unchanged("container_info", **criteria)
    assert [entry["vmid"] for entry in result["containers"]] == vmids
    assert [record.path for record in guests.lab.requests()] == ["/cluster/resources"]


def test_everything_about_a_container(guests: Modules) -> None:
    guests.ok("snapshot", vmid=200, snapname="first")
    one, two = guests.unchanged("container_info", gather=EVERYTHING)["containers"]
    assert (one["config"]["hostname"], one["type"], one["pending"]) == ("ct-one", "lxc", [])
    assert [row["name"] for row in one["snapshots"]] == ["first"]
    assert (one["current"]["status"], one["interfaces"]) == ("stopped", None)
    (card,) = [item for item in two["interfaces"] if item["name"] == "eth0"]
    assert "10.99.0.21/24" in card["addresses"]
    assert [one["error"], two["error"]] == [None, None]


def test_a_vm_is_no_container(guests: Modules) -> None:
    assert guests.unchanged("container_info", vmid=[104, 200])["missing"] == [104]


def test_one_that_fails_hides_no_other(guests: Modules) -> None:
    path = "/nodes/father/lxc/200/config"
    guests.lab.api.fail("GET", path, 500, "CT is broken")
    bad, good = guests.unchanged("container_info", gather=["config"])["containers"]
    assert (bad["config"], bad["error"]) == (None, f"config: GET {path}: 500 CT is broken.")
    assert (good["config"]["hostname"], good["error"]) == ("ct-two", None)


def test_wrong_input(modules: Modules) -> None:
    assert modules.message("container_info", gather=["agent"]).startswith(
        "value of gather must be one or more of: config, pending, status, snapshots, interfaces. "
    )


def test_least_privileges(guests: Modules) -> None:
    limited = guests.limited({"/vms/201": ["VM.Audit"]})
    (found,) = limited.unchanged("container_info", gather=EVERYTHING)["containers"]
    assert (found["vmid"], found["error"]) == (201, None)
    assert guests.limited({"/vms/201": ["VM.Console"]}).ok("container_info")["containers"] == []


def test_a_snapshot_of_a_container(guests: Modules) -> None:
    made = guests.converge("snapshot", name="ct-one", snapname="first", description="fresh\n")
    assert (made["type"], made["snapshot"]["description"]) == ("lxc", "fresh")
    guests.converge("snapshot", name="ct-one", snapname="first", description="")
    assert guests.message("snapshot", name="ct-one", snapname="second", vmstate=True) == (
        "Option 'vmstate': container 200 (ct-one) has none. Proxmox VE saves the memory of VMs only: leave it out."
    )
    back = guests.ok("snapshot", name="ct-one", snapname="first", state="rollback", start=True)
    assert (back["status"], back["parent"]) == ("running", "first")
    assert guests.message("snapshot", name="ct-one", snapname="first", state="rollback") == (
        "Cannot roll container 200 (ct-one) back to snapshot first: it is running, and Proxmox VE would stop it hard. "
        "Shut it down first, or set force to true."
    )
    back = guests.ok("snapshot", name="ct-one", snapname="first", state="rollback", force=True)
    assert back["status"] == "stopped"
    assert guests.unchanged("snapshot_info", vmid=200)["tree"] == {"first": {}}
    guests.converge("snapshot", name="ct-one", snapname="first", state="absent")
    needed = {"/vms/200": ["VM.Audit", "VM.Snapshot"]}
    assert guests.refusals(needed, "snapshot", vmid=200, snapname="first")["VM.Snapshot on /vms/200"] == (
        "Cannot take snapshot first of container 200 (ct-one): POST /nodes/father/lxc/200/snapshot: "
        + denied("VM.Snapshot", "/vms/200")
    )
