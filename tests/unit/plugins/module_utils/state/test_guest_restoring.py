"""The option ``restore`` of guests in a document: what will be there, and what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_guests import ROWS
from ansible_collections.homelab.pve.plugins.module_utils.state.guest_restoring import restored_config

VMS = ROWS[0]
FORESEEN: list[tuple[Any, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    (QEMU, {"cores": "2", "digest": "x", "vmgenid": "y", "template": "1"}, {}, {"cores": "2"}),
    (QEMU, {"scsi0": "a:vm-1-disk-0,size=1G"}, {}, {"scsi0": "a:vm-1-disk-0,size=1G"}),
    (QEMU, {"scsi0": "a:vm-1-disk-0,size=1G"}, {"storage": "b"}, {"scsi0": "b:vm-1-disk-0,size=1G"}),
    (QEMU, {"ide2": "a:iso/x.iso,media=cdrom"}, {"storage": "b"}, {"ide2": "a:iso/x.iso,media=cdrom"}),
    (QEMU, {"scsi1": "/dev/sdb,size=1G"}, {"storage": "b"}, {"scsi1": "/dev/sdb,size=1G"}),
    (QEMU, {"scsi1": "a:vm-1-disk-1,backup=0,size=1G"}, {}, {}),
    (QEMU, {"net0": "virtio=BC:24:11:00:00:01"}, {"storage": "b"}, {"net0": "virtio=BC:24:11:00:00:01"}),
    (LXC, {"rootfs": "a:vm-1-disk-0,size=1G"}, {"storage": "b"}, {"rootfs": "b:vm-1-disk-0,size=1G"}),
    (LXC, {"mp0": "/srv,mp=/srv"}, {"storage": "b"}, {"mp0": "/srv,mp=/srv"}),
    (LXC, {"unprivileged": "0"}, {"unprivileged": True}, {"unprivileged": True}),
    (LXC, {"unprivileged": "1"}, {"unprivileged": None}, {"unprivileged": "1"}),
]


@pytest.mark.parametrize(("kind", "archived", "asked", "config"), FORESEEN)
def test_what_a_restore_will_make(
    kind: Any, archived: dict[str, str], asked: dict[str, Any], config: dict[str, Any]
) -> None:
    assert restored_config(kind, archived, asked) == config


class Storages(Reader):
    """A server without guests, with storages."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def get(self, path: str, params: Values | None = None) -> Any:
        rows = [{"storage": name, "content": "backup,iso"} for name in self.names]
        return {"/cluster/resources": [], "/storage": [*rows, {"storage": "disks", "content": "images"}]}[path]


WISH = {"vmid": 100, "state": "present", "restore": {"archive": "latest"}}


@pytest.mark.parametrize(("names", "listed"), [((), "none"), (("one", "two"), "one, two")])
def test_which_newest_backup_is_meant_has_to_be_clear(names: tuple[str, ...], listed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        VMS.resource.describe(Storages(*names), WISH)
    assert str(caught.value) == (
        "Option 'restore': give archive, or backup_storage to have the newest backup on it. Storages that take "
        f"backups: {listed}."
    )


def test_a_guest_is_restored_as_a_vmid() -> None:
    with pytest.raises(ConfigError) as caught:
        VMS.resource.describe(Storages("one"), {**WISH, "vmid": None, "name": "web"})
    assert str(caught.value) == "Option 'restore': give the vmid that web is to be restored as."
