"""The audit log finds what was changed, removed, moved or cut off."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from scenarios import audit
from scenarios.audit_cli import audit as command


def log_of(count: int) -> list[str]:
    lines: list[str] = []
    for number in range(count):
        lines.append(audit.chained(number + 1, lines[-1] if lines else None, {"event": f"event {number}"}))
    return lines


def head_of(lines: list[str]) -> audit.Entry:
    return {"entries": len(lines), "last": audit.digest(lines[-1])}


def test_an_untouched_log_has_no_problem() -> None:
    assert audit.problem(log_of(5), head_of(log_of(5))) is None
    assert audit.problem([], None) is None


@pytest.mark.parametrize(
    ("tampering", "message"),
    [
        (
            lambda lines: [*lines[:2], lines[2].replace("event 2", "event X"), *lines[3:]],
            "entry 4 does not follow the one before it: entry 3 was changed or replaced",
        ),
        (lambda lines: [*lines[:2], *lines[3:]], "entry 3 says it is entry 4: an entry was removed, added or moved"),
        (
            lambda lines: [lines[1], lines[0], *lines[2:]],
            "entry 1 says it is entry 2: an entry was removed, added or moved",
        ),
        (lambda lines: lines[1:], "entry 1 says it is entry 2: an entry was removed, added or moved"),
        (lambda lines: lines[:-1], "entry 5 and later ones are missing: 4 of 5 entries are left"),
        (lambda lines: [], "entry 1 and later ones are missing: 0 of 5 entries are left"),
        (
            lambda lines: [*lines[:4], lines[4].replace("event 4", "event X")],
            "entry 5 is not the one that was written last",
        ),
        (lambda lines: [*lines[:3], lines[3][:20], lines[4]], "entry 4 is no JSON object"),
        (lambda lines: [*lines, "[]"], "entry 6 is no JSON object"),
    ],
)
def test_tampering_is_found(tampering: object, message: str) -> None:
    lines = log_of(5)
    assert audit.problem(tampering(list(lines)), head_of(lines)) == message  # type: ignore[operator]


def test_a_missing_head_file_is_told() -> None:
    assert audit.problem(log_of(2), None) == "the head file is missing, so entries after 2 may be too"
    assert audit.problem(log_of(2), {}) == "the head file is damaged"


@given(st.integers(2, 8).flatmap(lambda count: st.tuples(st.just(count), st.permutations(range(count)))))
def test_any_other_order_is_found(case: tuple[int, list[int]]) -> None:
    count, order = case
    lines = log_of(count)
    problem = audit.problem([lines[index] for index in order], head_of(lines))
    assert (problem is None) == (order == sorted(order))


@given(st.data())
def test_any_changed_character_is_found(data: st.DataObject) -> None:
    lines = log_of(4)
    row = data.draw(st.integers(0, 3))
    column = data.draw(st.integers(0, len(lines[row]) - 1))
    character = data.draw(st.characters(exclude_characters=lines[row][column], exclude_categories=["Cs"]))
    changed = [*lines]
    changed[row] = lines[row][:column] + character + lines[row][column + 1 :]
    assert audit.problem(changed, head_of(lines)) is not None


@given(st.sets(st.integers(0, 5), min_size=1))
def test_any_removal_is_found(removed: set[int]) -> None:
    lines = log_of(6)
    assert audit.problem([line for n, line in enumerate(lines) if n not in removed], head_of(lines)) is not None


def test_entries_are_appended_privately(tmp_path: Path) -> None:
    path = tmp_path / "a" / "audit.jsonl"
    for number in range(3):
        audit.append(path, "phase", message=f"tä\u2028st {number}")
    lines = audit.read(path)
    assert [json.loads(line)["entry"] for line in lines] == [1, 2, 3]
    assert audit.problem(lines, audit.read_head(path)) is None
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(audit.head_path(path).stat().st_mode) == 0o600


def test_a_log_longer_than_the_tail_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(4):
        audit.append(path, "phase", message="x" * (audit.TAIL_BYTES // 2))
    assert audit.problem(audit.read(path), audit.read_head(path)) is None


def test_a_driver_killed_before_it_wrote_the_head_did_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit.append(path, "one")
    head = audit.head_path(path).read_bytes()
    audit.append(path, "two")
    audit.head_path(path).write_bytes(head)
    assert audit.problem(audit.read(path), audit.read_head(path)) is None
    audit.append(path, "three")
    assert audit.problem(audit.read(path), audit.read_head(path)) is None


def test_a_torn_line_is_found_and_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit.append(path, "one")
    audit.append(path, "two")
    path.write_bytes(path.read_bytes()[:-20])
    audit.append(path, "three")
    lines = audit.read(path)
    assert json.loads(lines[2])["event"] == "three"
    assert audit.problem(lines, audit.read_head(path)) == "entry 2 is no JSON object"


def test_the_command_says_which_entry_and_fails() -> None:
    path = audit.default_path()
    for number in range(3):
        audit.append(path, "phase", host="father", message=f"m{number}")
    runner = CliRunner()
    assert runner.invoke(command, ["verify"]).output == f"3 entries, none changed, removed or moved: {path}\n"
    path.write_text(path.read_text(encoding="utf-8").replace("m1", "mX"), encoding="utf-8")
    result = runner.invoke(command, ["verify"])
    assert result.exit_code == 1
    assert "entry 3 does not follow the one before it: entry 2 was changed or replaced" in result.output


def test_entries_can_be_listed() -> None:
    audit.append(audit.default_path(), "phase", host="father", scenario="s", run_id="r", message="boom")
    audit.append(audit.default_path(), "phase", host="mother", scenario="s", run_id="r", message="")
    shown = CliRunner().invoke(command, ["show", "--host", "father"]).output
    assert shown.startswith("1 ") and shown.endswith('phase father s r message="boom"\n')
    assert len(CliRunner().invoke(command, ["show", "--last", "1", "--json"]).output.splitlines()) == 1
