"""Module replication_job against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

JOB: dict[str, Any] = {"id": "100-0", "target": "mother", "schedule": "*/5", "rate": 100, "comment": "warm"}


@pytest.fixture
def web(cluster: Modules) -> Modules:
    """A cluster with a VM on father."""
    cluster.ok("vm", vmid=100, name="web", node="father", state="stopped")
    return cluster


def test_twelve_steps(web: Modules) -> None:
    made = web.converge("replication_job", **JOB)
    assert made["plan"] == ["create replication job 100-0"]
    assert made["job"] == {**JOB, "rate": 100.0, "guest": 100, "source": "father"}
    changed = web.converge("replication_job", id="100-0", schedule="*/30", comment="", disable=True)
    assert changed["job"]["schedule"] == "*/30"
    assert "comment" not in changed["job"]
    web.converge("replication_job", id="100-0", state="absent")


def test_what_is_as_wished_costs_two_requests(web: Modules) -> None:
    web.ok("replication_job", **JOB)
    web.unchanged("replication_job", **JOB)
    assert len(web.lab.requests()) <= 2


def test_it_runs_now(web: Modules) -> None:
    made = web.ok("replication_job", schedule_now=True, **JOB)
    assert made["plan"] == ["create replication job 100-0", "run replication job 100-0 on father"]
    (job,) = web.ok("replication_info", id="100-0")["jobs"]
    assert job["last_sync"] == job["last_try"] > 0
    again = web.ok("replication_job", check=True, schedule_now=True, id="100-0")
    assert again["plan"] == ["run replication job 100-0 on father"]
    assert web.lab.writes() == []


def test_a_run_that_fails_says_why(web: Modules) -> None:
    web.ok("replication_job", **JOB)
    web.lab.api.nodes["mother"]["online"] = False
    result = web.run("replication_job", id="100-0", schedule_now=True)
    assert result["msg"].startswith(
        "Cannot run replication job 100-0 on father: The task failed: unable to connect to node 'mother' (100-0)\n"
        "Its last log lines:\n"
    )


def test_what_is_being_removed_can_be_forced(web: Modules) -> None:
    web.lab.clock.rate = 0
    web.ok("replication_job", **JOB)
    result = web.run("replication_job", id="100-0", state="absent", keep=True, wait_timeout=0.2)
    assert result["msg"] == (
        "Cannot remove replication job 100-0: Replication job 100-0 is still there after 0.2 s: it goes when its "
        "guest's node and the target have cleaned up. Where one of them is gone for good, set force."
    )
    assert web.message("replication_job", **JOB).startswith("Replication job 100-0 is being removed.")
    web.converge("replication_job", id="100-0", state="absent", force=True)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"id": "999-0"},
            "There is no guest with vmid 999. Check the vmid.",
        ),
        (
            {"target": "father"},
            "Cannot replicate the guest with vmid 100 to father: it is on that node. The other nodes are mother, son.",
        ),
        (
            {"target": "ghost"},
            "Cannot replicate the guest with vmid 100 to ghost: there is no such node. The other nodes are mother, "
            "son.",
        ),
        ({"target": None}, "Option 'target' is needed: replication job 100-0 does not exist yet."),
        (
            {"schedule": "often"},
            "Option 'schedule': 'often' is no calendar event such as 'mon..fri 02:30' or '*/15': invalid calendar "
            "event 'often' - unable to parse calendar event at 'often'",
        ),
        ({"rate": 0.5}, "Option 'rate': 0.5 is not 1 or more"),
        (
            {"id": "web"},
            "Option 'id': 'web' is not the id of a replication job: a vmid, '-' and a number, such as 100-0",
        ),
        ({"state": "absent", "keep": True, "force": True}, "parameters are mutually exclusive: force|keep"),
    ],
    ids=str,
)
def test_refusals(web: Modules, wish: dict[str, Any], message: str) -> None:
    assert web.message("replication_job", **{**JOB, **wish}) == message


def test_a_target_is_kept(web: Modules) -> None:
    web.ok("replication_job", **JOB)
    assert web.message("replication_job", id="100-0", target="son") == (
        "Cannot change target of replication job 100-0 from mother to son: Proxmox VE sets it only at creation. Keep "
        "the present value, or remove the replication job first (state: absent) and create it anew."
    )
    result = web.run("replication_job", id="100-1", target="mother")
    assert result["msg"].endswith("Change that job; the module replication_info lists the jobs.")


def test_least_privileges(web: Modules) -> None:
    needed = {"/vms/100": ["VM.Audit", "VM.Replicate"]}
    refused = web.refusals(needed, "replication_job", **JOB)
    assert "(/vms/100, VM.Audit)" in refused["VM.Audit on /vms/100"]
    assert "(/vms/100, VM.Replicate)" in refused["VM.Replicate on /vms/100"]
    limited = web.limited(needed)
    limited.converge("replication_job", **JOB)
    limited.ok("replication_job", id="100-0", schedule_now=True)
    limited.converge("replication_job", id="100-0", state="absent")
