"""Module snapshot against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, Result, denied, hidden

VM: dict[str, Any] = {"name": "web", "vmid": 104, "clone": "debian-12"}
WEB: dict[str, Any] = {"vmid": 104}


@pytest.fixture
def guest(modules: Modules) -> Modules:
    """A stopped VM without snapshots."""
    modules.ok("vm", **VM)
    return modules


def names(result: Result) -> list[str]:
    return [row["name"] for row in result["snapshots"]]


def test_twelve_steps(guest: Modules) -> None:
    made = guest.converge("snapshot", **WEB, snapname="first", description="fresh")
    assert made["plan"] == ["take snapshot first of vm 104 (web)"]
    assert (made["snapshot"]["description"], made["snapshot"]["vmstate"]) == ("fresh", False)
    changed = guest.converge("snapshot", name="web", snapname="first", description="tuned")
    assert changed["plan"] == ["set description of snapshot first of vm 104 (web)"]
    assert changed["diff"] == {
        "before": {"snapshots": {"first": {"description": "fresh", "vmstate": False}}},
        "after": {"snapshots": {"first": {"description": "tuned", "vmstate": False}}},
    }
    gone = guest.converge("snapshot", **WEB, snapname="first", state="absent")
    assert (gone["plan"], gone["snapshots"]) == (["remove snapshot first of vm 104 (web)"], [])
    assert "snapshot" not in gone


def test_an_unset_description_is_kept_and_an_empty_one_removed(guest: Modules) -> None:
    guest.ok("snapshot", **WEB, snapname="first", description="fresh")
    guest.unchanged("snapshot", **WEB, snapname="first")
    guest.unchanged("snapshot", **WEB, snapname="first", description="fresh\n")
    assert guest.converge("snapshot", **WEB, snapname="first", description="")["snapshot"]["description"] == ""


def test_nothing_to_do_takes_two_requests(guest: Modules) -> None:
    guest.ok("snapshot", **WEB, snapname="first")
    guest.unchanged("snapshot", **WEB, snapname="first")
    assert [record.path for record in guest.lab.requests()] == [
        "/cluster/resources",
        "/nodes/father/qemu/104/snapshot",
    ]


def test_memory_of_a_running_vm(guest: Modules) -> None:
    guest.ok("vm", **WEB, state="started")
    made = guest.converge("snapshot", **WEB, snapname="live", vmstate=True)
    assert (made["snapshot"]["vmstate"], made.get("warnings")) == (True, None)
    back = guest.ok("snapshot", **WEB, snapname="live", state="rollback", force=True)
    assert back["status"] == "running"
    assert back["diff"]["after"] == {"state": "as in snapshot live", "status": "running"}


def test_a_stopped_vm_has_no_memory_to_save(guest: Modules) -> None:
    for check in (True, False):
        result = guest.ok("snapshot", check=check, **WEB, snapname="cold", vmstate=True)
        assert result["warnings"] == ["vm 104 (web) is stopped, so snapshot cold has no memory to save (vmstate)."]
        assert result["diff"]["after"]["snapshots"]["cold"]["vmstate"] is False
    guest.unchanged("snapshot", **WEB, snapname="cold", vmstate=True)


# ---------------------------------------------------------------- keeping the newest


def test_the_newest_are_kept(guest: Modules) -> None:
    for name in ("daily-1", "other", "daily-2", "daily-3"):
        guest.ok("snapshot", **WEB, snapname=name)
    keep: dict[str, Any] = {"keep": 2, "keep_pattern": "daily-*"}
    made = guest.converge("snapshot", **WEB, snapname="daily-4", **keep)
    assert made["plan"] == [
        "take snapshot daily-4 of vm 104 (web)",
        "remove snapshot daily-1 of vm 104 (web)",
        "remove snapshot daily-2 of vm 104 (web)",
    ]
    assert names(made) == ["other", "daily-3", "daily-4"]


def test_a_wished_snapshot_is_never_the_one_that_goes(guest: Modules) -> None:
    for name in ("daily-1", "daily-2", "daily-3"):
        guest.ok("snapshot", **WEB, snapname=name)
    made = guest.converge("snapshot", **WEB, snapname="daily-1", keep=2, keep_pattern="daily-*")
    assert names(made) == ["daily-1", "daily-3"]


def test_pruning_alone(guest: Modules) -> None:
    for name in ("daily-1", "daily-2", "other"):
        guest.ok("snapshot", **WEB, snapname=name)
    pruned = guest.converge("snapshot", **WEB, state="absent", keep=1, keep_pattern="daily-*")
    assert names(pruned) == ["daily-2", "other"]
    again = guest.unchanged("snapshot", **WEB, state="absent", keep=1, keep_pattern="daily-*")
    assert again["plan"] == ["there are no more than 1 snapshots 'daily-*' of vm 104 (web)"]
    assert names(guest.converge("snapshot", **WEB, state="absent", keep=0, keep_pattern="*")) == []


# ---------------------------------------------------------------- rollback


def test_a_rollback_acts_each_time_and_says_so(guest: Modules) -> None:
    guest.ok("vm", **WEB, memory="1G")
    guest.ok("snapshot", **WEB, snapname="first")
    guest.ok("vm", **WEB, memory="2G")
    predicted = guest.ok("snapshot", check=True, **WEB, snapname="first", state="rollback")
    assert guest.lab.writes() == []
    for _time in range(2):
        real = guest.ok("snapshot", **WEB, snapname="first", state="rollback")
        assert (real["changed"], real["plan"]) == (True, ["roll vm 104 (web) back to snapshot first"])
        assert (predicted["diff"], predicted["plan"]) == (real["diff"], real["plan"])
        assert [record.path for record in guest.lab.writes()] == ["/nodes/father/qemu/104/snapshot/first/rollback"]
    assert (real["parent"], real["status"]) == ("first", "stopped")
    guest.unchanged("vm", **WEB, memory="1G")


def test_a_running_guest_is_stopped_for_it_when_told(guest: Modules) -> None:
    guest.ok("snapshot", **WEB, snapname="first")
    guest.ok("vm", **WEB, state="started")
    assert guest.message("snapshot", **WEB, snapname="first", state="rollback") == (
        "Cannot roll vm 104 (web) back to snapshot first: it is running, and Proxmox VE would stop it hard. "
        "Shut it down first, or set force to true."
    )
    back = guest.ok("snapshot", **WEB, snapname="first", state="rollback", force=True, start=True)
    assert back["plan"] == ["roll vm 104 (web) back to snapshot first", "start vm 104 (web)"]
    assert (back["status"], back["diff"]["after"]["status"]) == ("running", "running")


def test_what_a_rollback_leaves_newer(guest: Modules) -> None:
    for name in ("first", "second"):
        guest.ok("snapshot", **WEB, snapname=name)
    back = guest.ok("snapshot", **WEB, snapname="first", state="rollback")
    assert (names(back), back["parent"]) == (["first", "second"], "first")
    third = guest.ok("snapshot", **WEB, snapname="third")
    assert third["snapshot"]["parent"] == "first"
    assert [row["children"] for row in third["snapshots"]] == [["second", "third"], [], []]


def test_a_storage_that_returns_to_the_newest_only(guest: Modules) -> None:
    for name in ("first", "second", "third"):
        guest.ok("snapshot", **WEB, snapname=name)
    path, said = "/nodes/father/qemu/104/snapshot/first/rollback", "can't rollback, 'first' is not most recent snapshot"
    guest.lab.api.fail("POST", path, 500, said)
    assert guest.run("snapshot", **WEB, snapname="first", state="rollback")["msg"] == (
        f"Cannot roll vm 104 (web) back to snapshot first: POST {path}: 500 {said}.\n"
        "Its storage returns to the newest snapshot of a volume only. Remove the newer ones first: second, third."
    )


def test_a_lost_answer_rolls_back_once(guest: Modules) -> None:
    guest.ok("snapshot", **WEB, snapname="first")
    path = "/nodes/father/qemu/104/snapshot/first/rollback"
    guest.lab.api.fail("POST", path, 596, "Connection timed out", times=1)
    result = guest.run("snapshot", **WEB, snapname="first", state="rollback")
    assert result["failed"]
    assert result["msg"].startswith("Cannot roll vm 104 (web) back to snapshot first: ")
    assert [record.method for record in guest.lab.requests()].count("POST") == 1


def test_a_lost_answer_takes_no_second_snapshot(guest: Modules) -> None:
    guest.lab.api.fail("POST", "/nodes/father/qemu/104/snapshot", 596, "Connection timed out", times=1)
    assert names(guest.ok("snapshot", **WEB, snapname="first")) == ["first"]


# ---------------------------------------------------------------- wrong input


FORMAT = "A name begins with a letter, has letters, digits, _ and -, and 2 to 40 characters."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        *(
            ({"snapname": name}, f"Option 'snapname': '{name}' can't name a snapshot. {FORMAT}")
            for name in ("a", "1bad", "with space", "x" * 41, "ü-1")
        ),
        (
            {"snapname": "current"},
            "Option 'snapname': Proxmox VE keeps the name 'current' for itself. Use another one.",
        ),
        (
            {"snapname": "pending"},
            "Option 'snapname': Proxmox VE keeps the name 'pending' for itself. Use another one.",
        ),
        (
            {"snapname": "current", "state": "absent"},
            "Option 'snapname': Proxmox VE keeps the name 'current' for itself. Use another one.",
        ),
        ({"snapname": "xx", "start": True}, "Option 'start' means nothing with state present: leave it out."),
        (
            {"snapname": "xx", "state": "absent", "description": "x"},
            "Option 'description' means nothing with state absent: leave it out.",
        ),
        (
            {"snapname": "xx", "state": "rollback", "vmstate": True},
            "Option 'vmstate' means nothing with state rollback: leave it out.",
        ),
        (
            {"snapname": "xx", "state": "rollback", "keep": 1, "keep_pattern": "x*"},
            "Option 'keep' means nothing with state rollback: leave it out.",
        ),
        (
            {"snapname": "xx", "keep": 0, "keep_pattern": "x*"},
            "Option 'keep': with state present 1 or more, or the new snapshot would be removed at once.",
        ),
        ({"snapname": "xx", "keep": -1, "keep_pattern": "y*"}, "Option 'keep': -1 is less than 0."),
        (
            {"snapname": "xx", "state": "absent", "keep": 1, "keep_pattern": "x*"},
            "Options 'snapname' and 'keep_pattern': with state absent give one of them.",
        ),
        (
            {"snapname": "xx", "state": "rollback"},
            "Cannot roll vm 104 (web) back to snapshot xx: there is no such snapshot. Its snapshots are: none.",
        ),
        ({"snapname": "xx", "keep": 1}, "parameters are required together: keep, keep_pattern"),
        ({}, "one of the following is required: snapname, keep_pattern"),
        (
            {"keep": 1, "keep_pattern": "x*"},
            "state is present but all of the following are missing: snapname",
        ),
        ({"snapname": "xx", "name": "web"}, "parameters are mutually exclusive: vmid|name"),
        (
            {"snapname": "xx", "vmid": 105},
            "There is no guest with vmid 105. Check the vmid.",
        ),
        (
            {"snapname": "xx", "vmid": 9001},
            "Cannot take snapshot xx of vm 9001 (debian-12): it is a template, and Proxmox VE takes none of templates. "
            "Take one of a clone.",
        ),
        (
            {"snapname": "xx", "state": "perhaps"},
            "value of state must be one of: present, absent, rollback, got: perhaps",
        ),
    ],
    ids=lambda value: " ".join(f"{key}={item}" for key, item in value.items()) if isinstance(value, dict) else "",
)
def test_wrong_input(guest: Modules, wish: dict[str, Any], message: str) -> None:
    assert guest.message("snapshot", **{**WEB, **wish}) == message


def test_a_name_used_twice(guest: Modules) -> None:
    guest.ok("vm", name="web", vmid=105)
    assert guest.message("snapshot", name="web", snapname="first") == (
        "The name 'web' is ambiguous: 104 on father, 105 on father. Give the vmid."
    )


def test_a_guest_that_is_locked(guest: Modules) -> None:
    guest.lab.api.vm(104).lock = "backup"
    result = guest.run("snapshot", **WEB, snapname="first")
    assert result["msg"].startswith(
        "Cannot take snapshot first of vm 104 (web): The task failed: VM is locked (backup) (UPID:father:"
    )
    assert result["error"]["kind"] == "TaskFailedError"


def test_least_privileges(guest: Modules) -> None:
    needed = {"/vms/104": ["VM.Audit", "VM.Snapshot"]}
    taking = {**WEB, "snapname": "first"}
    path = "/nodes/father/qemu/104/snapshot"
    assert guest.refusals(needed, "snapshot", **taking) == {
        "VM.Audit on /vms/104": hidden(104),
        "VM.Snapshot on /vms/104": (
            f"Cannot take snapshot first of vm 104 (web): POST {path}: {denied('VM.Snapshot', '/vms/104')}"
        ),
    }
    limited = guest.limited(needed)
    limited.converge("snapshot", **taking)
    limited.converge("snapshot", **taking, description="x")
    limited.ok("snapshot", **taking, state="rollback")
    back = {**taking, "state": "rollback", "start": True}
    rolling = {"/vms/104": ["VM.Audit", "VM.Snapshot.Rollback", "VM.PowerMgmt"]}
    assert guest.refusals({"/vms/104": ["VM.Audit", "VM.Snapshot.Rollback"]}, "snapshot", **back) == {
        "VM.Audit on /vms/104": hidden(104),
        "VM.Snapshot.Rollback on /vms/104": (
            f"Cannot roll vm 104 (web) back to snapshot first: POST {path}/first/rollback: "
            f"{denied('VM.Snapshot or VM.Snapshot.Rollback', '/vms/104')}\nNot done: start vm 104 (web)."
        ),
    }
    guest.limited(rolling).ok("snapshot", **back)
    limited.converge("snapshot", **taking, state="absent")
