# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three booted nodes in one cluster: addresses, guests that move, nodes that are cut off or lose their power."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from lab.running import RefusedError, RunningLab
from tests.integration.conftest import until

pytestmark = pytest.mark.lab
NODES = ("father", "mother", "son")
# Seconds of the lab in a real one: a node is fenced after a minute.
FAST = 60.0


def on_shared_storage(lab: RunningLab, vmid: int, name: str, node: str) -> None:
    """A VM on the storage that all see, which the tests may log in to, on a node."""
    lab.call("POST", "/nodes/father/qemu/9001/clone", newid=vmid, name=name, full=1, storage="shared")
    key = quote(lab.public_key, safe="")
    lab.call("POST", f"/nodes/father/qemu/{vmid}/config", ciuser="root", sshkeys=key, ipconfig0="ip=dhcp")
    lab.call("POST", f"/nodes/father/qemu/{vmid}/migrate", target=node)


def known_to_dns(lab: RunningLab, name: str) -> bool:
    """Whether a guest has its address."""
    return f" {name} " in (lab.status.state_dir / "dnsmasq.leases").read_text(encoding="utf-8")


def node_of(lab: RunningLab, vmid: int) -> tuple[str, str]:
    """A guest's node, and whether it runs."""
    found = next(item for item in lab.call("GET", "/cluster/resources", type="vm") if item["vmid"] == vmid)
    return found["node"], found["status"]


def online(lab: RunningLab) -> dict[str, bool]:
    """What the cluster says of its nodes."""
    return {item["node"]: item["status"] == "online" for item in lab.call("GET", "/nodes")}


@contextmanager
def conversation(lab: RunningLab, guest: str) -> Iterator[subprocess.Popen[str]]:
    """An SSH session in which the guest says what it is told."""
    command = lab.ssh_command(guest, "cat")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as session:
        yield session


def say(session: subprocess.Popen[str], word: str) -> str:
    """Say something; returns the echo."""
    assert session.stdin is not None
    assert session.stdout is not None
    session.stdin.write(f"{word}\n")
    return session.stdout.readline().strip()


def status_of(lab: RunningLab, path: str, bound: float = 60.0) -> int:
    """HTTP status of a GET."""
    try:
        lab.call("GET", path, bound=bound)
    except RefusedError as refused:
        return refused.status
    return 200


def test_every_node_has_its_own_address_commands_and_way_to_the_others(lab_cluster: RunningLab) -> None:
    assert online(lab_cluster) == dict.fromkeys(NODES, True)
    for node in NODES:
        told = lab_cluster.at(node).call("GET", "/cluster/status")
        assert [item["name"] for item in told if item.get("local")] == [node]
        asked = lab_cluster.at(node).call("GET", "/nodes/son/network")
        assert [item["address"] for item in asked if item["iface"] == "vmbr0"] == ["10.99.0.4"]
        said = lab_cluster.ssh(node, "hostname; hostname -I; getent hosts son; pvesh get /nodes --noborder --noheader")
        assert said.split()[0] == node
        assert said.split()[1] == lab_cluster.status.nodes[node].address
        assert all(name in said for name in NODES)
        assert lab_cluster.ssh(node, "ssh -o BatchMode=yes son hostname") == "son\n"


def test_a_guest_is_migrated_while_somebody_is_logged_in(lab_cluster: RunningLab) -> None:
    lab = lab_cluster
    on_shared_storage(lab, 100, "wanderer", "mother")
    lab.call("POST", "/nodes/mother/qemu/100/status/start")
    until(lambda: known_to_dns(lab, "wanderer"), "address of the guest")
    with conversation(lab, "wanderer") as session:
        assert say(session, "on mother") == "on mother"
        assert "tap100i0" in lab.ssh("mother", "ip -br link")
        lab.call("POST", "/nodes/mother/qemu/100/migrate", target="son", online=1)
        assert say(session, "on son") == "on son"
        assert node_of(lab, 100) == ("son", "running")
        assert "tap100i0" in lab.ssh("son", "ip -br link")
        assert "tap100i0" not in lab.ssh("mother", "ip -br link")
        session.terminate()


