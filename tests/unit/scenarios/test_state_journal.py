"""The journal of an apply gets into the audit log, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import audit, state_journal
from scenarios.audit_cli import audit as command
from scenarios.audit_cli import guests_of

UPID = "UPID:pve1:0001:0002:65000000:qmcreate:100:root@pam:"


def row(event: str, identity: str = "100", **more: Any) -> dict[str, Any]:
    known = {"kind": "vms", "id": identity, "action": "create", "before_hash": "b", "after_hash": "a"}
    ended = {"status": "done", "upids": [UPID]} if event == "ended" else {}
    return {"time": "2026-01-01T00:00:00Z", "event": event, "run": "r", **known, **ended, "error": None, **more}


def add(path: Path, *rows: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{json.dumps(each)}\n" for each in rows)


def changes() -> list[dict[str, Any]]:
    path = audit.default_path()
    assert audit.problem(audit.read(path), audit.read_head(path)) is None
    return [entry for entry in map(json.loads, audit.read(path)) if entry["event"] == "change"]


def left(host: str = "pve", run: str = "R1") -> Path:
    """A journal that nobody has taken over."""
    folder = state_journal.folder(host)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{run}.state-apply.jsonl"


def test_each_change_is_told_and_recorded_with_who_where_and_what() -> None:
    said: list[str] = []
    with state_journal.followed("pve", "R1", "state-apply", said.append) as journal:
        add(journal.path, row("began"), row("ended"))
    assert said == ["+ vms 100 created"]
    (entry,) = changes()
    expected = {
        "run_id": "R1", "scenario": "state-apply", "host": "pve", "user": state_journal.who(), "kind": "vms",
        "id": "100", "action": "create", "before_hash": "b", "after_hash": "a", "upids": [UPID], "status": "done",
        "at": "2026-01-01T00:00:00Z", "line": 2,
    }  # fmt: skip
    assert {name: entry.get(name) for name in expected} == expected
    assert "error" not in entry
    assert list(state_journal.folder("pve").iterdir()) == []


def test_what_never_ended_is_recorded_as_unknown() -> None:
    with state_journal.followed("pve", "R1", "state-apply", lambda _text: None) as journal:
        add(journal.path, row("began"), row("ended"), row("began", "101"))
    assert [(entry["id"], entry["status"]) for entry in changes()] == [("100", "done"), ("101", "unknown")]


def test_a_failure_is_recorded_with_its_reason() -> None:
    said: list[str] = []
    with state_journal.followed("pve", "R1", "state-apply", said.append) as journal:
        add(journal.path, row("began"), row("ended", status="failed", error="locked " + "x" * 5000))
    assert changes()[0]["status"] == "failed"
    assert len(changes()[0]["error"]) == state_journal.LONGEST
    assert said[0].startswith("! vms 100: FAILED: locked")


def test_a_torn_line_hides_nothing_before_it() -> None:
    path = left()
    add(path, row("began"), row("ended"), row("began", "101"))
    path.write_text(path.read_text(encoding="utf-8") + '{"event": "end', encoding="utf-8")
    assert state_journal.recover() == [path]
    assert [(entry["id"], entry["status"]) for entry in changes()] == [("100", "done"), ("101", "unknown")]
    assert not path.exists()


def test_a_journal_whose_apply_runs_is_left_alone() -> None:
    with state_journal.followed("pve", "R1", "state-apply", lambda _text: None) as journal:
        add(journal.path, row("began"))
        assert state_journal.recover() == []
        assert journal.path.exists()


@settings(max_examples=25, deadline=None)
@given(taken=st.integers(0, 6), ended=st.integers(0, 3), begun=st.integers(0, 1))
def test_what_was_taken_over_in_part_is_recorded_once(taken: int, ended: int, begun: int) -> None:
    run = f"R-{taken}-{ended}-{begun}"
    path = left(run=run)
    rows = [each for number in range(ended) for each in (row("began", str(number)), row("ended", str(number)))]
    known = {entry["run_id"] for entry in changes()}
    if run in known:
        return
    # The driver took over the first lines, then it was killed.
    add(path, *rows[:taken])
    state_journal.Journal(path).take(lambda _text: None)
    add(path, *rows[taken:], *[row("began", "last")] * begun)
    if not path.exists():
        path.touch()
    state_journal.recover()
    mine = [(entry["id"], entry["status"]) for entry in changes() if entry["run_id"] == run]
    assert mine == [(str(number), "done") for number in range(ended)] + [("last", "unknown")] * begun


def test_the_log_that_cannot_be_written_stops_the_apply_and_loses_nothing() -> None:
    audit.default_path().parent.mkdir(parents=True, exist_ok=True)
    audit.default_path().mkdir()
    with state_journal.followed("pve", "R1", "state-apply", lambda _text: None) as journal:
        add(journal.path, row("began"), row("ended"))
    assert journal.problem == "The audit log can't be written: Is a directory."
    assert state_journal.stop_path(journal.path).read_text(encoding="utf-8") == journal.problem
    audit.default_path().rmdir()
    assert state_journal.recover() == [journal.path]
    assert [entry["id"] for entry in changes()] == ["100"]
    assert list(state_journal.folder("pve").iterdir()) == []


KILLED = """
import json, signal, sys
from scenarios import state_journal
with state_journal.followed("pve", "R1", "state-apply", lambda text: print(text, flush=True)) as journal:
    with journal.path.open("a") as stream:
        stream.write(sys.argv[1] + "\\n")
    print("waiting", flush=True)
    signal.pause()
"""


def test_a_driver_that_is_killed_leaves_it_to_the_next_command() -> None:
    lines = "\n".join(json.dumps(each) for each in (row("began"), row("ended"), row("began", "101")))
    with subprocess.Popen([sys.executable, "-c", KILLED, lines], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        said = {driver.stdout.readline().strip(), driver.stdout.readline().strip()}
        assert said == {"waiting", "+ vms 100 created"}
        os.kill(driver.pid, signal.SIGKILL)
    shown = CliRunner().invoke(command, ["show", "--json"]).output
    assert [(entry["id"], entry["status"]) for entry in map(json.loads, shown.splitlines())] == [
        ("100", "done"),
        ("101", "unknown"),
    ]


@pytest.mark.parametrize(
    ("entry", "vmids"),
    [
        ({"kind": "vms", "id": "100"}, {"100"}),
        ({"kind": "containers", "id": "200"}, {"200"}),
        ({"kind": "ha.resources", "id": "vm:100"}, {"100"}),
        ({"kind": "vms", "id": "web", "upids": [UPID]}, {"web", "100"}),
        ({"kind": "storage", "id": "100"}, set()),
        ({"event": "phase"}, set()),
    ],
)
def test_whom_a_change_was_about(entry: dict[str, Any], vmids: set[str]) -> None:
    assert guests_of(entry) == vmids


def test_changes_are_found_by_guest_kind_and_run() -> None:
    for run, things in (("R1", [("vms", "100"), ("storage", "nfs")]), ("R2", [("vms", "101")])):
        for kind, identity in things:
            add(left(run=run), row("began", identity, kind=kind), row("ended", identity, kind=kind, upids=[]))
    state_journal.recover()

    def shown(*words: str) -> list[str]:
        lines = CliRunner().invoke(command, ["show", "--json", *words]).output.splitlines()
        return [json.loads(line)["id"] for line in lines]

    assert shown("--vmid", "100") == ["100"]
    assert shown("--kind", "vms") == ["100", "101"]
    assert shown("--run", "R1") == ["100", "nfs"]
    assert shown("--run", "R1", "--kind", "storage") == ["nfs"]
    assert shown("--vmid", "7") == []
