"""Module snapshot_info against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules, hidden


@pytest.fixture
def guest(modules: Modules) -> Modules:
    """A VM with the snapshots first, second and, from first again, third."""
    modules.ok("vm", name="web", vmid=104, clone="debian-12")
    for name in ("first", "second"):
        modules.ok("snapshot", vmid=104, snapname=name, description=f"the {name}")
    modules.ok("snapshot", vmid=104, snapname="first", state="rollback")
    modules.ok("snapshot", vmid=104, snapname="third")
    return modules


def test_what_is_told(guest: Modules) -> None:
    result = guest.unchanged("snapshot_info", name="web")
    assert [record.path for record in guest.lab.requests()] == [
        "/cluster/resources",
        "/nodes/father/qemu/104/snapshot",
    ]
    found = {key: result[key] for key in ("vmid", "name", "node", "type", "status", "parent")}
    assert found == {
        "vmid": 104, "name": "web", "node": "father", "type": "qemu", "status": "stopped", "parent": "third",
    }  # fmt: skip
    assert result["tree"] == {"first": {"second": {}, "third": {}}}
    first = result["snapshots"][0]
    assert {**first, "snaptime": 0} == {
        "name": "first", "description": "the first", "snaptime": 0, "vmstate": False, "parent": None,
        "children": ["second", "third"], "unfinished": None,
    }  # fmt: skip
    times = [row["snaptime"] for row in result["snapshots"]]
    assert times == sorted(times)


def test_a_guest_without_snapshots(modules: Modules) -> None:
    result = modules.unchanged("snapshot_info", vmid=9001)
    assert (result["snapshots"], result["tree"], result["parent"]) == ([], {}, None)


def test_wrong_input(modules: Modules) -> None:
    assert modules.message("snapshot_info") == "one of the following is required: vmid, name"
    assert modules.message("snapshot_info", name="nope") == (
        "There is no guest named 'nope', or the login may not see it. Check the name, and that the login has the "
        "privilege VM.Audit on the guest."
    )


def test_least_privileges(guest: Modules) -> None:
    needed = {"/vms/104": ["VM.Audit"]}
    assert guest.refusals(needed, "snapshot_info", vmid=104) == {"VM.Audit on /vms/104": hidden(104)}
    guest.limited(needed).ok("snapshot_info", vmid=104)
