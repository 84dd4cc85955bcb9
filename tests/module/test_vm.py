"""Module vm against the lab's API: the twelve steps, what is refused and in which words, and what it costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM

from .conftest import UNNAMED, Modules, denied

RANGE = [99900, 99999]
CLONE: dict[str, Any] = {
    "name": "nested-pve",
    "clone": "debian-12-pve",
    "vmid_range": RANGE,
    "cores": 4,
    "memory": "4G",
    "tags": ["homelab-pve", "Lab"],
    "ciuser": "root",
    "cipassword": "a secret & more",
    "sshkeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrS0GGkHWb1nVIeFZZ0GkVbPQnZgVw6CeOqTLnX4Xyz a b@c"],
    "ipconfig": {"ipconfig0": "ip=dhcp"},
}
EMPTY: dict[str, Any] = {
    "name": "empty",
    "vmid": 200,
    "cores": 1,
    "memory": 512,
    "scsihw": "virtio-scsi-single",
    "disks": {"scsi0": {"storage": "local-lvm", "size": "4G", "discard": "on"}, "ide2": "local-lvm:cloudinit"},
    "net": {"net0": {"bridge": "vmbr0", "firewall": True}},
    "agent": True,
    "boot": "order=scsi0",
    "serial": {"serial0": "socket"},
}


@pytest.mark.parametrize(
    ("create", "modify"),
    [
        (CLONE, {"memory": "8192", "net": {"net0": {"tag": 7}}, "description": "two\nlines\n", "onboot": True}),
        (EMPTY, {"cores": 2, "disks": {"scsi0": {"size": "6G"}, "scsi1": "local-lvm:1"}, "agent": {"enabled": False}}),
    ],
    ids=["clone", "empty"],
)
def test_twelve_steps(modules: Modules, create: dict[str, Any], modify: dict[str, Any]) -> None:
    made = modules.converge("vm", **create)
    identity = {"name": create["name"], "vmid": made["vmid"]}
    changed = modules.converge("vm", **identity, **modify)
    assert changed["nics"]["net0"]["mac"] == made["nics"]["net0"]["mac"]
    gone = modules.converge("vm", **identity, state="absent")
    assert "vmid" not in gone


def test_clone_has_what_was_wished(modules: Modules) -> None:
    made = modules.ok("vm", **CLONE)
    assert (made["vmid"], made["node"], made["status"], made["name"]) == (99900, "father", "stopped", "nested-pve")
    config = made["config"]
    assert (int(config["cores"]), config["memory"], config["tags"]) == (4, "4096", "homelab-pve;lab")
    assert config["sshkeys"].endswith("a%20b%40c%0A")
    assert "cipassword" not in config
    assert made["nics"]["net0"]["mac"].startswith("BC:24:11:")


def test_secrets_stay_secret(modules: Modules) -> None:
    made = modules.ok("vm", **CLONE)
    assert made["diff"]["after"]["cipassword"] == "********"
    assert "a secret" not in str(made)


@pytest.mark.parametrize(
    ("state", "before", "status"),
    [("started", "absent", "running"), ("stopped", "started", "stopped"), ("paused", "started", "paused"),
     ("started", "paused", "running"), ("started", "stopped", "running"), ("stopped", "paused", "stopped")],
)  # fmt: skip
def test_power(modules: Modules, state: str, before: str, status: str) -> None:
    if before != "absent":
        modules.ok("vm", **CLONE, state=before)
    assert modules.converge("vm", **CLONE, state=state)["status"] == status


def test_restarted_acts_every_time(modules: Modules) -> None:
    vmid = modules.ok("vm", **CLONE, state="started")["vmid"]
    for _ in range(2):
        result = modules.ok("vm", vmid=vmid, state="restarted")
        assert (result["changed"], result["plan"]) == (True, ["reboot vm 99900 (nested-pve)"])


def test_reset_acts_every_time(modules: Modules) -> None:
    modules.ok("vm", **CLONE, state="started")
    assert modules.ok("vm", vmid=99900, memory=4000)["pending"] == ["memory"]
    for _ in range(2):
        assert modules.ok("vm", check=True, vmid=99900, state="reset")["plan"] == ["reset vm 99900 (nested-pve)"]
        assert modules.lab.writes() == []
        result = modules.ok("vm", vmid=99900, state="reset")
        assert (result["changed"], result["plan"]) == (True, ["reset vm 99900 (nested-pve)"])
        assert (result["status"], result["pending"], result["restart_required"]) == ("running", ["memory"], True)
    assert [task["type"] for task in modules.ok("task_info", vmid=99900, limit=2)["tasks"]] == ["qmreset", "qmreset"]


@pytest.mark.parametrize(
    ("before", "plan"), [("stopped", ["start"]), ("suspended", ["start"]), ("paused", ["stop", "start"])]
)
def test_reset_starts_what_does_not_run(modules: Modules, before: str, plan: list[str]) -> None:
    modules.ok("vm", **EMPTY, state=before)
    result = modules.ok("vm", vmid=200, state="reset")
    assert [step.split()[0] for step in result["plan"]] == plan
    assert result["status"] == "running"


def test_template(modules: Modules) -> None:
    assert modules.converge("vm", **EMPTY, state="template")["template"] is True


def test_changes_that_wait_for_a_restart_are_said(modules: Modules) -> None:
    vmid = modules.ok("vm", **CLONE, state="started")["vmid"]
    predicted = modules.ok("vm", check=True, vmid=vmid, cores=8)
    real = modules.ok("vm", vmid=vmid, cores=8)
    assert predicted["restart_required"] is real["restart_required"] is True
    assert real["pending"] == ["cores"]
    restarted = modules.ok("vm", vmid=vmid, cores=6, restart="if_needed")
    assert (restarted["restart_required"], restarted["pending"]) == (False, [])


def test_what_is_not_set_is_left_alone(modules: Modules) -> None:
    modules.ok("vm", **EMPTY)
    result = modules.ok("vm", vmid=200, net={"net0": "virtio,bridge=vmbr0,tag=5"})
    assert result["config"]["net0"].split(",")[1:] == ["bridge=vmbr0", "firewall=1", "tag=5"]


def test_restart_policies(modules: Modules) -> None:
    modules.ok("vm", **CLONE, state="started")
    assert modules.ok("vm", vmid=99900, memory=4000)["pending"] == ["memory"]
    waiting = modules.unchanged("vm", vmid=99900, memory=4000)
    assert (waiting["restart_required"], waiting["pending"]) == (True, ["memory"])
    restarted = modules.converge("vm", vmid=99900, memory=4000, restart="if_needed")
    assert (restarted["plan"], restarted["restart_required"]) == (["reboot vm 99900 (nested-pve)"], False)
    always = modules.converge("vm", vmid=99900, description="x", restart="always")
    assert always["plan"] == ["set description of vm 99900 (nested-pve)", "reboot vm 99900 (nested-pve)"]


def test_what_cloud_init_says_is_read_at_the_next_boot(modules: Modules) -> None:
    modules.ok("vm", **CLONE, state="started")
    predicted = modules.ok("vm", check=True, vmid=99900, nameserver=["10.0.0.1"])
    real = modules.ok("vm", vmid=99900, nameserver=["10.0.0.1"])
    assert predicted["pending"] == real["pending"] == ["nameserver"]
    assert predicted["restart_required"] is real["restart_required"] is True


def test_a_suspended_vm_wakes_up(modules: Modules) -> None:
    modules.ok("vm", **EMPTY, state="started")
    assert modules.converge("vm", vmid=200, state="suspended")["status"] == "suspended"
    modules.unchanged("vm", vmid=200, state="stopped")
    assert modules.converge("vm", vmid=200, state="started")["status"] == "running"


def test_an_iso_image_to_boot_from(modules: Modules) -> None:
    image = modules.lab.api.file_path("local", "iso/debian.iso")
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"\0" * 4096)
    drives = {"ide2": {"file": "local:iso/debian.iso", "media": "cdrom"}, "scsi0": "local-lvm:4"}
    made = modules.converge("vm", vmid=200, name="cd", disks=drives, boot="order=ide2;scsi0", state="started")
    assert made["config"]["boot"] == "order=ide2;scsi0"
    ejected = modules.converge("vm", vmid=200, disks={"ide2": {"file": "none"}}, state="started")
    assert (ejected["config"]["ide2"], ejected["restart_required"]) == ("none,media=cdrom", False)


def test_an_imported_disk_is_grown(modules: Modules) -> None:
    modules.ok("vm", vmid=200, name="source", disks={"scsi0": "local-lvm:2"})
    disks = {"scsi0": {"storage": "local-lvm", "import_from": "local-lvm:vm-200-disk-0", "size": "3G"}}
    assert modules.converge("vm", vmid=201, name="copy", disks=disks)["config"]["scsi0"].endswith("size=3G")


@pytest.mark.parametrize(
    ("options", "scsi0"),
    [
        ({"clone": "9001"}, "local-lvm:vm-200-disk-0"),
        ({"clone": "debian-12"}, "local-lvm:vm-200-disk-0"),
        ({"clone": "debian-12", "full": True, "storage": "other", "bwlimit": 1000}, "other:vm-200-disk-0"),
    ],
    ids=str,
)
def test_clones(modules: Modules, options: dict[str, Any], scsi0: str) -> None:
    api = modules.lab.api
    api.storages["other"] = {**api.storages["local-lvm"], "volumes": {}}
    made = modules.converge("vm", vmid=200, name="copy", **options)
    assert made["config"]["scsi0"].startswith(scsi0)


def test_a_snapshot_is_cloned(modules: Modules) -> None:
    modules.ok("vm", **EMPTY)
    modules.lab.api.vm(200).snapshots["before"] = {**modules.lab.api.vm(200).config, "cores": 3}
    made = modules.converge("vm", vmid=201, name="copy", clone="empty", snapname="before", full=True)
    assert int(made["config"]["cores"]) == 3


def test_drives_are_detached_attached_and_deleted(modules: Modules) -> None:
    modules.ok("vm", **EMPTY, state="started")
    detached = modules.converge("vm", vmid=200, disks={"scsi0": ""})
    volume = detached["config"]["unused0"]
    attached = modules.converge("vm", vmid=200, disks={"scsi3": {"file": volume}})
    assert attached["config"]["scsi3"].startswith(volume)
    assert "unused0" not in attached["config"]
    modules.converge("vm", vmid=200, disks={"scsi3": "absent"})
    assert volume.partition(":")[2] not in modules.lab.api.storages["local-lvm"]["volumes"]


def test_a_disk_moves_to_another_storage(modules: Modules) -> None:
    modules.ok("vm", **EMPTY, state="started")
    api = modules.lab.api
    api.storages["other"] = {**api.storages["local-lvm"], "volumes": {}}
    moved = modules.converge("vm", vmid=200, disks={"scsi0": {"storage": "other", "size": "6G"}})
    assert moved["config"]["scsi0"] == "other:vm-200-disk-0,discard=on,size=6G"
    assert "unused0" not in moved["config"]


def test_cpu_mitigations(modules: Modules) -> None:
    made = modules.converge("vm", **EMPTY, cpu="host", cpu_mitigations="intel")
    assert made["config"]["cpu"] == "host,flags=+md-clear;+pcid;+spec-ctrl;+ssbd"
    assert modules.converge("vm", vmid=200, cpu_mitigations="default")["config"]["cpu"] == "host"


def test_a_vm_joins_a_pool(modules: Modules) -> None:
    modules.lab.api.pools |= {"web": set(), "db": set()}
    modules.converge("vm", **EMPTY, pool="web")
    moved = modules.converge("vm", vmid=200, pool="db")
    assert moved["plan"] == ["put vm 200 (empty) into pool db"]
    assert modules.lab.api.pools == {"web": set(), "db": {200}}


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("vm", **EMPTY, tags=["a"], description="x")
    result = modules.converge("vm", vmid=200, net={"net0": ""}, disks={"scsi0": ""}, tags=[], description="")
    assert {"net0", "scsi0", "tags", "description"}.isdisjoint(result["config"])
    assert result["config"]["unused0"].startswith("local-lvm:")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"vmid": 200, "disks": {"scsi0": {"size": "2G"}}},
            "Cannot shrink disk scsi0 of vm 200 (empty) from 4G to 2G: Proxmox VE only grows disks. "
            "Set size to 4G or more, or recreate the disk.",
        ),
        (
            {"vmid": 200, "disks": {"scsi0": {"file": "local-lvm:vm-1-disk-0"}}},
            "Cannot replace scsi0 of vm 200 (empty): it holds local-lvm:vm-200-disk-0. "
            "Detach that first (scsi0: '' in the option disks), or use another drive.",
        ),
        (
            {"vmid": 200, "disks": {"scsi5": {"ssd": True}}},
            "Option 'disks': scsi5 does not exist on vm 200 (empty) yet. Give storage and size to make it, "
            "or file to use a volume that exists.",
        ),
        (
            {"vmid": 200, "disks": {"floppy0": {}}},
            "Option 'disks': 'floppy0' is no drive. "
            "Drives are efidisk0, ide0-3, sata0-5, scsi0-30, tpmstate0, virtio0-15.",
        ),
        (
            {"vmid": 200, "net": {"net0": {"vlan": 1}}},
            "Option 'net': net0: unknown property 'vlan'; known are bridge, firewall, link_down, macaddr, model, mtu, "
            "queues, rate, tag, trunks",
        ),
        ({"vmid": 200, "net": {"net99": "virtio"}}, "Option 'net': 'net99' is none of net0 to net31."),
        (
            {"vmid": 200, "net": {"net0": {"macaddr": "no"}}},
            "Option 'net': net0: macaddr: 'no' is not a MAC address",
        ),
        ({"vmid": 200, "memory": "lots"}, "Option 'memory': 'lots' is not a size such as 512M or 32G"),
        (
            {"vmid": 200, "node": "mother"},
            "Cannot move vm 200 (empty) from father to mother: there is no such node. The other nodes are none.",
        ),
        (
            {"name": "new", "clone": "nope"},
            "Template 'nope' was not found. Templates there are: 9000 (debian-12-pve), 9001 (debian-12). "
            "Give the name or vmid of one of them in the option clone; the login needs VM.Audit and VM.Clone on it.",
        ),
        (
            {"name": "new", "clone": "debian-12", "vmid_range": [9000, 9001]},
            "There is no free vmid from 9000 to 9001. Remove guests you no longer need, or give a wider vmid_range.",
        ),
        (
            {"name": "new", "clone": "debian-12", "vmid_range": [9001, 9000]},
            "vmid_range [9001, 9000] is not a range: give the lowest and the highest vmid, both from 100 to 999999999.",
        ),
        (
            {"name": "empty", "vmid_range": [100, 300], "state": "absent"},
            "The name 'empty' is ambiguous: 200 on father, 201 on father. "
            "Give the vmid, or a pool or vmid_range that tells them apart.",
        ),
        (
            {"vmid": 202, "state": "absent"},
            "Cannot remove vm 202 (guarded): it is protected. "
            "Set its option protection to false first, if you mean it.",
        ),
        (
            {"vmid": 203, "state": "absent"},
            "Cannot remove vm 203 (busy): it is running. Stop it first, or set force to true to have it stopped.",
        ),
        (
            {"vmid": 203, "state": "template"},
            "Cannot make vm 203 (busy) a template: it is running. "
            "Stop it first, or set force to true to have it stopped.",
        ),
        ({"state": "present"}, "one of the following is required: vmid, name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("vm", **EMPTY)
    modules.ok("vm", name="empty", vmid=201)
    modules.ok("vm", name="guarded", vmid=202, protection=True)
    modules.ok("vm", name="busy", vmid=203, state="started")
    assert modules.message("vm", **wish) == message


def test_a_failed_step_says_what_was_done_and_what_not(modules: Modules) -> None:
    result = modules.run("vm", **CLONE, hookscript="local:snippets/nope.sh", state="started")
    first, *rest = result["msg"].splitlines()
    assert first == (
        "Cannot set cipassword, ciuser, cores, hookscript, ipconfig0, memory, sshkeys, tags of vm 99900 (nested-pve): "
        "PUT /nodes/father/qemu/99900/config: 400 Parameter verification failed "
        "(hookscript: script 'local:snippets/nope.sh' does not exist)."
    )
    assert rest == [
        "Put the script on a storage for snippets, and make it executable.",
        "Already done: clone vm 9000 (debian-12-pve) to vm 99900 (nested-pve).",
        "Not done: start vm 99900 (nested-pve).",
    ]
    assert result["error"]["kind"] == "PveError"


def test_absent_stops_a_running_vm_when_forced(modules: Modules) -> None:
    vmid = modules.ok("vm", **CLONE, state="started")["vmid"]
    gone = modules.converge("vm", vmid=vmid, state="absent", force=True)
    assert gone["plan"] == ["stop vm 99900 (nested-pve)", "remove vm 99900 (nested-pve)"]


def test_a_vm_outside_the_range_is_another_one(modules: Modules) -> None:
    modules.ok("vm", name="nested-pve", vmid=104)
    assert modules.ok("vm", **CLONE)["vmid"] == 99900
    modules.unchanged("vm", **CLONE)


def asked(modules: Modules) -> list[str]:
    return [f"{record.method} {record.path.rpartition('/')[2]}" for record in modules.lab.requests()]


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        ({"vmid": 99900}, ["GET resources", "GET pending"]),
        ({"name": "nested-pve", "vmid_range": RANGE}, ["GET resources", "GET pending"]),
        ({"vmid": 99900, "node": "father"}, ["GET current", "GET pending"]),
        ({"vmid": 99900, "node": "father", "state": "started"}, ["GET current", "GET pending"]),
        ({"vmid": 99900, "state": "started"}, ["GET resources", "GET pending", "GET current"]),
    ],
    ids=str,
)
def test_what_finding_everything_as_wished_costs(
    modules: Modules, options: dict[str, Any], requests: list[str]
) -> None:
    modules.ok("vm", **CLONE, state="started")
    assert not modules.ok("vm", **options, cores=4)["changed"]
    assert asked(modules) == requests


@pytest.mark.parametrize(
    ("before", "options", "requests"),
    [
        ("stopped", {"vmid": 99900, "cores": 2}, ["GET resources", "GET pending", "PUT config", "GET pending"]),
        ("started", {"vmid": 99900, "cores": 2}, ["GET resources", "GET pending", "PUT config", "GET pending"]),
        (
            "started",
            {"vmid": 99900, "node": "father", "state": "started", "cores": 2},
            ["GET current", "GET pending", "PUT config", "GET pending"],
        ),
    ],
    ids=str,
)
def test_what_an_update_costs(modules: Modules, before: str, options: dict[str, Any], requests: list[str]) -> None:
    modules.ok("vm", **CLONE, state=before)
    assert modules.ok("vm", **options)["changed"]
    assert asked(modules) == requests


def test_a_list_that_is_old_makes_no_state_a_lie(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster's list may say that a VM runs for a while after it was stopped."""
    modules.ok("vm", **EMPTY)

    api = modules.lab.api
    real = api._vm_item
    monkeypatch.setattr(api, "_vm_item", lambda *item: {**real(*item), "status": "running"})
    result = modules.ok("vm", vmid=200, state="started")
    assert (result["changed"], result["status"], api.vm(200).status) == (True, "running", "running")


