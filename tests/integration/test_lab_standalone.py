# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two booted nodes that are no cluster yet: they become one, are killed, and are one again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from lab import control, processes
from lab.control import LabError, Plan
from lab.running import RunningLab
from tests.integration.conftest import until
from tests.integration.test_lab_life import Traces

pytestmark = pytest.mark.lab
TWO = Plan(2, standalone=True)
PASSWORD = "a-long-password"


def members(lab: RunningLab, node: str) -> list[str]:
    """The nodes of a node's cluster, as its own commands tell."""
    told = json.loads(lab.ssh(node, "pvesh get /cluster/status --output-format json"))
    return sorted(item["name"] for item in told if item["type"] == "node")


def join(lab: RunningLab) -> None:
    """Make a cluster of father, and mother one of its nodes, by the commands of the nodes."""
    lab.ssh("father", f"pvesh set /access/password --userid root@pam --password {PASSWORD}")
    lab.ssh("father", "pvecm create home")
    told = lab.ssh("father", "pvesh get /cluster/config/join --output-format json")
    fingerprint = json.loads(told)["nodelist"][0]["pve_fp"]
    where = f"--hostname 10.99.0.2 --password {PASSWORD} --fingerprint {fingerprint}"
    lab.ssh("mother", f"pvesh create /cluster/config/join {where} || true")


def test_nodes_become_a_cluster_and_stay_one(lab_state: Path) -> None:
    home = lab_state.parent.parent
    lab = RunningLab(home, control.ensure_up(print, TWO))
    assert [members(lab, node) for node in ("father", "mother")] == [["father"], ["mother"]]
    assert lab.ssh("father", "cat /etc/pve/pve-root-ca.pem") != lab.ssh("mother", "cat /etc/pve/pve-root-ca.pem")
    lab.clock.rate = 60
    lab.clock.forward(60)
    join(lab)
    until(lambda: members_or_none(lab, "mother") == ["father", "mother"], "mother is in the cluster")
    assert lab.ssh("father", "cat /etc/pve/pve-root-ca.pem") == lab.ssh("mother", "cat /etc/pve/pve-root-ca.pem")
    lab.call("POST", "/nodes/mother/qemu", vmid=200, name="child")
    lab.call("POST", "/cluster/ha/resources", sid="vm:200", state="started")
    until(lambda: runs_on(lab, 200) == "mother", "the HA manager started the guest")

    traces = Traces(lab.status)
    assert processes.end(lab.status.pid, lab.status.started_at, signal.SIGKILL, 10)
    assert traces.left() == []
    with pytest.raises(LabError, match=r"made with 2 nodes that began in no cluster, not with 3 nodes.*lab reset"):
        control.ensure_up(print, Plan(3))
    lab = RunningLab(home, control.ensure_up(print))
    assert members(lab, "mother") == ["father", "mother"]
    until(lambda: runs_on(lab, 200) == "mother", "the HA manager started the guest again")


def runs_on(lab: RunningLab, vmid: int) -> str | None:
    """The node that a guest runs on."""
    guests = lab.call("GET", "/cluster/resources", type="vm")
    return next((item["node"] for item in guests if item["vmid"] == vmid and item["status"] == "running"), None)


def members_or_none(lab: RunningLab, node: str) -> list[str] | None:
    """The same, and None while the node's daemons are being restarted."""
    try:
        return members(lab, node)
    except LabError:
        return None
