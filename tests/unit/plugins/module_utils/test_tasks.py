"""Waiting for tasks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CertificateError,
    TaskFailedError,
    TaskTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.tasks import (
    Patient,
    is_upid,
    looks,
    newest_task,
    poll,
    wait_for_task,
)

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:100:root@pam!gold:"


class Node:
    """Answers for one task: its states one after the other, and its log."""

    def __init__(self, *states: dict[str, str], log: tuple[str, ...] = ()) -> None:
        self.states, self.log, self.paths = list(states), log, []  # type: ignore[var-annotated]

    def get(self, path: str, params: Any = None) -> Any:
        """The next state, the last one for ever."""
        self.paths.append(path)
        if path.endswith("/log"):
            return [{"n": number, "t": text} for number, text in enumerate(self.log, start=1)]
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


RUNNING = {"status": "running"}


def ended(exitstatus: str) -> dict[str, str]:
    return {"status": "stopped", "exitstatus": exitstatus}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes by sleeping only."""
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        now[0] += seconds
        slept.append(seconds)

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    return slept


class Restarting(Node):
    """The same for a node that first knows nobody for some looks."""

    refusals = 3

    def get(self, path: str, params: Any = None) -> Any:
        """A refusal, or what the node says."""
        if self.refusals:
            self.refusals -= 1
            raise AuthenticationError("Authentication failed!")
        return super().get(path, params)


def test_a_restart_is_waited_out() -> None:
    node = Restarting(RUNNING, ended("OK"))
    assert wait_for_task(Patient(node), UPID, 60).exitstatus == "OK"
    with pytest.raises(AuthenticationError):
        wait_for_task(Restarting(ended("OK")), UPID, 60)


def test_a_failure_is_told_all_the_same_and_so_is_an_untrusted_certificate() -> None:
    with pytest.raises(TaskFailedError, match="no quorum"):
        wait_for_task(Patient(Restarting(ended("no quorum"))), UPID, 60)

    class Stranger(Node):
        def get(self, path: str, params: Any = None) -> Any:
            raise CertificateError("mother", 8006, "self-signed certificate")

    with pytest.raises(CertificateError):
        wait_for_task(Patient(Stranger(RUNNING)), UPID, 60)


def test_a_task_that_ends_well(clock: list[float]) -> None:
    node = Node(RUNNING, RUNNING, ended("OK"))
    assert wait_for_task(node, UPID, 10).exitstatus == "OK"
    assert len(clock) == 2
    assert node.paths[0].startswith("/nodes/father/tasks/UPID%3Afather%3A")


def test_warnings_are_no_failure() -> None:
    node = Node(ended("WARNINGS: 1"), log=("starting", "WARN: no space soon", "TASK WARNINGS: 1"))
    assert wait_for_task(node, UPID, 10).warnings == ("WARN: no space soon",)


@pytest.mark.parametrize("exitstatus", ["command failed", "unexpected status", ""])
def test_any_other_end_is_a_failure(exitstatus: str) -> None:
    node = Node(ended(exitstatus), log=tuple(f"line {number}" for number in range(20)))
    with pytest.raises(TaskFailedError) as caught:
        wait_for_task(node, UPID, 10)
    assert (caught.value.exitstatus, caught.value.log[-1], len(caught.value.log)) == (exitstatus, "line 19", 10)


def test_a_timeout_says_what_the_task_was_doing() -> None:
    with pytest.raises(TaskTimeoutError, match=r"still running after 10 s\. It last said: copied 3 of 9 GiB\.$"):
        wait_for_task(Node(RUNNING, log=("copied 3 of 9 GiB",)), UPID, 10)


@pytest.mark.parametrize(("rows", "upid"), [([{"upid": UPID}, {"upid": "older"}], UPID), ([], None), (None, None)])
def test_the_task_of_an_answer_that_names_none(rows: list[dict[str, str]] | None, upid: str | None) -> None:
    class Tasks:
        """A node's list of tasks."""

        def get(self, path: str, params: Any = None) -> Any:
            """Only for one question."""
            asked = {"vmid": "100", "typefilter": "vztemplate", "source": "all", "limit": 1}
            assert (path, params) == ("/nodes/father/tasks", asked)
            return rows

    assert newest_task(Tasks(), "father", "100", "vztemplate") == upid


def test_the_pace(clock: list[float]) -> None:
    times = list(looks(60))
    assert times[0] == 0
    *pauses, last = clock
    assert (pauses[0], pauses[-1]) == (0.05, 2.0)
    assert pauses == sorted(pauses)
    assert last <= 2.0
    assert times[-1] == pytest.approx(60)


def test_a_task_is_looked_at_at_least_every_second(clock: list[float]) -> None:
    with pytest.raises(TaskTimeoutError):
        wait_for_task(Node(RUNNING), UPID, 600)
    assert max(clock) < 1


def test_poll_looks_once_even_without_patience() -> None:
    assert poll(lambda: "there", 0) == "there"
    assert poll(lambda: None, 0) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (UPID, True),
        ("UPID:x", False),
        ("OK", False),
        (None, False),
        (["UPID"], False),
        (UPID.replace("00002177", "3E8"), False),
    ],
)
def test_is_upid(value: object, expected: bool) -> None:
    assert is_upid(value) is expected
