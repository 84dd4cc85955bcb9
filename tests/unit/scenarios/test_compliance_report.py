"""What policies say, as lines, JSON, JUnit and HTML; and what ``./run.sh state check`` ends with."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from scenarios import compliance_report
from scenarios.cli import main
from tests.unit.scenarios.runs import Runs


def row(policy: str, status: str, resource: str = "vm 100 (web)", **more: str) -> dict[str, str]:
    """What a policy says of one thing."""
    known = {
        "check": "protection",
        "severity": "error",
        "kind": "vm",
        "id": "100",
        "node": "pve",
        "found": "it may be removed by mistake",
        "wanted": "protection: true",
        "remedy": "Set protection: true." if status == "fail" else "",
        "reason": "",
        "origin": "policies.yml:2: policies[0]",
    }
    return {**known, "policy": policy, "status": status, "resource": resource, **more}


ROWS = [
    row("protected", "fail", reason="it was removed once"),
    row("protected", "pass", "vm 101 (db)", found="it is protected from removal"),
    row("protected", "exempt", "vm 102 (test)", found="rebuilt every night"),
    row("agent", "unknown", severity="warning", found="403 Permission check failed"),
    row(
        "tagged",
        "fail",
        severity="warning",
        check="tags",
        found="it has no tags",
        wanted="the tags a",
        remedy="Tag it.",
    ),
    row("named", "pass", check="name"),
]
TOLD: dict[str, Any] = {
    "state_results": ROWS,
    "state_counts": {"pass": 2, "fail": 2, "exempt": 1, "unknown": 1},
    "state_failing": {"error": 1, "warning": 1},
    "state_compliant": False,
    "state_warnings": ["p.yml:9: policies[4]: policy idle is about nothing there is. Look at its where."],
    "state_timestamp": "2026-01-01T00:00:00+00:00",
}

LINES = """\
- protected (error): 1 pass, 1 fail, 1 exempt
    because it was removed once
    - vm 100 (web): it may be removed by mistake; wanted: protection: true
        Set protection: true.
? agent (warning): 1 unknown
    ? vm 100 (web): unknown: 403 Permission check failed
~ tagged (warning): 1 fail
    ~ vm 100 (web): it has no tags; wanted: the tags a
        Tag it.
+ named (error): 1 pass

! Warning: p.yml:9: policies[4]: policy idle is about nothing there is. Look at its where.
pve: not compliant; 2 pass, 2 fail, 1 exempt, 1 unknown."""


def test_the_report_for_people() -> None:
    assert "\n".join(map(str, compliance_report.lines("pve", TOLD))) == LINES


def test_what_passes_is_shown_if_asked() -> None:
    shown = [str(line).strip() for line in compliance_report.lines("pve", TOLD, everything=True)]
    assert "+ vm 101 (db): it is protected from removal" in shown
    assert "= vm 102 (test): exempt: rebuilt every night" in shown


def test_nothing_that_was_judged() -> None:
    told = {"state_results": [], "state_counts": {}, "state_compliant": True}
    assert [str(line) for line in compliance_report.lines("pve", told)] == ["pve: compliant; nothing was judged."]


@pytest.mark.parametrize(("fail_on", "expected"), [("never", False), ("error", True), ("warning", True)])
def test_which_severities_fail(fail_on: str, expected: bool) -> None:
    assert compliance_report.fails(TOLD, fail_on) is expected
    assert compliance_report.fails({"state_results": ROWS[3:]}, fail_on) is (fail_on == "warning")


def test_junit() -> None:
    suites = ET.fromstring(compliance_report.junit("pve", TOLD))
    assert suites.attrib == {"name": "policies of pve", "tests": "6", "failures": "2", "errors": "0", "skipped": "2"}
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("protected", "3", "1"),
        ("agent", "1", "0"),
        ("tagged", "1", "1"),
        ("named", "1", "0"),
    ]
    failed, passed, exempt = suites[0]
    assert (failed[0].tag, failed[0].get("type")) == ("failure", "error")
    assert str(failed[0].text).splitlines() == [
        "Wanted: protection: true.", "Set protection: true.", "policies.yml:2: policies[0]"
    ]  # fmt: skip
    assert len(passed) == 0
    assert (exempt[0].tag, exempt[0].get("message")) == ("skipped", "exempt: rebuilt every night")


def test_junit_of_what_xml_has_no_word_for() -> None:
    told = {"state_results": [row("a", "fail", "vm \x1b[31m<b>")]}
    (suite,) = ET.fromstring(compliance_report.junit("pve", told))
    assert suite[0].get("name") == "vm ?[31m<b>"


def test_the_page() -> None:
    page = compliance_report.html("pve", {**TOLD, "state_results": [*ROWS, row("x", "pass", "<script>")]})
    assert page.count('<tr class="policy">') == 5
    assert '<td class="fail">fail</td>\n  <td>it may be removed by mistake</td>' in page
    assert "<script>" not in page


def test_the_page_of_a_failure() -> None:
    page = compliance_report.html("pve", {}, "nobody answers")
    assert "policies could not be judged" in page
    assert "nobody answers" in page


@pytest.fixture
def policies(tmp_path: Path) -> str:
    """A file of policies."""
    path = tmp_path / "policies.yml"
    path.write_text("policies: []\n")
    return str(path)


@pytest.mark.parametrize(
    ("published", "flags", "expected"),
    [
        (TOLD, [], 2),
        (TOLD, ["--fail-on", "never"], 0),
        ({**TOLD, "state_results": ROWS[3:]}, [], 0),
        ({**TOLD, "state_results": ROWS[3:]}, ["--fail-on", "warning"], 2),
        ({}, [], 1),
    ],
    ids=["fails", "never", "a warning", "warnings count", "broken"],
)
def test_exit_codes(runs: Runs, policies: str, published: dict[str, Any], flags: list[str], expected: int) -> None:
    runs.will(published, 0 if published else 1)
    assert main(["state", "check", policies, *flags]) == expected
    assert runs.asked[0][1]["state_fail_on"] == "never"


def test_reports_are_written(runs: Runs, policies: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.will(TOLD)
    files = {name: tmp_path / f"report.{name}" for name in ("junit", "html")}
    flags = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert main(["state", "check", policies, "--json", *flags]) == 2
    assert json.loads(capsys.readouterr().out)["counts"] == TOLD["state_counts"]
    assert ET.parse(files["junit"]).getroot().tag == "testsuites"
    assert files["html"].read_text().startswith("<!DOCTYPE html>")


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["state", "check", "nope.yml"]) == 1
    assert "nope.yml." in capsys.readouterr().err
