"""The journal of an apply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import FileError
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import Action
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.journal import Journal

STEP = Step("POST", "/access/groups", {}, "create group g with hunter22")
ACTION = Action(KINDS["groups"], "g", {"state": "present"}, Outcome(Plan((STEP,)), None))


def test_each_line_is_there_when_its_writing_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, "run", ("hunter22",))
    journal.began(ACTION)
    (line,) = path.read_text().splitlines()
    said = json.loads(line)
    assert [said[key] for key in ("event", "run", "kind", "id", "action", "reason", "status", "error")] == [
        *("began", "run", "groups", "g", "create", ["create group g with ********"], "planned", None),
    ]
    journal.ended(ACTION)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["began", "ended"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_path_nothing_is_written() -> None:
    Journal(None, "run").began(ACTION)


def test_what_cannot_be_written_stops_all_after_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "nowhere" / "journal", "run")
    for _attempt in range(2):
        with pytest.raises(FileError, match=r"Cannot write .*/journal on this machine: No such file or directory"):
            journal.began(ACTION)
    assert journal.broken


def test_a_line_half_written_is_taken_off(tmp_path: Path) -> None:
    """A disk that is full in the middle of a line: the file ends with the line before."""
    import resource  # noqa: PLC0415 - only here
    import signal  # noqa: PLC0415 - only here

    path = tmp_path / "journal"
    journal = Journal(path, "run")
    journal.began(ACTION)
    whole = path.read_text()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, before[1]))
    try:
        with pytest.raises(FileError):
            journal.ended(ACTION)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == whole


def test_a_reader_may_ask_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Path(f"{path}.stop").write_text("the audit log is full\n")
    with pytest.raises(FileError, match="the audit log is full"):
        Journal(path, "run").began(ACTION)
    assert not path.exists()
