"""Module restore against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

NEWEST: dict[str, Any] = {"backup_storage": "local"}


@pytest.fixture
def backed_up(modules: Modules) -> Modules:
    """A container and a VM, each with a backup."""
    modules.container(200, tags="a;b")
    modules.ok("vm", vmid=100, name="web", clone="debian-12", state="stopped", description="first\nsecond")
    modules.ok("backup", vmid=[100, 200], storage="local", compress="zstd")
    return modules


def archive(modules: Modules, vmid: int) -> str:
    return str(modules.ok("backup_info", vmid=vmid)["backups"][0]["volid"])


def test_what_is_gone_comes_back(backed_up: Modules) -> None:
    volid = archive(backed_up, 100)
    backed_up.ok("vm", vmid=100, state="absent")
    restored = backed_up.converge("restore", vmid=100, start=True, **NEWEST)
    assert restored["plan"] == [f"restore {volid} as vm 100 on father", "start vm 100"]
    assert {name: restored[name] for name in ("vmid", "node", "type", "name", "archive", "differences")} == {
        "vmid": 100, "node": "father", "type": "qemu", "name": "web", "archive": volid, "differences": [],
    }  # fmt: skip
    assert backed_up.ok("vm_info", vmid=[100])["vms"][0]["status"] == "running"


def test_a_copy_beside_the_original(backed_up: Modules) -> None:
    made = backed_up.converge("restore", vmid=201, backup_of=200, storage="local-lvm", unique=True, **NEWEST)
    assert (made["name"], made["type"], made["differences"]) == ("ct", "lxc", [])
    configs = [
        item["config"] for item in backed_up.ok("container_info", vmid=[200, 201], gather=["config"])["containers"]
    ]
    assert configs[0]["net0"] != configs[1]["net0"]
    assert configs[1]["rootfs"].startswith("local-lvm:")
    assert configs[1]["tags"] == "a;b"


def test_the_other_kind_is_started_and_stopped_too(backed_up: Modules) -> None:
    backed_up.ok("container", vmid=200, state="absent")
    begun = backed_up.converge("restore", vmid=200, storage="local-lvm", start=True, **NEWEST)
    assert begun["plan"][-1] == "start container 200"
    backed_up.ok("vm", vmid=100, state="started")
    ended = backed_up.ok("restore", vmid=100, force=True, stop=True, **NEWEST)
    assert ended["plan"][0] == "stop vm 100"
    assert backed_up.ok("vm_info", vmid=[100])["vms"][0]["status"] == "stopped"


def test_what_is_there_is_left_alone_and_costs_two_requests(backed_up: Modules) -> None:
    result = backed_up.unchanged("restore", vmid=100, **NEWEST)
    assert result["plan"] == ["vm 100 (web) is there already (without force it is left alone)"]
    assert result["archive"] is None
    assert len(backed_up.lab.requests()) <= 2


def test_over_what_is_there(backed_up: Modules) -> None:
    volid = archive(backed_up, 200)
    backed_up.ok("container", vmid=200, tags=["other"], state="started")
    wish: dict[str, Any] = {"vmid": 200, "archive": volid, "storage": "local-lvm", "force": True}
    assert backed_up.message("restore", **wish) == (
        f"Cannot restore {volid} over container 200 (ct): it is running, and its disks would be destroyed. Shut it "
        "down first, or set stop to true."
    )
    foretold = backed_up.ok("restore", check=True, stop=True, **wish)
    assert backed_up.lab.writes() == []
    restored = backed_up.ok("restore", stop=True, **wish)
    assert restored["plan"] == foretold["plan"]
    assert restored["diff"] == foretold["diff"]
    assert restored["plan"] == ["stop container 200", f"restore {volid} over container 200 (ct) on father"]
    (now,) = backed_up.ok("container_info", vmid=[200], gather=["config"])["containers"]
    assert (now["status"], now["config"]["tags"]) == ("stopped", "a;b")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"vmid": 300, "archive": "local:backup/vzdump-qemu-300-2020_01_01-00_00_00.vma"},
            "There is no backup 'local:backup/vzdump-qemu-300-2020_01_01-00_00_00.vma' that node father has and the "
            "login may see, which takes VM.Backup on the guest. The module backup_info lists the backups.",
        ),
        (
            {"vmid": 300, **NEWEST},
            "There is no backup of the guest with vmid 300 on storage 'local' that node father has and the login may "
            "see, which takes VM.Backup on the guest. The module backup_info lists the backups.",
        ),
        (
            {"vmid": 300, "backup_storage": "nope"},
            "Storage 'nope' does not exist, or the login has no Datastore.Audit on /storage/nope. Check the name; the "
            "module storage_info lists the storages the login may see.",
        ),
        (
            {"vmid": 300, "archive": "vzdump-qemu-100.vma"},
            "Option 'archive': 'vzdump-qemu-100.vma' is not the id of a backup such as local:backup/vzdump-...",
        ),
        (
            {"vmid": 300, "backup_of": 200, "live_restore": True, **NEWEST},
            "Option 'live_restore' is for a vm, and {200} is a container's.",
        ),
        (
            {"vmid": 100, "archive": "{200}", "force": True},
            "Cannot restore {200} over vm 100 (web): it is a backup of a container. Use another vmid.",
        ),
        (
            {"vmid": 100, "node": "mother", "force": True, **NEWEST},
            "Cannot restore over vm 100 (web) on node mother: it is on father. Leave node out, or move the guest "
            "first.",
        ),
        ({"vmid": 99, **NEWEST}, "Option 'vmid': 99 is not from 100 to 999999999"),
        ({"vmid": 300}, "one of the following is required: archive, backup_storage"),
    ],
    ids=str,
)
def test_refusals(backed_up: Modules, wish: dict[str, Any], message: str) -> None:
    volid = archive(backed_up, 200)
    given = {name: volid if value == "{200}" else value for name, value in wish.items()}
    assert backed_up.message("restore", **given) == message.replace("{200}", volid)


def test_a_backup_that_cannot_be_read_destroys_nothing(backed_up: Modules) -> None:
    volid = archive(backed_up, 100)
    backed_up.lab.api.archive_path(volid).write_bytes(b"damaged")
    message = backed_up.message("restore", vmid=100, force=True, archive=volid)
    assert message.startswith(f"Cannot restore {volid}: its configuration can't be read. GET ")


def test_a_protected_guest_is_refused(backed_up: Modules) -> None:
    backed_up.ok("vm", vmid=100, protection=True)
    assert backed_up.message("restore", vmid=100, force=True, **NEWEST).endswith(
        "over vm 100 (web): it is protected. Take that off (protection: false) first, or use another vmid."
    )


def test_a_guest_that_is_half_made_is_not_taken_for_restored(backed_up: Modules) -> None:
    backed_up.lab.api.vm(100).lock = "create"
    assert backed_up.message("restore", vmid=100, **NEWEST) == (
        "vm 100 (web) on father is there, but half-made: an earlier restore has failed, or is still at work. Wait for "
        "it, or remove the guest (module vm, state: absent)."
    )


def test_live_restore_from_a_file(backed_up: Modules) -> None:
    result = backed_up.run("restore", vmid=300, backup_of=100, live_restore=True, **NEWEST)
    assert "live-restore is only compatible with backup images from a Proxmox Backup Server" in result["msg"]
    assert result["msg"].endswith("Leave live_restore out: it takes a backup on a Proxmox Backup Server.")


def test_least_privileges(backed_up: Modules) -> None:
    bridge = "/sdn/zones/localnetwork/vmbr0"
    # A guest that can't be seen afterwards is made all the same: that comes last.
    needed = {
        "/storage/local": ["Datastore.AllocateSpace"], "/vms/200": ["VM.Backup"], bridge: ["SDN.Use"],
        "/storage/local-lvm": ["Datastore.AllocateSpace"], "/vms/300": ["VM.Allocate", "VM.Audit"],
    }  # fmt: skip
    wish: dict[str, Any] = {"vmid": 300, "backup_of": 200, "storage": "local-lvm", "node": "father", **NEWEST}
    named = {
        "Datastore.AllocateSpace on /storage/local": "(/storage/local, Datastore.Audit|Datastore.AllocateSpace)",
        "VM.Backup on /vms/200": "the login may see, which takes VM.Backup on the guest.",
        f"SDN.Use on {bridge}": "Grant SDN.Use on the bridge to the user, and to the token",
        "Datastore.AllocateSpace on /storage/local-lvm": denied("Datastore.AllocateSpace", "/storage/local-lvm"),
        "VM.Allocate on /vms/300": "It takes VM.Allocate on the guest's path (/vms/VMID), or on that of the pool.",
        "VM.Audit on /vms/300": denied("VM.Audit", "/vms/300"),
    }
    refused = backed_up.refusals(needed, "restore", **wish)
    assert {name: words for name, words in named.items() if words not in refused[name]} == {}
    assert refused.keys() == named.keys()
    backed_up.ok("container", vmid=300, state="absent")
    backed_up.limited(needed).converge("restore", **wish)