def test_parallel_creations_take_different_ids(modules: Modules) -> None:
    """Twenty at once without a vmid: twenty guests, no failure; again: none."""
    client = connect(Connection(**modules.lab.options()))

    def make(number: int) -> tuple[bool, int]:
        wish = {"state": "present", "name": f"web{number}"}
        outcome = reconcile(VM, wish, client, dry_run=False, timeout=60)
        return outcome.changed, VM.result(outcome.state)["vmid"]

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(make, range(20)))
        again = list(pool.map(make, range(20)))
    assert len({vmid for _, vmid in first}) == 20
    assert all(changed for changed, _ in first)
    assert again == [(False, vmid) for _, vmid in first]


HALF_MADE = (
    "Proxmox VE could not start the creation of vm {0} on father and left a guest behind that holds nothing but a "
    "lock. Only root can remove it, on father: qm unlock {0} && qm destroy {0}"
)


def test_a_half_made_vm_is_passed_over_and_told_of(modules: Modules) -> None:
    modules.lab.api.inject({"kind": "half-made"})
    made = modules.ok("vm", name="web", vmid_range=[300, 310])
    assert made["vmid"] == 301
    assert HALF_MADE.format(300) in made["warnings"]
    modules.unchanged("vm", name="web", vmid_range=[300, 310])


