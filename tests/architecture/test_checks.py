"""The runner behind ./test.sh: what counts as failed, and what the last line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import checks
from tests.checks import Check, Outcome

LINTER = Check("lint", "linter", ("true",))
TESTS = Check("unit", "pytest unit", ("true",), pytest=True)
REPORT = '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/></testsuites>'
GREEN = '<testsuites><testsuite tests="5" failures="0" errors="0" skipped="1"/></testsuites>'


@pytest.mark.parametrize(
    ("check", "code", "report", "expected"),
    [
        (LINTER, 0, None, ("passed", 1, 0, 0)),
        (LINTER, 1, None, ("failed", 0, 1, 0)),
        (TESTS, 0, GREEN, ("passed", 4, 0, 1)),
        (TESTS, 1, REPORT, ("failed", 2, 2, 1)),
        # Pytest's exit code counts even if its report looks good, and a missing report is a failure.
        (TESTS, 3, GREEN, ("failed", 4, 1, 1)),
        (TESTS, 0, None, ("failed", 0, 1, 0)),
    ],
)
def test_judge(
    tmp_path: Path, check: Check, code: int, report: str | None, expected: tuple[str, int, int, int]
) -> None:
    path = tmp_path / "report.xml"
    if report:
        path.write_text(report)
    outcome = checks.judge(check, code, 1.0, path)
    assert (outcome.status, outcome.passed, outcome.failed, outcome.skipped) == expected


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([Outcome(TESTS, "passed", 1.5, 4, 0, 1), Outcome(LINTER, "passed", 1.5, 1)], "5 passed, 1 skipped in 2.00s"),
        ([Outcome(TESTS, "failed", 2.0, 2, 2, 1)], "2 failed, 2 passed, 1 skipped in 2.00s"),
        ([], "no tests ran in 2.00s"),
    ],
)
def test_the_closing_line_reads_as_pytests(outcomes: list[Outcome], words: str) -> None:
    assert checks.closing_line(outcomes, 2.0).strip("= ") == words


def test_a_failing_program_fails_its_check(tmp_path: Path) -> None:
    assert checks.run(Check("lint", "x", ("false",)), tmp_path).status == "failed"


def test_checks_run_beside_others_and_each_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wait = "touch $0/$1; for i in $(seq 500); do test -e $0/$2 && echo met $2 && exit; sleep 0.01; done; exit 1"
    first, second = (
        Check("lint", name, ("sh", "-c", wait, str(tmp_path), name, other), aside=True)
        for name, other in (("one", "two"), ("two", "three"))
    )
    front = Check("lint", "three", ("sh", "-c", wait, str(tmp_path), "three", "one"))
    outcomes = checks.run_all([first, front, LINTER, second])
    assert [(outcome.check.name, outcome.status) for outcome in outcomes] == [
        ("one", "passed"),
        ("three", "passed"),
        ("linter", "passed"),
        ("two", "passed"),
    ]
    said = capfd.readouterr().out
    assert "--- lint: one\nmet two\n" in said
    assert "--- lint: two\nmet three\n" in said
    assert "--- lint: three\nmet one\n" in said


def test_a_check_that_cannot_run_is_skipped_with_its_reason(tmp_path: Path) -> None:
    outcome = checks.run(Check("lint", "x", ("false",), needs=lambda: "no root"), tmp_path)
    assert (outcome.status, outcome.reason) == ("skipped", "no root")


@pytest.mark.parametrize(
    ("words", "groups"),
    [([], set(checks.GROUPS)), (["unit"], {"unit"}), (["unit", "lint"], {"unit", "lint"}), (["bench"], {"bench"})],
)
def test_groups_are_chosen(words: list[str], groups: set[str]) -> None:
    assert {check.group for check in checks.parse(words)} == groups


def test_an_unknown_group_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        checks.parse(["units"])
    assert refused.value.code == 2
    assert "unknown group units; known: lint, sanity" in capsys.readouterr().err
