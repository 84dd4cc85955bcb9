"""Plans and differences for programs: JSON, HTML, and figures for Prometheus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios import prometheus, state_text
from scenarios.errors import DriverError
from scenarios.prometheus import Metric, Sample
from scenarios.report import rendered
from scenarios.values import Json

if TYPE_CHECKING:
    from scenarios.report import RunReport
    from scenarios.state_front import Asked

SCHEMA = 1
READABLE = 0o644
"""Prometheus' node exporter runs as a user of its own."""


def document(host: str, told: Mapping[str, Any], message: str = "") -> dict[str, Json]:
    """A plan, or what became of it, as one JSON document; ``error`` is there when the whole of it failed."""
    content = {name.removeprefix("state_"): value for name, value in told.items()}
    return {"schema": SCHEMA, "host": host, **content, **({"error": message} if message else {})}


def told_as_json(asked: Asked, report: RunReport, told: Mapping[str, Any]) -> bool:
    """Print that document, where --json asks for it; True where nothing else may be on stdout."""
    if asked.own["as_json"] and not asked.flags.json_output:
        click.echo(json.dumps(document(report.host, told, report.failure), indent=2))
    return bool(asked.own["as_json"] or asked.flags.json_output)


def html(host: str, told: Mapping[str, Any], message: str = "") -> str:
    """A report of differences as one page."""
    actions = [action for action in told.get("state_actions") or [] if action["action"] != state_text.NONE]
    return rendered(
        "drift.html.j2",
        host=host,
        timestamp=told.get("state_timestamp", ""),
        message=message,
        summary="" if message and not actions else state_text.summary(host, told.get("state_summary") or {}),
        warnings=told.get("state_warnings") or [],
        rows=[(action, state_text.headline(action), list(state_text.differences(action))) for action in actions],
        spelled=state_text.spelled,
    )


def drift_metrics(host: str, told: Mapping[str, Any], success: bool, now: float) -> list[Metric]:
    """The figures of a verification. ``now`` is in seconds since 1970."""
    actions = [action for action in told.get("state_actions") or [] if action["action"] != state_text.NONE]
    counts = Counter((action["action"], action["kind"]) for action in actions)
    labels = {"host": host}
    differing = [
        Sample({**labels, "action": action, "kind": kind}, count) for (action, kind), count in sorted(counts.items())
    ]
    return [
        Metric("homelab_pve_drift_resources", "gauge", "Things that differ from the documents.", differing),
        Metric(
            "homelab_pve_drift_last_run_timestamp_seconds", "gauge", "When it was last verified.", [Sample(labels, now)]
        ),
        Metric(
            "homelab_pve_drift_last_run_success",
            "gauge",
            "Whether the last verification could compare everything.",
            [Sample(labels, int(success))],
        ),
    ]


def write_metrics(path: Path, metrics: Iterable[Metric]) -> None:
    """Replace a file of Prometheus' textfile collector as a whole. Raises DriverError when that can't be."""
    write(path, prometheus.exposition(metrics), READABLE)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole: whatever fails, the old one stays. Raises DriverError."""
    from ansible_collections.homelab.pve.plugins.module_utils.whole_files import replacing  # noqa: PLC0415

    try:
        with replacing(path, mode) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise DriverError(f"{path} can't be written: {error.strerror}. What was there is as it was.") from error