def test_a_half_made_vm_is_removed_by_who_may(modules: Modules) -> None:
    password = {"user": "root@pam", "password": modules.lab.password}
    root: dict[str, Any] = {"token_id": None, "token_secret": None, **password}
    modules.lab.api.inject({"kind": "half-made"})
    made = modules.ok("vm", name="web", vmid=350, **root)
    assert (made["vmid"], made["config"]["name"]) == (350, "web")
    # Ansible keeps the warnings of a process, those of other tests too.
    assert HALF_MADE.format(350) not in made.get("warnings", [])


def test_a_half_made_vm_is_not_the_wished_one(modules: Modules) -> None:
    modules.lab.api.inject({"kind": "half-made"})
    failed = modules.run("vm", name="web", vmid=300)
    assert failed["msg"] == (
        "Cannot create vm 300 (web): POST /nodes/father/qemu: 500 got no worker upid - start worker failed.\n"
        "Proxmox VE could not start the task, as happens on a busy node. What it left behind, if anything, is a guest "
        "that holds nothing but a lock; it has to be removed on the node before its vmid can be used."
    )
    assert modules.message("vm", name="web", vmid=300) == (
        "There is nothing of vm 300 (VM 300) on father but the lock of its creation. If nobody is creating it at the "
        "moment, Proxmox VE gave up half-way: remove it on father with 'qm unlock 300 && qm destroy 300'."
    )


