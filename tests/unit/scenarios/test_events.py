"""What ansible-runner's events become."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.events import HIDDEN, Summary, output_errors, result_message

Event = dict[str, Any]


def task(event: str, name: str, host: str = "father", uuid: str = "", **data: Any) -> Event:
    return {"event": event, "event_data": {"task": name, "host": host, "task_uuid": uuid or name, **data}}


def failed(name: str, message: str, **data: Any) -> Event:
    return task("runner_on_failed", name, res={"msg": message}, **data)


def summary_of(*events: Event) -> Summary:
    summary = Summary()
    for event in events:
        summary.feed(event)
    return summary


@pytest.mark.parametrize(
    ("events", "message"),
    [
        pytest.param([], "", id="nothing failed"),
        pytest.param([failed("Clone", "no space")], "task 'Clone' failed on father: no space", id="one"),
        pytest.param([failed("Try", "no", ignore_errors=True)], "", id="ignored"),
        pytest.param(
            [failed("Try", "first"), failed("Clone", "second")],
            "task 'Clone' failed on father: second",
            id="the earlier one was rescued",
        ),
        pytest.param(
            [failed("Ping", "a", host="n1"), failed("Ping", "b", host="n2")],
            "task 'Ping' failed on n1: a; task 'Ping' failed on n2: b",
            id="two hosts",
        ),
        pytest.param(
            [failed("Ping", "x", host=f"n{n}") for n in range(5)],
            "task 'Ping' failed on n0: x; task 'Ping' failed on n1: x; task 'Ping' failed on n2: x; and 2 more hosts",
            id="many hosts",
        ),
        pytest.param(
            [task("runner_on_unreachable", "Ping", res={"msg": "Connection refused"})],
            "task 'Ping' could not reach father: Connection refused",
            id="unreachable",
        ),
        pytest.param(
            [
                task("runner_item_on_failed", "Each", res={"msg": "b broke", "item": "b"}),
                failed("Each", "One or more items failed"),
            ],
            "task 'Each' failed on father: b broke",
            id="loop",
        ),
        pytest.param(
            [task("runner_on_failed", "Log in", res={"censored": "hidden", "msg": "password=hunter2"})],
            f"task 'Log in' failed on father: {HIDDEN}",
            id="no_log",
        ),
    ],
)
def test_failure(events: list[Event], message: str) -> None:
    assert summary_of(*events).failure_message() == message


def test_unreachable_hosts_are_told_apart_from_failed_ones() -> None:
    events = [failed("Ping", "x", host="n1"), task("runner_on_unreachable", "Ping", "n2", res={"msg": "y"})]
    assert summary_of(*events).unreachable == {"n2"}


def test_stats() -> None:
    stats = {"changed": {"a": 2, "b": 1}, "processed": {"a": 1, "b": 1}, "artifact_data": {"vm_id": 7}}
    summary = summary_of({"event": "playbook_on_stats", "event_data": stats})
    assert (summary.changed, summary.outputs, summary.no_hosts) == (3, {"vm_id": 7}, False)


@pytest.mark.parametrize(
    ("unmatched", "processed", "no_hosts"),
    [(True, {}, True), (True, {"father": 1}, False), (False, {}, False)],
)
def test_a_playbook_that_ran_on_nothing(unmatched: bool, processed: dict[str, int], no_hosts: bool) -> None:
    events: list[Event] = [{"event": "playbook_on_no_hosts_matched", "event_data": {}}] if unmatched else []
    events.append({"event": "playbook_on_stats", "event_data": {"processed": processed}})
    assert summary_of(*events).no_hosts is no_hosts


def test_the_running_task_is_known() -> None:
    started = {"event": "playbook_on_task_start", "event_data": {"name": "Clone", "task": "Clone"}}
    assert summary_of(started, {"event": "verbose"}).task == "Clone"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "boom"}, "boom"),
        (
            {"msg": "non-zero return code", "rc": 2, "stderr": "no such file\n", "stdout": "x"},
            "non-zero return code: no such file",
        ),
        (
            {"msg": "non-zero return code", "rc": 2, "stderr": "", "stdout": "said here"},
            "non-zero return code: said here",
        ),
        ({"msg": "MODULE FAILURE", "rc": 1, "module_stderr": "Traceback"}, "MODULE FAILURE: Traceback"),
        ({}, "no message"),
        ({"msg": "y" * 3000}, "y" * 2000 + "..."),
    ],
)
def test_result_message(result: dict[str, Any], message: str) -> None:
    assert result_message(result) == message


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "\x1b[0;31mERROR! the playbook: x.yml could not be found\x1b[0m\r\n",
            "ERROR! the playbook: x.yml could not be found",
        ),
        (
            "note\n[ERROR]: couldn't resolve module 'x'\nOrigin: a.yml:3:7\n\n1 - hosts: all\n2   tasks:\n",
            "[ERROR]: couldn't resolve module 'x' Origin: a.yml:3:7",
        ),
        ("something else\nentirely\n", "something else entirely"),
        ("", ""),
    ],
)
def test_output_errors(output: str, message: str) -> None:
    assert output_errors(output) == message
