# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several nodes in one API: what belongs to which, moving VMs and disks between them, high availability."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.api.migration import local_devices, target_storage
from lab.api.serving import ServedLab

from .conftest import Client, client_of

WAIT = 10.0


@pytest.fixture
def cluster(lab_cluster_api: ServedLab) -> Client:
    """A client of father, in a cluster with mother and son."""
    return client_of(lab_cluster_api)


def upid_status(client: Client, upid: str) -> str:
    node = upid.split(":")[1]
    while True:
        status = client.get(f"/nodes/{node}/tasks/{upid}/status")
        if status["status"] == "stopped":
            return str(status["exitstatus"])


def task(client: Client, method: str, path: str, **values: Any) -> str:
    """Exit status of the task a request starts, on whichever node."""
    return upid_status(client, client.data(client.ask(method, path, **values)))


def make(client: Client, vmid: int = 100, node: str = "father", **values: Any) -> None:
    assert task(client, "POST", f"/nodes/{node}/qemu", vmid=vmid, **values) == "OK"


def until(look: Callable[[], bool]) -> None:
    """Ask again until it is so."""
    deadline = time.monotonic() + WAIT
    while not look():
        assert time.monotonic() < deadline, "it never became so"


def refusal(client: Client, method: str, path: str, **values: Any) -> tuple[int, str]:
    answer = client.ask(method, path, **values)
    return answer.status_code, answer.reason


def test_a_cluster_has_nodes_and_a_quorum(cluster: Client) -> None:
    assert [row["node"] for row in cluster.get("/nodes")] == ["father", "mother", "son"]
    quorum, *nodes = cluster.get("/cluster/status")
    assert (quorum["type"], quorum["nodes"], quorum["quorate"]) == ("cluster", 3, 1)
    assert [(row["name"], row["nodeid"], row["local"]) for row in nodes] == [
        ("father", 1, 1),
        ("mother", 2, 0),
        ("son", 3, 0),
    ]
    resources = cluster.get("/cluster/resources")
    assert {"storage/son/local", "storage/mother/shared", "node/mother"} <= {row["id"] for row in resources}


def test_a_node_alone_is_no_cluster(client: Client) -> None:
    assert [(row["type"], row["nodeid"]) for row in client.get("/cluster/status")] == [("node", 0)]


def test_a_guest_is_on_one_node(cluster: Client) -> None:
    make(cluster, node="son", name="a", scsi0="local-lvm:1")
    missing = "Configuration file 'nodes/father/qemu-server/100.conf' does not exist"
    assert cluster.get("/nodes/son/qemu/100/config")["name"] == "a"
    assert refusal(cluster, "GET", "/nodes/father/qemu/100/config") == (500, missing)
    assert task(cluster, "POST", "/nodes/father/qemu/100/status/start") == missing
    assert refusal(cluster, "POST", "/nodes/father/qemu", vmid=100) == (
        500,
        "unable to create VM 100 - VM 100 already exists on node 'son'",
    )


def test_storages_that_are_not_shared_are_told_apart(cluster: Client) -> None:
    make(cluster, node="son", scsi0="local-lvm:1")
    make(cluster, 101, node="son", scsi0="shared:1")

    def volumes(node: str, storage: str) -> list[str]:
        content = cluster.get(f"/nodes/{node}/storage/{storage}/content")
        return [item["volid"] for item in content if "-disk-" in item["volid"] and "base" not in item["volid"]]

    assert (volumes("son", "local-lvm"), volumes("father", "local-lvm")) == (["local-lvm:vm-100-disk-0"], [])
    assert volumes("son", "shared") == volumes("father", "shared") == ["shared:vm-101-disk-0"]


def test_a_storage_of_another_node_fails_the_creation(cluster: Client) -> None:
    cluster.post("/storage", storage="onlyson", type="dir", path="/srv/onlyson", content="images", nodes="son")
    values = {"vmid": 100, "scsi0": "onlyson:1"}
    assert task(cluster, "POST", "/nodes/father/qemu", **values) == (
        "unable to create VM 100 - storage 'onlyson' is not available on node 'father'"
    )


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"ide2": "local:iso/nope.iso,media=cdrom"}, "volume 'local:iso/nope.iso' does not exist"),
        ({"scsi0": "small:2"}, "unable to write to storage 'small': No space left on device"),
    ],
)
def test_a_creation_that_fails_in_its_task(client: Client, values: dict[str, str], status: str) -> None:
    client.post("/storage", storage="small", type="dir", path="/srv/small", content="images")
    client.lab.api.storages["small"]["avail"] = 1024**3
    assert task(client, "POST", "/nodes/father/qemu", vmid=100, **values) == f"unable to create VM 100 - {status}"
    assert client.lab.api.vm(100) is None


