"""Guests as entries of a document: each says what is there, is valid, and changes nothing where the guest is so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_plan import plan
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU
from ansible_collections.homelab.pve.plugins.module_utils.state import guest_export
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_guests import ROWS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Remark

GOLDEN = Path(__file__).parents[6] / "shared" / "golden"
GUESTS = {
    "qemu": Guest(100, "web", "father", "stopped", "qemu", template=False, tags=(), pool=None),
    "lxc": Guest(200, "ct", "father", "stopped", "lxc", template=False, tags=(), pool=None),
}
KINDS = {"qemu": QEMU, "lxc": LXC}
IN_DOCUMENT = {"qemu": ROWS[0], "lxc": ROWS[1]}


def exported(type_: str, config: dict[str, Any], **known: Any) -> tuple[dict[str, Any], list[str]]:
    """The entry and the remarks."""
    found = list(guest_export.entry(KINDS[type_], IN_DOCUMENT[type_].name, replace(GUESTS[type_], **known), config))
    remarks = [item for item in found if isinstance(item, Remark)]
    return next(item for item in found if isinstance(item, dict)), [str(item) for item in remarks]


def wish_of(type_: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry as its module would take it; fails for one that it wouldn't."""
    resource = IN_DOCUMENT[type_].resource
    rules = {name: rule for name, rule in resource.rules.items() if name != "required_if"}
    result = ArgumentSpecValidator(resource.argument_spec(), **rules).validate(json.loads(json.dumps(entry)))
    assert result.error_messages == []
    values: dict[str, Any] = result.validated_parameters
    return values


def nothing_to_do(type_: str, entry: dict[str, Any], config: dict[str, Any], **known: Any) -> None:
    """The entry, planned against the configuration it came from, changes nothing."""
    guest = replace(GUESTS[type_], **known)
    view = View(guest, config, guest.status, running=config)
    assert [step.reason for step in plan(KINDS[type_], wish_of(type_, entry), view).steps] == []


