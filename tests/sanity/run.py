"""Runs `ansible-test sanity` on a copy of the collection, with nothing ignored.

ansible-test wants its tree at .../ansible_collections/homelab/pve and takes the files from git, so a plain copy of
what git would commit is made in a temporary folder. Its own virtual environments are kept in .venv/cache, which saves
their download the next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv" / "cache" / "sanity"

# What the collection ships (build_ignore in galaxy.yml is the same list turned around) plus what sanity tests read.
SHIPPED = ("plugins", "roles", "playbooks", "meta", "changelogs", "galaxy.yml", "README.md", "LICENSE", "CHANGELOG.rst")

# ansible-test fetches this script from ansible.com to get a pip into its environments. Where that host cannot be
# reached its message says to put one here; Python brings a pip of its own.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
packages = [word for word in sys.argv[1:] if not word.startswith("-")]
subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *packages])
"""


def shipped_files() -> list[Path]:
    """The collection's files, relative to the checkout: committed ones and those that wait to be."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        *SHIPPED,
    ]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_collection(target: Path) -> None:
    """Copy the collection's files to `target`, keeping modes and links."""
    for name in shipped_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def write_get_pip() -> None:
    """Put the pip bootstrap where each ansible-test of ansible-core 2.17 and later looks for it."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "get_pip_24_2.py").write_text(GET_PIP)


def sanity(arguments: Sequence[str]) -> int:
    """Run the sanity tests; `arguments` go to ansible-test. Returns its exit code."""
    write_get_pip()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(ROOT / ".venv/bin/ansible-test"), "sanity", "--local", "--python", version, "--color", "no"]
    with tempfile.TemporaryDirectory(prefix="pve-sanity-") as folder:
        tree = Path(folder) / "ansible_collections" / "homelab" / "pve"
        copy_collection(tree)
        return subprocess.run(
            [*command, *arguments], cwd=tree, env={**os.environ, "HOME": str(HOME)}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(sanity(sys.argv[1:]))
