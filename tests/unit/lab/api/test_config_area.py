# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a VM's configuration."""

from __future__ import annotations

import pytest

from .conftest import Client

QEMU = "/nodes/father/qemu"
CONFIG = f"{QEMU}/100/config"


@pytest.fixture
def guest(client: Client) -> Client:
    """A client, and VM 100 with one disk and one card."""
    values = {"vmid": 100, "name": "web", "scsi0": "local-lvm:4", "net0": "virtio,bridge=vmbr0", "memory": 512}
    assert client.run("POST", QEMU, **values) == "OK"
    return client


@pytest.mark.parametrize(
    ("values", "status", "reason", "errors"),
    [
        ({}, 500, "no options specified", None),
        ({"delete": "nothere"}, 400, "Parameter verification failed.", {"delete": "unknown option 'nothere'"}),
        ({"digest": "0" * 40, "memory": 1024}, 500, "checksum mismatch (file change by other user?)", None),
        ({"boot": "order=scsi9"}, 500, "invalid bootorder: device 'scsi9' does not exist'", None),
        ({"args": "-foo"}, 500, "only root can set 'args' config", None),
        ({"scsi1": "local-lvm:vm-100-disk-9"}, 500, "volume 'local-lvm:vm-100-disk-9' does not exist", None),
        (
            {"memory": 64, "skiplock": 1},
            400,
            "Parameter verification failed.",
            {"skiplock": "Only root may use this option."},
        ),
    ],
)
def test_changes_that_are_refused(
    guest: Client, values: dict[str, object], status: int, reason: str, errors: dict[str, str] | None
) -> None:
    before = guest.get(CONFIG)
    answer = guest.ask("PUT", CONFIG, **values)
    assert (answer.status_code, answer.reason, answer.json().get("errors")) == (status, reason, errors)
    assert guest.get(CONFIG) == before


def test_a_stopped_vm_takes_everything(guest: Client) -> None:
    guest.put(CONFIG, memory=1024, tags="B;a", description="x\n", cipassword="secret")
    config = guest.get(CONFIG)
    assert (config["memory"], config["tags"], config["description"]) == ("1024", "a;b", "x")
    assert config["cipassword"] == "**********"


def test_a_running_vm_takes_some_now_and_the_rest_at_its_next_start(guest: Client) -> None:
    guest.run("POST", f"{QEMU}/100/status/start")
    guest.put(CONFIG, memory=1024, name="other")
    assert guest.get(CONFIG, current=1)["memory"] == "512"
    assert guest.get(CONFIG)["memory"] == "1024"
    assert guest.get(CONFIG, current=1)["name"] == "other"
    pending = {row["key"]: row for row in guest.get(f"{QEMU}/100/pending")}
    assert pending["memory"] == {"key": "memory", "value": "512", "pending": "1024"}
    assert guest.run("POST", f"{QEMU}/100/status/reboot") == "OK"
    assert guest.get(CONFIG, current=1)["memory"] == "1024"


def test_what_waits_can_be_taken_back(guest: Client) -> None:
    guest.run("POST", f"{QEMU}/100/status/start")
    guest.put(CONFIG, memory=1024)
    guest.put(CONFIG, revert="memory")
    assert guest.get(CONFIG)["memory"] == "512"


def test_every_change_has_another_digest(guest: Client) -> None:
    guest.run("POST", f"{QEMU}/100/status/start")
    first = guest.get(CONFIG)["digest"]
    guest.put(CONFIG, memory=1024, digest=first)
    assert guest.get(CONFIG)["digest"] != first


def test_a_detached_disk_stays_until_it_is_removed(guest: Client) -> None:
    path = guest.lab.api.volume_path("local-lvm:vm-100-disk-0")
    guest.put(CONFIG, delete="scsi0")
    config = guest.get(CONFIG)
    assert (config["unused0"], "scsi0" in config) == ("local-lvm:vm-100-disk-0", False)
    assert path.is_dir()
    guest.put(CONFIG, delete="unused0")
    assert "unused0" not in guest.get(CONFIG)
    assert not path.exists()


def test_a_new_disk_is_made_and_grows(guest: Client) -> None:
    guest.put(CONFIG, scsi1="local-lvm:1")
    assert guest.get(CONFIG)["scsi1"] == "local-lvm:vm-100-disk-1,size=1G"
    assert guest.run("PUT", f"{QEMU}/100/resize", disk="scsi1", size="+1G") == "OK"
    assert guest.get(CONFIG)["scsi1"] == "local-lvm:vm-100-disk-1,size=2G"
    assert guest.run("PUT", f"{QEMU}/100/resize", disk="scsi1", size="1G") == "shrinking disks is not supported"
    assert guest.run("PUT", f"{QEMU}/100/resize", disk="scsi7", size="1G") == "disk 'scsi7' does not exist"


