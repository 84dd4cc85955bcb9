# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's commands against an API on a Unix socket."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.api.node_files import COMMANDS, WRAPPER
from lab.api.serving import ServedLab
from lab.commands import __main__ as command
from lab.commands import client
from tests.node_commands import NodeCommands, Result

ROOT = Path(__file__).resolve().parents[4]


def test_qm_goes_through_the_life_of_a_vm(run: NodeCommands) -> None:
    assert run("qm", "clone", "9001", "100", "--name", "web", "--full").code == 0
    assert run("qm", "status", "100").out == "status: stopped\n"
    assert run("qm", "start", "100").code == 0
    listed = run("qm", "list").out.splitlines()
    assert listed[0].split() == ["VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"]
    assert listed[1].split()[:5] == ["100", "web", "running", "512", "8.00"]
    assert run("qm", "destroy", "100") == Result(255, "", "VM 100 is running - destroy failed\n")
    assert run("qm", "shutdown", "100", "--timeout", "5").code == 0
    assert run("qm", "destroy", "100", "--purge").code == 0
    gone = "Configuration file 'nodes/father/qemu-server/100.conf' does not exist\n"
    assert run("qm", "status", "100") == Result(2, "", gone)


def test_qm_reads_keys_from_a_file_as_on_pve(run: NodeCommands, tmp_path: Path) -> None:
    run("qm", "create", "100", "--name", "web")
    keys = tmp_path / "id.pub"
    keys.write_text("ssh-ed25519 AAAA me@host\n")
    assert run("qm", "set", "100", "--sshkeys", str(keys), "--memory", "64").code == 0
    assert "sshkeys: ssh-ed25519%20AAAA%20me%40host%0A" in run("qm", "config", "100").out.splitlines()
    missing = run("qm", "set", "100", "--sshkeys", "/no/such.pub")
    assert missing == Result(2, "", "can't open '/no/such.pub' - No such file or directory\n")


def test_qm_asks_the_agent(run: NodeCommands) -> None:
    run("qm", "clone", "9001", "100")
    run("qm", "start", "100")
    interfaces = json.loads(run("qm", "guest", "cmd", "100", "network-get-interfaces").out)
    assert [item["name"] for item in interfaces] == ["lo", "eth0"]
    ended = json.loads(run("qm", "guest", "exec", "100", "--", "echo", "-l").out)
    assert ended == {"exitcode": 0, "exited": 1, "out-data": "-l\n"}
    assert run("qm", "agent", "100", "ping") == Result(0, "", "")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["get", "/version"], {"version": "9.2.11", "release": "9.2", "repoid": "14a22df3b8d5e3a1"}),
        (["get", "/nodes/father/qemu/9001/status/current"], None),
        (["get", "cluster/nextid"], "100"),
    ],
)
def test_pvesh_answers_in_json(run: NodeCommands, words: list[str], wanted: object) -> None:
    result = run("pvesh", *words, "--output-format", "json")
    data = json.loads(result.out)
    assert result.code == 0
    assert wanted is None or data == wanted


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["get", "/nope"], 1, "No 'get' handler defined for '/nope'\n"),
        (["create", "/nodes/father/qemu", "--vmid", "7"], 255, "400 Parameter verification failed.\nvmid: "),
        (
            ["get", "/nodes/father/qemu/999/config"],
            2,
            "Configuration file 'nodes/father/qemu-server/999.conf' does not",
        ),
        (["frob", "/"], 255, "ERROR: unknown command 'pvesh frob'\nUSAGE: pvesh <COMMAND> [ARGS] [OPTIONS]\n\n"),
        (["get", "/version", "--output-format", "xml"], 255, "400 Parameter verification failed.\noutput-format: "),
    ],
)
def test_pvesh_refuses_as_on_pve(run: NodeCommands, words: list[str], code: int, complaint: str) -> None:
    result = run("pvesh", *words)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(complaint)


def test_pvesh_returns_when_its_task_has_ended(run: NodeCommands) -> None:
    upid = json.loads(run("pvesh", "create", "/nodes/father/qemu", "-vmid", "100", "--output-format", "json").out)
    assert upid.startswith("UPID:father:")
    assert "100.conf" not in run("qm", "config", "100").err


