# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of the lab: volumes that are there, and what a node answers otherwise than fakepve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Client

LXC = "/nodes/father/lxc"
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
CARD = "name=eth0,bridge=vmbr0,ip=10.99.0.21/24"


@pytest.fixture
def node(client: Client) -> Client:
    """A client of a node with a container template."""
    path = client.lab.api.file_path("local", TEMPLATE.partition(":")[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return client


def make(node: Client, vmid: int = 200, **values: object) -> None:
    given = {"ostemplate": TEMPLATE, "rootfs": "local-lvm:4", "net0": CARD, "password": "secret1", **values}
    assert node.run("POST", LXC, vmid=vmid, **given) == "OK"


def config(node: Client, vmid: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = node.get(f"{LXC}/{vmid}/config")
    return found


def directory(node: Client, volume: str) -> Path:
    path: Path = node.lab.api.volume_path(volume)
    return path


def volumes(node: Client, storage: str = "local-lvm") -> set[str]:
    return {item["volid"] for item in node.get(f"/nodes/father/storage/{storage}/content")}


def refusal(node: Client, method: str, path: str, **values: object) -> tuple[int, str]:
    answer = node.ask(method, path, **values)
    return answer.status_code, answer.reason


def test_a_new_container_has_its_volume_its_name_and_no_password(node: Client) -> None:
    make(node, description="a text", cpulimit="0.5")
    found = config(node)
    assert found["rootfs"] == "local-lvm:vm-200-disk-0,size=4G"
    assert (found["hostname"], found["memory"], found["swap"], found["unprivileged"]) == ("CT200", 512, 512, 1)
    assert (found["description"], found["cpulimit"], found["ostype"]) == ("a text\n", "0.5", "debian")
    assert "password" not in found
    assert directory(node, "local-lvm:vm-200-disk-0").is_dir()
    assert "local-lvm:vm-200-disk-0" in volumes(node)


def test_a_template_that_is_not_there_fails_the_task_and_leaves_nothing(node: Client) -> None:
    missing = "local:vztmpl/nope_1_amd64.tar.zst"
    status = node.run("POST", LXC, vmid=200, ostemplate=missing, rootfs="local-lvm:4")
    assert status == f"unable to create CT 200 - volume '{missing}' does not exist"
    assert refusal(node, "GET", f"{LXC}/200/config") == (
        500,
        "Configuration file 'nodes/father/lxc/200.conf' does not exist",
    )
    assert "local-lvm:vm-200-disk-0" not in volumes(node)


def test_a_full_storage_fails_the_task_and_leaves_nothing(node: Client) -> None:
    node.lab.api.storages["local-lvm"]["avail"] = 1024**3
    status = node.run("POST", LXC, vmid=200, ostemplate=TEMPLATE, rootfs="local-lvm:4")
    assert status == "unable to create CT 200 - unable to write to storage 'local-lvm': No space left on device"
    assert node.get(LXC) == []
    assert node.lab.api.storages["local-lvm"]["avail"] == 1024**3


def test_a_line_that_is_no_public_key_is_refused_at_once(node: Client) -> None:
    values = {"vmid": 200, "ostemplate": TEMPLATE, "rootfs": "local-lvm:4", "ssh-public-keys": "garbage"}
    assert refusal(node, "POST", LXC, **values) == (500, "SSH public key validation error")


def test_a_detached_mount_point_stays_as_unused_until_that_is_deleted(node: Client) -> None:
    make(node)
    node.put(f"{LXC}/200/config", mp0="local-lvm:2,mp=/data")
    volume = "local-lvm:vm-200-disk-1"
    assert config(node)["mp0"] == f"{volume},mp=/data,size=2G"
    assert directory(node, volume).is_dir()
    node.put(f"{LXC}/200/config", delete="mp0")
    assert config(node)["unused0"] == volume
    assert directory(node, volume).is_dir()
    node.put(f"{LXC}/200/config", delete="unused0")
    assert "unused0" not in config(node)
    assert not directory(node, volume).exists()
    assert volume not in volumes(node)


def test_what_a_running_container_cannot_take_is_pending(node: Client) -> None:
    make(node)
    assert node.run("POST", f"{LXC}/200/status/start") == "OK"
    node.put(f"{LXC}/200/config", memory=1024, tty=1)
    rows = {row["key"]: row for row in node.get(f"{LXC}/200/pending")}
    assert rows["memory"] == {"key": "memory", "value": 1024}
    assert rows["tty"] == {"key": "tty", "pending": 1}
    assert set(rows["digest"]) == {"key", "value"}
    assert "tty" not in node.get(f"{LXC}/200/config", current=1)
    assert config(node)["tty"] == 1


@pytest.mark.parametrize("delete", [0, 1])
def test_a_moved_volume_takes_its_files_along(node: Client, delete: int) -> None:
    node.lab.api.storages["local"]["content"] += ",rootdir,images"
    make(node)
    (directory(node, "local-lvm:vm-200-disk-0") / "file").write_text("kept")
    assert node.run("POST", f"{LXC}/200/move_volume", volume="rootfs", storage="local", delete=delete) == "OK"
    found = config(node)
    assert found["rootfs"] == "local:200/vm-200-disk-0.raw,size=4G"
    assert (directory(node, "local:200/vm-200-disk-0.raw") / "file").read_text() == "kept"
    assert found.get("unused0") == (None if delete else "local-lvm:vm-200-disk-0")
    assert directory(node, "local-lvm:vm-200-disk-0").exists() is not bool(delete)


def test_volumes_of_a_running_container_are_not_moved(node: Client) -> None:
    make(node)
    assert node.run("POST", f"{LXC}/200/status/start") == "OK"
    values = {"volume": "rootfs", "storage": "local-lvm"}
    reason = "cannot move volumes of a running container"
    assert refusal(node, "POST", f"{LXC}/200/move_volume", **values) == (500, reason)


def test_a_full_clone_has_volumes_and_addresses_of_its_own(node: Client) -> None:
    make(node)
    (directory(node, "local-lvm:vm-200-disk-0") / "file").write_text("copied")
    assert node.run("POST", f"{LXC}/200/clone", newid=201, hostname="copy", full=1) == "OK"
    found = config(node, 201)
    assert (found["hostname"], found["rootfs"]) == ("copy", "local-lvm:vm-201-disk-0,size=4G")
    assert found["net0"] != config(node)["net0"]
    assert (directory(node, "local-lvm:vm-201-disk-0") / "file").read_text() == "copied"


def test_a_template_is_made_by_a_task_nobody_is_told_of(node: Client) -> None:
    make(node)
    assert node.post(f"{LXC}/200/template") is None
    assert next(task["type"] for task in node.get("/nodes/father/tasks", vmid=200)) == "vztemplate"
    assert config(node)["rootfs"] == "local-lvm:base-200-disk-0,size=4G"
    assert directory(node, "local-lvm:base-200-disk-0").is_dir()


def test_a_template_with_linked_clones_cannot_be_destroyed(node: Client) -> None:
    make(node)
    node.post(f"{LXC}/200/template")
    assert node.run("POST", f"{LXC}/200/clone", newid=201) == "OK"
    used = "base volume 'local-lvm:base-200-disk-0' is still in use by linked cloned"
    assert node.run("DELETE", f"{LXC}/200") == used
    assert node.run("DELETE", f"{LXC}/201") == "OK"
    assert node.run("DELETE", f"{LXC}/200") == "OK"
    assert not directory(node, "local-lvm:base-200-disk-0").exists()


def test_a_rollback_brings_back_configuration_and_files(node: Client) -> None:
    make(node)
    file = directory(node, "local-lvm:vm-200-disk-0") / "file"
    file.write_text("before")
    assert node.run("POST", f"{LXC}/200/snapshot", snapname="first") == "OK"
    file.write_text("after")
    node.put(f"{LXC}/200/config", memory=1024)
    assert node.run("POST", f"{LXC}/200/snapshot/first/rollback") == "OK"
    assert (file.read_text(), config(node)["memory"]) == ("before", 512)
    assert node.run("DELETE", f"{LXC}/200/snapshot/first") == "OK"


def test_a_running_container_tells_its_addresses(node: Client) -> None:
    make(node, net1="name=eth1,bridge=vmbr0,ip=dhcp,ip6=fd00::1/64")
    assert node.get(f"{LXC}/200/interfaces") is None
    assert node.run("POST", f"{LXC}/200/status/start") == "OK"
    found = {item["name"]: item for item in node.get(f"{LXC}/200/interfaces")}
    assert found["eth0"]["inet"] == "10.99.0.21/24"
    assert (found["eth1"]["inet"], found["eth1"]["inet6"]) == ("10.99.0.100/24", "fd00::1/64")


def test_a_container_cannot_be_suspended(node: Client) -> None:
    make(node)
    assert refusal(node, "POST", f"{LXC}/200/status/suspend") == (500, "CT 200 not running")
    assert node.run("POST", f"{LXC}/200/status/start") == "OK"
    status = node.run("POST", f"{LXC}/200/status/suspend")
    assert status == "command 'lxc-checkpoint -n 200 -s -D /var/lib/vz/dump' failed: exit code 1"
    assert node.get(f"{LXC}/200/status/current")["status"] == "running"


def test_a_template_is_fetched_from_the_index(node: Client) -> None:
    names = [item["template"] for item in node.get("/nodes/father/aplinfo")]
    name = "debian-12-standard_12.12-1_amd64.tar.zst"
    assert name in names
    assert node.run("POST", "/nodes/father/aplinfo", storage="local", template=name) == "OK"
    assert f"local:vztmpl/{name}" in volumes(node, "local")


@pytest.mark.parametrize(
    ("storage", "template", "status", "reason"),
    [
        ("local", "nope.tar.zst", 400, "Parameter verification failed."),
        ("local-lvm", "debian-13-standard_13.1-2_amd64.tar.zst", 500, "storage 'local-lvm' does not support templates"),
    ],
)
def test_what_cannot_be_fetched(node: Client, storage: str, template: str, status: int, reason: str) -> None:
    assert refusal(node, "POST", "/nodes/father/aplinfo", storage=storage, template=template) == (status, reason)


def test_containers_that_are_to_run_with_the_node_are_started(node: Client) -> None:
    make(node, onboot=1)
    make(node, vmid=201)
    node.lab.call(node.lab.api.start_on_boot())
    assert {item["vmid"]: item["status"] for item in node.get(LXC)} == {200: "running", 201: "stopped"}


def test_a_container_whose_bridge_is_missing_does_not_start(node: Client) -> None:
    make(node, net0="name=eth0,bridge=vmbr9")
    upid = node.post(f"{LXC}/200/status/start")
    assert node.wait(upid) == "startup for container '200' failed"
    assert "bridge 'vmbr9' does not exist" in node.log(upid)
