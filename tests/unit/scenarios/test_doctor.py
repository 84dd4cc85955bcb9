"""What the doctor makes of a preflight."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scenarios import doctor, report
from scenarios.report import PhaseReport, RunReport
from scenarios.values import Json

OK: Json = {"name": "port", "status": "ok", "message": "answers", "remedy": ""}
BAD: Json = {"name": "login", "status": "failed", "message": "refused", "remedy": "give another token"}


def outcome(status: str, message: str, checks: Json) -> RunReport:
    outputs: dict[str, Json] = {} if checks is None else {"preflight_checks": checks}
    phase = PhaseReport("preflight", "Check", status, message, outputs=outputs)
    return RunReport("r", "doctor", "father", datetime.now(UTC), phases=[phase], exit_code=int(status != report.PASSED))


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (outcome(report.PASSED, "", [OK]), ["port"]),
        (outcome(report.FAILED, "login: refused", [OK, BAD]), ["port", "login"]),
        (outcome(report.FAILED, "timed out", None), ["playbook"]),
        (outcome(report.FAILED, "nested virtualisation is off", [OK]), ["port", "playbook"]),
    ],
)
def test_every_failure_is_a_row(run: RunReport, names: list[str]) -> None:
    assert [check["name"] for check in doctor.checks(run)] == names


def test_the_table_tells_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.show(outcome(report.FAILED, "login: refused", [OK, BAD]))
    out = capsys.readouterr().out
    assert "give another token" in out
    assert "father is NOT ready" in out
