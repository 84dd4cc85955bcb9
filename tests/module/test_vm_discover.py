"""Module vm_discover against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

OURS: dict[str, Any] = {"clone": "debian-12", "tags": ["homelab-pve"]}


@pytest.fixture
def guests(modules: Modules) -> Modules:
    """Three guests beside the templates; the last one runs."""
    modules.ok("vm", name="nested-pve", vmid=99900, **OURS)
    modules.ok("vm", name="nested-pve-2", vmid=104)
    modules.ok("vm", name="web", vmid=99901, **OURS, state="started")
    return modules


@pytest.mark.parametrize(
    ("criteria", "vmids"),
    [
        ({}, [104, 99900, 99901]),
        ({"name_pattern": "nested-pve*"}, [104, 99900]),
        ({"name_pattern": "NESTED*"}, []),
        ({"name_pattern": "nested-pve*", "vmid_range": [99900, 99999]}, [99900]),
        ({"tags": ["homelab-pve"]}, [99900, 99901]),
        ({"status": "running"}, [99901]),
        ({"node": "mother"}, []),
        ({"pool": "none"}, []),
        ({"include_templates": True, "name_pattern": "debian*"}, [9000, 9001]),
    ],
    ids=str,
)
def test_criteria(guests: Modules, criteria: dict[str, Any], vmids: list[int]) -> None:
    result = guests.unchanged("vm_discover", **criteria)
    assert [item["vmid"] for item in result["vms"]] == vmids
    assert [record.path for record in guests.lab.requests()] == ["/cluster/resources"]


def test_what_is_told_about_a_guest(guests: Modules) -> None:
    (found,) = guests.ok("vm_discover", name_pattern="nested-pve")["vms"]
    assert found == {
        "vmid": 99900, "name": "nested-pve", "node": "father", "status": "stopped", "type": "qemu", "template": False,
        "tags": ["homelab-pve"], "pool": None,
    }  # fmt: skip


def test_a_host_that_does_not_answer_is_no_empty_cluster(modules: Modules) -> None:
    result = modules.run("vm_discover", host="127.0.0.1", port=9, retries=0)
    assert result["failed"]
    assert result["msg"] == (
        "Cannot reach 127.0.0.1 port 9: Connection refused. "
        "Check that the host is up and that the address and port are right."
    )


def test_a_range_upside_down(modules: Modules) -> None:
    assert modules.message("vm_discover", vmid_range=[2, 1]) == (
        "vmid_range [2, 1] is not a range: give the lowest and the highest vmid, both from 100 to 999999999."
    )


def test_least_privileges(guests: Modules) -> None:
    limited = guests.limited({"/vms/104": ["VM.Audit"], "/vms/99900": ["VM.PowerMgmt"]})
    assert [item["vmid"] for item in limited.ok("vm_discover")["vms"]] == [104]
    assert guests.limited({}).ok("vm_discover")["vms"] == []


def test_containers_only_when_asked(guests: Modules) -> None:
    guests.container(200, hostname="nested-pve-ct")
    assert [item["vmid"] for item in guests.ok("vm_discover", name_pattern="nested*")["vms"]] == [104, 99900]
    found = guests.unchanged("vm_discover", name_pattern="nested*", include_containers=True)["vms"]
    assert [(item["vmid"], item["type"]) for item in found] == [(104, "qemu"), (200, "lxc"), (99900, "qemu")]


def test_a_pool_and_every_node_of_the_cluster(cluster: Modules) -> None:
    for vmid, node in ((300, "father"), (301, "mother"), (302, "son")):
        cluster.ok("vm", name=f"web-{node}", vmid=vmid, node=node)
    assert [item["node"] for item in cluster.ok("vm_discover", name_pattern="web-*")["vms"]] == [
        "father", "mother", "son",
    ]  # fmt: skip
    assert [record.path for record in cluster.lab.requests()] == ["/cluster/resources"]
    assert [item["vmid"] for item in cluster.ok("vm_discover", node="son")["vms"]] == [302]


RANGE = "is not a range: give the lowest and the highest vmid, both from 100 to 999999999."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"status": "paused"}, "value of status must be one of: running, stopped, got: paused"),
        ({"vmid_range": [1, 200]}, f"vmid_range [1, 200] {RANGE}"),
        ({"vmid_range": [100]}, f"vmid_range [100] {RANGE}"),
    ],
    ids=str,
)
def test_wrong_input(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("vm_discover", **wish) == message
