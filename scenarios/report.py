"""What a run did, and its forms: the JSON document, Markdown, JUnit, HTML with the phases' timeline."""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scenarios import paths
from scenarios.errors import DriverError
from scenarios.values import Json

SCHEMA = 1
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
TEMPLATES = Path(__file__).parent / "templates"


@dataclass
class PhaseReport:
    """One phase.

    Attributes:
        changed: tasks that changed something.
        duration: seconds.
        outputs: context key -> value it published.
        offset: seconds from the run's start to the phase's.
    """

    name: str
    description: str
    status: str = SKIPPED
    message: str = ""
    changed: int = 0
    duration: float = 0.0
    outputs: dict[str, Json] = field(default_factory=dict)
    offset: float = 0.0


@dataclass
class RunReport:
    """One run.

    Attributes:
        error: why the run ended before or between its phases, or "".
        began: whether its phases were started.
        standing: whether something that a scenario built may stand on the host now.
        exit_code: what the shell gets.
    """

    run_id: str
    scenario: str
    host: str
    started_at: datetime
    finished_at: datetime | None = None
    duration: float = 0.0
    phases: list[PhaseReport] = field(default_factory=list)
    error: str = ""
    began: bool = False
    standing: bool = False
    exit_code: int = 1

    @property
    def success(self) -> bool:
        """Whether everything that was to run passed."""
        return self.exit_code == 0

    @property
    def failure(self) -> str:
        """Why it failed, or ""."""
        return self.error or next((phase.message for phase in self.phases if phase.status == FAILED), "")

    def counted(self, status: str) -> int:
        """How many phases have this status."""
        return sum(phase.status == status for phase in self.phases)


def new_run_id() -> str:
    """A name no other run has, sorted by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def refused(scenario: str, host: str, error: DriverError) -> RunReport:
    """The report of a run that was refused before it began."""
    now = datetime.now(UTC)
    return RunReport(new_run_id(), scenario, host, now, now, error=str(error), exit_code=error.exit_code)


def timestamp(moment: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None


def document(report: RunReport) -> dict[str, Json]:
    """The JSON document of ``--json-output``; ``error`` is there only when no phase tells the reason."""
    content: dict[str, Json] = {
        "schema": SCHEMA,
        "run_id": report.run_id,
        "scenario": report.scenario,
        "host": report.host,
        "success": report.success,
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "duration": round(report.duration, 3),
        "phases": [_phase_document(phase) for phase in report.phases],
    }
    return content | ({"error": report.error} if report.error else {})


def _phase_document(phase: PhaseReport) -> dict[str, Json]:
    content = asdict(phase)
    del content["offset"]
    return content | {"duration": round(phase.duration, 3)}


def junit(report: RunReport) -> str:
    """The run as a JUnit test suite: a phase is a test case."""
    suite = ET.Element(
        "testsuite",
        name=f"{report.scenario} on {report.host}",
        tests=str(len(report.phases)),
        failures=str(report.counted(FAILED)),
        errors="1" if report.error else "0",
        skipped=str(report.counted(SKIPPED)),
        time=f"{report.duration:.3f}",
        timestamp=timestamp(report.started_at) or "",
        id=report.run_id,
    )
    for phase in report.phases:
        _add_case(suite, report, phase)
    if report.error:
        ET.SubElement(suite, "system-err").text = xml_text(report.error)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, report: RunReport, phase: PhaseReport) -> None:
    case = ET.SubElement(suite, "testcase", name=phase.name, classname=report.scenario, time=f"{phase.duration:.3f}")
    tags = {FAILED: "failure", SKIPPED: "skipped"}
    if phase.status in tags:
        ET.SubElement(case, tags[phase.status], message=xml_text(phase.message))


def xml_text(text: object) -> str:
    """A text without control characters: XML 1.0 has no way to write them, and output of others may hold some."""
    return "".join(char if char >= " " or char in "\t\n" else "?" for char in str(text))


def markdown(report: RunReport) -> str:
    """The run as Markdown."""
    return rendered("report.md.j2", report=report)


def html(report: RunReport) -> str:
    """The run as one HTML page with the phases' timeline."""
    return rendered("report.html.j2", report=report)


def rendered(template: str, **values: object) -> str:
    """A template of ours with these values."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - costs 50 ms, needed once

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["when"] = timestamp
    environment.filters["cell"] = lambda text: " ".join(str(text).replace("|", "\\|").split())
    return environment.get_template(template).render(**values)


FORMS: dict[str, Callable[[RunReport], str]] = {
    "report.md": markdown,
    "junit.xml": junit,
    "report.html": html,
}


def write(directory: Path, report: RunReport) -> None:
    """Write every form into the run's directory."""
    paths.write_json(directory / "report.json", document(report))
    for name, form in FORMS.items():
        paths.write_private(directory / name, form(report))
