"""What is planned for a command in a guest, and what is made of its end."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.agent import Ended
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.guest_exec import OPTIONS, View, describe, output, plan, words
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest

from .resources.reading import Table, row

BASE = "/nodes/father/qemu/104/agent"
WISH = {name: spec.get("default") for name, spec in OPTIONS.items()} | {"vmid": 104, "argv": ["make", "it"]}
LISTED = {"/cluster/resources": [row(104, "web", status="running")]}
WEB = guest(row(104, "web"))


def info(*disabled: str) -> dict[str, Any]:
    names = ("guest-exec", "guest-exec-status", "guest-ping")
    commands = [{"name": name, "enabled": name not in disabled} for name in names]
    return {f"{BASE}/info": {"result": {"supported_commands": commands}}}


@pytest.mark.parametrize(
    ("wish", "argv"), [({}, ["make", "it"]), ({"argv": None, "cmd": "a; b"}, ["/bin/sh", "-c", "a; b"])]
)
def test_words(wish: dict[str, Any], argv: list[str]) -> None:
    assert words({**WISH, **wish}) == argv
    (step,) = plan({**WISH, **wish, "stdin": "\u00fc"}, View(WEB)).steps
    assert step.params == {"command": argv, "input-data": "\xc3\xbc"}
    assert step.reason == f"run '{argv[0]}' in vm 104 (web) on father"


@pytest.mark.parametrize("wish", [{"argv": []}, {"argv": ["a", ""]}, {"argv": None, "cmd": ""}, {"argv": ["a\0"]}])
def test_words_that_cannot_be_passed_on(wish: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        words({**WISH, **wish})


@pytest.mark.parametrize(
    ("there", "wish", "needless"),
    [
        (True, {}, ""),
        (True, {"creates": "/x"}, "/x exists in vm 104 (web) on father"),
        (False, {"creates": "/x"}, ""),
        (True, {"removes": "/x"}, ""),
        (False, {"removes": "/x"}, "/x does not exist in vm 104 (web) on father"),
    ],
)
def test_a_command_that_need_not_run(there: bool, wish: dict[str, str], needless: str) -> None:
    from .test_agent import NO_FILE  # noqa: PLC0415

    reader = Table({**LISTED, **info(), f"{BASE}/file-read": {"content": ""} if there else NO_FILE})
    view = describe(reader, {**WISH, **wish})
    assert view.needless == needless
    planned = plan({**WISH, **wish}, view)
    assert (planned.changed, planned.reason) == (not needless, needless)


@pytest.mark.parametrize("disabled", [("guest-exec",), ("guest-exec", "guest-exec-status")])
def test_an_agent_that_may_not(disabled: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match=f"has {' and '.join(disabled)} disabled, so it runs no commands"):
        describe(Table({**LISTED, **info(*disabled)}), WISH)


def test_after_the_command_nothing_is_asked() -> None:
    assert describe(Table({}), {**WISH, BOUND: {"guest": WEB}}) == View(WEB)


@pytest.mark.parametrize(
    ("ended", "limit", "expected"),
    [
        (None, 9, {"rc": 0, "pid": None, "stdout": "", "stdout_lines": [], "stderr_truncated": False}),
        (Ended(7, 0, None, b"a\nb\n\n"), 9, {"stdout": "a\nb", "stdout_lines": ["a", "b"], "stdout_truncated": False}),
        (Ended(7, 0, None, b"abc"), 3, {"stdout": "abc", "stdout_truncated": False}),
        (Ended(7, 0, None, b"abcd"), 3, {"stdout": "abc", "stdout_truncated": True}),
        (Ended(7, 0, None, b"", b"ab", False, True), 3, {"stderr": "ab", "stderr_truncated": True}),
        (Ended(7, 0, None, b"\xff\n"), 3, {"stdout": "\ufffd"}),
        (Ended(7, 143, 15), 3, {"rc": 143, "signal": 15, "pid": 7}),
    ],
)
def test_output(ended: Ended | None, limit: int, expected: dict[str, Any]) -> None:
    found = output(ended, limit)
    assert {key: found[key] for key in expected} == expected
