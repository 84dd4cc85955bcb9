"""What policies say of a server, as lines for people, JSON, JUnit and HTML. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, TypeAlias

from scenarios.report import rendered, xml_text
from scenarios.state_text import Line, warnings

Row: TypeAlias = "Mapping[str, Any]"
"""What a policy says of one thing, as the module tells it."""

Told: TypeAlias = "Mapping[str, Any]"
"""What the playbook published."""

PASS, FAIL, EXEMPT, UNKNOWN = "pass", "fail", "exempt", "unknown"
WORDS = {PASS: "pass", FAIL: "fail", EXEMPT: "exempt", UNKNOWN: "unknown"}
SERIOUS = "error"
FAILS_ON: Mapping[str, frozenset[str]] = {
    "never": frozenset(),
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
}


def by_policy(told: Told) -> list[tuple[str, list[Row]]]:
    """The results of each policy, in the order of the policies."""
    return [(name, list(rows)) for name, rows in groupby(told.get("state_results") or [], lambda row: row["policy"])]


def fails(told: Told, fail_on: str) -> bool:
    """Whether a policy that is severe enough doesn't hold."""
    return any(row["severity"] in FAILS_ON[fail_on] for row in told.get("state_results") or [] if row["status"] == FAIL)


def lines(host: str, told: Told, everything: bool = False) -> list[Line]:
    """The report for people: every policy, and below it what isn't as it wants; with ``everything`` what is, too."""
    found = [line for name, rows in by_policy(told) for line in _policy(name, rows, everything)]
    return [*found, *([Line("", "")] if found else []), *warnings(told), Line("", summary(host, told))]


def summary(host: str, told: Told) -> str:
    """The report in one line."""
    counts = told.get("state_counts") or {}
    said = ", ".join(f"{counts[status]} {WORDS[status]}" for status in WORDS if counts.get(status))
    verdict = "compliant" if told.get("state_compliant") else "not compliant"
    return f"{host}: {verdict}; {said or 'nothing was judged'}."


def _policy(name: str, rows: list[Row], everything: bool) -> Iterator[Line]:
    counts = Counter(row["status"] for row in rows)
    said = ", ".join(f"{counts[status]} {WORDS[status]}" for status in WORDS if counts[status])
    yield Line(mark(rows), f"{name} ({rows[0]['severity']}): {said}")
    reason = rows[0]["reason"]
    if reason and counts[FAIL]:
        yield Line("", f"because {reason}", 2)
    for row in rows:
        if everything or row["status"] in (FAIL, UNKNOWN):
            yield from _thing(row)


def mark(rows: Iterable[Row]) -> str:
    """How a policy, or one thing, stands: what is worst of it."""
    statuses = {row["status"] for row in rows}
    severe = {row["severity"] for row in rows} == {SERIOUS}
    if FAIL in statuses:
        return "-" if severe else "~"
    return "?" if UNKNOWN in statuses else "+" if PASS in statuses else "="


def _thing(row: Row) -> Iterator[Line]:
    wanted = f"; wanted: {row['wanted']}" if row["status"] == FAIL else ""
    unseen = f"{row['status']}: " if row["status"] in (EXEMPT, UNKNOWN) else ""
    yield Line(mark([row]), f"{row['resource']}: {unseen}{row['found']}{wanted}", 2)
    if row["remedy"]:
        yield Line("", row["remedy"], 4)


def junit(host: str, told: Told) -> str:
    """A test suite for each policy, a test case for each thing it is about."""
    rows = told.get("state_results") or []
    counts = Counter(row["status"] for row in rows)
    suites = ET.Element("testsuites", {"name": f"policies of {host}", **_figures(len(rows), counts)})
    for name, own in by_policy(told):
        counts = Counter(row["status"] for row in own)
        when = str(told.get("state_timestamp") or "")
        suite = ET.SubElement(
            suites, "testsuite", {"name": xml_text(name), "timestamp": when, **_figures(len(own), counts)}
        )
        for row in own:
            _case(suite, row)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _figures(total: int, counts: Mapping[str, int]) -> dict[str, str]:
    left = counts.get(EXEMPT, 0) + counts.get(UNKNOWN, 0)
    return {"tests": str(total), "failures": str(counts.get(FAIL, 0)), "errors": "0", "skipped": str(left)}


def _case(suite: ET.Element, row: Row) -> None:
    case = ET.SubElement(suite, "testcase", name=xml_text(row["resource"]), classname=xml_text(row["check"]))
    if row["status"] == FAIL:
        failure = ET.SubElement(case, "failure", type=row["severity"], message=xml_text(row["found"]))
        failure.text = xml_text(f"Wanted: {row['wanted']}.\n{row['remedy']}\n{row['origin']}")
    elif row["status"] in (EXEMPT, UNKNOWN):
        ET.SubElement(case, "skipped", message=xml_text(f"{row['status']}: {row['found']}"))


def html(host: str, told: Told, message: str = "") -> str:
    """The report as one page."""
    policies = [(name, rows, Counter(row["status"] for row in rows), mark(rows)) for name, rows in by_policy(told)]
    return rendered(
        "compliance.html.j2",
        host=host,
        message=message,
        timestamp=told.get("state_timestamp", ""),
        summary="" if message else summary(host, told),
        warnings=told.get("state_warnings") or [],
        policies=policies,
        statuses=list(WORDS),
    )