UUID = "fe67156b-9b71-4d7a-86b8-1e9c6d446bf4"
ISO = "local:iso/test.iso"
MAC = "BC:24:11:B8:1F:1D"
VM_OPTIONS: list[tuple[str, Any, dict[str, Any]]] = [
    ("name", "web", {"name": "web"}),
    ("description", "two\nlines\n", {"description": "two\nlines"}),
    ("tags", "prod;web", {"tags": ["prod", "web"]}),
    ("onboot", 1, {"onboot": True}),
    ("protection", 0, {"protection": False}),
    ("startup", "order=2,up=5,down=10", {"startup": {"order": "2", "up": 5, "down": 10}}),
    ("hotplug", "disk,network,usb", {"hotplug": ["disk", "network", "usb"]}),
    ("cores", 2, {"cores": 2}),
    ("cpu", "x86-64-v2-AES,flags=+aes;-pcid", {"cpu": {"cputype": "x86-64-v2-AES", "flags": ["+aes", "-pcid"]}}),
    ("cpulimit", "0.5", {"cpulimit": 0.5}),
    ("memory", "2048", {"memory": 2048}),
    ("balloon", 0, {"balloon": 0}),
    ("agent", "1", {"agent": {"enabled": True}}),
    ("boot", "order=scsi0;net0", {"boot": {"order": ["scsi0", "net0"]}}),
    ("boot", "cdn", {"boot": {"legacy": "cdn"}}),
    ("boot", " ", {}),
    ("bios", "ovmf", {"bios": "ovmf"}),
    ("machine", "q35", {"machine": {"type": "q35"}}),
    ("ostype", "l26", {"ostype": "l26"}),
    ("smbios1", f"uuid={UUID}", {"smbios1": {"uuid": UUID}}),
    ("allow-ksm", 0, {"allow_ksm": False}),
    ("cipassword", "**********", {"cipassword": "${secret:vms.100.cipassword}"}),
    ("ciuser", "debian", {"ciuser": "debian"}),
    ("sshkeys", "ssh-ed25519%20AAAA%20a%40b%0A", {"sshkeys": ["ssh-ed25519 AAAA a@b"]}),
    ("nameserver", "10.0.0.1 10.0.0.2", {"nameserver": ["10.0.0.1", "10.0.0.2"]}),
    (
        "net0",
        "virtio=BC:24:11:FB:92:F3,bridge=vmbr0,firewall=1,tag=5,trunks=7;9",
        {
            "net": {
                "net0": {
                    "model": "virtio",
                    "macaddr": "BC:24:11:FB:92:F3",
                    "bridge": "vmbr0",
                    "firewall": True,
                    "tag": 5,
                    "trunks": ["7", "9"],
                }
            }
        },
    ),
    ("ipconfig0", "ip=10.0.0.5/24,gw=10.0.0.1", {"ipconfig": {"ipconfig0": {"ip": "10.0.0.5/24", "gw": "10.0.0.1"}}}),
    ("serial0", "socket", {"serial": {"serial0": "socket"}}),
    ("parallel0", "/dev/parport0", {"parallel": {"parallel0": "/dev/parport0"}}),
    ("usb1", "host=1-2,usb3=1", {"usb": {"usb1": {"host": "1-2", "usb3": True}}}),
    ("hostpci0", "0000:01:00.0,pcie=1", {"hostpci": {"hostpci0": {"host": "0000:01:00.0", "pcie": True}}}),
    ("hostpci0", "mapping=gpu", {"hostpci": {"hostpci0": {"mapping": "gpu"}}}),
    ("numa0", "cpus=0-1,memory=1024", {"numa_nodes": {"numa0": {"cpus": "0-1", "memory": 1024.0}}}),
    ("virtiofs0", "share,cache=auto", {"virtiofs": {"virtiofs0": {"dirid": "share", "cache": "auto"}}}),
    ("rng0", "source=/dev/urandom", {"rng0": {"source": "/dev/urandom"}}),
    ("args", "-cpu host", {"args": "-cpu host"}),
    ("scsi0", "local-lvm:vm-100-disk-0,iothread=1,size=32G",
     {"disks": {"scsi0": {"storage": "local-lvm", "iothread": True, "size": "32G"}}}),
    ("scsi1", "local:100/vm-100-disk-1.qcow2,size=3584M",
     {"disks": {"scsi1": {"storage": "local", "format": "qcow2", "size": "3584M"}}}),
    ("scsi0", "local:100/base-100-disk-0.qcow2/105/vm-105-disk-0.qcow2,size=1G",
     {"disks": {"scsi0": {"storage": "local", "format": "qcow2", "size": "1G"}}}),
    ("scsi2", "/dev/disk/by-id/ata-X,size=100G", {"disks": {"scsi2": {"file": "/dev/disk/by-id/ata-X"}}}),
    ("ide2", "none,media=cdrom", {"disks": {"ide2": {"file": "none", "media": "cdrom"}}}),
    ("ide2", f"{ISO},media=cdrom,size=2M", {"disks": {"ide2": {"file": ISO, "media": "cdrom"}}}),
    ("ide2", "local-lvm:vm-100-cloudinit,media=cdrom,size=4M",
     {"disks": {"ide2": {"storage": "local-lvm", "media": "cloudinit"}}}),
    ("ide2", "local:100/vm-100-cloudinit.qcow2,media=cdrom",
     {"disks": {"ide2": {"storage": "local", "media": "cloudinit"}}}),
    ("efidisk0", "local-lvm:vm-100-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M",
     {"disks": {"efidisk0": {"storage": "local-lvm", "efitype": "4m", "pre-enrolled-keys": True}}}),
    ("tpmstate0", "local-lvm:vm-100-disk-2,size=4M,version=v2.0",
     {"disks": {"tpmstate0": {"storage": "local-lvm", "version": "v2.0"}}}),
]  # fmt: skip

