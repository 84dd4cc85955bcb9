"""Who uses a storage, or a file on it. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_use import (
    listed,
    users_of_storage,
    users_of_volume,
)

from .reading import Table, row

CONFIGS = {
    100: {"name": "nas:1", "scsi0": "nas:100/vm-100-disk-0.raw,size=1G", "ide2": "local:iso/x.iso,media=cdrom"},
    101: {"description": "nas:x", "cicustom": "user=nas:snippets/u.yaml,network=nas:snippets/n.yaml", "memory": 512},
    102: {"rootfs": "nas2:subvol-102-disk-0", "mp0": "bnas:102/x,mp=/nas:1", "lock": "backup"},
}
TABLE = Table({
    "/cluster/resources": [row(102, "ct", type="lxc"), row(101, None), row(100, "web")],
    **{f"/nodes/father/{'lxc' if vmid == 102 else 'qemu'}/{vmid}/config": config for vmid, config in CONFIGS.items()},
})  # fmt: skip


def test_users_of_a_storage() -> None:
    assert users_of_storage(TABLE, "nas") == ["100 (web): scsi0", "101 (no name): cicustom"]
    assert users_of_storage(TABLE, "local") == ["100 (web): ide2"]
    assert users_of_storage(TABLE, "other") == []
    assert users_of_storage(TABLE, "nas", lambda node: node == "son") == []


def test_users_of_a_volume() -> None:
    assert users_of_volume(TABLE, "local:iso/x.iso") == ["100 (web): ide2"]
    assert users_of_volume(TABLE, "nas:snippets/n.yaml") == ["101 (no name): cicustom"]
    assert users_of_volume(TABLE, "local:iso/x") == []


def test_only_its_guest_can_use_a_disk() -> None:
    TABLE.asked.clear()
    assert users_of_volume(TABLE, "nas:100/vm-100-disk-0.raw", 100) == ["100 (web): scsi0"]
    assert TABLE.asked == ["/cluster/resources", "/nodes/father/qemu/100/config"]


def test_a_message_names_some() -> None:
    assert listed(["a"]) == "a"
    assert listed([str(number) for number in range(7)]) == "0; 1; 2; 3; 4 and 2 more"