# --------------------------------------------------------------------- privileges

# VM.Audit comes last: without it a VM is made, but can't be read afterwards.
MAKE = {
    "/storage/local-lvm": ["Datastore.AllocateSpace"],
    "/sdn/zones/localnetwork/vmbr0": ["SDN.Use"],
    "/vms/200": ["VM.Allocate", *(f"VM.Config.{name}" for name in ("CPU", "Disk", "Network", "Options")), "VM.Audit"],
}
SMALL: dict[str, Any] = {
    "vmid": 200,
    "name": "web",
    "node": "father",
    "cores": 1,
    "disks": {"scsi0": "local-lvm:1"},
    "net": {"net0": {"bridge": "vmbr0"}},
}


def test_least_privileges(modules: Modules) -> None:
    refusals = modules.refusals(MAKE, "vm", **SMALL)
    for privilege, message in refusals.items():
        name, _, path = privilege.partition(" on ")
        # Without VM.Audit it is made, and can't be seen then: the message says both.
        told = message.removesuffix("\nAlready done: create vm 200 (web).") if name == "VM.Audit" else message
        assert told.endswith(UNNAMED if name == "VM.Allocate" else denied(name, path)), message
    modules.lab.call(modules.lab.api._abandon(modules.lab.api.vm(200)))
    assert modules.limited(MAKE).ok("vm", **SMALL)["vmid"] == 200


