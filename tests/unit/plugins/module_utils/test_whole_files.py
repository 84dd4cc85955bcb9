"""Replacing files as a whole, one process at a time."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import private_directory, replacing


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as file:
        file.write(b"half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_mode_and_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    with replacing(tmp_path / "link", 0o640) as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away as root")
@pytest.mark.parametrize(("owner", "expected"), [(None, (33, 34)), ("www-data", (33, 0)), ("root:backup", (0, 34))])
def test_owner(tmp_path: Path, owner: str | None, expected: tuple[int, int]) -> None:
    target = tmp_path / "file"
    target.touch()
    os.chown(target, 33, 34)
    with replacing(target, owner=owner):
        pass
    assert (target.stat().st_uid, target.stat().st_gid) == expected


def test_a_private_directory(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert private_directory(made) == made


COUNTER = """
import sys
from pathlib import Path
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import locked, replacing
path = Path(sys.argv[1])
for _ in range(50):
    with locked(path):
        count = int(path.read_text()) + 1
        with replacing(path) as file:
            file.write(str(count).encode())
"""


def test_one_process_at_a_time(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: LocalExecutor().run([sys.executable, "-c", COUNTER, str(counter)]), range(3)))
    assert counter.read_text() == "150"
