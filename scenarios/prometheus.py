"""Prometheus' text format, and a cluster's figures in it. Pure.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""A row of ``/cluster/resources``."""

ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
GUESTS = ("qemu", "lxc")


@dataclass(frozen=True)
class Sample:
    """One value with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Metric:
    """A family of samples; ``kind`` is gauge or counter."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def exposition(metrics: Iterable[Metric]) -> str:
    """The text; metrics without a sample are left out."""
    return "".join(f"{line}\n" for metric in metrics if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    help_text = metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {metric.name} {help_text}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for sample in metric.samples:
        labels = ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in sample.labels.items())
        yield f"{metric.name}{{{labels}}} {_number(sample.value)}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


@dataclass(frozen=True)
class Figure:
    """One column of the rows as a metric.

    Attributes:
        name: what follows the subject, as in ``homelab_pve_guest_<name>``.
        column: where the row has it.
    """

    name: str
    column: str
    help: str
    kind: str = "gauge"


COMMON = (
    Figure("cpu_ratio", "cpu", "CPU in use, of all it has."),
    Figure("cpus", "maxcpu", "CPUs it has."),
    Figure("memory_used_bytes", "mem", "Memory in use."),
    Figure("memory_bytes", "maxmem", "Memory it has."),
    Figure("uptime_seconds", "uptime", "Time since it was started."),
)
DISK = (
    Figure("disk_used_bytes", "disk", "Space in use."),
    Figure("disk_bytes", "maxdisk", "Space it has."),
)
TRAFFIC = (
    Figure("network_receive_bytes_total", "netin", "Bytes received since it was started.", "counter"),
    Figure("network_transmit_bytes_total", "netout", "Bytes sent since it was started.", "counter"),
    Figure("disk_read_bytes_total", "diskread", "Bytes read since it was started.", "counter"),
    Figure("disk_written_bytes_total", "diskwrite", "Bytes written since it was started.", "counter"),
)


@dataclass(frozen=True)
class Subject:
    """What rows are about.

    Attributes:
        types: the rows' types.
        labels: label -> column.
        state: name and help of the metric that is 1 while a row has the status ``well``.
    """

    name: str
    types: tuple[str, ...]
    labels: Mapping[str, str]
    state: tuple[str, str]
    well: str
    figures: tuple[Figure, ...]


SUBJECTS = (
    Subject("node", ("node",), {"node": "node"}, ("up", "Whether it is online."), "online", (*COMMON, *DISK)),
    Subject(
        "guest",
        GUESTS,
        {"node": "node", "vmid": "vmid", "name": "name", "type": "type"},
        ("running", "Whether it is running."),
        "running",
        (*COMMON, *DISK, *TRAFFIC),
    ),
    Subject(
        "storage",
        ("storage",),
        {"node": "node", "storage": "storage"},
        ("available", "Whether its node can use it."),
        "available",
        DISK,
    ),
)


def of_cluster(rows: Iterable[Row]) -> list[Metric]:
    """The figures of nodes, guests and storages. Templates never run and are left out."""
    known = [row for row in rows if not row.get("template")]
    return [metric for subject in SUBJECTS for metric in _about(subject, known)]


def _about(subject: Subject, rows: Iterable[Row]) -> Iterator[Metric]:
    mine = sorted((row for row in rows if row.get("type") in subject.types), key=lambda row: str(row.get("id")))
    labelled = [(row, _labels(subject, row)) for row in mine]
    state, text = subject.state
    states = [Sample(labels, int(row.get("status") == subject.well)) for row, labels in labelled]
    yield Metric(f"homelab_pve_{subject.name}_{state}", "gauge", text, states)
    for figure in subject.figures:
        samples = [Sample(labels, row[figure.column]) for row, labels in labelled if row.get(figure.column) is not None]
        yield Metric(f"homelab_pve_{subject.name}_{figure.name}", figure.kind, figure.help, samples)


def _labels(subject: Subject, row: Row) -> dict[str, str]:
    return {label: str(row.get(column, "")) for label, column in subject.labels.items()}
