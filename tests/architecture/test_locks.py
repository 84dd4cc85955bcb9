"""The two lock files agree, and versions are the same wherever they are written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.architecture.source import text

PIN = re.compile(r"^[A-Za-z0-9._-]+==\S+", re.MULTILINE)


def pins(lock: str) -> set[str]:
    """The name==version of every locked package. Markers differ by right: tests need some packages on more Pythons."""
    return set(PIN.findall(lock))


def unhashed(lock: str) -> list[str]:
    """Pins that are not followed by a hash."""
    rows = lock.splitlines()
    return [row for row, after in zip(rows, [*rows[1:], ""], strict=True) if "==" in row and "--hash=" not in after]


def test_tests_run_with_the_versions_users_get() -> None:
    assert pins(text(Path("requirements/runtime.lock"))) <= pins(text(Path("requirements/test.lock")))


@pytest.mark.parametrize("name", ["runtime", "test"])
def test_every_package_is_pinned_by_hash(name: str) -> None:
    lock = text(Path(f"requirements/{name}.lock"))
    assert pins(lock)
    assert unhashed(lock) == []


def test_a_version_is_written_once() -> None:
    project = tomllib.loads(text(Path("pyproject.toml")))["project"]["version"]
    assert yaml.safe_load(text(Path("galaxy.yml")))["version"] == project


LOCK = "a==1 \\\n    --hash=sha256:00\nb==2 ; python_version < '3.12' \\\n    --hash=sha256:01\n"


def test_pins_are_read() -> None:
    assert pins(LOCK) == {"a==1", "b==2"}


def test_a_missing_hash_is_found() -> None:
    assert unhashed(f"{LOCK}c==3\n") == ["c==3"]
