# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of storages: full, out of reach, slow."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.faults_storage import no_room
from lab.api.serving import ServedLab

from .conftest import TEMPLATE, Client, client_of, with_template
from .wire import PATIENT

QEMU = "/nodes/father/qemu"
NO_SPACE = "No space left on device"
THIN = "lvcreate 'pve/{}' error:   Cannot create new thin volume, free space in thin pool pve/data reached threshold."


@pytest.mark.parametrize(
    ("store", "volume", "words"),
    [
        ({"type": "lvmthin", "vgname": "pve", "thinpool": "data"}, "vm-1-disk-0", THIN.format("vm-1-disk-0")),
        ({"type": "lvm", "vgname": "vg"}, "vm-1-disk-0", "not enough free space (0 < 4096)"),
        (
            {"type": "zfspool", "pool": "tank"},
            "vm-1-disk-0",
            "zfs error: cannot create 'tank/vm-1-disk-0': out of space",
        ),
        ({"type": "rbd"}, "vm-1-disk-0", f"rbd create 'vm-1-disk-0' error: rbd: create error: (28) {NO_SPACE}"),
        (
            {"type": "dir", "path": "/mnt/a"},
            "1/vm-1-disk-0.qcow2",
            "unable to create image: qemu-img: /mnt/a/images/1/vm-1-disk-0.qcow2: Could not write qcow2 header: "
            + NO_SPACE,
        ),
        (
            {"type": "nfs", "path": "/mnt/a"},
            "1/vm-1-disk-0.raw",
            "unable to create image: qemu-img: /mnt/a/images/1/vm-1-disk-0.raw: "
            f"Could not preallocate data for the new file: {NO_SPACE}",
        ),
    ],
    ids=["lvmthin", "lvm", "zfspool", "rbd", "qcow2", "raw"],
)
def test_what_a_full_storage_says(store: dict[str, str], volume: str, words: str) -> None:
    assert no_room(store, volume, 4 * 1024**2) == words


def test_a_storage_can_be_full(client: Client) -> None:
    disk, container = {"scsi0": "local-lvm:4"}, {"ostemplate": TEMPLATE, "rootfs": "local-lvm:1"}
    client.run("POST", QEMU, vmid=300, **disk)
    with_template(client).lab.api.inject({"kind": "storage-full", "storage": "local-lvm"})
    (status,) = [item for item in client.get("/nodes/father/storage") if item["storage"] == "local-lvm"]
    assert (status["avail"], status["used"]) == (0, status["total"])
    assert client.run("POST", QEMU, vmid=301, **disk) == f"unable to create VM 301 - {THIN.format('vm-301-disk-0')}"
    made = client.run("POST", "/nodes/father/lxc", vmid=302, **container)
    assert made == f"unable to create CT 302 - {THIN.format('vm-302-disk-0')}"
    cloned = client.run("POST", f"{QEMU}/9001/clone", newid=303, full=1)
    assert cloned == f"clone failed: {THIN.format('vm-303-disk-0')}"
    content = {"vmid": 300, "filename": "vm-300-disk-7", "size": "1G"}
    answer = client.ask("POST", "/nodes/father/storage/local-lvm/content", **content)
    assert (answer.status_code, answer.reason) == (500, THIN.format("vm-300-disk-7"))
    assert [guest["vmid"] for guest in client.get("/cluster/resources", type="vm") if guest["vmid"] > 300] == [
        9000,
        9001,
    ]
    client.lab.api.heal()
    assert client.run("POST", QEMU, vmid=301, **disk) == "OK"


def upload(client: Client, name: str) -> str:
    """Exit status of an upload."""
    form: dict[str, Any] = {"content": (None, "iso"), "filename": (name, b"an image")}
    url = f"{client.lab.url}/api2/json/nodes/father/storage/local/upload"
    return client.wait(client.data(client.session.post(url, files=form, timeout=PATIENT)))


def test_no_file_fits_a_full_storage(client: Client) -> None:
    client.run("POST", QEMU, vmid=300)
    client.lab.api.inject({"kind": "storage-full", "storage": "local"})
    path = "/var/lib/vz/template/iso/x.iso"
    assert upload(client, "x.iso") == f"import failed: cp: error writing '{path}': {NO_SPACE}"
    url = {"url": f"{client.lab.url}/x.iso", "content": "iso", "filename": "x.iso"}
    answer = client.run("POST", "/nodes/father/storage/local/download-url", **url)
    assert answer == f"download failed: {path}: {NO_SPACE}"
    upid = client.post("/nodes/father/vzdump", vmid=300, storage="local", compress="zstd")
    assert client.wait(upid) == "job errors"
    told = [line for line in client.log(upid) if "error" in line or "ERROR" in line]
    assert told == [
        f"INFO: zstd: error 70 : Write error : cannot write block : {NO_SPACE}",
        "ERROR: vma_queue_write: write error - Broken pipe",
        "ERROR: Backup of VM 300 failed - vma_queue_write: write error - Broken pipe",
        "INFO: Backup job finished with errors",
        "TASK ERROR: job errors",
    ]
    assert client.get("/nodes/father/storage/local/content") == []
    client.lab.api.heal()
    assert upload(client, "x.iso") == "OK"


def test_a_storage_can_be_out_of_reach(client: Client) -> None:
    client.run("POST", QEMU, vmid=300, scsi0="local-lvm:1")
    offline = "storage 'local-lvm' is not online"
    directory = "unable to activate storage 'local' - directory '/var/lib/vz' does not exist or is unreachable"
    for storage in ("local-lvm", "local"):
        client.lab.api.inject({"kind": "storage-offline", "storage": storage})
    assert {item["active"] for item in client.get("/nodes/father/storage")} == {0}
    found = client.get("/cluster/resources", type="storage")
    assert {item["status"] for item in found} == {"unknown"}
    assert client.run("POST", f"{QEMU}/300/status/start") == offline
    assert client.run("POST", QEMU, vmid=301, scsi0="local-lvm:1") == f"unable to create VM 301 - {offline}"
    assert client.ask("GET", "/nodes/father/storage/local/content").reason == directory
    assert client.run("POST", "/nodes/father/vzdump", vmid=300, storage="local") == (
        f"could not activate storage 'local': {directory} could not get storage information for 'local': {directory}"
    )
    client.lab.api.heal()
    assert client.run("POST", f"{QEMU}/300/status/start") == "OK"


def test_a_storage_can_be_out_of_one_nodes_reach(lab_cluster_api: ServedLab) -> None:
    client = client_of(lab_cluster_api)
    lab_cluster_api.faults.add("storage-offline", storage="shared", node="mother")
    status = {
        item["node"]: item["status"]
        for item in client.get("/cluster/resources", type="storage")
        if item["storage"] == "shared"
    }
    assert status == {"father": "available", "mother": "unknown", "son": "available"}
    assert client.ask("GET", "/nodes/mother/storage/shared/content").reason == "storage 'shared' is not online"
    assert client.ask("GET", "/nodes/son/storage/shared/content").status_code == 200


def test_a_storage_can_be_slow(client: Client) -> None:
    client.lab.clock.rate = 0
    client.lab.api.inject({"kind": "storage-slow", "storage": "local-lvm", "seconds": 600})
    upid = client.post(QEMU, vmid=300, scsi0="local-lvm:1")
    assert client.get(f"/nodes/father/tasks/{upid}/status")["status"] == "running"
    client.lab.clock.forward(600)
    assert client.wait(upid) == "OK"
