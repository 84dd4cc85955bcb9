"""What the node's API does to real guests beyond power: images, snapshots, commands, saved state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import control
from tests.integration import command_lines
from tests.integration.conftest import NodeApi, Stand, TaskFailedError, entered, until

pytestmark = pytest.mark.lab
VMID = 300
IMAGE = "debian-12-genericcloud-amd64.qcow2"
IMAGE_URL = f"http://10.99.0.1:8080/images/{IMAGE}"
DOWNLOAD = "/nodes/father/storage/local/download-url"


@pytest.fixture(scope="module")
def api(stand: Stand) -> NodeApi:
    """The node's API."""
    return stand.father()


@pytest.fixture
def spare(api: NodeApi) -> Iterator[int]:
    """A VMID whose guest is gone afterwards."""
    yield VMID
    known = [item["vmid"] for item in api.call("GET", "/cluster/resources", type="vm")]
    if VMID in known:
        api.guest(VMID, "POST", "/status/stop")
        api.guest(VMID, "DELETE", "")


def test_an_image_from_the_labs_server_boots(stand: Stand, api: NodeApi, spare: int) -> None:
    api.call("POST", DOWNLOAD, content="import", filename=IMAGE, url=IMAGE_URL)
    values = {
        "name": "imported",
        "scsi0": f"local-lvm:0,import-from=local:import/{IMAGE}",
        "ide2": "local-lvm:cloudinit",
        "net0": "virtio,bridge=vmbr0",
        "agent": "1",
        "ciuser": "root",
        "sshkeys": stand.key.replace(" ", "%20").replace("/", "%2F").replace("+", "%2B"),
    }
    api.call("POST", "/nodes/father/qemu", vmid=spare, **values)
    assert stand.ssh(api.start(spare), "hostname") == "imported\n"


def test_a_download_that_is_not_there_fails_in_its_task(api: NodeApi) -> None:
    with pytest.raises(TaskFailedError, match=r"download failed: ERROR 404: "):
        api.call("POST", DOWNLOAD, content="import", filename="x.qcow2", url=f"{IMAGE_URL}.gone")


def test_an_empty_disk_starts_a_vm_in_which_nothing_answers(api: NodeApi, spare: int) -> None:
    values = {"scsi0": "local-lvm:1", "net0": "virtio,bridge=vmbr0", "agent": "1"}
    api.call("POST", "/nodes/father/qemu", vmid=spare, **values)
    api.guest(spare, "POST", "/status/start")
    assert api.status(spare) == "running"
    with pytest.raises(Exception, match="QEMU guest agent is not running"):
        api.guest(spare, "POST", "/agent/ping")


def test_a_rollback_brings_a_guests_files_back(stand: Stand, api: NodeApi, spare: int) -> None:
    api.clone(9001, spare, "rolled", stand.key)
    stand.ssh(api.start(spare), "echo before > /root/state; sync")
    api.guest(spare, "POST", "/snapshot", snapname="first")
    stand.ssh(api.address(spare), "echo after > /root/state")
    api.guest(spare, "POST", "/snapshot/first/rollback")
    assert api.status(spare) == "stopped"
    assert stand.ssh(api.start(spare), "cat /root/state") == "before\n"


def test_the_nodes_commands_see_what_the_api_sees(stand: Stand, api: NodeApi, spare: int) -> None:
    stand.ssh("father", f"qm clone 9001 {spare} --name by-command && qm set {spare} --memory 640")
    assert api.guest(spare, "GET", "/config")["memory"] == "640"
    assert stand.ssh("father", f"qm status {spare}") == "status: stopped\n"
    refused = stand.try_ssh("father", "qm start 4711")
    assert (refused.returncode, refused.stderr) == (
        255,
        "Configuration file 'nodes/father/qemu-server/4711.conf' does not exist\n",
    )


def test_the_commands_of_a_node_print_what_pves_print(stand: Stand, api: NodeApi, spare: int) -> None:
    assert command_lines.wrong(stand.ssh("father", command_lines.script())) == []


def test_state_is_there_after_the_lab_was_down(stand: Stand, api: NodeApi) -> None:
    """The last test here: the lab of the others is another one afterwards."""
    kept = VMID + 1
    api.clone(9001, kept, "kept", stand.key, onboot=1, tags="homelab-pve")
    token = api.call("POST", "/access/users/root@pam/token/kept", privsep=0)
    control.down()
    with entered(control.ensure_up(print)) as again:
        after = again.father()
        after.token = f"{token['full-tokenid']}={token['value']}"
        assert after.guest(kept, "GET", "/config")["tags"] == "homelab-pve"
        until(lambda: after.status(kept) == "running", "the start of what is started with the node")
        assert after.address(kept).startswith("10.99.0.")
