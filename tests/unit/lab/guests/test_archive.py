# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives: what goes in comes out, and what is no archive is refused in tar's words."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from lab.guests import archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with what is easily lost: modes, links, attributes, a temporary file."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "etc/secret").write_bytes(b"\0binary\xff")
    (root / "etc/secret").chmod(0o600)
    (root / "etc/link").symlink_to("/etc/secret")
    os.setxattr(root / "etc/secret", "user.overlay.opaque", b"y")
    (root / "tmp/scratch").write_text("not kept")
    return root


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.zst", "tar.xz"])
def test_what_goes_in_comes_out(folder: Path, tmp_path: Path, suffix: str) -> None:
    made, back = tmp_path / f"x.{suffix}", tmp_path / "back"
    back.mkdir()
    archive.pack(folder, made, {"etc/vzdump/pct.conf": b"arch: amd64\n"})
    archive.unpack(made, back)
    assert (back / "etc/vzdump/pct.conf").read_bytes() == b"arch: amd64\n"
    assert (back / "etc/secret").read_bytes() == b"\0binary\xff"
    assert (back / "etc/secret").stat().st_mode & 0o777 == 0o600
    assert os.getxattr(back / "etc/secret", "user.overlay.opaque") == b"y"
    assert (back / "etc/link").readlink() == Path("/etc/secret")
    assert list((back / "tmp").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "root", made.name]


def test_the_members_come_first(folder: Path, tmp_path: Path) -> None:
    archive.pack(folder, tmp_path / "x.tar", {"etc/vzdump/pct.conf": b""})
    with tarfile.open(tmp_path / "x.tar") as made:
        assert made.getnames()[0] == "./etc/vzdump/pct.conf"


def test_devices_and_what_is_excluded_stay_out(tmp_path: Path) -> None:
    root, back = tmp_path / "root", tmp_path / "back"
    for name in ("dev/null", "etc/vzdump/pct.conf", "etc/hosts"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    back.mkdir()
    archive.pack(root, tmp_path / "x.tar.gz")
    archive.unpack(tmp_path / "x.tar.gz", back, ("./etc/vzdump",))
    assert sorted(str(path.relative_to(back)) for path in back.rglob("*")) == ["dev", "etc", "etc/hosts"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.zst").write_bytes(b"no archive")
    with pytest.raises(archive.ArchiveError, match=r"command 'tar --extract .* failed: exit code 2: .*zstd"):
        archive.unpack(tmp_path / "x.tar.zst", tmp_path)
    with pytest.raises(archive.ArchiveError, match=r"x\.zip': no archive has such a name"):
        archive.unpack(tmp_path / "x.zip", tmp_path)
