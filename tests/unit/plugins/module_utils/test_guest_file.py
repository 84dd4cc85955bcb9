"""What is planned for a file of a guest. Pure."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.agent import WRITE_LIMIT, FileView
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.guest_file import (
    OPTIONS,
    check,
    facts,
    part_path,
    plan,
    returned,
    shown,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from hypothesis import given
from hypothesis import strategies as st

from .resources.reading import row

WEB = guest(row(104, "web"))
WISH = {name: spec.get("default") for name, spec in OPTIONS.items()} | {"vmid": 104, "path": "/etc/x"}


def commands(wish: dict[str, Any], content: bytes | None, complete: bool = True) -> list[list[str]]:
    """The words of each planned command; a write by the agent is ``write`` and its content."""
    steps = plan({**WISH, **wish}, FileView(WEB, "/etc/x", content, complete)).steps
    return [step.params.get("command") or ["write", step.params["content"]] for step in steps]


WRITE = ["write", "YWJj"]
INSTALL = ["install", "-m", "0644", "/dev/null", "/etc/x"]


@pytest.mark.parametrize(
    ("wish", "before", "steps"),
    [
        ({}, b"abc", []),
        ({"mode": "0600", "owner": "a"}, b"abc", []),
        ({}, b"", [WRITE]),
        ({}, None, [INSTALL, WRITE]),
        ({"mode": "agent"}, None, [WRITE]),
        ({"mode": "agent"}, b"", [WRITE]),
        ({"mode": "0600"}, None, [["install", "-m", "0600", "/dev/null", "/etc/x"], WRITE]),
        (
            {"owner": "a", "group": "b"},
            None,
            [["install", "-m", "0644", "-o", "a", "-g", "b", "/dev/null", "/etc/x"], WRITE],
        ),
        ({"mode": "0600", "owner": "a"}, b"", [["chown", "a", "/etc/x"], ["chmod", "0600", "/etc/x"], WRITE]),
        ({"group": "b"}, b"", [["chown", ":b", "/etc/x"], WRITE]),
    ],
)
def test_steps(wish: dict[str, Any], before: bytes | None, steps: list[list[str]]) -> None:
    assert commands({"content": "abc", **wish}, before) == steps


def test_a_file_that_was_not_read_to_its_end_differs() -> None:
    assert commands({"content": "abc"}, b"abc", complete=False) == [WRITE]


@given(st.integers(WRITE_LIMIT + 1, 3 * WRITE_LIMIT + 1), st.sampled_from([b"", None]))
def test_the_pieces_of_a_large_file_are_the_whole(size: int, before: bytes | None) -> None:
    content = bytes(index % 251 for index in range(size))
    wish = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    steps = plan({**WISH, **wish}, FileView(WEB, "/etc/x", before)).steps
    pieces = [step.params["input-data"] for step in steps if "input-data" in step.params]
    assert b"".join(base64.b64decode(piece) for piece in pieces) == content
    assert all(len(piece) <= 61440 for piece in pieces)
    assert [step.params["command"][0] for step in steps if "input-data" not in step.params] == [
        *(["install"] if before is None else []),
        "install",
        "cp",
        "rm",
    ]


@pytest.mark.parametrize(("before", "steps"), [(b"abc", [["rm", "-f", "--", "/etc/x"]]), (None, [])])
def test_absent(before: bytes | None, steps: list[list[str]]) -> None:
    assert commands({"state": "absent"}, before) == steps


@pytest.mark.parametrize(("content", "complete"), [(None, True), (b"x", False)])
def test_what_cannot_be_read(content: bytes | None, complete: bool) -> None:
    with pytest.raises(RefusedError):
        plan({**WISH, "state": "read"}, FileView(WEB, "/etc/x", content, complete))


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("/etc/x", True),
        ("/x", True),
        ("/a b\n/c", True),
        ("C:\\x.txt", True),
        ("d:/x", True),
        ("x", False),
        ("/", False),
        ("/etc/", False),
        ("C:\\", False),
        ("", False),
        ("/a\0", False),
    ],
)
def test_paths(path: str, good: bool) -> None:
    if good:
        check({**WISH, "path": path})
        return
    with pytest.raises(ConfigError, match="absolute path"):
        check({**WISH, "path": path})


@pytest.mark.parametrize(
    ("mode", "good"), [("0644", True), ("644", True), ("agent", True), ("0888", False), (420, False)]
)
def test_modes(mode: Any, good: bool) -> None:
    if good:
        check({**WISH, "mode": mode})
        return
    with pytest.raises(ConfigError, match="'mode'"):
        check({**WISH, "mode": mode})


def test_the_temporary_file_is_beside_the_file_and_always_the_same() -> None:
    assert part_path("/etc/x") == part_path("/etc/x") == "/etc/.x.4074fa01.part"
    assert part_path("/etc/y") != part_path("/etc/x")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        (b"a\n", "a\n"),
        (b"\xff", "(1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89)\n"),
        (b"\0", "(1 bytes, sha256 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d)\n"),
    ],
)
def test_what_a_diff_shows(content: bytes | None, text: str) -> None:
    assert shown(content) == text


def test_a_diff_of_a_large_file_is_short() -> None:
    assert shown(b"x" * 100_000).startswith("(100000 bytes, sha256 ")


@given(st.binary(), st.sampled_from(["text", "base64"]))
def test_what_is_returned_is_the_content(content: bytes, encoding: str) -> None:
    found = returned(content, encoding)
    back = base64.b64decode(found["content"]) if found["encoding"] == "base64" else found["content"].encode()
    assert back == content
    assert facts(FileView(WEB, "/etc/x", content))["size"] == len(content)