CONTAINER_OPTIONS: list[tuple[str, Any, dict[str, Any]]] = [
    ("hostname", "ct", {"hostname": "ct"}),
    ("memory", 256, {"memory": 256}),
    ("swap", 0, {"swap": 0}),
    ("features", "nesting=1,keyctl=1", {"features": {"nesting": True, "keyctl": True}}),
    ("features", "mount=nfs;cifs", {"features": {"mount": ["cifs", "nfs"]}}),
    ("ostype", "debian", {"ostype": "debian"}),
    ("timezone", "host", {"timezone": "host"}),
    ("env", "A=1\0B=x;y", {"env": {"A": "1", "B": "x;y"}}),
    ("env", "flags=x;y", {"env": {"flags": "x;y"}}),
    ("net0", f"name=eth0,bridge=vmbr0,hwaddr={MAC},ip=dhcp,type=veth",
     {"net": {"net0": {"name": "eth0", "bridge": "vmbr0", "hwaddr": MAC, "ip": "dhcp", "type": "veth"}}}),
    ("dev0", "/dev/ttyUSB0,mode=0660", {"dev": {"dev0": {"path": "/dev/ttyUSB0", "mode": "0660"}}}),
    ("rootfs", "local:200/vm-200-disk-0.raw,size=1792M", {"rootfs": {"storage": "local", "size": "1792M"}}),
    ("mp0", "local-lvm:vm-200-disk-1,mp=/srv,backup=1,size=4G,mountoptions=noatime;discard",
     {"mp": {"mp0": {"storage": "local-lvm", "mp": "/srv", "backup": True, "size": "4G",
                     "mountoptions": ["discard", "noatime"]}}}),
    ("mp1", "/srv/media,mp=/media,ro=1", {"mp": {"mp1": {"volume": "/srv/media", "mp": "/media", "ro": True}}}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "said"), VM_OPTIONS)
def test_of_a_vm(key: str, value: Any, said: dict[str, Any]) -> None:
    entry, remarks = exported("qemu", {key: value})
    assert entry == {"vmid": 100, "node": "father", "state": "stopped", **said}
    assert remarks == []
    nothing_to_do("qemu", entry, {key: value})


@pytest.mark.parametrize(("key", "value", "said"), CONTAINER_OPTIONS)
def test_of_a_container(key: str, value: Any, said: dict[str, Any]) -> None:
    config = {"unprivileged": 1, key: value}
    entry, remarks = exported("lxc", config)
    assert entry == {"vmid": 200, "node": "father", "state": "stopped", "unprivileged": True, **said}
    assert remarks == []
    nothing_to_do("lxc", entry, config)


def test_the_table_has_every_family() -> None:
    for type_, table in (("qemu", VM_OPTIONS), ("lxc", CONTAINER_OPTIONS)):
        families = {family.option for family in KINDS[type_].config.families}
        covered = {option for _key, _value, said in table for option in said}
        assert families <= covered


def test_a_container_that_does_not_say_so_is_privileged() -> None:
    entry, _remarks = exported("lxc", {"hostname": "old"})
    assert entry["unprivileged"] is False


@pytest.mark.parametrize("key", ["digest", "meta", "vmgenid", "lock", "parent", "snaptime", "vmstate", "template"])
def test_what_proxmox_ve_keeps_for_itself_is_left_out(key: str) -> None:
    entry, remarks = exported("qemu", {key: "1"})
    assert (set(entry), remarks) == ({"vmid", "node", "state"}, [])


LOSSES = [
    ("qemu", "unused0", "local:100/vm-100-disk-5.qcow2",
     "vms: vm 100 (web): unused0 (local:100/vm-100-disk-5.qcow2) is attached to nothing, so it is left out."),
    ("qemu", "newthing", "1", "vms: vm 100 (web): the module has no option for newthing, so it is left out."),
    ("lxc", "lxc", [["lxc.apparmor.profile", "unconfined"]],
     "containers: container 200 (ct): lxc.apparmor.profile: Proxmox VE sets raw LXC options by no API, so they are "
     "left out."),
    ("qemu", "ostype", "win99",
     "vms: vm 100 (web): ostype is left out, 'win99' is none of other, wxp, w2k, w2k3, w2k8, wvista, win7, win8, "
     "win10, win11, l24, l26, solaris."),
    ("qemu", "cores", "many",
     "vms: vm 100 (web): cores is left out, invalid literal for int() with base 10: 'many'."),
    ("qemu", "scsi0", "local-lvm:vm-100-disk-0",
     "vms: vm 100 (web): Proxmox VE doesn't tell the size of scsi0: say it, if the guest is to be made anew."),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "key", "value", "remark"), LOSSES)
