"""The connection pct: files in blocks, by the very commands that carry them, run by a shell of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible_collections.homelab.pve.plugins.connection import pct
from ansible_collections.homelab.pve.plugins.plugin_utils.container_entry import Entry

BLOCK = 4096


class Here(pct.Connection):
    """A connection to this machine, that breaks after some commands."""

    def __init__(self, lasts: int = 100) -> None:
        self.commands: list[str] = []
        self.lasts = lasts

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> pct.Result:
        if len(self.commands) == self.lasts:
            raise AnsibleConnectionFailure("broken")
        self.commands.append(cmd)
        done = subprocess.run(["/bin/sh", "-c", cmd], input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def _entry(self) -> Entry:
        return Entry(100)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pct, "PUT_BLOCK", BLOCK)
    monkeypatch.setattr(pct, "FETCH_BLOCK", BLOCK)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of an odd name."""
    path = tmp_path / "-ä 'one' \"two\" $HOME `x` \\n;&*?\n{}"
    path.write_bytes(os.urandom(3 * BLOCK - 7))
    return path


@pytest.mark.parametrize(
    ("size", "puts", "fetches"),
    [(0, 1, 1), (1, 1, 1), (BLOCK - 1, 1, 1), (BLOCK, 1, 2), (BLOCK + 1, 2, 2), (3 * BLOCK, 3, 4)],
)
def test_a_file_goes_there_and_comes_back(tmp_path: Path, size: int, puts: int, fetches: int) -> None:
    given, there, back = (tmp_path / name for name in ("given", "there '$'", "back"))
    given.write_bytes(os.urandom(size))
    there.write_bytes(b"what was there before" * 1000)
    for work, commands in ((Here.put_file, puts), (Here.fetch_file, fetches)):
        connection = Here()
        work(connection, *((str(given), str(there)) if work is Here.put_file else (str(there), str(back))))
        assert len(connection.commands) == commands
    assert there.read_bytes() == back.read_bytes() == given.read_bytes()


def test_odd_names(tmp_path: Path, source: Path) -> None:
    target = tmp_path / f"{source.name} of another"
    Here().fetch_file(str(source), str(target))
    assert target.read_bytes() == source.read_bytes()
    Here().put_file(str(source), f"{target}s")
    assert Path(f"{target}s").read_bytes() == source.read_bytes()


def test_a_file_that_does_not_all_come_leaves_the_old_one(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with pytest.raises(AnsibleConnectionFailure, match="broken"):
        Here(lasts=2).fetch_file(str(source), str(target))
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [source, target]
    Here().fetch_file(str(source), str(target))
    assert target.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_copied_is_named(tmp_path: Path, source: Path) -> None:
    with pytest.raises(AnsibleError, match=r"(?s)Could not copy .* to /dev/full in container 100: .*No space left"):
        Here().put_file(str(source), "/dev/full")
    with pytest.raises(AnsibleError, match=r"Could not copy /nope from container 100: .*[Nn]o such file"):
        Here().fetch_file("/nope", str(tmp_path / "x"))
    with pytest.raises(AnsibleFileNotFound, match="There is no file /nope to copy to container 100"):
        Here().put_file("/nope", "/x")
    assert list(tmp_path.iterdir()) == [source]