@pytest.mark.parametrize(
    ("privileges", "options"),
    [
        ({"/vms/200": ["VM.Audit", "VM.Config.CPU"]}, {"cores": 2}),
        ({"/vms/200": ["VM.Audit", "VM.Config.Memory"]}, {"memory": 1024}),
        ({"/vms/200": ["VM.Audit", "VM.Config.Cloudinit"]}, {"ciuser": "admin"}),
        ({"/vms/200": ["VM.Audit", "VM.Config.HWType"]}, {"vga": "std"}),
        ({"/vms/200": ["VM.Audit", "VM.Config.Disk"]}, {"disks": {"scsi0": {"size": "2G"}}}),
        (
            {"/vms/200": ["VM.Audit", "VM.Config.Network"], "/sdn/zones/localnetwork/vmbr0": ["SDN.Use"]},
            {"net": {"net0": {"firewall": True}}},
        ),
        ({"/vms/200": ["VM.Audit", "VM.PowerMgmt"]}, {"state": "started"}),
        ({"/vms/200": ["VM.Audit", "VM.Allocate"]}, {"state": "absent"}),
        (
            {
                "/vms/9001": ["VM.Audit", "VM.Clone"],
                "/storage/local-lvm": ["Datastore.AllocateSpace"],
                "/sdn/zones/localnetwork/vmbr0": ["SDN.Use"],
                "/vms/300": ["VM.Allocate", "VM.Audit"],
            },
            {"vmid": 300, "node": None, "clone": "9001", "name": "copy"},
        ),
    ],
    ids=str,
)
def test_least_privileges_to_change(
    modules: Modules, privileges: dict[str, list[str]], options: dict[str, Any]
) -> None:
    modules.ok("vm", **SMALL)
    call = {"vmid": 200, "node": "father", **options}
    refusals = modules.refusals(privileges, "vm", **call)
    clear = ("403 Permission check failed", "Template '9001' was not found", "is hidden from the login")
    assert all(any(words in text for words in clear) for text in refusals.values()), refusals
    if "clone" in options:
        modules.lab.call(modules.lab.api._abandon(modules.lab.api.vm(300)))
    modules.limited(privileges).ok("vm", **call)


def test_clones_with_another_card_have_addresses_of_their_own(modules: Modules) -> None:
    template = modules.ok("vm_info", vmid=[9001], gather=["config"])["vms"][0]["config"]["net0"]
    wish = {"clone": "debian-12", "net": {"net0": {"tag": 20}}}
    made = [modules.converge("vm", vmid=vmid, name=f"twin{vmid}", node="father", **wish) for vmid in (300, 301)]
    addresses = {one["nics"]["net0"]["mac"] for one in made}
    assert len(addresses) == 2
    assert not any(address in template for address in addresses)
    assert {one["nics"]["net0"]["tag"] for one in made} == {20}
