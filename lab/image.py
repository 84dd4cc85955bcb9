# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root image that lab nodes and guests run on: built once, cached by the content of its recipe."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import layout, recipe
from lab.errors import ImageError
from lab.filelock import locked
from lab.rootless import mapped

Log = Callable[[str], None]
_BUILD_PREFIX = ".build-"


@dataclass(frozen=True)
class Image:
    """A built image: ``root`` is the Debian tree, ``python`` the lab's Python packages for nodes."""

    root: Path
    python: Path


def _image_at(directory: Path) -> Image:
    return Image(root=directory / "root", python=directory / "python")


def ensure(log: Log) -> Image:
    """The image for the present recipe; built when it is not in the cache. Raises :class:`ImageError`."""
    requirements = recipe.requirements_subset(recipe.lock_file().read_text(encoding="utf-8"))
    target = layout.images_dir() / recipe.image_id(requirements)
    if not target.is_dir():
        with locked(layout.images_dir() / "build.lock"):
            if not target.is_dir():
                _sweep(target.parent)
                _build(target, requirements, log)
    return _image_at(target)


def _sweep(cache: Path) -> None:
    """Remove what killed builds left; the lock says that none is under way."""
    for stale in cache.glob(f"{_BUILD_PREFIX}*"):
        remove(stale)


def _build(target: Path, requirements: str, log: Log) -> None:
    """Build beside ``target`` and rename, so that an interrupted build is never taken for an image."""
    log(f"Building the lab's root image (Debian {recipe.SUITE}, once, about 330 MB): {target}")
    work = Path(tempfile.mkdtemp(prefix=_BUILD_PREFIX, dir=target.parent))
    try:
        work.chmod(0o755)
        _build_steps(work, requirements, log)
        (work / "base.tar").unlink()
        work.rename(target)
    finally:
        remove(work)


def _build_steps(work: Path, requirements: str, log: Log) -> None:
    image = _image_at(work)
    base, files, wanted = work / "base.tar", work / "files.tar", work / "requirements.txt"
    wanted.write_text(requirements, encoding="utf-8")
    _write_files(files)
    _run("download and unpack Debian packages", _debian_command(base), log)
    _run("install the lab's Python packages for the image", _pip_command(wanted, image.python), log)
    script = ["sh", "-c", recipe.FINISH, "finish", *map(str, (image.root, base, files, image.python))]
    _run("assemble the root", mapped(["unshare", "--mount", "--", *script]), log)


def _debian_command(tarball: Path) -> list[str]:
    include = ",".join(recipe.PACKAGES)
    return ["mmdebstrap", "--variant=minbase", f"--include={include}", recipe.SUITE, str(tarball)]


def _pip_command(requirements: Path, target: Path) -> list[str]:
    platforms = [f"--platform={tag}" for tag in recipe.wheel_platforms()]
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"),
        *(f"--python-version={recipe.PYTHON_VERSION}", "--implementation=cp", *platforms),
        *(f"--target={target}", f"--requirement={requirements}"),
    ]


def _run(what: str, command: Sequence[str], log: Log) -> None:
    log(f"  {what}")
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ImageError(f"Cannot {what}: {command[0]} is not installed (see lab/packages.txt)") from error
    if result.returncode != 0:
        tail = "\n".join(result.stderr.strip().splitlines()[-15:])
        raise ImageError(f"Cannot {what}: {command[0]} ended with {result.returncode}:\n{tail}")


def _write_files(target: Path) -> None:
    """Pack the recipe's files, owned by root, whoever builds."""
    with tarfile.open(target, "w") as archive:
        for name, (mode, content) in recipe.FILES.items():
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            entry.size = len(content.encode())
            archive.addfile(entry, io.BytesIO(content.encode()))


def remove(directory: Path) -> None:
    """Remove a tree; without root some of its files may belong to mapped ids, and only inside the map can they go."""
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        return
    except PermissionError:
        subprocess.run(mapped(["rm", "-rf", "--", str(directory)]), check=True)
