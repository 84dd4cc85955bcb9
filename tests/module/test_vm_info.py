"""Module vm_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, Result, denied

EVERYTHING = ["config", "pending", "status", "snapshots", "agent"]


@pytest.fixture
def guests(modules: Modules) -> Modules:
    """Three VMs beside the templates; 105 runs, with an agent."""
    modules.ok("vm", name="web", vmid=104, tags=["a"], cores=2)
    modules.ok("vm", name="db", vmid=105, clone="debian-12", tags=["a", "b"], agent="enabled=1", state="started")
    modules.ok("vm", name="old", vmid=106)
    return modules


def by_vmid(result: Result) -> dict[int, dict[str, Any]]:
    return {entry["vmid"]: entry for entry in result["vms"]}


@pytest.mark.parametrize(
    ("criteria", "vmids"),
    [
        ({}, [104, 105, 106, 9000, 9001]),
        ({"include_templates": False}, [104, 105, 106]),
        ({"vmid": [106, 104]}, [104, 106]),
        ({"vmid": [104, 105], "status": "running"}, [105]),
        ({"name_pattern": "?eb"}, [104]),
        ({"vmid_range": [100, 105]}, [104, 105]),
        ({"tags": ["a"]}, [104, 105]),
        ({"node": "mother"}, []),
        ({"pool": "none"}, []),
    ],
    ids=str,
)
def test_criteria_take_one_request(guests: Modules, criteria: dict[str, Any], vmids: list[int]) -> None:
    assert list(by_vmid(guests.unchanged("vm_info", **criteria))) == vmids
    assert [record.path for record in guests.lab.requests()] == ["/cluster/resources"]


def test_everything_about_a_vm(guests: Modules) -> None:
    guests.ok("snapshot", vmid=105, snapname="first")
    guests.ok("vm", vmid=105, memory="2G")
    found = by_vmid(guests.unchanged("vm_info", vmid=[104, 105], gather=EVERYTHING))
    web, db = found[104], found[105]
    assert (web["config"]["cores"], web["pending"], web["snapshots"], web["agent"]) == (2, [], [], None)
    assert (web["current"]["status"], db["current"]["qmpstatus"]) == ("stopped", "running")
    assert [row["key"] for row in db["pending"]] == ["memory"]
    assert [row["name"] for row in db["snapshots"]] == ["first"]
    assert db["agent"]["hostname"] == "db"
    assert db["agent"]["interfaces"][0]["addresses"]
    assert [entry["error"] for entry in found.values()] == [None, None]
    assert "digest" not in web["config"]


def test_only_what_is_asked_for_is_read(guests: Modules) -> None:
    (entry,) = guests.ok("vm_info", vmid=[104], gather=["config"])["vms"]
    assert "pending" not in entry
    assert [record.path for record in guests.lab.requests()] == ["/cluster/resources", "/nodes/father/qemu/104/config"]


def test_secrets_are_not_told(guests: Modules) -> None:
    guests.ok("vm", vmid=104, cipassword="hidden-from-all")
    guests.ok("vm", vmid=105, cipassword="hidden-from-all")
    assert "hidden" not in str(guests.ok("vm_info", vmid=[104, 105], gather=EVERYTHING))


def test_ids_that_there_is_no_vm_of(guests: Modules) -> None:
    assert guests.unchanged("vm_info", vmid=[104, 777])["missing"] == [777]


# ---------------------------------------------------------------- one bad guest


def test_one_that_fails_hides_no_other(guests: Modules) -> None:
    path = "/nodes/father/qemu/104/config"
    guests.lab.api.fail("GET", path, 500, "unable to read tail (got 0 bytes)")
    found = by_vmid(guests.unchanged("vm_info", gather=["config", "status"], include_templates=False))
    bad = found[104]
    assert (bad["config"], bad["current"]["status"]) == (None, "stopped")
    assert bad["error"] == f"config: GET {path}: 500 unable to read tail (got 0 bytes)."
    assert [found[vmid]["error"] for vmid in (105, 106)] == [None, None]
    assert found[105]["config"]["name"] == "db"


def test_an_agent_that_hangs_hides_nothing_else(guests: Modules) -> None:
    guests.lab.api.inject({"kind": "hang-agent", "vmid": 105})
    found = by_vmid(guests.unchanged("vm_info", vmid=[104, 105], gather=["agent", "config"]))
    assert found[105]["agent"] is None
    assert found[105]["error"].startswith("agent: GET /nodes/father/qemu/105/agent/network-get-interfaces: 500 ")
    assert found[105]["config"]["name"] == "db"
    assert found[104]["error"] is None


def test_a_vm_that_runs_without_an_agent_is_no_failure(guests: Modules) -> None:
    guests.ok("vm", vmid=104, state="started")
    (found,) = guests.unchanged("vm_info", vmid=[104], gather=["agent"])["vms"]
    assert (found["agent"], found["error"]) == (None, None)


def test_a_node_that_does_not_answer_is_asked_once_and_hides_no_other(cluster: Modules) -> None:
    for vmid in range(300, 306):
        cluster.ok("vm", name=f"far-{vmid}", vmid=vmid, node="mother")
    cluster.ok("vm", name="near", vmid=310, node="father")
    for vmid in range(300, 306):
        cluster.lab.api.fail("GET", f"/nodes/mother/qemu/{vmid}/config", 595, "No route to host")
    options: dict[str, Any] = {"include_templates": False, "gather": ["config"], "retries": 0, "max_parallel": 1}
    found = by_vmid(cluster.unchanged("vm_info", **options))
    assert len(found) == 7
    said = "GET /nodes/mother/qemu/300/config: 595 No route to host."
    assert {found[vmid]["error"] for vmid in range(300, 306)} == {f"config: {said}"}
    assert (found[310]["error"], found[310]["config"]["name"]) == (None, "near")
    asked = [record.path for record in cluster.lab.requests() if "mother" in record.path]
    assert asked == ["/nodes/mother/qemu/300/config"]


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"gather": ["everything"]},
            "value of gather must be one or more of: config, pending, status, snapshots, agent. Got no match for: "
            "everything",
        ),
        ({"status": "paused"}, "value of status must be one of: running, stopped, got: paused"),
        (
            {"vmid_range": [9, 1]},
            "vmid_range [9, 1] is not a range: give the lowest and the highest vmid, both from 100 to 999999999.",
        ),
    ],
    ids=str,
)
def test_wrong_input(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("vm_info", **wish) == message


def test_a_vmid_that_is_no_number(modules: Modules) -> None:
    assert modules.message("vm_info", vmid=["x"]).startswith("Elements value for option 'vmid' is of type ")


def test_least_privileges(guests: Modules) -> None:
    limited = guests.limited({"/vms/105": ["VM.Audit", "VM.GuestAgent.Audit"]})
    (found,) = limited.unchanged("vm_info", gather=EVERYTHING)["vms"]
    assert (found["vmid"], found["error"]) == (105, None)
    assert found["agent"]["hostname"] == "db"
    (found,) = guests.limited({"/vms/105": ["VM.Audit"]}).ok("vm_info", gather=["agent"])["vms"]
    assert found["error"] == (
        "agent: GET /nodes/father/qemu/105/agent/network-get-interfaces: "
        + denied("VM.GuestAgent.Audit or VM.GuestAgent.Unrestricted", "/vms/105")
    )
    assert guests.limited({}).ok("vm_info", vmid=[105]) == {"changed": False, "vms": [], "missing": [105]}
