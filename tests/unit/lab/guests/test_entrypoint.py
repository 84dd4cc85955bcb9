# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The init that a container's configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.guests import commands
from lab.guests.entrypoint import Program, environment, inotify_needed, program


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a program, with systemd, and with a name for that."""
    monkeypatch.setattr(commands, "PATH", str(tmp_path))
    for name in ("serve", "systemd"):
        (tmp_path / name).touch(0o755)
    (tmp_path / "init").symlink_to("systemd")
    (tmp_path / "text").touch(0o644)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "argv"),
    [("serve", ["serve"]), ("serve --name 'two words'\t-v", ["serve", "--name", "two words", "-v"])],
)
def test_a_program_is_looked_for_and_its_words_are_kept(programs: Path, text: str, argv: list[str]) -> None:
    assert program(text) == Program(str(programs / "serve"), argv)


def test_a_path_is_the_program(programs: Path) -> None:
    path = str(programs / "serve")
    assert program(f"{path} now") == Program(path, [path, "now"])


@pytest.mark.parametrize("text", [None, "", "/sbin/no-such/../init"])
def test_without_an_entrypoint_there_is_the_labs_own_init(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.guests.entrypoint.DEFAULT", "/sbin/no-such/../init")
    assert program(text) is None


@pytest.mark.parametrize(("text", "name"), [("nope", "nope"), ("text", "text"), ("/nope --now", "/nope")])
def test_a_program_that_is_not_there_is_named(text: str, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f'^Failed to exec "{name}": the container has no such program$'):
        program(text)


@pytest.mark.parametrize(("name", "expected"), [("systemd", True), ("init", True), ("serve", False)])
def test_systemd_is_known_by_any_name(programs: Path, name: str, expected: bool) -> None:
    found = program(str(programs / name))
    assert found is not None
    assert found.is_systemd is expected


def test_the_configurations_variables_are_the_last_word() -> None:
    given = environment(["TERM=dumb", "OPTIONS=a=1 b=2"], systemd=False)
    assert (given["container"], given["TERM"], given["OPTIONS"]) == ("lxc", "dumb", "a=1 b=2")
    assert "NOTIFY_SOCKET" not in given
    assert environment([], systemd=True)["NOTIFY_SOCKET"] == "/run/host/notify"


def test_a_few_guests_need_no_more_than_a_machine_has() -> None:
    assert inotify_needed(5) <= 128 < inotify_needed(20)
