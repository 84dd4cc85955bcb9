"""Module state_checkpoint against the lab's API: what is kept, and the way back."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, Result, denied, hidden

Document = dict[str, Any]
NAME = "before"
LOCKED: Document = {"storage": [{"storage": "extra", "type": "dir", "path": "/srv/extra", "content": ["iso"]}]}


def guest(modules: Modules, vmid: int = 100, **options: Any) -> None:
    """A stopped VM with a disk that takes snapshots."""
    disks = {"scsi0": {"storage": "local-lvm", "size": "4G"}}
    modules.ok("vm", **{"vmid": vmid, "name": f"vm{vmid}", "node": "father", "memory": 512, "disks": disks, **options})


def server(modules: Modules) -> Document:
    """Everything that is there, as a document."""
    document: Document = modules.ok("state_info")["document"]
    return document


def kept(modules: Modules, document: Document, **options: Any) -> Result:
    """A checkpoint of what applying the document changes."""
    return modules.ok("state_checkpoint", name=NAME, document=document, **options)


def applied(modules: Modules, document: Document, **options: Any) -> None:
    modules.ok("state", document=document, **options)


def back(modules: Modules, made: Result, **options: Any) -> Result:
    """Go back, checked before: check mode writes nothing."""
    wish = {"state": "restored", "checkpoint": made["checkpoint"], **options}
    assert modules.ok("state_checkpoint", check=True, **wish)["changed"]
    assert modules.lab.writes() == []
    return modules.ok("state_checkpoint", **wish)


def snapshots(modules: Modules, vmid: int) -> list[str]:
    return [row["name"] for row in modules.ok("snapshot_info", vmid=vmid)["snapshots"]]


def test_what_was_changed_made_and_set_goes_back(modules: Modules) -> None:
    guest(modules)
    guest(modules, 101)
    modules.ok("pool", poolid="dev", comment="for trying")
    modules.ok("user", userid="ann@pve")
    before = server(modules)
    wish = {
        "vms": [
            {"vmid": 100, "memory": 1024, "description": "changed"},
            {"vmid": 102, "name": "new", "node": "father", "memory": 256},
        ],
        "pools": [{"poolid": "dev", "comment": "other"}, {"poolid": "new"}],
        "users": [{"userid": "ann@pve", "email": "ann@example.org"}],
        **LOCKED,
    }
    made = kept(modules, wish)
    assert made["plan"] == ["take snapshot before of vm 100 (vm100)"]
    assert [row["vmid"] for row in made["checkpoint"]["guests"]] == [100]
    assert {(row["kind"], row["id"]) for row in made["checkpoint"]["creations"]} == {
        ("vms", "102"), ("pools", "new"), ("storage", "extra")
    }  # fmt: skip
    applied(modules, wish)
    assert server(modules) != before
    result = back(modules, made)
    assert "roll vm 100 (vm100) back to snapshot before" in result["plan"]
    assert server(modules) == before
    assert modules.converge("state_checkpoint", state="absent", checkpoint=made["checkpoint"])["plan"] == [
        "remove snapshot before of vm 100 (vm100)"
    ]
    assert snapshots(modules, 100) == []


def test_a_checkpoint_is_made_once(modules: Modules) -> None:
    guest(modules)
    wish = {"name": NAME, "document": {"vms": [{"vmid": 100, "memory": 1024}]}}
    modules.converge("state_checkpoint", **wish)
    assert snapshots(modules, 100) == [NAME]


def test_nothing_to_keep(modules: Modules) -> None:
    result = modules.unchanged("state_checkpoint", document={"groups": [{"groupid": "new"}]})
    assert result["plan"] == ["no guest that is there is changed: there is nothing to take a snapshot of"]
    assert result["checkpoint"]["creations"] == [{"kind": "groups", "id": "new"}]
    assert result["checkpoint"]["name"].startswith("homelab-2")


REMOVAL: Document = {"vms": [{"vmid": 100, "state": "absent"}]}


def test_a_guest_that_was_removed_comes_back_from_its_backup_only(modules: Modules) -> None:
    guest(modules)
    before = server(modules)
    made = kept(modules, REMOVAL)
    assert made["checkpoint"]["lost"] == ["vm 100 (vm100): its disks, as there is no backup of it"]
    modules.ok("backup", vmid=100, storage="local")
    applied(modules, REMOVAL, allow_delete=True)
    with_backup = back(modules, made)
    assert any(text.startswith("restore local:backup/vzdump-qemu-100-") for text in with_backup["plan"])
    assert server(modules) == before


def test_a_guest_without_a_backup_is_refused(modules: Modules) -> None:
    guest(modules)
    made = kept(modules, REMOVAL)
    applied(modules, REMOVAL, allow_delete=True)
    wish = {"state": "restored", "checkpoint": made["checkpoint"]}
    assert modules.message("state_checkpoint", **wish).startswith(
        "Cannot go back to checkpoint before: these guests were removed with their disks, and there is no backup of "
        "them: 100 (vm100). Nothing was done."
    )
    modules.ok("state_checkpoint", **wish, skip_lost=True)
    assert [row["name"] for row in modules.ok("vm_info", vmid=[100])["vms"]] == ["vm100"]


def test_a_guest_that_takes_no_snapshots_is_named(modules: Modules) -> None:
    modules.ok("storage", storage="local", content=["images", "backup"])
    guest(modules, 100, disks={"scsi0": {"storage": "local", "size": "1G", "format": "raw"}})
    wish: Document = {"document": {"vms": [{"vmid": 100, "memory": 1024}]}, "name": NAME}
    assert modules.message("state_checkpoint", **wish).startswith(
        "Cannot take a checkpoint: vm 100 (vm100): it has a volume on a storage that takes no snapshots. "
    )
    result = modules.ok("state_checkpoint", skip_unsupported=True, **wish)
    assert (result["checkpoint"]["guests"], snapshots(modules, 100)) == ([], [])
    assert result["checkpoint"]["lost"] == ["vm 100 (vm100): it has a volume on a storage that takes no snapshots"]


def test_another_guest_under_the_id_is_not_removed(modules: Modules) -> None:
    made = kept(modules, {"vms": [{"vmid": 100, "name": "new", "node": "father"}]})
    guest(modules, 100, name="other")
    assert modules.message("state_checkpoint", state="restored", checkpoint=made["checkpoint"]).startswith(
        "Cannot go back to checkpoint before: it would remove vmid 100, which was made as new, and is other now."
    )


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ({"name": "x"}, "Option 'checkpoint': this is not what state: present returned"),
        (
            {"name": "x", "created": "", "host": None, "node": "elsewhere", "guests": [], "removals": []},
            "Checkpoint x is of node elsewhere; asked was father.",
        ),
    ],
)
def test_checkpoints_that_are_none(modules: Modules, checkpoint: Document, message: str) -> None:
    assert modules.message("state_checkpoint", state="restored", checkpoint=checkpoint).startswith(message)


def test_least_privileges(modules: Modules) -> None:
    guest(modules)
    wish: Document = {"document": {"vms": [{"vmid": 100, "memory": 1024}]}, "name": NAME}
    needed = {"/": ["Sys.Audit"], "/vms/100": ["VM.Audit", "VM.Snapshot", "VM.Config.Memory"]}
    limited = modules.limited(needed)
    made = limited.ok("state_checkpoint", **wish)
    limited.ok("state", document=wish["document"])
    limited.ok("state_checkpoint", state="restored", checkpoint=made["checkpoint"])
    limited.ok("state_checkpoint", state="absent", checkpoint=made["checkpoint"])
    taking = {"/": ["Sys.Audit"], "/vms/100": ["VM.Audit", "VM.Snapshot"]}
    refused = modules.refusals(taking, "state_checkpoint", **wish)
    assert denied("Sys.Audit", "/") in refused["Sys.Audit on /"]
    assert hidden(100) in refused["VM.Audit on /vms/100"]
    assert refused["VM.Snapshot on /vms/100"].startswith(
        "Cannot take snapshot before of vm 100 (vm100): POST /nodes/father/qemu/100/snapshot: "
        f"{denied('VM.Snapshot', '/vms/100')}"
    )