def test_a_missing_bridge_fails_the_start(client: Client) -> None:
    make(client, net0="virtio,bridge=vmbr9")
    assert task(client, "POST", "/nodes/father/qemu/100/status/start") == "bridge 'vmbr9' does not exist"


# ------------------------------------------------------------------ migration


def test_an_offline_migration_takes_the_disks_along(cluster: Client) -> None:
    make(cluster, scsi0="local-lvm:1")
    before = cluster.get("/nodes/father/qemu/100/migrate")
    assert (before["allowed_nodes"], before["running"]) == (["mother", "son"], 0)
    assert [disk["volid"] for disk in before["local_disks"]] == ["local-lvm:vm-100-disk-0"]
    assert task(cluster, "POST", "/nodes/father/qemu/100/migrate", target="mother") == "OK"
    assert cluster.get("/nodes/mother/qemu/100/config")["scsi0"] == "local-lvm:vm-100-disk-0,size=1G"
    assert task(cluster, "POST", "/nodes/mother/qemu/100/status/start") == "OK"


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"target": "father"}, (400, "Parameter verification failed.")),
        ({"target": "ghost"}, (500, "no such cluster node 'ghost'")),
        ({"target": "son", "targetstorage": "nostore"}, (500, "storage 'nostore' does not exist")),
        ({"target": "son", "force": 1}, (400, "Parameter verification failed.")),
    ],
)
def test_a_migration_that_is_refused(cluster: Client, values: dict[str, Any], refused: tuple[int, str]) -> None:
    make(cluster, scsi0="local-lvm:1")
    assert refusal(cluster, "POST", "/nodes/father/qemu/100/migrate", **values) == refused


def test_a_running_guest_moves_online_and_with_its_disks_when_asked(cluster: Client) -> None:
    make(cluster, scsi0="local-lvm:1", start=1)
    path = "/nodes/father/qemu/100/migrate"
    assert refusal(cluster, "POST", path, target="son") == (500, "can't migrate running VM without --online")
    assert task(cluster, "POST", path, target="son", online=1) == "migration aborted"
    assert task(cluster, "POST", path, **{"target": "son", "online": 1, "with-local-disks": 1}) == "OK"
    assert cluster.get("/nodes/son/qemu/100/status/current")["status"] == "running"


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        ({"ide3": "local:iso/x.iso,media=cdrom"}, "can't migrate local disk 'local:iso/x.iso': local cdrom image"),
        ({"hostpci0": "0000:01:00.0"}, "ERROR: can't migrate VM which uses local devices: hostpci0"),
    ],
)
def test_what_keeps_a_guest_where_it_is(cluster: Client, prepare: dict[str, str], line: str) -> None:
    image = cluster.lab.api.file_path("local", "iso/x.iso")
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"x")
    make(cluster)
    cluster.lab.api.vm(100).config |= prepare
    upid = cluster.post("/nodes/father/qemu/100/migrate", target="son")
    assert upid_status(cluster, upid) == "migration aborted"
    assert line in [row["t"] for row in cluster.get(f"/nodes/father/tasks/{upid}/log", limit=0)]


def test_a_migration_may_change_the_storage(cluster: Client) -> None:
    cluster.post("/storage", storage="onlyfather", type="dir", path="/srv/f", content="images", nodes="father")
    make(cluster, scsi0="onlyfather:1")
    path = "/nodes/father/qemu/100/migrate"
    assert cluster.get(path)["not_allowed_nodes"]["son"] == {"unavailable_storages": ["onlyfather"]}
    assert refusal(cluster, "POST", path, target="son") == (
        500,
        "storage 'onlyfather' is not available on node 'son'",
    )
    assert task(cluster, "POST", path, target="son", targetstorage="local-lvm") == "OK"
    assert cluster.get("/nodes/son/qemu/100/config")["scsi0"] == "local-lvm:vm-100-disk-0,size=1G"


