# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making, copying, starting and removing VMs, without real guests."""

from __future__ import annotations

import pytest

from .conftest import Client

QEMU = "/nodes/father/qemu"


def clone(client: Client, newid: int = 100, **values: object) -> None:
    assert client.run("POST", f"{QEMU}/9001/clone", newid=newid, name=f"vm{newid}", **values) == "OK"


def test_a_clone_has_disks_a_mac_and_a_cloudinit_drive_of_its_own(client: Client) -> None:
    clone(client, full=1)
    config = client.get(f"{QEMU}/100/config")
    assert config["scsi0"] == "local-lvm:vm-100-disk-0,size=8G"
    assert config["ide2"] == "local-lvm:vm-100-cloudinit,media=cdrom,size=4M"
    assert config["net0"].startswith("virtio=BC:24:11:")
    assert config["net0"] != client.get(f"{QEMU}/9001/config")["net0"]
    assert "template" not in config
    assert (client.lab.api.volumes_dir / "local-lvm" / "vm-100-disk-0").is_dir()


def test_a_clone_onto_a_taken_vmid_is_refused(client: Client) -> None:
    answer = client.ask("POST", f"{QEMU}/9001/clone", newid=9000)
    assert (answer.status_code, answer.reason) == (500, "unable to create VM 9000: config file already exists")


def test_destroying_a_clone_removes_its_volumes_and_leaves_the_template_alone(client: Client) -> None:
    clone(client, full=0)
    before = {item["volid"] for item in client.get("/nodes/father/storage/local-lvm/content")}
    assert client.run("DELETE", f"{QEMU}/100", purge=1) == "OK"
    after = {item["volid"] for item in client.get("/nodes/father/storage/local-lvm/content")}
    assert before - after == {"local-lvm:vm-100-disk-0", "local-lvm:vm-100-cloudinit"}
    assert "local-lvm:vm-9001-cloudinit" in after
    assert not (client.lab.api.volumes_dir / "local-lvm" / "vm-100-disk-0").exists()


def test_a_started_guest_answers_through_its_agent(client: Client) -> None:
    clone(client)
    mac = client.get(f"{QEMU}/100/config")["net0"].partition("=")[2].partition(",")[0]
    assert client.run("POST", f"{QEMU}/100/status/start") == "OK"
    status = client.get(f"{QEMU}/100/status/current")
    assert (status["status"], status["qmpstatus"], status["agent"]) == ("running", "running", 1)
    interfaces = client.get(f"{QEMU}/100/agent/network-get-interfaces")["result"]
    assert [item["hardware-address"] for item in interfaces if item["name"] == "eth0"] == [mac.lower()]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ({}, "VM 100 is not running"),
        ({"agent": "0"}, "QEMU guest agent is not running"),
        ({"agent": "enabled=0"}, "QEMU guest agent is not running"),
        ({"delete": "agent"}, "No QEMU guest agent configured"),
    ],
)
def test_without_an_agent_there_is_the_error_of_pve(client: Client, prepare: dict[str, str], reason: str) -> None:
    clone(client)
    if prepare:
        client.put(f"{QEMU}/100/config", **prepare)
        assert client.run("POST", f"{QEMU}/100/status/start") == "OK"
    answer = client.ask("POST", f"{QEMU}/100/agent/ping")
    assert (answer.status_code, answer.reason) == (500, reason)


@pytest.mark.parametrize(
    ("action", "exit_status"),
    [("stop", "OK"), ("shutdown", "OK"), ("start", "OK")],
)
def test_power_actions_on_a_stopped_guest_that_are_tasks(client: Client, action: str, exit_status: str) -> None:
    clone(client)
    assert client.run("POST", f"{QEMU}/100/status/{action}") == exit_status


@pytest.mark.parametrize("action", ["reboot", "reset", "suspend", "resume"])
def test_power_actions_that_need_a_running_guest(client: Client, action: str) -> None:
    clone(client)
    answer = client.ask("POST", f"{QEMU}/100/status/{action}")
    assert (answer.status_code, answer.reason) == (500, "VM 100 not running")


@pytest.mark.parametrize(
    ("vmid", "exit_status"),
    [
        (9001, "you can't start a vm if it's a template"),
        (777, "Configuration file 'nodes/father/qemu-server/777.conf' does not exist"),
    ],
)
def test_a_start_that_cannot_be_fails_in_its_task(client: Client, vmid: int, exit_status: str) -> None:
    assert client.run("POST", f"{QEMU}/{vmid}/status/start") == exit_status


def test_a_running_guest_is_not_started_again_nor_destroyed(client: Client) -> None:
    clone(client)
    assert client.run("POST", f"{QEMU}/100/status/start") == "OK"
    assert client.run("POST", f"{QEMU}/100/status/start") == "VM 100 already running"
    answer = client.ask("DELETE", f"{QEMU}/100")
    assert (answer.status_code, answer.reason) == (500, "VM 100 is running - destroy failed")


def test_a_guest_that_ended_by_itself_is_stopped(client: Client) -> None:
    clone(client)
    assert client.run("POST", f"{QEMU}/100/status/start") == "OK"
    client.lab.call(client.lab.api.driver.kill(100))
    assert client.get(f"{QEMU}/100/status/current")["status"] == "stopped"


def test_a_start_with_a_missing_disk_fails_in_its_task(client: Client) -> None:
    clone(client)
    client.lab.api.storages["local-lvm"]["volumes"].pop("vm-100-disk-0")
    client.lab.api.vm(100).config["scsi0"] = "nowhere:vm-100-disk-0,size=8G"
    assert client.run("POST", f"{QEMU}/100/status/start") == "storage 'nowhere' does not exist"


def test_pausing_and_resuming(client: Client) -> None:
    clone(client)
    client.run("POST", f"{QEMU}/100/status/start")
    upid = client.post(f"{QEMU}/100/status/suspend")
    assert ":qmpause:100:" in upid
    client.wait(upid)
    status = client.get(f"{QEMU}/100/status/current")
    assert (status["status"], status["qmpstatus"]) == ("running", "paused")
    assert client.run("POST", f"{QEMU}/100/status/resume") == "OK"
    assert client.get(f"{QEMU}/100/status/current")["qmpstatus"] == "running"


def test_a_vm_made_with_a_new_disk(client: Client) -> None:
    values = {
        "vmid": 101,
        "name": "new",
        "scsi0": "local-lvm:4",
        "net0": "virtio,bridge=vmbr0",
        "ide2": "local-lvm:cloudinit",
    }
    assert client.run("POST", QEMU, **values) == "OK"
    config = client.get(f"{QEMU}/101/config")
    assert config["scsi0"] == "local-lvm:vm-101-disk-0,size=4G"
    assert config["ide2"] == "local-lvm:vm-101-cloudinit,media=cdrom"
    assert (client.lab.api.volumes_dir / "local-lvm" / "vm-101-disk-0").is_dir()


def test_the_agent_can_be_asked_for_a_shutdown_and_names(client: Client) -> None:
    clone(client)
    client.run("POST", f"{QEMU}/100/status/start")
    assert client.get(f"{QEMU}/100/agent/get-host-name")["result"] == {"host-name": "vm100"}
    assert client.get(f"{QEMU}/100/agent/get-osinfo")["result"]["id"] == "debian"
    client.post(f"{QEMU}/100/agent/shutdown")
    while client.get(f"{QEMU}/100/status/current")["status"] != "stopped":
        pass
