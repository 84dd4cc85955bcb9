"""What ansible-runner's events say about a run: the running task, changes, outputs and, if it failed, why. Pure.

Events and their fields: https://docs.ansible.com/projects/runner/en/stable/intro/#artifactevents
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]

MESSAGE_LIMIT = 2000
HOSTS_NAMED = 3
HIDDEN = "its result is hidden (no_log)"


@dataclass(frozen=True)
class Failure:
    """One task that failed on one host, or one host that could not be reached."""

    task: str
    host: str
    message: str
    unreachable: bool = False
    task_id: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        verb = "could not reach" if self.unreachable else "failed on"
        return f"task '{self.task}' {verb} {self.host}: {self.message}"


@dataclass
class Summary:
    """Everything a phase needs to know about its playbook, gathered while it runs.

    Attributes:
        task: the task that runs now, or ran last.
        changed: tasks that changed something, over all hosts.
        outputs: what ``set_stats`` published for the run as a whole.
        failures: the failures of the task that failed last.
        items: messages of the failed loop items, by task id and host.
        no_hosts: whether the playbook ran on no host at all.
    """

    task: str = ""
    changed: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    items: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    no_hosts: bool = False

    def feed(self, event: Event) -> None:
        """Take in one event."""
        handler = HANDLERS.get(event.get("event", ""))
        if handler:
            handler(self, event.get("event_data") or {})

    @property
    def unreachable(self) -> frozenset[str]:
        """Hosts the last failure says could not be reached."""
        return frozenset(failure.host for failure in self.failures if failure.unreachable)

    def failure_message(self) -> str:
        """The failure in words, or "" when no task failed."""
        said = [str(failure) for failure in self.failures[:HOSTS_NAMED]]
        more = len(self.failures) - len(said)
        return "; ".join(said) + (f"; and {more} more hosts" if more > 0 else "")


def result_message(result: Mapping[str, Any]) -> str:
    """What a module's result says about its failure; never what ``no_log`` hides.

    Commands fail with a generic text, so their stderr (or stdout) is added.
    """
    if "censored" in result:
        return HIDDEN
    parts = [str(result["msg"])] if result.get("msg") else []
    streams = [
        str(result[name]).strip()
        for name in ("stderr", "module_stderr", "stdout", "module_stdout")
        if str(result.get(name) or "").strip()
    ]
    if "rc" in result and streams:
        parts.append(streams[0])
    return _clipped(": ".join(parts) or "no message")


def _clipped(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}..."


def _task_started(summary: Summary, data: Mapping[str, Any]) -> None:
    summary.task = data.get("name") or data.get("task") or ""


def _failed(summary: Summary, data: Mapping[str, Any], unreachable: bool = False) -> None:
    if data.get("ignore_errors"):
        return
    failure = _failure(summary, data, unreachable)
    # A rescued failure is followed by other tasks; what failed last is what ended the play.
    if summary.failures and summary.failures[-1].task_id != failure.task_id:
        summary.failures.clear()
    summary.failures.append(failure)


def _failure(summary: Summary, data: Mapping[str, Any], unreachable: bool) -> Failure:
    task_id, host = data.get("task_uuid", ""), data.get("host", "")
    result = data.get("res") or {}
    items = summary.items.get((task_id, host))
    message = "; ".join(items) if items else result_message(result)
    return Failure(data.get("task", ""), host, message, unreachable, task_id, result)


def _unreachable(summary: Summary, data: Mapping[str, Any]) -> None:
    _failed(summary, data, unreachable=True)


def _item_failed(summary: Summary, data: Mapping[str, Any]) -> None:
    key = (data.get("task_uuid", ""), data.get("host", ""))
    summary.items.setdefault(key, []).append(result_message(data.get("res") or {}))


def _no_hosts(summary: Summary, _data: Mapping[str, Any]) -> None:
    summary.no_hosts = True


def _stats(summary: Summary, data: Mapping[str, Any]) -> None:
    # One play of several may well match nothing; a playbook that worked on no host at all did not do its job.
    summary.no_hosts = summary.no_hosts and not data.get("processed")
    summary.changed = sum((data.get("changed") or {}).values())
    summary.outputs = dict(data.get("artifact_data") or {})


HANDLERS: dict[str, Callable[[Summary, Mapping[str, Any]], None]] = {
    "playbook_on_task_start": _task_started,
    "playbook_on_handler_task_start": _task_started,
    "runner_on_failed": _failed,
    "runner_on_unreachable": _unreachable,
    "runner_item_on_failed": _item_failed,
    "playbook_on_no_hosts_matched": _no_hosts,
    "playbook_on_stats": _stats,
}


def output_errors(text: str) -> str:
    """What ansible-playbook itself complained about (syntax, missing file, undefined host), from its output."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")
    lines = plain.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(("ERROR!", "[ERROR]:", "fatal:", "Traceback"))]
    chosen = lines[starts[0] :] if starts else lines[-5:]
    # ansible-core quotes the source after its origin, numbered lines nobody needs in one sentence.
    kept = itertools.takewhile(lambda line: not re.match(r"\d+ ", line), (line.strip() for line in chosen))
    return _clipped(" ".join(line for line in kept if line))
