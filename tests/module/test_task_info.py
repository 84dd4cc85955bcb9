"""Module task_info against the lab's API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.api.tasks import log_line

from .conftest import Modules, Result, denied

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:104:root@pam:"


@pytest.fixture
def tasks(modules: Modules) -> Modules:
    """A few tasks: 104 created and started, 105 created, and a start of 105 that failed."""
    modules.ok("vm", name="web", vmid=104, state="started")
    modules.ok("vm", name="db", vmid=105)
    modules.lab.api.vm(105).lock = "backup"
    modules.run("vm", vmid=105, state="started")
    return modules


def kinds(result: Result) -> list[tuple[str, str]]:
    return [(task["type"], task["id"]) for task in result["tasks"]]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, [("qmcreate", "104"), ("qmcreate", "105"), ("qmstart", "104"), ("qmstart", "105")]),
        ({"vmid": 104}, [("qmcreate", "104"), ("qmstart", "104")]),
        ({"type": "qmstart"}, [("qmstart", "104"), ("qmstart", "105")]),
        ({"errors": True}, [("qmstart", "105")]),
        ({"running": True}, []),
        ({"node": "father", "vmid": 105, "errors": True}, [("qmstart", "105")]),
        ({"user": "nobody"}, []),
        ({"since": 4_000_000_000}, []),
        ({"until": 1}, []),
    ],
    ids=str,
)
def test_criteria(tasks: Modules, criteria: dict[str, Any], found: list[tuple[str, str]]) -> None:
    result = tasks.unchanged("task_info", **criteria)
    assert sorted(kinds(result)) == found
    assert result["unreachable"] == []


def test_what_is_told_about_a_task(tasks: Modules) -> None:
    (task,) = tasks.unchanged("task_info", errors=True, log=True)["tasks"]
    assert {key: task[key] for key in ("node", "type", "id", "user", "tokenid", "status", "exitstatus", "failed")} == {
        "node": "father", "type": "qmstart", "id": "105", "user": "root@pam", "tokenid": "homelab",
        "status": "stopped", "exitstatus": "VM is locked (backup)", "failed": True,
    }  # fmt: skip
    assert task["log"][-1] == "TASK ERROR: VM is locked (backup)"
    (same,) = tasks.unchanged("task_info", upid=task["upid"], log=True)["tasks"]
    assert {**same, "endtime": 0} == {**task, "endtime": 0}


def test_the_newest_are_shown(tasks: Modules) -> None:
    assert len(tasks.ok("task_info", limit=2)["tasks"]) == 2
    times = [task["starttime"] for task in tasks.ok("task_info")["tasks"]]
    assert times == sorted(times, reverse=True)


def test_the_last_lines_of_a_log(tasks: Modules) -> None:
    record = tasks.lab.api.tasklog[-1]
    record["log"][:0] = [f"line {number}" for number in range(6000)]
    (task,) = tasks.ok("task_info", upid=record["upid"], log=True, log_lines=2)["tasks"]
    assert task["log"] == ["line 5999", "TASK ERROR: VM is locked (backup)"]


def test_warnings_are_no_failure(tasks: Modules) -> None:
    tasks.lab.api.tasklog[-1]["exitstatus"] = "WARNINGS: 2"
    (task,) = tasks.ok("task_info", errors=True)["tasks"]
    assert (task["exitstatus"], task["failed"]) == ("WARNINGS: 2", False)


def test_nodes_are_asked_at_once_and_one_that_is_silent_hides_no_other(cluster: Modules) -> None:
    for node in ("father", "mother"):
        cluster.ok("vm", name=f"on-{node}", node=node)
    assert sorted(task["node"] for task in cluster.ok("task_info")["tasks"]) == ["father", "mother"]
    cluster.lab.api.fail("GET", "/nodes/mother/tasks", 595, "No route to host")
    result = cluster.ok("task_info", retries=0)
    said = "GET /nodes/mother/tasks: 595 No route to host."
    assert result["unreachable"] == [{"node": "mother", "error": said}]
    assert [task["node"] for task in result["tasks"]] == ["father"]
    assert cluster.message("task_info", node="mother", retries=0) == said


# ---------------------------------------------------------------- a task that runs


@pytest.fixture
def running(modules: Modules) -> Iterator[tuple[Modules, str, Callable[[], None]]]:
    """A task that runs until it is told to end; its log has a line."""
    api, end = modules.lab.api, asyncio.Event()

    async def body() -> None:
        log_line("copying 10%")
        await end.wait()

    def finish() -> None:
        modules.lab.served.loop.call_soon_threadsafe(end.set)

    yield modules, modules.lab.call(api.task("father", "qmclone", 104, "root@pam!homelab", body)), finish
    finish()


Running = tuple[Modules, str, Callable[[], None]]


def test_one_that_runs(running: Running) -> None:
    modules, upid, _finish = running
    (task,) = modules.unchanged("task_info", upid=upid)["tasks"]
    assert (task["status"], task["exitstatus"], task["failed"], task["type"]) == ("running", None, False, "qmclone")
    assert modules.ok("task_info", running=True)["tasks"] == modules.ok("task_info")["tasks"] == [task]
    assert modules.ok("task_info", errors=True)["tasks"] == []


def test_patience_that_ends(running: Running) -> None:
    modules, upid, _finish = running
    assert modules.message("task_info", upid=upid, wait=True, wait_timeout=0.2) == (
        f"The task {upid} is still running after 0.2 s. It last said: copying 10%."
    )


def test_an_end_that_comes(running: Running) -> None:
    modules, upid, finish = running
    ending = threading.Timer(0.2, finish)
    ending.start()
    (task,) = modules.ok("task_info", upid=upid, wait=True, wait_timeout=60)["tasks"]
    ending.join()
    assert (task["status"], task["exitstatus"], task["failed"]) == ("stopped", "OK", False)


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"upid": "x"},
            "Option 'upid': 'x' is no id of a task. One looks like "
            "UPID:father:0000AB12:00CD34EF:65000000:qmstart:104:root@pam:",
        ),
        (
            {"upid": UPID},
            f"There is no task {UPID}, or its log is gone: Proxmox VE keeps those of the last tasks only. "
            "Check the UPID.",
        ),
        ({"upid": UPID, "vmid": 104}, "parameters are mutually exclusive: upid|vmid"),
        ({"wait": True}, "Option 'wait': give the upid of the task to wait for."),
        (
            {"errors": True, "running": True},
            "Options 'errors' and 'running': a task that runs has not failed yet. Give one of them.",
        ),
        ({"limit": 0}, "Option 'limit': 0 is less than 1."),
        ({"log_lines": -1}, "Option 'log_lines': -1 is less than 1."),
    ],
    ids=str,
)
def test_wrong_input(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("task_info", **wish) == message


def test_least_privileges(tasks: Modules) -> None:
    upid = tasks.ok("task_info", errors=True)["tasks"][0]["upid"]
    assert len(tasks.limited({"/nodes/father": ["Sys.Audit"]}).ok("task_info")["tasks"]) == 4
    limited = tasks.limited({"/vms/104": ["VM.Audit", "VM.Snapshot"]})
    assert limited.ok("task_info")["tasks"] == []
    assert limited.message("task_info", upid=upid).endswith(f"/status: {denied('Sys.Audit', '/nodes/father')}")
    limited.ok("snapshot", vmid=104, snapname="mine")
    (own,) = limited.ok("task_info")["tasks"]
    assert own["type"] == "qmsnapshot"
    assert limited.ok("task_info", upid=own["upid"])["tasks"][0]["status"] == "stopped"