def test_clones_go_to_other_nodes_by_shared_storages_only(cluster: Client) -> None:
    make(cluster, scsi0="local-lvm:1")
    make(cluster, 101, scsi0="shared:1")
    assert refusal(cluster, "POST", "/nodes/father/qemu/100/clone", newid=102, target="son") == (
        500,
        "can't clone VM to node 'son' (VM uses local storage)",
    )
    assert task(cluster, "POST", "/nodes/father/qemu/101/clone", newid=103, target="son", full=1) == "OK"
    assert cluster.get("/nodes/son/qemu/103/config")["scsi0"] == "shared:vm-103-disk-0,size=1G"


@pytest.mark.parametrize(
    ("wanted", "goal"), [(None, "a"), ("1", "a"), ("b", "b"), ("a:c,d:e", "c"), ("d:e", "a"), ("d:e,b", "b")]
)
def test_where_a_volume_goes(wanted: str | None, goal: str) -> None:
    assert target_storage(wanted, "a") == goal


def test_devices_that_tie_a_guest_to_its_node() -> None:
    config = {
        "serial0": "socket",
        "serial1": "/dev/ttyS0",
        "usb0": "spice",
        "usb1": "host=1:2",
        "hostpci0": "mapping=x",
    }
    assert local_devices(config) == ["serial1", "usb1"]


# ----------------------------------------------------------------- move a disk


@pytest.mark.parametrize(("delete", "unused"), [(0, "local-lvm:vm-100-disk-0"), (1, None)])
def test_a_moved_disk_stays_as_unused_unless_deleted(cluster: Client, delete: int, unused: str | None) -> None:
    make(cluster, scsi0="local-lvm:1,ssd=1")
    path = "/nodes/father/qemu/100/move_disk"
    assert task(cluster, "POST", path, disk="scsi0", storage="shared", delete=delete) == "OK"
    config = cluster.get("/nodes/father/qemu/100/config")
    assert (config["scsi0"], config.get("unused0")) == ("shared:vm-100-disk-0,size=1G,ssd=1", unused)


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"disk": "scsi9", "storage": "shared"}, "disk 'scsi9' does not exist"),
        ({"disk": "scsi0", "storage": "local-lvm"}, "you can't move to the same storage with same format"),
        ({"disk": "ide2", "storage": "shared"}, "you can't move a cdrom"),
        ({"disk": "scsi0", "storage": "nope"}, "storage 'nope' does not exist"),
    ],
)
def test_a_disk_that_cannot_be_moved(cluster: Client, values: dict[str, str], refused: str) -> None:
    make(cluster, scsi0="local-lvm:1", ide2="local-lvm:cloudinit")
    assert refusal(cluster, "POST", "/nodes/father/qemu/100/move_disk", **values) == (500, refused)


def test_a_full_storage_fails_the_move_in_its_task(cluster: Client) -> None:
    make(cluster, scsi0="local-lvm:2")
    cluster.lab.api.storages["shared"]["avail"] = 1024**3
    status = task(cluster, "POST", "/nodes/father/qemu/100/move_disk", disk="scsi0", storage="shared", delete=1)
    assert status == "storage migration failed: unable to write to storage 'shared': No space left on device"
    assert cluster.get("/nodes/father/qemu/100/config")["scsi0"] == "local-lvm:vm-100-disk-0,size=2G"


def test_a_disk_goes_to_another_guest(cluster: Client) -> None:
    make(cluster, scsi0="local-lvm:1,ssd=1")
    make(cluster, 101)
    values = {"disk": "scsi0", "target-vmid": 101, "target-disk": "scsi5"}
    assert task(cluster, "POST", "/nodes/father/qemu/100/move_disk", **values) == "OK"
    assert "scsi0" not in cluster.get("/nodes/father/qemu/100/config")
    assert cluster.get("/nodes/father/qemu/101/config")["scsi5"] == "local-lvm:vm-101-disk-0,size=1G,ssd=1"


# ---------------------------------------------------------- high availability


def test_a_managed_guest_is_started_by_the_manager_not_by_the_task(cluster: Client) -> None:
    make(cluster, node="son")
    cluster.post("/cluster/ha/resources", sid="vm:100", state="stopped", comment="c", max_restart=2)
    assert cluster.get("/cluster/ha/resources/vm:100") | {"digest": ""} == {
        "sid": "vm:100",
        "type": "vm",
        "state": "stopped",
        "comment": "c",
        "max_restart": 2,
        "digest": "",
    }
    upid = cluster.post("/nodes/son/qemu/100/status/start")
    assert ":hastart:100:" in upid
    assert upid_status(cluster, upid) == "OK"
    assert cluster.get("/cluster/ha/resources/vm:100")["state"] == "started"
    until(lambda: cluster.get("/nodes/son/qemu/100/status/current")["status"] == "running")
    assert cluster.get("/nodes/son/qemu/100/status/current")["ha"] == {"managed": 1, "state": "started"}
    upid = cluster.post("/nodes/son/qemu/100/status/shutdown")
    assert ":hastop:100:" in upid
    until(lambda: cluster.get("/nodes/son/qemu/100/status/current")["status"] == "stopped")


