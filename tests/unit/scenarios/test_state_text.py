"""Plans and results as people see them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from scenarios import state_text
from scenarios.state_text import Line


def action(verb: str, **more: Any) -> dict[str, Any]:
    return {"kind": "vms", "id": "100", "action": verb, "status": "planned", "plan": [], **more}


CREATED = action("create", plan=["create vm 100 (web)"], after={"memory": 512, "net": {"net0": {"bridge": "vmbr0"}}})
CHANGED = action(
    "modify",
    id="101",
    node="pve1",
    origin="web.yml:4: vms[1]",
    restart=True,
    plan=["set memory of vm 101"],
    before={"memory": 512, "tags": ["a"], "onboot": True},
    after={"memory": 1024, "tags": ["a"], "onboot": None},
)
PRUNED = action("delete", id="102", pruned=True, plan=["destroy vm 102"], before={"name": "old"})
BROKEN = action("failed", kind="storage", id="nfs", status="failed", error={"text": "no such server\nask it"})
ALONE = action("no-op", id="103", plan=["vm 103 is as wished"])

TOLD = {
    "state_actions": [CREATED, CHANGED, PRUNED, BROKEN, ALONE],
    "state_summary": {"create": 1, "modify": 1, "delete": 1, "failed": 1, "no-op": 1, "restart": 1},
    "state_warnings": ["vm 101 waits for a restart"],
}

PLAN = """\
+ 1. vms 100: create
    create vm 100 (web)
      + memory: 512
      + net.net0.bridge: vmbr0
~ 2. vms 101: modify on pve1 (restarts; web.yml:4: vms[1])
    set memory of vm 101
      ~ memory: 512 -> 1024
      - onboot: true
- 3. vms 102: delete (pruned: no document has it)
    destroy vm 102
      - name: old
! 4. storage nfs: failed
    ! no such server
    ! ask it

! Warning: vm 101 waits for a restart
pve: 1 to create, 1 to change, 1 to remove, 1 failed, 1 to restart; 1 left alone."""


def text(lines: list[Line]) -> str:
    return "\n".join(map(str, lines))


def test_a_plan() -> None:
    assert text(state_text.plan("pve", TOLD)) == PLAN


def test_a_plan_with_what_is_left_alone() -> None:
    lines = text(state_text.plan("pve", TOLD, everything=True)).splitlines()
    assert "= vms 103: vm 103 is as wished" in lines
    assert [line for line in lines if not line.startswith("= ")] == PLAN.splitlines()


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "pve: nothing to do; 0 left alone."),
        ({"no-op": 7, "create": 0}, "pve: nothing to do; 7 left alone."),
        ({"delete": 2, "no-op": 1}, "pve: 2 to remove; 1 left alone."),
    ],
)
def test_summaries(counts: dict[str, int], said: str) -> None:
    assert state_text.summary("pve", counts) == said


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("~", "a", 1, 2)]),
        ({}, {"a": 0}, [("+", "a", None, 0)]),
        ({"a": ""}, {}, [("-", "a", "", None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("~", "a.c", 2, 3)]),
        ({"a": {"b": 1}}, {}, [("-", "a.b", 1, None)]),
        ({"a": {}}, {"a": {"b": 1}}, [("~", "a", {}, {"b": 1})]),
        ({"a": [1]}, {"a": {"b": 1}}, [("~", "a", [1], {"b": 1})]),
    ],
)
def test_differences(before: dict[str, Any], after: dict[str, Any], found: list[Any]) -> None:
    assert list(state_text.differences(action("modify", before=before, after=after))) == found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("web", "web"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", '"a\\nb"'),
        (True, "true"),
        (None, "null"),
        ([1, "ä"], '[1, "ä"]'),
    ],
)
def test_values(value: Any, said: str) -> None:
    assert state_text.spelled(value) == said


def test_an_escape_sequence_of_a_guests_name_reaches_no_terminal() -> None:
    hostile = action("create", after={"name": "\x1b[2J"}, plan=["create \x1b[2J"])
    assert "\x1b" not in text(state_text.described(hostile, 1))


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (action("create", status="done"), "+ vms 100 created"),
        (action("delete"), "! vms 100: planned"),
        (action("modify", status="failed", error="locked"), "! vms 100: FAILED: locked"),
        (action("modify", status="failed", error={"text": "locked"}), "! vms 100: FAILED: locked"),
        (action("create", status="skipped", error=None), "! vms 100: skipped"),
    ],
)
def test_progress(row: dict[str, Any], line: str) -> None:
    assert str(state_text.ended(row)) == line


def test_a_result() -> None:
    done = [action("create", status="done"), action("create", status="done"), action("delete", status="skipped")]
    told = {"state_actions": done, "state_errors": ["storage nfs: no such server"]}
    assert text(state_text.result("pve", told)).splitlines() == [
        "pve: 2 created, 1 failed, 1 skipped.",
        "! storage nfs: no such server",
    ]
    assert text(state_text.result("pve", {})) == "pve: nothing was changed."


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_colours(
    stream: type[io.StringIO], environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = stream()
    state_text.show([Line("+", "made"), Line("-", "gone"), Line("~", "other"), Line("", "all")], out)
    marked = "\x1b[32m+ made\x1b[0m\n\x1b[31m- gone\x1b[0m\n\x1b[33m~ other\x1b[0m\nall\n"
    assert out.getvalue() == (marked if coloured else "+ made\n- gone\n~ other\nall\n")
