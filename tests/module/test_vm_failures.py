"""Module vm and input that is wrong: what is refused before anything is written, and what is said when PVE refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_config import NIC_MODELS

from .conftest import Modules

UPID = re.compile(r"UPID:\S+?:(?=[ )])")
BASE: dict[str, Any] = {
    "vmid": 200,
    "name": "web",
    "disks": {"scsi0": {"storage": "local-lvm", "size": "4G"}},
    "net": {"net0": {"bridge": "vmbr0"}},
}
SIZE = "is not a size such as 512M or 32G"


def failure(modules: Modules, **options: Any) -> str:
    """The message of a call that Proxmox VE does not carry out, with the task's id replaced."""
    result = modules.run("vm", **options)
    assert result.get("failed"), result
    return UPID.sub("<upid>", str(result["msg"]))


# ------------------------------------------------- wrong in type, range or format


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a_b"}, "Option 'name': 'a_b' is not a name of letters, digits, dashes and dots"),
        ({"cores": 0}, "Option 'cores': 0 is not 1 or more"),
        ({"sockets": -1}, "Option 'sockets': -1 is not 1 or more"),
        ({"vcpus": 0}, "Option 'vcpus': 0 is not 1 or more"),
        ({"cpulimit": 129}, "Option 'cpulimit': 129.0 is not from 0 to 128"),
        ({"cpuunits": 0}, "Option 'cpuunits': 0 is not from 1 to 262144"),
        ({"memory": 8}, "Option 'memory': 8 is not 16 or more"),
        ({"memory": "1.5"}, "Option 'memory': '1.5' is not a whole number of MiB"),
        ({"memory": "much"}, f"Option 'memory': 'much' {SIZE}"),
        ({"balloon": -1}, "Option 'balloon': -1 is not 0 or more"),
        ({"shares": 50001}, "Option 'shares': 50001 is not from 0 to 50000"),
        ({"migrate_downtime": -1}, "Option 'migrate_downtime': -1.0 is not 0 or more"),
        ({"migrate_speed": -1}, "Option 'migrate_speed': -1 is not 0 or more"),
        ({"startdate": "soon"}, "Option 'startdate': 'soon' is not now, a date or a time"),
        ({"vmgenid": "x"}, "Option 'vmgenid': 'x' is not a UUID, 0 or 1"),
        ({"nameserver": ["10.0.0.1", "dns"]}, "Option 'nameserver': 'dns' is not an IP address"),
        ({"agent": "maybe"}, "Option 'agent': enabled: 'maybe' is neither true nor false"),
        ({"agent": {"type": "usb"}}, "Option 'agent': type: 'usb' is none of virtio, isa"),
        ({"audio0": {"device": "sb16"}}, "Option 'audio0': device: 'sb16' is none of ich9-intel-hda, intel-hda, AC97"),
        ({"vga": {"type": "std", "memory": 1}}, "Option 'vga': memory: 1 is not from 4 to 512"),
        ({"machine": {"viommu": "amd"}}, "Option 'machine': viommu: 'amd' is none of intel, virtio"),
        ({"watchdog": "dog"}, "Option 'watchdog': model: 'dog' is none of i6300esb, ib700"),
        ({"rng0": {"source": "/dev/zero"}},
         "Option 'rng0': source: '/dev/zero' is none of /dev/urandom, /dev/random, /dev/hwrng"),
        ({"spice_enhancements": {"videostreaming": "on"}},
         "Option 'spice_enhancements': videostreaming: 'on' is none of off, all, filter"),
        ({"ivshmem": {"size": 0}}, "Option 'ivshmem': size: 0 is not 1 or more"),
        ({"startup": {"first": 1}}, "Option 'startup': unknown property 'first'; known are down, order, up"),
        ({"cpu": {"cputype": "host", "cores": 2}},
         "Option 'cpu': unknown property 'cores'; known are cputype, flags, guest-phys-bits, hidden, hv-vendor-id, "
         "phys-bits, reported-model"),
        ({"cpu": {"cores": 2}, "cpu_mitigations": "off"},
         "Option 'cpu': unknown property 'cores'; known are cputype, flags, guest-phys-bits, hidden, hv-vendor-id, "
         "phys-bits, reported-model"),
        ({"net": {"net0": {"model": "ne3000"}}},
         f"Option 'net': net0: model: 'ne3000' is none of {', '.join(NIC_MODELS)}"),
        ({"net": {"net0": {"tag": 4095}}}, "Option 'net': net0: tag: 4095 is not from 1 to 4094"),
        ({"net": {"net0": {"mtu": "big"}}}, "Option 'net': net0: mtu: 'big' is not a whole number"),
        ({"net": {"net0": {"firewall": "perhaps"}}},
         "Option 'net': net0: firewall: 'perhaps' is neither true nor false"),
        ({"net": {"eth0": "virtio"}}, "Option 'net': 'eth0' is none of net0 to net31."),
        ({"serial": {"serial0": "tcp"}},
         "Option 'serial': serial0: 'tcp' is not socket or a device such as /dev/ttyS0"),
        ({"parallel": {"parallel0": "lpt"}},
         "Option 'parallel': parallel0: 'lpt' is not a device such as /dev/parport0"),
        ({"numa_nodes": {"numa0": {"policy": "nice"}}},
         "Option 'numa_nodes': numa0: policy: 'nice' is none of preferred, bind, interleave"),
        ({"virtiofs": {"virtiofs0": {"dirid": "d", "cache": "some"}}},
         "Option 'virtiofs': virtiofs0: cache: 'some' is none of auto, always, metadata, never"),
        ({"hostpci": {"hostpci16": "01:00"}}, "Option 'hostpci': 'hostpci16' is none of hostpci0 to hostpci15."),
        ({"usb": {"usb0": {"usb3": "fast"}}}, "Option 'usb': usb0: usb3: 'fast' is neither true nor false"),
        ({"ipconfig": {"ipconfig0": {"ip": "10.0.0.5"}}},
         "Option 'ipconfig': ipconfig0: ip: '10.0.0.5' is not an address with its prefix length of IPv4 or dhcp"),
        ({"ipconfig": {"ipconfig0": "ip=10.0.0.5/24,gw=fe80::1"}},
         "Option 'ipconfig': ipconfig0: gw: 'fe80::1' is not an address of IPv4"),
        ({"ipconfig": {"ipconfig0": {"ip6": "10.0.0.5/24"}}},
         "Option 'ipconfig': ipconfig0: ip6: '10.0.0.5/24' is not an address with its prefix length of IPv6 "
         "or dhcp or auto"),
        ({"ipconfig": {"ipconfig0": {"gw": "10.0.0.1/24"}}},
         "Option 'ipconfig': ipconfig0: gw: '10.0.0.1/24' is not an address of IPv4"),
        ({"disks": {"scsi0": {"size": "large"}}}, f"Option 'disks': scsi0: size: 'large' {SIZE}"),
        ({"disks": {"scsi0": {"cache": "all"}}},
         "Option 'disks': scsi0: cache: 'all' is none of none, writethrough, writeback, unsafe, directsync"),
        ({"disks": {"scsi0": {"ssd": "very"}}}, "Option 'disks': scsi0: ssd: 'very' is neither true nor false"),
        ({"disks": {"scsi0": {"speed": 1}}}, None),
        ({"disks": {"sata6": "local-lvm:1"}},
         "Option 'disks': 'sata6' is no drive. Drives are efidisk0, ide0-3, sata0-5, scsi0-30, tpmstate0, virtio0-15."),
        ({"disks": {"unused0": "local-lvm:1"}},
         "Option 'disks': unused0 can only be deleted (unused0: absent). "
         "Give its volume as file of a drive to attach it."),
        ({"disks": {"scsi0": "", "unused0": "absent"}},
         "Option 'disks': scsi0 is to be detached and unused0 to be deleted: what is detached may become unused0, and "
         "a second run would delete it. Use a task for each."),
        ({"disks": {"scsi1": {"storage": "local-lvm"}}},
         "Option 'disks': the new scsi1 of vm 200 (web) needs a size, or import_from."),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_can_not_be_right_is_refused(modules: Modules, options: dict[str, Any], message: str | None) -> None:
    modules.ok("vm", **BASE)
    said = modules.message("vm", **{"vmid": 200, **options})
    if message is None:
        assert said.startswith("Option 'disks': scsi0: unknown property 'speed'; known are aio, backup, bps")
    else:
        assert said == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vmid": "web"}, "argument 'vmid' is of type str and we were unable to convert to int: "
         "\"'web'\" cannot be converted to an int"),
        ({"vmid": 200, "cores": "two"}, "argument 'cores' is of type str and we were unable to convert to int: "
         "\"'two'\" cannot be converted to an int"),
        ({"vmid": 200, "onboot": "sometimes"}, None),
        ({"vmid": 200, "state": "on"}, "value of state must be one of: present, absent, template, paused, reset, "
         "restarted, started, stopped, suspended, got: on"),
        ({"vmid": 200, "restart": "now"}, "value of restart must be one of: never, if_needed, always, got: now"),
        ({"vmid": 200, "cpu_mitigations": "on"},
         "value of cpu_mitigations must be one of: default, intel, amd, off, got: on"),
        ({"vmid": 200, "vmid_range": [100, 199]}, "parameters are mutually exclusive: vmid|vmid_range"),
        ({}, "one of the following is required: vmid, name"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_ansible_refuses(modules: Modules, options: dict[str, Any], message: str | None) -> None:
    said = modules.message("vm", **options)
    if message is None:
        assert said.startswith("argument 'onboot' is of type str and we were unable to convert to bool: ")
    else:
        assert said == message


def test_an_unknown_option_is_refused(modules: Modules) -> None:
    said = modules.message("vm", vmid=200, ram=512)
    assert said.startswith("Unsupported parameters for (")
    assert "ram. Supported parameters include: " in said


# -------------------------------------------------------- what does not exist


STORAGE_ADVICE = "Check the name of the storage; the module storage_info lists those there are."
VOLUME_ADVICE = (
    "Check the name of the volume. The module storage_content brings ISO images and disk images to a storage."
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"disks": {"scsi0": {"storage": "nope", "size": "1G"}}},
            "Cannot create vm 300 (new): POST /nodes/father/qemu: 500 storage 'nope' does not exist.\n"
            + STORAGE_ADVICE,
        ),
        (
            {"disks": {"scsi0": {"storage": "local", "size": "1G"}}},
            "Cannot create vm 300 (new): POST /nodes/father/qemu: 400 Parameter verification failed "
            "(storage: storage 'local' does not support vm images).\n"
            "Give a storage for such content, or add it to the storage's content.",
        ),
        (
            {"disks": {"ide2": {"file": "local:iso/nope.iso", "media": "cdrom"}}},
            "Cannot create vm 300 (new): The task failed: unable to create VM 300 - volume 'local:iso/nope.iso' does "
            "not exist (<upid>)\nIts last log lines:\n"
            "  TASK ERROR: unable to create VM 300 - volume 'local:iso/nope.iso' does not exist\n" + VOLUME_ADVICE,
        ),
        (
            {"node": "ghost"},
            "Cannot create vm 300 (new): POST /nodes/ghost/qemu: 500 hostname lookup 'ghost' failed - failed to get "
            "address info for: ghost: Temporary failure in name resolution.\n"
            "There is no such node in the cluster: check the option node.",
        ),
        (
            {"pool": "nope"},
            "Cannot create vm 300 (new): POST /nodes/father/qemu: 403 Permission check failed (pool 'nope' does not "
            "exist). The module's documentation says which privileges it needs, and where.\n"
            "Make the pool first, or check the option pool.",
        ),
        (
            {"clone": "debian-12", "snapname": "s9"},
            "Cannot clone vm 9001 (debian-12): it has no snapshot 's9'. The module snapshot_info lists those it has; "
            "without snapname it is cloned as it is now.",
        ),
        (
            {"clone": "debian-12", "full": False, "storage": "local-lvm"},
            "Cannot clone vm 9001 (debian-12) to vm 300 (new): POST /nodes/father/qemu/9001/clone: 500 parameter "
            "'storage' not allowed for linked clones.\nSet full to true to choose storage or format.",
        ),
        (
            {"args": "-d"},
            "Cannot create vm 300 (new): POST /nodes/father/qemu: 500 only root can set 'args' config.\n"
            "Log in as root@pam with user and password for this option, or leave it out.",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_vm_that_can_not_be_made(modules: Modules, options: dict[str, Any], message: str) -> None:
    assert failure(modules, vmid=300, name="new", **options) == message
    assert modules.lab.api.vm(300) is None


def test_a_bridge_that_does_not_exist(modules: Modules) -> None:
    said = failure(modules, vmid=300, name="new", net={"net0": {"bridge": "vmbr9"}}, state="started")
    assert said == (
        "Cannot start vm 300 (new): The task failed: bridge 'vmbr9' does not exist (<upid>)\nIts last log lines:\n"
        "  TASK ERROR: bridge 'vmbr9' does not exist\n"
        "Set bridge in the option net to a bridge of that node, or make the bridge there first.\n"
        "Already done: create vm 300 (new)."
    )


# ------------------------------------------------------ what is there, but not so


def test_a_full_storage_leaves_the_disk_where_it_was(modules: Modules) -> None:
    modules.ok("vm", **BASE)
    api = modules.lab.api
    api.storages["small"] = {**api.storages["local-lvm"], "volumes": {}, "avail": 2**30}
    assert failure(modules, vmid=200, disks={"scsi0": {"storage": "small"}}) == (
        "Cannot move scsi0 of vm 200 (web) to storage small: The task failed: storage migration failed: unable to "
        "write to storage 'small': No space left on device (<upid>)\nIts last log lines:\n"
        "  copying volume 'local-lvm:vm-200-disk-0' from current storage 'local-lvm' to target storage 'small'\n"
        "  TASK ERROR: storage migration failed: unable to write to storage 'small': No space left on device\n"
        "Free space on the storage, or give another one."
    )
    assert api.vm(200).config["scsi0"] == "local-lvm:vm-200-disk-0,size=4G"


def test_a_disk_with_snapshots_is_not_moved(modules: Modules) -> None:
    modules.ok("vm", **BASE)
    api = modules.lab.api
    api.storages["other"] = {**api.storages["local-lvm"], "volumes": {}}
    api.vm(200).snapshots["s1"] = dict(api.vm(200).config)
    assert failure(modules, vmid=200, disks={"scsi0": {"storage": "other"}}) == (
        "Cannot move scsi0 of vm 200 (web) to storage other: POST /nodes/father/qemu/200/move_disk: 500 you can't move "
        "a disk with snapshots and delete the source.\nRemove the guest's snapshots first: they would be lost."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"state": "started"},
            "Cannot start vm 200 (web): The task failed: VM is locked (backup) (<upid>)\nIts last log lines:\n"
            "  TASK ERROR: VM is locked (backup)\nA backup of it is running: wait for its end, and run again.",
        ),
        (
            {"cores": 2},
            "Cannot set cores of vm 200 (web): PUT /nodes/father/qemu/200/config: 500 VM is locked (backup).\n"
            "Wait until that is done, and run again. If nothing is at work on the guest, the lock was left behind: "
            "remove it on the node with 'qm unlock' or 'pct unlock' and the vmid.",
        ),
        (
            {"state": "absent"},
            "Cannot remove vm 200 (web): The task failed: VM is locked (backup) (<upid>)\nIts last log lines:\n"
            "  TASK ERROR: VM is locked (backup)\n"
            "Wait until that is done, and run again. If nothing is at work on the guest, the lock was left behind: "
            "remove it on the node with 'qm unlock' or 'pct unlock' and the vmid.",
        ),
    ],
    ids=str,
)
def test_a_locked_vm(modules: Modules, options: dict[str, Any], message: str) -> None:
    modules.ok("vm", **BASE)
    modules.lab.api.snapshot_lock(200, "backup")
    assert failure(modules, vmid=200, **options) == message
    assert modules.lab.api.vm(200).status == "stopped"


def test_the_source_of_linked_clones_is_not_removed(modules: Modules) -> None:
    modules.ok("vm", vmid=300, name="clone", clone="debian-12")
    said = failure(modules, vmid=9001, state="absent")
    assert said.splitlines()[-1] == "Remove its linked clones first."


def test_a_managed_vm_is_not_removed_without_purge(modules: Modules) -> None:
    modules.ok("vm", **BASE, ha={})
    assert failure(modules, vmid=200, state="absent", purge=False) == (
        "Cannot remove vm 200 (web): DELETE /nodes/father/qemu/200: 500 unable to remove VM 200 - used in HA resources "
        "and purge parameter not set.\nSet purge to true, or take the guest out of HA first."
    )


def test_an_image_larger_than_wished_is_kept_and_told_of(modules: Modules) -> None:
    modules.ok("vm", vmid=300, name="big", disks={"scsi0": "local-lvm:8"})
    disks = {"scsi0": {"storage": "local-lvm", "import_from": "local-lvm:vm-300-disk-0", "size": "2G"}}
    said = failure(modules, vmid=301, name="copy", disks=disks)
    assert said.splitlines()[-2:] == [
        "The image is larger than that already. Give a larger size, or none.",
        "Already done: create vm 301 (copy).",
    ]