def test_a_stopped_guest_takes_its_local_volumes_along(lab_cluster: RunningLab) -> None:
    lab = lab_cluster
    lab.call("POST", "/nodes/father/qemu/9001/clone", newid=101, name="settler", full=1)
    lab.call("POST", "/nodes/father/qemu/101/migrate", target="mother")
    volumes = "/var/lib/homelab-pve-lab/volumes/local-lvm"
    assert "vm-101-disk-0" in lab.ssh("mother", f"ls {volumes}")
    assert "vm-101-disk-0" not in lab.ssh("father", f"ls {volumes}")
    lab.call("POST", "/nodes/mother/qemu/101/status/start")
    assert node_of(lab, 101) == ("mother", "running")


def test_a_node_that_is_cut_off_is_missed_and_comes_back(lab_cluster: RunningLab) -> None:
    lab = lab_cluster
    lab.clock.rate = FAST
    with lab.fault("node", node="son", state="cut-off"):
        until(lambda: not online(lab)["son"], "son is missed")
        assert status_of(lab, "/nodes/son/status") == 595
        # From outside it is gone too: its only card is out of the bridge.
        with pytest.raises(OSError, match=r"timed out|No route to host|EOF|reset"):
            lab.at("son").call("GET", "/version", bound=0.5)
    until(lambda: online(lab)["son"], "son is back")
    assert status_of(lab, "/nodes/son/status") == 200
    assert lab.ssh("son", "hostname").strip() == "son"


def test_a_guest_under_ha_survives_its_node(lab_cluster: RunningLab) -> None:
    lab = lab_cluster
    on_shared_storage(lab, 102, "phoenix", "mother")
    lab.call("POST", "/cluster/ha/resources", sid="vm:102", state="started")
    until(lambda: node_of(lab, 102) == ("mother", "running"), "the guest runs on mother")
    until(lambda: known_to_dns(lab, "phoenix"), "address of the guest")
    lab.clock.rate = FAST
    told(lab, "mother", "poweroff")
    until(lambda: not online(lab)["mother"], "mother is off")
    until(lambda: recovered(lab), "the guest runs on another node")
    assert lab.ssh("phoenix", "hostname").strip() == "phoenix"
    lab.faults.add("node", node="mother", state="on")
    until(lambda: online(lab)["mother"], "mother is back")
    assert "tap102i0" not in lab.ssh("mother", "ip -br link; qm list")


def told(lab: RunningLab, node: str, command: str) -> None:
    """Run what ends a node: it may be down before ssh has its answer."""
    subprocess.run(lab.ssh_command(node, command), capture_output=True, check=False)


def recovered(lab: RunningLab) -> bool:
    """Whether VM 102 runs on a node that lives."""
    node, status = node_of(lab, 102)
    return node != "mother" and status == "running"


def test_hung_and_stopped_daemons_leave_the_node_its_ssh_and_its_commands(lab_cluster: RunningLab) -> None:
    lab, mother = lab_cluster, lab_cluster.at("mother")
    with lab.fault("node", node="mother", state="hung"):
        with pytest.raises(OSError, match="timed out"):
            mother.call("GET", "/version", bound=0.3)
        assert lab.ssh("mother", "pvesh get /version --output-format json")
    with lab.fault("node", node="mother", state="refusing"):
        with pytest.raises(OSError, match=r"EOF|refused|reset"):
            mother.call("GET", "/version")
        assert lab.ssh("mother", "qm list; hostname").strip().endswith("mother")
    until(lambda: status_of(mother, "/version") == 200, "mother answers again")


def test_a_node_that_reboots_comes_back_with_its_onboot_guests(lab_cluster: RunningLab) -> None:
    lab = lab_cluster
    on_shared_storage(lab, 103, "riser", "son")
    lab.call("PUT", "/nodes/son/qemu/103/config", onboot=1)
    before = lab.ssh("son", "cat /proc/sys/kernel/random/boot_id")
    told(lab, "son", "reboot")
    until(lambda: lab_back(lab, before), "son is up again")
    until(lambda: node_of(lab, 103) == ("son", "running"), "its guest was started")


def lab_back(lab: RunningLab, before: str) -> Any:
    """Whether son is up, and another boot."""
    done = subprocess.run(
        lab.ssh_command("son", "cat /proc/sys/kernel/random/boot_id"), capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and done.stdout != before
