"""Module task against the lab's API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from .conftest import Modules, denied

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:104:root@pam:"
Begin = Callable[..., str]


@pytest.fixture
def begin(modules: Modules) -> Iterator[Begin]:
    """Begins a task that runs until it is stopped, or even then; its UPID. All end with the test."""
    end = asyncio.Event()

    async def body() -> None:
        await end.wait()

    async def stubborn() -> None:
        while not end.is_set():
            with suppress(asyncio.CancelledError):
                await end.wait()

    def begun(user: str = "root@pam!homelab", *, stops: bool = True) -> str:
        upid: str = modules.lab.call(modules.lab.api.task("father", "qmclone", 104, user, body if stops else stubborn))
        return upid

    yield begun
    modules.lab.served.loop.call_soon_threadsafe(end.set)


def test_one_that_runs(modules: Modules, begin: Begin) -> None:
    upid = begin()
    assert modules.ok("task", check=True, upid=upid)["task"]["status"] == "running"
    made = modules.converge("task", upid=upid)
    assert made["plan"] == [f"stop task {upid}"]
    assert made["diff"] == {"before": {"status": "running"}, "after": {"status": "stopped"}}
    (told,) = modules.ok("task_info", upid=upid)["tasks"]
    assert made["task"] == told
    assert (told["status"], told["exitstatus"], told["failed"]) == ("stopped", "received interrupt", True)


def test_one_that_has_ended(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=104)
    (created,) = modules.ok("task_info", vmid=104)["tasks"]
    found = modules.unchanged("task", upid=created["upid"])
    assert len(modules.lab.requests()) == 1
    assert found["plan"] == [f"task {created['upid']} has ended: OK"]
    assert found["task"] == {**created, "endtime": None}


def test_one_that_does_not_end(modules: Modules, begin: Begin) -> None:
    upid = begin(stops=False)
    assert modules.run("task", upid=upid, wait_timeout=0.2)["msg"] == (
        f"Cannot stop task {upid}: it still runs after 0.2 s, though Proxmox VE kills what doesn't end by itself. A "
        "process that waits for a disk or a server that doesn't answer can't be killed: see to those, or look at it "
        "on the node."
    )


@pytest.mark.parametrize(
    ("upid", "message"),
    [
        (
            "x",
            "Option 'upid': 'x' is no id of a task. One looks like "
            "UPID:father:0000AB12:00CD34EF:65000000:qmstart:104:root@pam:",
        ),
        (
            UPID,
            f"There is no task {UPID}, or its log is gone: Proxmox VE keeps those of the last tasks only. "
            "Check the UPID.",
        ),
    ],
    ids=["no upid", "unknown"],
)
def test_wrong_input(modules: Modules, upid: str, message: str) -> None:
    assert modules.message("task", upid=upid) == message


def test_least_privileges(modules: Modules, begin: Begin) -> None:
    upid = begin()
    needed = {"/nodes/father": ["Sys.Audit", "Sys.Modify"]}
    messages = modules.refusals(needed, "task", upid=upid)
    assert messages["Sys.Audit on /nodes/father"].endswith(f"/status: {denied('Sys.Audit', '/nodes/father')}")
    assert messages["Sys.Modify on /nodes/father"].startswith(f"Cannot stop task {upid}: DELETE /nodes/father/tasks/")
    assert messages["Sys.Modify on /nodes/father"].endswith(denied("Sys.Modify", "/nodes/father"))
    modules.limited(needed).converge("task", upid=upid)


def test_an_own_task_needs_no_privilege(modules: Modules, begin: Begin) -> None:
    limited = modules.limited({"/nodes/father": []})
    limited.converge("task", upid=begin(limited.lab.token_id))
