"""Replication jobs: from a job and a wish to steps, and how they are. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PveError,
    RefusedError,
    TaskFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.replication_job import (
    ADVICE,
    Found,
    describe,
    info,
    plan,
)

from .reading import Table, row

ITEM = "/cluster/replication/100-0"
STATUS = "/nodes/father/replication/100-0/status"
JOB = {"id": "100-0", "guest": 100, "jobnum": 0, "type": "local", "source": "father", "target": "mother", "digest": "d"}
NONE = PveError("GET", ITEM, 500, "no such replication job '100-0'")


@pytest.mark.parametrize(
    ("wish", "have", "steps"),
    [
        (
            {"target": "mother", "rate": 10, "schedule": "*/15"},
            None,
            [
                (
                    "POST", "/cluster/replication",
                    {"id": "100-0", "target": "mother", "rate": "10", "schedule": "*/15", "type": "local"},
                    "create replication job 100-0",
                )
            ],
        ),
        ({"target": "mother", "schedule": "*/15", "disable": False}, JOB, []),
        (
            {"schedule": "*/5", "comment": ""},
            {**JOB, "comment": "old"},
            [("PUT", ITEM, {"schedule": "*/5", "delete": "comment", "digest": "d"},
              "set comment, schedule of replication job 100-0")],
        ),
        ({"state": "absent"}, JOB, [("DELETE", ITEM, {}, "remove replication job 100-0")]),
        ({"state": "absent", "keep": True}, JOB, [("DELETE", ITEM, {"keep": True}, "remove replication job 100-0")]),
        ({"state": "absent"}, None, []),
    ],
    ids=["create", "as wished", "change", "remove", "keep", "absent"],
)  # fmt: skip
def test_steps(wish: dict[str, Any], have: Any, steps: list[tuple[str, str, dict[str, Any], str]]) -> None:
    made = plan({"id": "100-0", "state": "present", **wish}, Found(have, "father"))
    assert [(step.verb, step.path, step.params, step.reason) for step in made.steps] == steps
    assert all(step.advice == ADVICE for step in made.steps)


def test_a_removal_is_over_when_the_job_is_gone() -> None:
    (step,) = plan({"id": "100-0", "state": "absent"}, Found(JOB)).steps
    assert step.until
    assert step.until.seen(Table({ITEM: {**JOB, "remove_job": "full"}})) is None
    assert step.until.seen(Table({ITEM: NONE})) is True


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ({"last_try": 5}, None),
        ({"last_try": 9, "pid": 7}, None),
        ({"last_try": 9, "last_sync": 9}, True),
    ],
    ids=str,
)
def test_a_run_is_over_when_it_has_ended(status: dict[str, Any], seen: bool | None) -> None:
    *_, step = plan({"id": "100-0", "state": "present", "schedule_now": True}, Found(JOB, "father", 5)).steps
    assert (step.verb, step.path) == ("POST", "/nodes/father/replication/100-0/schedule_now")
    assert step.once
    assert step.until
    assert step.until.seen(Table({STATUS: status})) is seen


def test_a_run_that_failed_says_why() -> None:
    made = plan({"id": "100-0", "state": "present", "schedule_now": True}, Found(JOB, "father", 5))
    (step,) = made.steps
    log = [{"n": 1, "t": "start replication job"}, {"n": 2, "t": "no route"}]
    answers = {STATUS: {"last_try": 9, "error": "no route"}, STATUS.replace("status", "log"): log}
    assert step.until
    with pytest.raises(TaskFailedError) as caught:
        step.until.seen(Table(answers))
    assert str(caught.value) == (
        "The task failed: no route (100-0)\nIts last log lines:\n  start replication job\n  no route"
    )


def table(**more: Any) -> Table:
    return Table(
        {
            ITEM: NONE,
            "/cluster/resources": [row(100, "web")],
            "/nodes": [{"node": "father"}, {"node": "mother"}],
            "/cluster/jobs/schedule-analyze": [],
            **more,
        }
    )


@pytest.mark.parametrize(
    ("wish", "more", "kind", "message"),
    [
        (
            {"id": "100"},
            {},
            ConfigError,
            "Option 'id': '100' is not the id of a replication job: a vmid, '-' and a number, such as 100-0",
        ),
        (
            {"target": "father"},
            {},
            RefusedError,
            "Cannot replicate the guest with vmid 100 to father: it is on that node. The other nodes are mother.",
        ),
        (
            {"target": "ghost"},
            {},
            RefusedError,
            "Cannot replicate the guest with vmid 100 to ghost: there is no such node. The other nodes are mother.",
        ),
        (
            {},
            {ITEM: {**JOB, "remove_job": "full"}},
            RefusedError,
            "Replication job 100-0 is being removed. Run again when it is gone, or remove it at once (state: absent "
            "and force: true).",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], more: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        describe(table(**more), {"id": "100-0", "state": "present", **wish})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ({"schedule": "*/15"}, [ITEM]),
        ({"schedule": "*/5"}, [ITEM, "/cluster/jobs/schedule-analyze"]),
        ({"schedule_now": True}, [ITEM, "/cluster/resources", STATUS]),
        ({"state": "absent"}, [ITEM]),
        ({"schedule_now": True, BOUND: {}}, [ITEM]),
    ],
    ids=str,
)
def test_what_is_asked(wish: dict[str, Any], asked: list[str]) -> None:
    read = table(**{ITEM: JOB, STATUS: {"last_try": "7"}})
    have = describe(read, {"id": "100-0", "state": "present", **wish})
    assert read.asked == asked
    assert have.last_try == (7 if STATUS in asked else 0)


OTHER = {**JOB, "id": "100-10", "source": "son", "target": "father", "remove_job": "full"}
THIRD = {**JOB, "id": "100-2", "comment": "c"}
LISTS = {
    "/cluster/replication": [OTHER, THIRD, JOB],
    "/nodes/father/replication": [{"id": "100-0", "last_sync": 5, "fail_count": 2, "error": "no", "pid": 9}],
    "/nodes/son/replication": PveError("GET", "/nodes/son/replication", 595, "no route to host"),
}


def test_how_jobs_are() -> None:
    found = info(Table(LISTS), {})
    assert [job["id"] for job in found["jobs"]] == ["100-0", "100-2", "100-10"]
    first, second, last = found["jobs"]
    assert (first["running"], first["error"], first["fail_count"], first["last_sync"]) == (True, "no", 2, 5)
    assert (second["running"], second["error"], second["comment"]) == (False, None, "c")
    assert (last["removing"], last["target"]) == (True, "father")
    assert found["warnings"] == [
        "How the replication jobs of node son are can't be told: GET /nodes/son/replication: 595 no route to host."
    ]


@pytest.mark.parametrize(
    ("wish", "ids"),
    [
        ({"id": "100-2"}, ["100-2"]),
        ({"target": "mother"}, ["100-0", "100-2"]),
        ({"source": "son"}, ["100-10"]),
        ({"guest": 101}, []),
    ],
    ids=str,
)
def test_criteria(wish: dict[str, Any], ids: list[str]) -> None:
    assert [job["id"] for job in info(Table(LISTS), wish)["jobs"]] == ids
