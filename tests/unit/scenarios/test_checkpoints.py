"""Checkpoints the driver keeps."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from scenarios import checkpoints
from scenarios.checkpoint_fronts import _confirm, row, summary
from scenarios.errors import DriverError, UsageError
from scenarios.flags import Flags

GUEST = {"vmid": 100, "name": "web", "type": "qemu", "node": "father", "running": True}


def kept(name: str, created: str = "2026-01-01T00:00:00+00:00") -> dict[str, Any]:
    return {"name": name, "created": created, "guests": [GUEST], "removals": [], "lost": ["a", "b"]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.paths.state", lambda: tmp_path)


def test_they_are_private_and_by_host(tmp_path: Path) -> None:
    path = checkpoints.save("father", kept("one"))
    assert path == tmp_path / "checkpoints" / "father" / "one.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert checkpoints.find("father", "one") == kept("one")
    assert checkpoints.find("mother", str(path)) == kept("one")
    assert checkpoints.listing("mother") == []


def test_the_newest_is_meant_and_listed_first() -> None:
    checkpoints.save("father", kept("new", "2026-02-01T00:00:00+00:00"))
    checkpoints.save("father", kept("old"))
    assert [each["name"] for each in checkpoints.listing("father")] == ["new", "old"]
    assert checkpoints.find("father", "")["name"] == "new"
    checkpoints.forget("father", "new")
    checkpoints.forget("father", "new")
    assert checkpoints.find("father", "")["name"] == "old"


@pytest.mark.parametrize(
    ("name", "message"),
    [("nwe", "Did you mean|Known|new"), ("/nowhere/x.json", "can't be read as a checkpoint")],
)
def test_what_is_not_there(name: str, message: str) -> None:
    checkpoints.save("father", kept("new"))
    with pytest.raises(UsageError, match=message):
        checkpoints.find("father", name)


def test_none_at_all() -> None:
    with pytest.raises(UsageError, match="There is no checkpoint of father"):
        checkpoints.find("father", "")


@pytest.mark.parametrize("text", ["[]", "{}", json.dumps({"name": "x"})])
def test_files_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no checkpoint"):
        checkpoints.find("father", str(path))


def test_what_is_told() -> None:
    assert row(kept("one")) == ["one", "2026-01-01T00:00:00+00:00", "100", "", "a; b"]
    assert summary(kept("one"), "/f") == "Checkpoint one: snapshots of guests: 100 (web). It is kept in /f."


def test_a_rollback_wants_a_yes() -> None:
    with pytest.raises(DriverError, match="give --yes"):
        _confirm("father", kept("one"), Flags())
    _confirm("father", kept("one"), Flags(yes=True))
