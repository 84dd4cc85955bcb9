# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a lab that is down: what they hold, and their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import layout, saving
from lab.cli import lab
from lab.errors import LabError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of a lab that is down."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = layout.state_dir()
    for name in ("nodes/father/data/state.json", "code/x/lab.py", "lab.log", "father.token"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("then", encoding="utf-8")
    return folder


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_lab_comes_back(state: Path) -> None:
    saving.save("one")
    (state / "nodes/father/data/state.json").write_text("later", encoding="utf-8")
    (state / "nodes/mother").mkdir()
    (state / "father.token").unlink()
    (state / "new").touch()
    (state / "lab.log").write_text("later", encoding="utf-8")
    assert saving.restore("one", print) is None
    expected = {"nodes/father/data/state.json": "then", "father.token": "then", "code/x/lab.py": "then"}
    assert files(state) == {**expected, "lab.log": "later", "lock": ""}
    assert not (state / "nodes/mother").exists()


def test_what_is_kept_outlives_the_lab(state: Path) -> None:
    saving.save("one")
    for name in ("nodes/father/data/state.json", "father.token"):
        (state / name).unlink()
    saving.restore("one", print)
    assert files(state)["father.token"] == "then"


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a" * 65])
def test_a_name_that_is_none(state: Path, name: str) -> None:
    with pytest.raises(LabError, match=r"is no name of a snapshot: letters, digits, '\.', '_' and '-', 64 at most"):
        saving.save(name)
    assert saving.listing() == []
    assert state.is_dir()


def test_a_lab_that_never_was_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(LabError, match="There is no lab to take a snapshot of; bring it up first"):
        saving.save("one")


def test_snapshots_on_the_command_line(state: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(lab, ["snapshot", *words])
        return result.exit_code, result.output

    assert run("save", "one") == (0, "The lab is kept as 'one'.\n")
    assert run("save", "one") == (
        1,
        "Error: There is a snapshot 'one' already; delete it first: ./run.sh lab snapshot delete one\n",
    )
    assert run("list")[1].endswith("  of a lab that was down\n")
    assert [item["name"] for item in json.loads(run("list", "--json")[1])] == ["one"]
    assert run("restore", "one") == (0, "The lab is 'one' again, and down.\n")
    assert run("delete", "one") == (0, "")
    assert run("restore", "one") == (1, "Error: There is no snapshot 'one' of the lab; there are none\n")
    assert state.is_dir()