def test_a_locked_vm_is_not_changed(guest: Client) -> None:
    guest.lab.api.snapshot_lock(100, "backup")
    answer = guest.ask("PUT", CONFIG, memory=1024)
    assert (answer.status_code, answer.reason) == (500, "VM is locked (backup)")
    assert guest.run("POST", f"{QEMU}/100/status/start") == "VM is locked (backup)"


def test_the_asynchronous_form_is_a_task_that_hides_the_password(guest: Client) -> None:
    upid = guest.post(CONFIG, memory=1024, cipassword="secret")
    assert guest.wait(upid) == "OK"
    assert guest.log(upid) == ["update VM 100: -cipassword <hidden> -memory 1024", "TASK OK"]


def test_cloudinit_documents_say_what_the_guest_is_told(guest: Client) -> None:
    guest.put(CONFIG, ciuser="admin", ipconfig0="ip=10.0.0.5/24,gw=10.0.0.1", nameserver="10.0.0.1", ciupgrade=0)
    user = guest.get(f"{QEMU}/100/cloudinit/dump", type="user")
    assert "user: admin\n" in user
    assert "package_upgrade" not in user
    network = guest.get(f"{QEMU}/100/cloudinit/dump", type="network")
    assert "address: '10.0.0.5'\n        netmask: '255.255.255.0'\n        gateway: '10.0.0.1'\n" in network


def test_what_waits_for_the_cloudinit_drive_is_told_until_it_is_written(guest: Client) -> None:
    guest.put(CONFIG, ciuser="debian", ide2="local-lvm:cloudinit")
    guest.put(f"{QEMU}/100/cloudinit")
    guest.put(CONFIG, ciuser="admin", searchdomain="lab")
    rows = {row["key"]: row for row in guest.get(f"{QEMU}/100/cloudinit")}
    assert rows["ciuser"] == {"key": "ciuser", "value": "debian", "pending": "admin"}
    assert rows["searchdomain"] == {"key": "searchdomain", "pending": "lab"}
    guest.put(f"{QEMU}/100/cloudinit")
    guest.put(CONFIG, delete="ciuser")
    rows = {row["key"]: row for row in guest.get(f"{QEMU}/100/cloudinit")}
    assert rows == {
        "ciuser": {"key": "ciuser", "delete": 1},
        "searchdomain": {"key": "searchdomain", "value": "lab"},
    }


def test_the_settings_of_a_vm_without_a_cloudinit_drive_wait_on(guest: Client) -> None:
    guest.put(CONFIG, ciuser="debian")
    guest.put(f"{QEMU}/100/cloudinit")
    assert guest.get(f"{QEMU}/100/cloudinit") == [{"key": "ciuser", "pending": "debian"}]
    guest.lab.api.vm(100).lock = "backup"
    answer = guest.ask("PUT", f"{QEMU}/100/cloudinit")
    assert (answer.status_code, answer.reason) == (500, "VM is locked (backup)")


def test_a_rollback_brings_data_and_configuration_back(guest: Client) -> None:
    volume = guest.lab.api.volume_path("local-lvm:vm-100-disk-0")
    (volume / "data").write_text("before")
    assert guest.run("POST", f"{QEMU}/100/snapshot", snapname="first") == "OK"
    (volume / "data").write_text("after")
    guest.put(CONFIG, memory=1024)
    assert guest.run("POST", f"{QEMU}/100/snapshot/first/rollback") == "OK"
    assert (volume / "data").read_text() == "before"
    assert guest.get(CONFIG)["memory"] == "512"
    assert guest.run("DELETE", f"{QEMU}/100/snapshot/first") == "OK"
    assert [path.name for path in volume.parent.iterdir()] == ["vm-100-disk-0"]


def test_a_template_with_a_linked_clone_is_not_destroyed(guest: Client) -> None:
    assert guest.run("POST", f"{QEMU}/100/template") == "OK"
    assert guest.run("POST", f"{QEMU}/100/clone", newid=101) == "OK"
    status = guest.run("DELETE", f"{QEMU}/100")
    assert status == "base volume 'local-lvm:base-100-disk-0' is still in use by linked cloned"
    assert guest.run("DELETE", f"{QEMU}/101") == "OK"
    assert guest.run("DELETE", f"{QEMU}/100") == "OK"