def test_a_managed_guest_is_moved_by_the_manager(cluster: Client) -> None:
    make(cluster)
    cluster.post("/cluster/ha/resources", sid="100")
    until(lambda: cluster.get("/nodes/father/qemu/100/status/current")["status"] == "running")
    upid = cluster.post("/nodes/father/qemu/100/migrate", target="mother", online=1)
    assert ":hamigrate:100:" in upid
    until(lambda: cluster.ask("GET", "/nodes/mother/qemu/100/status/current").status_code == 200)
    assert cluster.get("/cluster/resources", type="vm")[0]["node"] == "mother"


def test_an_ignored_guest_is_not_managed(cluster: Client) -> None:
    make(cluster)
    cluster.post("/cluster/ha/resources", sid="vm:100", state="ignored")
    assert ":qmstart:" in cluster.post("/nodes/father/qemu/100/status/start")


@pytest.mark.parametrize(
    ("method", "path", "values", "refused"),
    [
        ("POST", "", {"sid": "vm:100"}, "create resource failed: resource ID 'vm:100' already defined"),
        ("POST", "", {"sid": "vm:999"}, "resource 'vm:999' does not exist in cluster"),
        ("POST", "", {"sid": "ct:100"}, "resource 'ct:100' - guest with ID 100 is not a container"),
        ("GET", "/vm:999", {}, "no such resource 'vm:999'"),
        ("DELETE", "/vm:999", {}, "cannot delete service 'vm:999', not HA managed!"),
        ("PUT", "/vm:100", {"group": "gg"}, "invalid parameter 'group': ha groups have been migrated to rules"),
        (
            "PUT",
            "/vm:100",
            {"comment": "x", "digest": "0" * 40},
            "update resources config failed: detected modified configuration - file changed by other user? Try again.",
        ),
        ("POST", "/vm:999/migrate", {"node": "son"}, "resource 'vm:999' is not HA managed"),
    ],
)
def test_what_is_refused_of_a_resource(
    cluster: Client, method: str, path: str, values: dict[str, Any], refused: str
) -> None:
    make(cluster)
    cluster.post("/cluster/ha/resources", sid="vm:100", state="stopped")
    assert refusal(cluster, method, f"/cluster/ha/resources{path}", **values) == (500, refused)


def test_a_managed_guest_is_destroyed_with_purge_only(cluster: Client) -> None:
    make(cluster)
    cluster.post("/cluster/ha/resources", sid="vm:100", state="stopped")
    cluster.post("/cluster/ha/rules", rule="pin", type="node-affinity", resources="vm:100", nodes="son", strict=1)
    assert cluster.get("/cluster/ha/rules/pin")["strict"] == 1
    assert refusal(cluster, "DELETE", "/nodes/father/qemu/100") == (
        500,
        "unable to remove VM 100 - used in HA resources and purge parameter not set.",
    )
    assert task(cluster, "DELETE", "/nodes/father/qemu/100", purge=1) == "OK"
    assert cluster.get("/cluster/ha/resources") == cluster.get("/cluster/ha/rules") == []


def test_a_rule_may_keep_two_guests_apart(cluster: Client) -> None:
    for vmid, node in ((100, "father"), (101, "son")):
        make(cluster, vmid, node=node)
        cluster.post("/cluster/ha/resources", sid=f"vm:{vmid}", state="stopped")
    values = {"rule": "apart", "type": "resource-affinity", "resources": "vm:100,vm:101", "affinity": "negative"}
    cluster.post("/cluster/ha/rules", **values)
    answer = cluster.post("/cluster/ha/resources/vm:100/migrate", node="son")
    assert answer["blocking-resources"] == [{"sid": "vm:101", "cause": "resource-affinity"}]
    assert task(cluster, "POST", "/nodes/father/qemu/100/migrate", target="son") == (
        "command 'ha-manager migrate vm:100 son' failed: exit code 2"
    )