def test_an_interrupted_command_stops_its_task(
    run: NodeCommands, lab_api: ServedLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("qm", "clone", "9001", "100")
    lab_api.control("POST", "/faults", {"kind": "task", "type": "qmstart", "stuck": True, "log": ["so far"]})
    presses = iter([KeyboardInterrupt])

    def interrupted(_seconds: float) -> None:
        for pressed in presses:
            raise pressed

    monkeypatch.setattr(time, "sleep", interrupted)
    assert run("qm", "start", "100") == Result(255, "so far\n", "received interrupt\n")
    assert run("qm", "status", "100").out == "status: stopped\n"


def test_a_task_with_warnings_ends_well(run: NodeCommands, lab_api: ServedLab) -> None:
    run("qm", "clone", "9001", "100")
    lab_api.control("POST", "/faults", {"kind": "task", "type": "qmstart", "log": ["WARN: slowly"]})
    assert run("qm", "start", "100") == Result(0, "WARN: slowly\n", "Task finished with 1 warning(s)!\n")


def test_pveum_tells_a_tokens_secret_once(run: NodeCommands) -> None:
    made = json.loads(
        run("pveum", "user", "token", "add", "root@pam", "ci", "--privsep", "0", "--output-format", "json").out
    )
    assert (made["full-tokenid"], len(made["value"])) == ("root@pam!ci", 36)
    listed = run("pveum", "user", "token", "list", "root@pam", "--output-format", "json").out
    assert made["value"] not in listed
    assert run("pveum", "user", "token", "remove", "root@pam", "ci").code == 0
    again = run("pveum", "user", "token", "remove", "root@pam", "ci")
    assert again == Result(255, "", "no such token 'ci' for user 'root@pam'\n")


def test_pvesm_changes_and_shows_storages(run: NodeCommands) -> None:
    assert run("pvesm", "set", "local", "--content", "iso,snippets").code == 0
    lines = run("pvesm", "status").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["local", "dir", "active"], ["local-lvm", "lvmthin", "active"]]
    assert run("pvesm", "path", "local-lvm:base-9001-disk-0").out == "/dev/pve/base-9001-disk-0\n"
    assert "local-lvm:base-9001-disk-0" in run("pvesm", "list", "local-lvm").out


def test_a_node_in_no_cluster_says_so(run: NodeCommands) -> None:
    result = run("pvecm", "status")
    assert result.code == 2
    assert result.err.startswith("Error: Corosync config '/etc/pve/corosync.conf' does not exist")


def test_without_an_api_a_command_ends_as_without_the_cluster_file_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(client.SOCKET_VARIABLE, "/no/such.sock")
    assert command.main(["qm", "list"]) == 111
    tries = "".join(f"ipcc_send_rec[{number}] failed: Connection refused\n" for number in (1, 2, 3))
    assert capsys.readouterr().err == f"{tries}Unable to load access control list: Connection refused\n"


def test_every_command_of_a_node_is_known() -> None:
    assert sorted(COMMANDS) == sorted(command.COMMANDS)


def test_the_wrapper_runs_without_site_packages(tmp_path: Path) -> None:
    wrapper = WRAPPER.format(library=ROOT, name="pveversion").replace("/usr/bin/python3", sys.executable)
    (tmp_path / "pveversion").write_text(wrapper)
    done = subprocess.run(["sh", str(tmp_path / "pveversion")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pve-manager/9.2.11/")


@pytest.fixture
def cluster(
    lab_cluster_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> NodeCommands:
    """Runs command lines on the nodes of a cluster, where waiting for a dead one takes no time."""
    lab_cluster_api.api.clock.set(rate=1000)
    return NodeCommands(lab_cluster_api.at, tmp_path, monkeypatch, capsys)


def test_a_command_is_about_the_node_it_runs_on(cluster: NodeCommands) -> None:
    assert cluster("qm", "create", "100", "--name", "here", node="son").code == 0
    assert cluster("qm", "status", "100", node="mother").code == 2
    assert cluster("qm", "migrate", "100", "mother", node="son").code == 0
    assert cluster("qm", "list", node="son").out == ""
    assert cluster("pvesh", "get", "/nodes/mother/qemu/100/config", "--output-format", "json", node="son").code == 0


def test_pvesh_does_not_reach_a_node_that_is_off(cluster: NodeCommands, lab_cluster_api: ServedLab) -> None:
    lab_cluster_api.api.set_node_state("son", "off")
    said = cluster("pvesh", "get", "/nodes/son/status")
    assert (said.code, said.out) == (255, "")
    assert said.err.startswith("ssh: connect to host son port 22: ")
    assert "\nproxy handler failed: command '" in said.err


def test_without_the_cluster_file_system_a_command_cannot_begin(
    cluster: NodeCommands, lab_cluster_api: ServedLab
) -> None:
    lab_cluster_api.api.set_node_state("son", "no-pmxcfs")
    said = cluster("qm", "list", node="son")
    assert (said.code, said.out) == (111, "")
    assert said.err.endswith("\nUnable to load access control list: Connection refused\n")
    assert cluster("qm", "list", node="mother").code == 0
