"""The forms of a report."""

from __future__ import annotations

import json
import stat
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from scenarios import report
from scenarios.errors import UsageError
from scenarios.report import PhaseReport, RunReport

STARTED = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
NASTY = 'task "x" | failed:\n<script>alert(1)</script> \x07 & more'


def run() -> RunReport:
    phases = [
        PhaseReport("provision", "Clone", report.PASSED, "", 1, 2.5, {"inner_vmid": 99900}, 0.5),
        PhaseReport("start_vm", "Start", report.FAILED, NASTY, 0, 1.25, {}, 3.0),
        PhaseReport("wait_ip", "Wait", report.SKIPPED, "phase 'start_vm' failed"),
    ]
    return RunReport("r1", "nested-pve-constructor", "father", STARTED, STARTED.replace(second=4), 4.25, phases)


def test_the_document_is_what_was_promised() -> None:
    assert report.document(run()) == {
        "schema": 1,
        "run_id": "r1",
        "scenario": "nested-pve-constructor",
        "host": "father",
        "success": False,
        "started_at": "2026-11-20T13:00:00.000+00:00",
        "finished_at": "2026-11-20T13:00:04.000+00:00",
        "duration": 4.25,
        "phases": [
            {"name": "provision", "description": "Clone", "status": "passed", "message": "", "changed": 1,
             "duration": 2.5, "outputs": {"inner_vmid": 99900}},
            {"name": "start_vm", "description": "Start", "status": "failed", "message": NASTY, "changed": 0,
             "duration": 1.25, "outputs": {}},
            {"name": "wait_ip", "description": "Wait", "status": "skipped", "message": "phase 'start_vm' failed",
             "changed": 0, "duration": 0.0, "outputs": {}},
        ],
    }  # fmt: skip


def test_a_refused_run_says_why() -> None:
    content = report.document(report.refused("vm-roundtrip", "father", UsageError("no")))
    assert (content["success"], content["phases"], content["error"]) == (False, [], "no")


def test_run_ids_are_unique() -> None:
    assert len({report.new_run_id() for _ in range(200)}) == 200


def test_junit() -> None:
    suite = ET.fromstring(report.junit(run()))
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors", "time")} == {
        "tests": "3", "failures": "1", "skipped": "1", "errors": "0", "time": "4.250",
    }  # fmt: skip
    assert [case.get("name") for case in suite.iter("testcase")] == ["provision", "start_vm", "wait_ip"]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "<script>alert(1)</script> ? & more" in str(failure.get("message"))


def test_markdown_keeps_its_table() -> None:
    rows = [line for line in report.markdown(run()).splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| provision | passed | 1 | 2.5 |  |",
        '| start_vm | failed | 0 | 1.2 | task "x" \\| failed: <script>alert(1)</script> \x07 & more |',
        "| wait_ip | skipped | 0 | 0.0 | phase 'start_vm' failed |",
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_html_has_a_timeline_and_no_foreign_markup() -> None:
    parser = Tags()
    parser.feed(report.html(run()))
    bars = [attrs["style"] for tag, attrs in parser.seen if "bar" in (attrs.get("class") or "")]
    assert bars == ["left:11.76%;width:58.82%", "left:70.59%;width:29.41%"]
    assert "script" not in {tag for tag, _attrs in parser.seen}


def test_every_form_is_written_privately(tmp_path: Path) -> None:
    report.write(tmp_path / "r1", run())
    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "r1").iterdir()}
    assert written == dict.fromkeys(["report.json", "report.md", "junit.xml", "report.html"], 0o600)
    assert json.loads((tmp_path / "r1" / "report.json").read_text(encoding="utf-8")) == report.document(run())
