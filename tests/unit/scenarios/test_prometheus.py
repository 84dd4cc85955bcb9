"""Figures in Prometheus' text format."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.prometheus import Metric, Sample, exposition, of_cluster

GUEST = {
    "type": "qemu", "id": "qemu/100", "vmid": 100, "name": "web", "node": "pve1", "status": "running",
    "cpu": 0.25, "maxcpu": 2, "mem": 1024, "maxmem": 4096, "disk": 0, "maxdisk": 8192, "uptime": 60,
    "netin": 1, "netout": 2, "diskread": 3, "diskwrite": 4, "template": 0,
}  # fmt: skip
DEAD_NODE = {"type": "node", "id": "node/pve2", "node": "pve2", "status": "offline"}


def lines(rows: list[dict[str, Any]]) -> list[str]:
    return [line for line in exposition(of_cluster(rows)).splitlines() if not line.startswith("#")]


def test_a_metric() -> None:
    metric = Metric("m_total", "counter", "What\nit is.", [Sample({"a": 'q"\\\n'}, 1.5), Sample({}, 2)])
    assert exposition([metric]) == (
        '# HELP m_total What\\nit is.\n# TYPE m_total counter\nm_total{a="q\\"\\\\\\n"} 1.5\nm_total{} 2\n'
    )


def test_a_metric_without_samples_is_left_out() -> None:
    assert exposition([Metric("m", "gauge", "x", [])]) == ""


def test_a_guest() -> None:
    label = '{node="pve1",vmid="100",name="web",type="qemu"}'
    assert lines([GUEST]) == [
        f"homelab_pve_guest_{name}{label} {value}"
        for name, value in [
            ("running", 1), ("cpu_ratio", 0.25), ("cpus", 2), ("memory_used_bytes", 1024), ("memory_bytes", 4096),
            ("uptime_seconds", 60), ("disk_used_bytes", 0), ("disk_bytes", 8192), ("network_receive_bytes_total", 1),
            ("network_transmit_bytes_total", 2), ("disk_read_bytes_total", 3), ("disk_written_bytes_total", 4),
        ]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (DEAD_NODE, ['homelab_pve_node_up{node="pve2"} 0']),
        ({**GUEST, "template": 1}, []),
        ({"type": "sdn", "id": "sdn/x"}, []),
        (
            {"type": "storage", "id": "storage/pve1/local", "storage": "local", "node": "pve1", "status": "available"},
            ['homelab_pve_storage_available{node="pve1",storage="local"} 1'],
        ),
    ],
    ids=["a node that is down has no figures", "a template", "nothing of ours", "a storage"],
)
def test_rows(row: dict[str, Any], found: list[str]) -> None:
    assert lines([row]) == found


SAMPLE = re.compile(r'm\{a="((?:[^"\\\n]|\\[\\n"])*)"\} (\S+)\n\Z')


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_any_label_and_value_can_be_read_back(text: str, value: float) -> None:
    last = exposition([Metric("m", "gauge", "x", [Sample({"a": text}, value)])]).split("\n", 2)[2]
    found = SAMPLE.match(last)
    assert found
    plain = re.sub(r"\\(.)", lambda escaped: "\n" if escaped[1] == "n" else escaped[1], found[1])
    assert (plain, float(found[2])) == (text, float(value))
