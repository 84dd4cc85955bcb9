"""Module next_vmid against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules


@pytest.fixture
def guests(modules: Modules) -> Modules:
    """The vmids 100, 101 and 103 are taken, the last one by a container."""
    modules.ok("vm", name="one", vmid=100)
    modules.ok("vm", name="two", vmid=101)
    modules.container(103)
    return modules


def paths(modules: Modules) -> list[str]:
    return [record.path for record in modules.lab.requests()]


def test_the_clusters_next_one_takes_one_request(guests: Modules) -> None:
    result = guests.unchanged("next_vmid")
    assert (result["vmid"], result["vmids"]) == (102, [102])
    assert paths(guests) == ["/cluster/nextid"]


@pytest.mark.parametrize(
    ("options", "vmids"),
    [
        ({"count": 3}, [102, 104, 105]),
        ({"vmid_range": [100, 199]}, [102]),
        ({"vmid_range": [100, 199], "count": 2}, [102, 104]),
        ({"vmid_range": [9000, 9003], "count": 2}, [9002, 9003]),
    ],
    ids=str,
)
def test_free_vmids(guests: Modules, options: dict[str, Any], vmids: list[int]) -> None:
    result = guests.unchanged("next_vmid", **options)
    assert (result["vmid"], result["vmids"]) == (vmids[0], vmids)


def test_nothing_is_taken(guests: Modules) -> None:
    assert guests.unchanged("next_vmid")["vmid"] == guests.unchanged("next_vmid")["vmid"]


def test_least_privileges(guests: Modules) -> None:
    """A guest that is hidden from the login is not taken for a free vmid."""
    limited = guests.limited({})
    assert limited.ok("vm_discover", include_containers=True)["vms"] == []
    assert limited.unchanged("next_vmid", vmid_range=[100, 110], count=3)["vmids"] == [102, 104, 105]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"count": 0}, "Option 'count': 0 is not from 1 to 1000."),
        ({"count": 1001}, "Option 'count': 1001 is not from 1 to 1000."),
        (
            {"vmid_range": [100, 103], "count": 2},
            "There are 1 free vmids from 100 to 103, and 2 are wanted. "
            "Remove guests you no longer need, or give a wider vmid_range.",
        ),
        (
            {"vmid_range": [100]},
            "vmid_range [100] is not a range: give the lowest and the highest vmid, both from 100 to 999999999.",
        ),
    ],
    ids=str,
)
def test_wrong_input(guests: Modules, wish: dict[str, Any], message: str) -> None:
    assert guests.message("next_vmid", **wish) == message


def test_a_cluster_whose_range_is_used_up(modules: Modules) -> None:
    modules.lab.api.fail("GET", "/cluster/nextid", 500, "unable to get any free VMID in range [100, 200]")
    assert modules.message("next_vmid") == ("GET /cluster/nextid: 500 unable to get any free VMID in range [100, 200].")
