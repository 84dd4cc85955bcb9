# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PVE's commands printed on real nodes, beside what the lab's print in the same state."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab
from lab.api.site_serving import ServedSite
from tests.node_commands import NodeCommands, Result

from .recorded import SHARED

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the transcripts of a real Proxmox VE are not here"),
]
PVE = ("qm", "pct", "pvesh", "pvesm", "pveum", "pvecm", "pvenode", "ha-manager", "vzdump", "pveversion")
# What changes from run to run, and the addresses of the recorded nodes.
VOLATILE = (
    (re.compile(r"^(Date: +).*$", re.MULTILINE), r"\1NOW"),
    (re.compile(r"10\.77\.0\."), "10.99.0."),
    # Counts every change of the members there has been, and there had been many in that recording.
    (re.compile(r"^(Ring ID: +)\S+(?=\nQuorate: +No$)", re.MULTILINE), r"\1RING"),
)


@dataclass(frozen=True)
class Recorded:
    """A command line on a real node."""

    node: str
    words: tuple[str, ...]
    result: Result


def recordings() -> dict[str, Recorded]:
    """The recorded command lines of PVE's commands by their names."""
    found: dict[str, Recorded] = {}
    for path in sorted(SHARED.glob("*.json")):
        items: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        for item in items:
            if item.get("cli", [""])[0] in PVE:
                result = Result(item["rc"], item["stdout"], item["stderr"])
                found[item["name"]] = Recorded(item["asked_node"], tuple(item["cli"]), result)
    return found


def settled(result: Result) -> Result:
    """A result without what changes from run to run."""
    out = result.out
    for pattern, stands in VOLATILE:
        out = pattern.sub(stands, out)
    return Result(result.code, out, result.err)


def assert_same(run: NodeCommands, name: str) -> None:
    """Run a recorded command line, and compare how it ends and what it prints."""
    known = recordings()[name]
    assert settled(run(*known.words, node=known.node)) == settled(known.result), " ".join(known.words)


@pytest.fixture
def run(
    lab_cluster_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> NodeCommands:
    """Runs command lines on the nodes of a cluster."""
    return NodeCommands(lab_cluster_api.at, tmp_path, monkeypatch, capsys)


def test_guests(run: NodeCommands, lab_cluster_api: ServedLab) -> None:
    assert run("qm", "create", "310", node="son").code == 0
    assert_same(run, "set-lock")
    assert run("qm", "config", "310", node="son").out.count("lock: backup") == 1
    assert_same(run, "unlock")
    assert "lock" not in run("qm", "config", "310", node="son").out


def test_containers(run: NodeCommands, lab_cluster_api: ServedLab) -> None:
    template = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
    assert run("pveam", "download", "local", template.rpartition("/")[2], node="son").code == 0
    assert run("pct", "create", "311", template, "--storage", "local-lvm", node="son").code == 0
    next(guest for guest in lab_cluster_api.api.cts if guest.vmid == 311).lock = "backup"
    assert_same(run, "ct-unlock")
    assert run("pct", "destroy", "311", node="son").code == 0


def test_maintenance(run: NodeCommands) -> None:
    assert_same(run, "maintenance-enable")
    assert_same(run, "maintenance-disable")


def test_a_cluster_is_made_grows_and_loses_its_quorum(
    lab_nodes_api: ServedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = NodeCommands(lab_nodes_api.at, tmp_path, monkeypatch, capsys)
    for api in lab_nodes_api.site.apis():
        api.clock.set(rate=500)
    assert_same(run, "pvecm-status-standalone")
    made = run("pvecm", "create", "lab")
    assert (made.code, made.err) == (0, "")
    known = json.loads(run("pvesh", "get", "/cluster/config/join", "--output-format", "json").out)
    fingerprint = known["nodelist"][0]["pve_fp"]
    assert_same(run, "pvecm-status-1node")
    for node in ("mother", "son"):
        line = ("pvecm", "add", "10.99.0.2", "--fingerprint", fingerprint)
        joined = run(*line, node=node, stdin=f"{lab_nodes_api.password}\n")
        assert (joined.code, joined.err) == (0, "")
        assert joined.out.endswith(f"successfully added node '{node}' to cluster.\n")
    assert_same(run, "pvecm-status")
    assert_same(run, "pvecm-nodes")
    for node in ("mother", "son"):
        lab_nodes_api.site.api_of("father").set_node_state(node, "off")
    assert_same(run, "G-pvecm-status")
    assert_same(run, "G-cli-create")
    assert_same(run, "G-pvecm-expected-1")
    assert run("qm", "create", "372").code == 0
    assert "Quorate:          Yes" in run("pvecm", "status").out


def test_every_recorded_command_line_is_compared() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in recordings() if f'assert_same(run, "{name}")' not in text] == []
