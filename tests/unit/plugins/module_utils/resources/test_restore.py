"""Restoring guests: from a guest and a backup to steps, and what differs afterwards. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.restore import (
    Found,
    describe,
    differences,
    plan,
    result,
)

from .reading import Table, row

VM = {"volid": "nas:backup/vm", "node": "father", "type": "qemu", "vmid": 100}
CT = {"volid": "nas:backup/ct", "node": "father", "type": "lxc", "vmid": 200}
WEB = guest(row(100, "web"))


@pytest.mark.parametrize(
    ("wish", "have", "steps"),
    [
        (
            {"storage": "s2", "unique": True, "bwlimit": 0, "pool": "p"},
            Found(300, backup=VM),
            [
                (
                    "/nodes/father/qemu",
                    {"vmid": 300, "archive": "nas:backup/vm", "storage": "s2", "unique": 1, "bwlimit": 0, "pool": "p"},
                    "restore nas:backup/vm as vm 300 on father",
                )
            ],
        ),
        (
            {"start": True, "ignore_unpack_errors": True, "unprivileged": False},
            Found(300, backup=CT),
            [
                (
                    "/nodes/father/lxc",
                    {
                        "vmid": 300, "ostemplate": "nas:backup/ct", "restore": True, "ignore-unpack-errors": 1,
                        "unprivileged": 0,
                    },
                    "restore nas:backup/ct as container 300 on father",
                ),
                ("/nodes/father/lxc/300/status/start", {}, "start container 300"),
            ],
        ),
        (
            {"live_restore": True, "start": True, "ha_managed": True},
            Found(300, backup=VM),
            [
                (
                    "/nodes/father/qemu",
                    {"vmid": 300, "archive": "nas:backup/vm", "live-restore": 1, "ha-managed": 1},
                    "restore nas:backup/vm as vm 300 on father",
                )
            ],
        ),
        (
            {"force": True, "stop": True},
            Found(300, WEB, {"name": "web"}, "running", VM),
            [
                ("/nodes/father/qemu/300/status/stop", {}, "stop vm 300"),
                (
                    "/nodes/father/qemu",
                    {"vmid": 300, "archive": "nas:backup/vm", "force": True},
                    "restore nas:backup/vm over vm 100 (web) on father",
                ),
            ],
        ),
        ({}, Found(300, WEB), []),
    ],
    ids=["vm", "container", "live", "over", "there"],
)  # fmt: skip
def test_steps(wish: dict[str, Any], have: Found, steps: list[tuple[str, dict[str, Any], str]]) -> None:
    made = plan({"vmid": 300, **wish}, have)
    assert [(step.path, step.params, step.reason) for step in made.steps] == steps
    assert all(step.once for step in made.steps if not step.path.endswith(("start", "stop")))


def test_secrets_are_in_no_diff() -> None:
    have = Found(100, WEB, {"name": "web", "digest": "x", "cipassword": "y"}, "stopped", VM, {"name": "old"})
    made = plan({"vmid": 100}, have)
    assert made.before == {"config": {"name": "web"}}
    assert made.after == {"archive": "nas:backup/vm", "config": {"name": "old"}}


@pytest.mark.parametrize(
    ("wish", "have", "kind", "message"),
    [
        (
            {"unprivileged": True},
            Found(300, backup=VM),
            ConfigError,
            "Option 'unprivileged' is for a container, and nas:backup/vm is a vm's.",
        ),
        (
            {},
            Found(100, WEB, {}, "stopped", CT),
            RefusedError,
            "Cannot restore nas:backup/ct over vm 100 (web): it is a backup of a container. Use another vmid.",
        ),
        (
            {"stop": True},
            Found(100, WEB, {"protection": 1}, "running", VM),
            RefusedError,
            "Cannot restore nas:backup/vm over vm 100 (web): it is protected. Take that off (protection: false) first, "
            "or use another vmid.",
        ),
        (
            {},
            Found(100, WEB, {}, "paused", VM),
            RefusedError,
            "Cannot restore nas:backup/vm over vm 100 (web): it is paused, and its disks would be destroyed. Shut it "
            "down first, or set stop to true.",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_refusals(wish: dict[str, Any], have: Found, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        plan({"vmid": 100, **wish}, have)
    assert str(caught.value) == message


ARCHIVED = {
    "name": "web", "memory": "2048", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0", "scsi0": "lvm:vm-100-disk-0",
    "unused0": "local-lvm:vm-100-disk-9", "lock": "backup", "vmgenid": "one", "smbios1": "uuid=1",
    "description": "first\nsecond",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "wish", "options"),
    [
        ({}, {}, []),
        ({"memory": 2048, "description": "first\nsecond\n", "digest": "x"}, {}, []),
        ({"scsi0": "fast:vm-300-disk-0,size=4G"}, {}, []),
        ({"scsi0": None}, {}, ["scsi0"]),
        ({"memory": 1024, "name": None}, {}, ["memory", "name"]),
        ({"net0": "virtio=BC:24:11:00:00:02,bridge=vmbr0", "smbios1": "uuid=2"}, {}, ["net0", "smbios1"]),
        ({"net0": "bridge=vmbr0,virtio=BC:24:11:00:00:02", "smbios1": "uuid=2"}, {"unique": True}, []),
        ({"vmgenid": "two"}, {}, []),
        ({"net0": "virtio=BC:24:11:00:00:02,bridge=vmbr1"}, {"unique": True}, ["net0"]),
    ],
    ids=str,
)
def test_differences(changed: dict[str, Any], wish: dict[str, Any], options: list[str]) -> None:
    config = {name: value for name, value in {**ARCHIVED, **changed}.items() if value is not None}
    config = {name: value for name, value in config.items() if name not in ("lock", "unused0")}
    assert [found["option"] for found in differences(ARCHIVED, config, wish)] == options


def test_a_disk_that_is_in_no_backup_is_not_missed() -> None:
    archived = {"scsi1": "lvm:vm-100-disk-1,backup=0", "description": "first", "name": "web"}
    assert differences(archived, {"description": "first\nscsi1: lvm:vm-100-disk-1,backup=0", "name": "web"}, {}) == ()


def test_what_differs_is_a_warning() -> None:
    found = differences({"name": "web"}, {"name": "other"}, {})
    told = result(Found(300, config={"name": "other"}, backup=VM, differences=found))
    assert told["differences"] == [{"option": "name", "archived": "web", "restored": "other"}]
    assert told["warnings"] == ["Option name of the restored guest is other; in the backup it is web."]


CONTENT = [
    {"volid": "nas:backup/vzdump-qemu-100-2026_01_02-00_00_00.vma", "vmid": 100, "ctime": 2},
    {"volid": "nas:backup/vzdump-qemu-100-2026_01_01-00_00_00.vma", "vmid": 100, "ctime": 1},
    {"volid": "nas:backup/mine.vma", "vmid": 100, "ctime": 0},
]
NEXT = "/cluster/nextid"


def table(**more: Any) -> Table:
    return Table(
        {
            "/cluster/resources": [row(100, "web")],
            NEXT: "300",
            "/nodes/father/qemu/100/config": {"name": "web"},
            "/nodes/father/qemu/100/status/current": {"status": "stopped"},
            "/nodes/father/storage/nas/content": CONTENT,
            "/nodes/father/vzdump/extractconfig": "name: web\n",
            **more,
        }
    )


def test_the_newest_is_taken() -> None:
    have = describe(table(), {"vmid": 300, "backup_of": 100, "backup_storage": "nas", "node": "father"})
    assert have.backup and have.backup["volid"] == CONTENT[0]["volid"]
    assert have.archived == {"name": "web"}


def test_a_backup_is_not_read_when_it_need_not_be() -> None:
    read = table()
    wish = {"vmid": 100, "archive": CONTENT[1]["volid"], "force": True, "verify": False}
    assert describe(read, wish).archived is None
    assert "/nodes/father/vzdump/extractconfig" not in read.asked


def test_a_file_of_the_node() -> None:
    wish = {"vmid": 300, "archive": "/srv/vzdump-lxc-200-x.tar", "node": "father", "verify": False}
    have = describe(table(), wish)
    assert have.backup == {"volid": "/srv/vzdump-lxc-200-x.tar", "node": "father", "type": "lxc", "vmid": None}


def test_afterwards_the_guest_is_looked_for_where_it_was_made() -> None:
    read = Table({"/nodes/father/lxc/300/config": {"hostname": "ct"}})
    bound = {"node": "father", "backup": CT, "archived": {"hostname": "old"}}
    have = describe(read, {"vmid": 300, BOUND: bound})
    assert (result(have)["name"], result(have)["type"], len(have.differences)) == ("ct", "lxc", 1)


@pytest.mark.parametrize(
    ("wish", "more", "message"),
    [
        (
            {"vmid": 100},
            {"/nodes/father/qemu/100/config": {"digest": "x"}},
            "vm 100 (web) on father is there, but half-made: an earlier restore has failed, or is still at work. Wait "
            "for it, or remove the guest (module vm, state: absent).",
        ),
        (
            {"vmid": 300},
            {NEXT: PveError("GET", NEXT, 400, "bad", errors={"vmid": "VM 300 already exists"})},
            "The guest with vmid 300 is hidden from the login. Grant VM.Audit on /vms/300 to the user, and to the "
            "token if it has privilege separation.",
        ),
        (
            {"vmid": 300, "archive": "nas:backup/mine.vma"},
            {},
            "Cannot restore nas:backup/mine.vma: its name does not say whether it is a VM's.",
        ),
        (
            {"vmid": 300, "archive": CONTENT[0]["volid"]},
            {"/nodes/father/vzdump/extractconfig": ""},
            f"Cannot restore {CONTENT[0]['volid']}: there is no configuration in it.",
        ),
    ],
    ids=str,
)
def test_what_is_refused_at_the_look(wish: dict[str, Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        describe(table(**more), {"node": "father", "archive": CONTENT[0]["volid"], **wish})
    assert str(caught.value) == message