def test_what_is_left_out_is_said(type_: str, key: str, value: Any, remark: str) -> None:
    entry, remarks = exported(type_, {key: value, "unprivileged": 1})
    assert remark in remarks
    wish_of(type_, entry)


def test_of_a_property_string_only_the_unknown_part_is_left_out() -> None:
    entry, remarks = exported("qemu", {"net0": "virtio=BC:24:11:FB:92:F3,bridge=vmbr0,shiny=1"})
    assert entry["net"]["net0"] == {"model": "virtio", "macaddr": "BC:24:11:FB:92:F3", "bridge": "vmbr0"}
    assert [text.partition(", ")[0] for text in remarks] == ["vms: vm 100 (web): shiny of net0 is left out"]


@pytest.mark.parametrize(
    ("type_", "known", "state"),
    [
        ("qemu", {"status": "running"}, "started"),
        ("qemu", {"status": "stopped"}, "stopped"),
        ("qemu", {"status": "paused"}, "paused"),
        ("qemu", {"status": "suspended"}, "suspended"),
        ("qemu", {"status": "unknown"}, "present"),
        ("qemu", {"status": "stopped", "template": True}, "template"),
        ("lxc", {"status": "running"}, "started"),
        ("lxc", {"status": "paused"}, "present"),
    ],
)
def test_the_state(type_: str, known: dict[str, Any], state: str) -> None:
    entry, _remarks = exported(type_, {}, **known)
    assert entry["state"] == state
    nothing_to_do(type_, entry, {}, **known)


def test_the_pool_and_the_order_of_an_entry() -> None:
    entry, _remarks = exported("qemu", {"cores": 1, "net10": "virtio", "net2": "virtio", "name": "a"}, pool="dev")
    assert list(entry) == ["vmid", "name", "node", "state", "pool", "cores", "net"]
    assert list(entry["net"]) == ["net2", "net10"]
    assert entry["pool"] == "dev"


# ------------------------------------------------------------------------------------ what a real Proxmox VE answered


def recorded() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where it was recorded, the type and the configuration of each guest in the golden transcripts."""
    seen = set()
    for file in sorted(GOLDEN.glob("*.json")):
        for row in json.loads(file.read_text()):
            found = re.search(r"/nodes/[^/]+/(qemu|lxc)/\d+/(config|pending)$", str(row.get("path")))
            data = (row.get("body") or {}).get("data") if row.get("method") == "GET" else None
            if not found or not data or row.get("status_code") != 200:
                continue
            if found[2] == "pending":
                data = {item["key"]: item.get("pending", item.get("value")) for item in data if not item.get("delete")}
            text = json.dumps(data, sort_keys=True)
            if text not in seen:
                seen.add(text)
                yield f"{file.stem}-{row['seq']}", found[1], data


CONFIGS = list(recorded())


@pytest.mark.skipif(not CONFIGS, reason="the recorded answers of a real Proxmox VE are not here")
@pytest.mark.parametrize(("type_", "config"), [pytest.param(*row[1:], id=row[0]) for row in CONFIGS])
def test_a_recorded_guest_is_exported_whole_and_left_alone(type_: str, config: dict[str, Any]) -> None:
    template = bool(config.get("template"))
    entry, remarks = exported(type_, config, template=template)
    assert [text for text in remarks if "unused" not in text and "size of" not in text] == []
    nothing_to_do(type_, entry, config, template=template)
