"""Volumes on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.guests import volume


def test_a_clone_has_modes_links_and_data(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    volume.create(source)
    secret = source / volume.ROOT / "etc" / "secret"
    secret.parent.mkdir()
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o600)
    (source / volume.ROOT / "link").symlink_to("/etc/secret")
    (source / volume.DATA / "state").write_text("y", encoding="utf-8")
    volume.clone(source, target)
    copy = target / volume.ROOT / "etc" / "secret"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (target / volume.ROOT / "link").readlink() == Path("/etc/secret")
    assert (target / volume.DATA / "state").read_text(encoding="utf-8") == "y"


def test_a_failed_clone_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"copying .* failed"):
        volume.clone(tmp_path / "missing", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    volume.create(tmp_path / "a")
    volume.delete(tmp_path / "a")
    volume.delete(tmp_path / "a")
    assert not (tmp_path / "a").exists()
