"""The root image's recipe: which Python packages go in, and what names an image."""

from __future__ import annotations

import pytest

from lab import recipe

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:01 \\
    --hash=sha256:02
    # via fakepve
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:03
    # via
    #   cryptography
    #   pynacl
cryptography==50.0.2 \\
    --hash=sha256:04
    # via
    #   fakepve
    #   paramiko
fakepve==0.5.0 \\
    --hash=sha256:05
    # via -r requirements/runtime.in
paramiko==5.1.0 \\
    --hash=sha256:06
    # via -r requirements/runtime.in
typing-extensions==4.16.0 ; python_full_version < '3.13' \\
    --hash=sha256:07
    # via aiohttp
winloop==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:08
    # via aiohttp
"""


def test_the_subset_is_what_the_roots_need_for_the_images_python() -> None:
    subset = recipe.requirements_subset(LOCK)
    names = [line.split("==")[0] for line in subset.splitlines() if "==" in line]
    assert names == ["aiohttp", "cffi", "cryptography", "fakepve", "typing-extensions"]


def test_the_subset_keeps_hashes_and_drops_markers() -> None:
    subset = recipe.requirements_subset(LOCK)
    assert "    --hash=sha256:02\n" in subset
    assert ";" not in subset


def test_the_checkouts_lock_has_the_roots() -> None:
    subset = recipe.requirements_subset(recipe.lock_file().read_text(encoding="utf-8"))
    assert {line.split("==")[0] for line in subset.splitlines() if "==" in line} >= recipe.DEPENDENCY_ROOTS


@pytest.mark.parametrize(
    ("requirements", "machine", "same"), [("a", "x86_64", True), ("b", "x86_64", False), ("a", "aarch64", False)]
)
def test_an_image_is_named_by_what_goes_into_it(requirements: str, machine: str, same: bool) -> None:
    assert (recipe.image_id(requirements, machine) == recipe.image_id("a", "x86_64")) is same


def test_wheels_for_the_suites_glibc_and_older_ones_are_taken() -> None:
    tags = recipe.wheel_platforms("x86_64")
    assert tags[0] == "manylinux_2_36_x86_64"
    assert "manylinux_2_17_x86_64" in tags
    assert "manylinux_2_39_x86_64" not in tags
