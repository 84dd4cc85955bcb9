"""run.sh on a machine that has only Python: the environment is made once, again when it must be, one start at a time.

The checkout here is a small copy with no packages to install and a driver that prints what it was given, so that
everything happens offline.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import json, os, sys
import ansible_collections.homelab.pve as collection
print(json.dumps([sys.argv[1:], os.getcwd(), [os.path.realpath(path) for path in collection.__path__]]))
"""


def small_checkout(root: Path) -> Path:
    """A checkout of the scripts alone."""
    for name in ("run.sh", "requirements/setup.sh"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    for name, content in {
        "requirements/runtime.lock": "# nothing\n",
        "lab/packages.txt": "base-files  # is there\n",
        "scenarios/__main__.py": DRIVER,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in a folder with a blank in its name, started twice at the same time: one start makes .venv."""
    root = small_checkout(tmp_path_factory.mktemp("setup") / "a checkout")
    command = [str(root / "run.sh"), "--help"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    words = [process.communicate(timeout=240)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("making .venv" in word for word in words) == 1
    return root


def start(script: Path, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a user does."""
    return subprocess.run(
        [str(script), *arguments],
        cwd=cwd or script.parent,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def made(result: subprocess.CompletedProcess[str]) -> bool:
    """Whether this start made .venv."""
    assert result.returncode == 0, result.stderr
    return "making .venv" in result.stderr


def test_a_second_start_has_nothing_to_do(checkout: Path) -> None:
    assert start(checkout / "run.sh", "--help").stderr == "", "help needs no lab"
    assert {path.name for path in checkout.iterdir()} == {".venv", "lab", "requirements", "run.sh", "scenarios"}


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Path) -> None:
    (checkout / "requirements/runtime.lock").write_text("# still nothing\n")
    changed = start(checkout / "run.sh", "--help")
    assert not made(changed)
    assert "installing requirements/runtime.lock" in changed.stderr


def test_an_environment_of_another_place_or_a_killed_start_is_made_anew(tmp_path: Path) -> None:
    root = small_checkout(tmp_path)
    # What a start that was killed in the middle leaves: some of an environment, and no note that it is complete.
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
    assert made(start(root / "run.sh", "--help"))
    # What a moved checkout has: a note that names another place.
    (root / ".venv/place").write_text(f"/elsewhere {root / '.venv/bin/python'}\n")
    assert made(start(root / "run.sh", "--help"))


def test_it_starts_from_anywhere_through_a_link_with_its_arguments_untouched(checkout: Path, tmp_path: Path) -> None:
    link, elsewhere = tmp_path / "link", tmp_path / "elsewhere"
    link.symlink_to(checkout / "run.sh")
    # A folder of the driver's name where the user happens to be is not the driver.
    (elsewhere / "scenarios").mkdir(parents=True)
    (elsewhere / "scenarios/__main__.py").write_text("raise SystemExit('wrong one')\n")
    result = start(link, "--list-scenarios", "a b", "$HOME", cwd=elsewhere)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f'[["--list-scenarios", "a b", "$HOME"], "{elsewhere}", ["{checkout}"]]'


def test_without_a_new_enough_python_it_says_so(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "sha256sum", "cat", "flock", "rm"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").write_text("#!/bin/sh\n[ $1 = --version ] || exit 1\necho Python 3.9.2\n")
    (tools / "python3").chmod(0o755)
    root = small_checkout(tmp_path / "checkout")
    result = start(root / "run.sh", "--help", PATH=str(tools), HOMELAB_PVE_PYTHON="python3")
    assert result.returncode == 3
    assert "Python 3.11 or newer is needed, found: Python 3.9.2. Install one" in result.stderr


def test_the_python_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    link = tmp_path / "python of mine"
    link.symlink_to(sys.executable)
    result = start(small_checkout(tmp_path / "checkout") / "run.sh", "--help", HOMELAB_PVE_PYTHON=str(link))
    assert made(result)
    assert f"making .venv with {os.path.realpath(sys.executable)}" in result.stderr


def test_missing_packages_are_named_with_the_reason_and_the_command(checkout: Path, tmp_path: Path) -> None:
    (checkout / "lab/packages.txt").write_text("base-files  # is there\nno-such-package   # shows the words\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    result = start(checkout / "run.sh", "lab", "up", PATH=f"{tools}:{os.environ['PATH']}")
    assert result.returncode == 0, "the driver starts all the same"
    assert "missing: no-such-package   # shows the words" in result.stderr
    assert "apt-get update && apt-get install --yes --no-install-recommends no-such-package" in result.stderr
    assert start(checkout / "run.sh", "--help").stderr == "", "help needs no lab"


def test_an_environment_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "bin").mkdir(parents=True)
    root = small_checkout(tmp_path / "checkout")
    (root / ".venv").symlink_to(other)
    refused = start(root / "run.sh", "--help")
    assert refused.returncode == 3
    assert refused.stderr == (
        f"run.sh: {root}/.venv is a link, and making it anew would empty {other}. Remove the link and start again.\n"
    )
    assert (other / "bin").is_dir()
