"""Module container against the lab's API: the twelve steps, what is refused and in which words, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import (
    carry_out,
    look,
    reconcile,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER

from lab.api.serving import ServedLab

from .conftest import UNNAMED, Modules, denied

FILES = ("debian-13-standard_13.1-2_amd64.tar.zst", "debian-13-standard_13.1-10_amd64.tar.zst")
NEWEST = f"local:vztmpl/{FILES[1]}"
RANGE = [300, 399]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrS0GGkHWb1nVIeFZZ0GkVbPQnZgVw6CeOqTLnX4Xyz a b@c"
ROOTFS = {"storage": "local-lvm", "size": "4G"}
WEB: dict[str, Any] = {
    "hostname": "web",
    "vmid_range": RANGE,
    "ostemplate": "debian-13-standard",
    "cores": 1,
    "memory": "1G",
    "rootfs": ROOTFS,
    "mp": {"mp0": {"storage": "local-lvm", "size": "1G", "mp": "/srv", "backup": True}},
    "net": {"net0": {"bridge": "vmbr0", "ip": "10.99.0.50/24", "gw": "10.99.0.1"}},
    "features": {"nesting": True},
    "nameserver": ["10.99.0.1"],
    "tags": ["homelab-pve", "Web"],
    "password": "a secret & more",
    "ssh_public_keys": [KEY],
}
MP = {"storage": "local-lvm", "size": "100M", "mp": "/a"}
SMALL: dict[str, Any] = {"vmid": 200, "hostname": "small", "ostemplate": NEWEST, "rootfs": "local-lvm:2"}


def _with_templates(lab: ServedLab) -> None:
    """Two versions of one template, and a second storage for containers."""
    lab.api.storages["local"]["content"] += ",rootdir"
    for name in FILES:
        path = lab.api.file_path("local", f"vztmpl/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def modules(modules: Modules) -> Modules:
    """The modules, connected to a node with templates."""
    _with_templates(modules.lab)
    return modules


@pytest.mark.parametrize(
    ("create", "modify"),
    [
        (WEB, {"memory": 512, "net": {"net0": {"tag": 7}}, "description": "two\nlines\n", "onboot": True}),
        (WEB, {"rootfs": {"size": "6G"}, "mp": {"mp0": {"ro": True, "size": "2G"}, "mp1": "local-lvm:1,mp=/opt"}}),
        (SMALL, {"features": {"nesting": True}, "env": {"A": "1", "B": "two words"}, "startup": {"order": 2}}),
        (SMALL, {"rootfs": {"storage": "local"}, "timezone": "Europe/Vienna", "tty": 1, "swap": "1G"}),
        ({**WEB, "state": "started"}, {"memory": "2G", "cores": 2, "hostname": "web"}),
        ({**WEB, "state": "started"}, {"nameserver": [], "mp": {"mp0": ""}, "restart": "if_needed"}),
    ],
    ids=["live", "volumes", "small", "moved", "running", "restart"],
)
def test_twelve_steps(modules: Modules, create: dict[str, Any], modify: dict[str, Any]) -> None:
    made = modules.converge("container", **create)
    changed = modules.converge("container", vmid=made["vmid"], **modify)
    assert changed["nics"].get("net0", {}).get("mac") == made["nics"].get("net0", {}).get("mac")
    gone = modules.converge("container", vmid=made["vmid"], state="absent", force=True)
    assert "vmid" not in gone


def test_a_new_container_has_what_was_wished(modules: Modules) -> None:
    made = modules.ok("container", **WEB, state="started")
    assert (made["vmid"], made["node"], made["status"], made["name"]) == (300, "father", "running", "web")
    config = made["config"]
    assert (config["cores"], config["memory"], config["tags"]) == (1, 1024, "homelab-pve;web")
    assert config["unprivileged"] == 1
    assert config["mp0"] == "local-lvm:vm-300-disk-1,backup=1,mp=/srv,size=1G"
    assert made["nics"]["net0"] == {
        "name": "eth0", "bridge": "vmbr0", "ip": "10.99.0.50/24", "gw": "10.99.0.1", "type": "veth",
        "hwaddr": made["nics"]["net0"]["mac"], "mac": made["nics"]["net0"]["mac"],
    }  # fmt: skip


def test_secrets_stay_secret(modules: Modules) -> None:
    made = modules.run("container", **WEB)
    assert "a secret" not in str(made)
    failed = modules.run("container", **{**SMALL, "password": "1234"})
    assert failed["msg"] == (
        "Cannot create container 200 (small): POST /nodes/father/lxc: 400 Parameter verification failed "
        "(password: value must be at least 5 characters long)."
    )


@pytest.mark.parametrize(
    ("state", "before", "status", "plan"),
    [
        ("started", "stopped", "running", "start container 200 (small)"),
        ("stopped", "started", "stopped", "shut container 200 (small) down"),
    ],
)
def test_power(modules: Modules, state: str, before: str, status: str, plan: str) -> None:
    modules.ok("container", **SMALL, state=before)
    result = modules.converge("container", **SMALL, state=state)
    assert (result["status"], result["plan"]) == (status, [plan])


@pytest.mark.parametrize(("before", "plan"), [("started", "reboot"), ("stopped", "start")])
def test_restarted_acts_every_time(modules: Modules, before: str, plan: str) -> None:
    modules.ok("container", **SMALL, state=before)
    assert modules.ok("container", vmid=200, state="restarted")["plan"] == [f"{plan} container 200 (small)"]
    again = modules.ok("container", vmid=200, state="restarted")
    assert (again["changed"], again["status"]) == (True, "running")


def test_template_and_linked_clone(modules: Modules) -> None:
    """PVE's answer names no task: the module waits for it all the same."""
    modules.lab.api.ct_secs["template"] = 1
    modules.lab.api.time_scale = 0.2
    assert modules.converge("container", **SMALL, state="template")["template"] is True
    assert modules.ok("container", vmid=200)["config"]["rootfs"] == "local-lvm:base-200-disk-0,size=2G"
    clone = modules.converge("container", hostname="copy", clone="small", vmid_range=RANGE, memory=256)
    assert (clone["vmid"], clone["config"]["memory"]) == (300, 256)
    assert clone["config"]["rootfs"] == "local-lvm:vm-300-disk-0,size=2G"


def test_a_template_is_changed_but_not_started(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="template")
    for state in ("started", "restarted"):
        assert modules.message("container", vmid=200, state=state) == (
            "Cannot start container 200 (small): it is a template, which can't be taken back. Clone it (option clone), "
            "and start the clone."
        )
    modules.converge("container", vmid=200, state="stopped", memory=256)


def test_a_template_that_cannot_be_made_says_why(modules: Modules) -> None:
    modules.ok("container", **SMALL)
    modules.lab.api.ct(200).snapshots["first"] = {}
    result = modules.run("container", vmid=200, state="template")
    assert result["msg"] == (
        "Cannot make container 200 (small) a template: POST /nodes/father/lxc/200/template: "
        "500 unable to create template, because CT contains snapshots."
    )


def test_full_clone_on_another_storage(modules: Modules) -> None:
    modules.ok("container", **WEB)
    clone = modules.converge(
        "container", hostname="copy", clone="web", full=True, storage="local", mp={"mp0": {"size": "2G"}}
    )
    assert clone["config"]["rootfs"] == "local:100/vm-100-disk-0.raw,size=4G"
    assert clone["config"]["mp0"] == "local:100/vm-100-disk-1.raw,backup=1,mp=/srv,size=2G"
    assert clone["config"]["tags"] == "homelab-pve;web"


def test_a_clone_of_a_snapshot_begins_with_its_configuration(modules: Modules) -> None:
    modules.ok("container", **SMALL, memory=256, state="started")
    modules.ok("snapshot", vmid=200, snapname="first")
    modules.ok("container", vmid=200, memory=512)
    wish: dict[str, Any] = {"hostname": "copy", "vmid": 300, "clone": "small", "full": True}
    assert modules.run("container", **wish)["msg"] == (
        "Cannot clone container 200 (small) to container 300 (copy): POST /nodes/father/lxc/200/clone: "
        "500 Full clone of a running container is only possible from a snapshot.\n"
        "Stop the container first, or give a snapshot of it in snapname."
    )
    assert modules.message("container", **wish, snapname="second") == (
        "Cannot clone container 200 (small): it has no snapshot 'second'. The module snapshot_info lists those it has; "
        "without snapname it is cloned as it is now."
    )
    assert modules.converge("container", **wish, snapname="first", memory=512)["config"]["memory"] == 512


def test_the_newest_template_is_taken(modules: Modules) -> None:
    for wanted in ("debian-13-standard", "debian-1*", FILES[1], NEWEST):
        modules.ok("container", vmid=200, ostemplate=wanted, rootfs=ROOTFS)
        created = next(record for record in modules.lab.writes() if record.path.endswith("/lxc"))
        assert created.status == 200
        modules.ok("container", vmid=200, state="absent")


def test_a_storage_that_is_off_line_hides_no_template(modules: Modules) -> None:
    modules.lab.api.storages["nas"] = {**modules.lab.api.storages["local"], "active": 0}
    assert modules.ok("container", **{**SMALL, "ostemplate": "debian-13-standard"})["changed"]


def test_a_template_is_fetched_where_asked_to(modules: Modules) -> None:
    wish = {**SMALL, "ostemplate": "alpine-*", "template_storage": "local"}
    assert modules.converge("container", **wish)["plan"] == [
        "fetch template alpine-3.22-default_20250617_amd64.tar.xz to storage local",
        "create container {vmid} (small)",
    ]
    modules.ok("container", vmid=200, state="absent")
    assert modules.ok("container", **wish)["plan"] == ["create container {vmid} (small)"]


def test_changes_that_wait_for_a_restart_are_said(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="started", mp={"mp0": {"storage": "local-lvm", "size": "1G", "mp": "/a"}})
    wish: dict[str, Any] = {"tty": 1, "memory": 256, "mp": {"mp0": {"ro": True}}}
    predicted = modules.ok("container", check=True, vmid=200, **wish)
    real = modules.ok("container", vmid=200, **wish)
    assert predicted["restart_required"] is real["restart_required"] is True
    assert real["pending"] == ["mp0", "tty"]
    restarted = modules.ok("container", vmid=200, cmode="shell", restart="if_needed")
    assert (restarted["restart_required"], restarted["pending"]) == (False, [])
    assert restarted["plan"] == ["set cmode of container 200 (small)", "reboot container 200 (small)"]


def test_what_a_running_container_takes_at_once_needs_no_restart(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="started")
    wish: dict[str, Any] = {"memory": 256, "cores": 1, "mp": {"mp0": "local-lvm:1,mp=/a"}, "rootfs": {"size": "3G"}}
    result = modules.ok("container", vmid=200, **wish, net={"net0": {"bridge": "vmbr0", "ip": "dhcp"}})
    assert (result["restart_required"], result["pending"]) == (False, [])


def test_a_volume_of_a_running_container_is_moved_when_it_may_be_restarted(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="started")
    result = modules.converge("container", vmid=200, rootfs={"storage": "local", "size": "3G"}, restart="if_needed")
    assert result["plan"] == [
        "shut container 200 (small) down",
        "move rootfs of container 200 (small) to storage local",
        "grow rootfs of container 200 (small) to 3G",
        "start container 200 (small)",
    ]
    assert result["status"] == "running"
    assert "unused0" not in result["config"]


def test_a_container_that_is_to_be_stopped_is_stopped_before_its_volume_is_moved(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="started")
    result = modules.converge("container", vmid=200, rootfs={"storage": "local"}, state="stopped")
    assert result["plan"][0] == "shut container 200 (small) down"
    assert result["status"] == "stopped"


def test_a_container_joins_a_pool_and_is_found_in_it(modules: Modules) -> None:
    for pool in ("one", "two"):
        modules.lab.api.pools[pool] = set()
    modules.converge("container", **SMALL, pool="one")
    assert modules.converge("container", vmid=200, pool="two")["plan"] == ["put container 200 (small) into pool two"]
    assert modules.unchanged("container", hostname="small", pool="two")["vmid"] == 200
    modules.converge("container", hostname="small", pool="one", vmid=300, ostemplate=NEWEST, rootfs=ROOTFS)


def test_what_is_not_set_is_left_alone(modules: Modules) -> None:
    modules.ok("container", **WEB)
    result = modules.ok("container", hostname="web", net={"net0": "tag=5"}, mp={"mp0": {"ro": True}})
    assert result["config"]["net0"].split(",")[:3] == ["name=eth0", "bridge=vmbr0", "gw=10.99.0.1"]
    assert result["config"]["mp0"] == "local-lvm:vm-300-disk-1,backup=1,mp=/srv,ro=1,size=1G"


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("container", **WEB, description="x")
    result = modules.converge(
        "container", hostname="web", net={"net0": ""}, mp={"mp0": ""}, tags=[], description="", nameserver=[]
    )
    assert {"net0", "mp0", "tags", "description", "nameserver"}.isdisjoint(result["config"])
    assert result["config"]["unused0"] == "local-lvm:vm-300-disk-1"


@pytest.mark.parametrize(
    ("there", "wish", "left", "plan"),
    [
        ([], {"mp0": "absent"}, {"mp1", "mp2"}, ["set mp0 of {}", "delete mp0 of {} with its data"]),
        (
            [],
            {"mp0": "", "mp1": "absent"},
            {"mp2", "unused0"},
            ["set mp0, mp1 of {}", "delete mp1 of {} with its data"],
        ),
        (["mp0"], {"unused0": "absent"}, {"mp1", "mp2"}, ["delete unused0 of {} with its data"]),
        (
            ["mp0"],
            {"unused0": "absent", "mp2": "absent"},
            {"mp1"},
            ["set mp2 of {}", "delete mp2, unused0 of {} with its data"],
        ),
    ],
    ids=lambda value: " ".join(sorted(value)),
)
@pytest.mark.parametrize("state", ["stopped", "started"])
def test_volumes_are_deleted_when_told(
    modules: Modules, *, there: list[str], wish: dict[str, str], left: set[str], plan: list[str], state: str
) -> None:
    mounts = {f"mp{number}": f"local-lvm:1,mp=/{number}" for number in range(3)}
    modules.ok("container", **SMALL, mp=mounts)
    for key in there:
        modules.ok("container", vmid=200, mp={key: ""})
    gone = {volume for key, volume in _volumes(modules).items() if wish.get(key) == "absent"}
    modules.ok("container", vmid=200, state=state)
    result = modules.converge("container", vmid=200, mp=wish, restart="if_needed")
    done = [line for line in result["plan"] if not line.startswith(("shut", "start"))]
    assert done == [line.format("container 200 (small)") for line in plan]
    assert {key for key in result["config"] if key.startswith(("mp", "unused"))} == left
    assert gone.isdisjoint(_volumes(modules).values())
    store = modules.lab.api.storages["local-lvm"]["volumes"]
    assert all(volume.partition(":")[2] not in store for volume in gone)


def _volumes(modules: Modules) -> dict[str, str]:
    """Volume ids of the container's mount points and detached volumes."""
    config = modules.ok("container", vmid=200)["config"]
    return {key: value.split(",")[0] for key, value in config.items() if key.startswith(("mp", "unused"))}


def test_an_existing_container_is_made_of_what_it_was_made_of(modules: Modules) -> None:
    """What counts at creation only is neither compared nor read."""
    modules.ok("container", **WEB)
    modules.unchanged("container", **{**WEB, "ostemplate": "nope", "password": "another", "ssh_public_keys": []})


NOT_FOUND = (
    "Template '{}' was not found on node father. Templates there are: {}. Give one of them in the option ostemplate, "
    "or a name of Proxmox VE's index and template_storage to have it fetched; the login needs Datastore.AllocateSpace "
    "or Datastore.Audit on the storage to see its templates."
)
NEEDED = "Option 'rootfs' is needed to create container {}: storage and size of its root file system, for example "
EXAMPLE = "{storage: local-lvm, size: 8G}."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"vmid": 201, "rootfs": ROOTFS},
            "Option 'ostemplate' is needed to create container 201: the name of a template such as "
            "debian-13-standard, or its volume id. Use clone to copy a container instead.",
        ),
        (
            {"vmid": 201, "rootfs": ROOTFS, "ostemplate": "nope"},
            NOT_FOUND.format("nope", f"{NEWEST}, local:vztmpl/{FILES[0]}"),
        ),
        (
            {"vmid": 201, "rootfs": ROOTFS, "ostemplate": "local:vztmpl/nope.tar.zst", "template_storage": "local"},
            NOT_FOUND.format("local:vztmpl/nope.tar.zst", f"{NEWEST}, local:vztmpl/{FILES[0]}"),
        ),
        (
            {"vmid": 201, "rootfs": ROOTFS, "ostemplate": "nope", "template_storage": "local"},
            f"Template 'nope' is neither on a storage of node father ({NEWEST}, local:vztmpl/{FILES[0]}) nor in its "
            "index of 5 templates. Check the name with 'pveam available' on the node; 'pveam update' renews the index.",
        ),
        ({"hostname": "new", "ostemplate": NEWEST}, NEEDED.format("new") + EXAMPLE),
        (
            {"hostname": "new", "ostemplate": NEWEST, "storage": "local-lvm", "mp": {"mp0": "1,mp=/a"}},
            NEEDED.format("new") + EXAMPLE,
        ),
        (
            {"hostname": "new", "ostemplate": NEWEST, "rootfs": {"storage": "local-lvm"}},
            "Option 'rootfs': rootfs does not exist on container new yet. Give storage and size to make it, "
            "or volume to use one that exists.",
        ),
        (
            {"vmid": 200, "mp": {"mp3": {"size": "1G", "storage": "local-lvm"}}},
            "Option 'mp': mp3: the new mp3 of container 200 (small) needs mp, its path in the container.",
        ),
        (
            {"vmid": 200, "mp": {"mp256": "local-lvm:1,mp=/a"}},
            "Option 'mp': 'mp256' is none of mp0 to mp255.",
        ),
        (
            {"vmid": 200, "mp": {"mp0": {"path": "/a"}}},
            "Option 'mp': mp0: unknown property 'path'; known are acl, backup, keepattrs, mountoptions, mp, quota, "
            "replicate, ro, shared, size, storage, volume",
        ),
        (
            {"vmid": 200, "rootfs": {"size": "many"}},
            "Option 'rootfs': size: 'many' is not a size such as 512M or 32G",
        ),
        ({"vmid": 200, "rootfs": {"size": "3000K"}}, "Option 'rootfs': size: 3000K is not a whole number of MiB"),
        (
            {"vmid": 200, "rootfs": {"size": "1G"}},
            "Cannot shrink rootfs of container 200 (small) from 2G to 1G: Proxmox VE only grows volumes. "
            "Set size to 2G or more, or recreate the volume.",
        ),
        (
            {"vmid": 200, "rootfs": {"volume": "local-lvm:vm-1-disk-0"}},
            "Cannot replace rootfs of container 200 (small): it holds local-lvm:vm-200-disk-0. "
            "Detach that first (by making the container anew), or use another mount point.",
        ),
        (
            {"vmid": 200, "rootfs": ""},
            "Option 'rootfs': container 200 (small) can't be without its root file system. Leave the option out.",
        ),
        (
            {"vmid": 203, "rootfs": {"storage": "local"}},
            "Cannot move rootfs of container 203 (busy) to storage local: it is running, and Proxmox VE moves and "
            "deletes volumes of stopped containers only. Stop it first, or set restart to if_needed.",
        ),
        (
            {"vmid": 203, "mp": {"mp0": "absent"}},
            "Cannot delete mp0 of container 203 (busy): it is running, and Proxmox VE moves and deletes volumes of "
            "stopped containers only. Stop it first, or set restart to if_needed.",
        ),
        (
            {"vmid": 200, "mp": {"unused0": {"mp": "/a"}}},
            "Option 'mp': unused0 can only be deleted (unused0: absent). Give its volume to a mount point instead.",
        ),
        (
            {"vmid": 200, "rootfs": "absent"},
            "Option 'rootfs': container 200 (small) can't be without its root file system. Leave the option out.",
        ),
        (
            {"vmid": 200, "unprivileged": False},
            "Cannot change unprivileged of container 200 (small) from 1 to 0: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the container first (state: absent) and create it anew.",
        ),
        (
            {"hostname": "new", "clone": "small", "unprivileged": False},
            "Cannot change unprivileged of container cloned from container 200 (small) from 1 to 0: Proxmox VE sets it "
            "only at creation. Keep the present value, or remove the container first (state: absent) and create it "
            "anew.",
        ),
        (
            {"hostname": "new", "ostemplate": NEWEST, "rootfs": ROOTFS, "ssh_public_keys": [KEY, "SECRET KEY"]},
            "Option 'ssh_public_keys': entry 2 is no public key. Give the content of a file such as id_ed25519.pub, "
            "one key an entry.",
        ),
        (
            {"vmid": 200, "net": {"net0": {"vlan": 1}}},
            "Option 'net': net0: unknown property 'vlan'; known are bridge, firewall, gw, gw6, host-managed, hwaddr, "
            "ip, ip6, link_down, mtu, name, rate, tag, trunks, type",
        ),
        ({"vmid": 200, "net": {"net32": "bridge=vmbr0"}}, "Option 'net': 'net32' is none of net0 to net31."),
        (
            {"vmid": 200, "net": {"net0": {"hwaddr": "no"}}},
            "Option 'net': net0: hwaddr: 'no' is not a MAC address",
        ),
        (
            {"vmid": 200, "features": {"sudo": True}},
            "Option 'features': unknown property 'sudo'; known are force_rw_sys, fuse, keyctl, mknod, mount, nesting",
        ),
        (
            {"vmid": 200, "features": {"nesting": "perhaps"}},
            "Option 'features': nesting: 'perhaps' is neither true nor false",
        ),
        (
            {"vmid": 200, "net": {"net0": {"bridge": "vmbr0", "ip": "300.1.1.1/24"}}},
            "Option 'net': net0: ip: '300.1.1.1/24' is not an address with its prefix length of IPv4 or dhcp or manual",
        ),
        (
            {"vmid": 200, "net": {"net0": {"bridge": "vmbr0", "gw6": "10.0.0.1"}}},
            "Option 'net': net0: gw6: '10.0.0.1' is not an address of IPv6",
        ),
        ({"vmid": 200, "net": {"net0": {"tag": 5000}}}, "Option 'net': net0: tag: 5000 is not from 1 to 4094"),
        ({"vmid": 200, "net": {"net0": {"mtu": 9}}}, "Option 'net': net0: mtu: 9 is not from 64 to 65535"),
        ({"vmid": 200, "net": {"net0": {"type": "tap"}}}, "Option 'net': net0: type: 'tap' is none of veth"),
        (
            {"vmid": 200, "mp": {"mp0": {"mountoptions": "nodev;fast"}}},
            "Option 'mp': mp0: mountoptions: 'fast' is none of discard, lazytime, noatime, nodev, noexec, nosuid",
        ),
        (
            {"vmid": 200, "dev": {"dev0": {"path": "/dev/fuse", "mode": "660"}}},
            "Option 'dev': dev0: mode: '660' is not an octal mode such as 0660 (in YAML: '0660')",
        ),
        (
            {"vmid": 200, "dev": {"dev0": "/etc/passwd"}},
            "Option 'dev': dev0: path: '/etc/passwd' is not a device such as /dev/ttyUSB0",
        ),
        ({"vmid": 200, "dev": {"dev256": "/dev/fuse"}}, "Option 'dev': 'dev256' is none of dev0 to dev255."),
        (
            {"vmid": 200, "env": {"A B": "1"}},
            "Option 'env': 'A B' is not the name of a variable: letters, digits and underscores",
        ),
        ({"vmid": 200, "cores": 0}, "Option 'cores': 0 is not from 1 to 8192"),
        ({"vmid": 200, "cpulimit": -1}, "Option 'cpulimit': -1.0 is not from 0 to 8192"),
        ({"vmid": 200, "cpuunits": 500001}, "Option 'cpuunits': 500001 is not from 0 to 500000"),
        ({"vmid": 200, "memory": 8}, "Option 'memory': 8 is not 16 or more"),
        ({"vmid": 200, "tty": 7}, "Option 'tty': 7 is not from 0 to 6"),
        ({"vmid": 200, "nameserver": ["one.one"]}, "Option 'nameserver': 'one.one' is not an IP address"),
        (
            {"vmid": 200, "hostname": "bad_host"},
            "Option 'hostname': 'bad_host' is not a name of letters, digits, dashes and dots",
        ),
        (
            {"vmid": 200, "ostype": "bsd"},
            "value of ostype must be one of: debian, devuan, ubuntu, centos, fedora, opensuse, archlinux, alpine, "
            "gentoo, nixos, unmanaged, got: bsd",
        ),
        ({"vmid": 200, "memory": "lots"}, "Option 'memory': 'lots' is not a size such as 512M or 32G"),
        (
            {"vmid": 9000},
            "vmid 9000 is a vm (debian-12-pve on father), not a container.",
        ),
        (
            {"hostname": "new", "clone": "nope"},
            "Template 'nope' was not found. Templates there are: none. Give the name or vmid of one of them in the "
            "option clone; the login needs VM.Audit and VM.Clone on it.",
        ),
        (
            {"hostname": "small", "vmid_range": [100, 300], "state": "absent"},
            "The name 'small' is ambiguous: 200 on father, 201 on father. "
            "Give the vmid, or a pool or vmid_range that tells them apart.",
        ),
        (
            {"vmid": 202, "state": "absent"},
            "Cannot remove container 202 (guarded): it is protected. "
            "Set its option protection to false first, if you mean it.",
        ),
        (
            {"vmid": 203, "state": "absent"},
            "Cannot remove container 203 (busy): it is running. "
            "Stop it first, or set force to true to have it stopped.",
        ),
        (
            {"vmid": 203, "state": "template"},
            "Cannot make container 203 (busy) a template: it is running. "
            "Stop it first, or set force to true to have it stopped.",
        ),
        (
            {"vmid": 200, "state": "paused"},
            "value of state must be one of: present, absent, template, restarted, started, stopped, got: paused",
        ),
        ({"state": "present"}, "one of the following is required: vmid, hostname"),
        (
            {"vmid": 200, "clone": "a", "password": "abcdef"},
            "parameters are mutually exclusive: clone|password",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("container", **SMALL)
    if "vmid_range" in wish:
        modules.ok("container", **{**SMALL, "vmid": 201})
    modules.ok("container", **{**SMALL, "vmid": 202, "hostname": "guarded", "protection": True})
    modules.ok("container", **{**SMALL, "vmid": 203, "hostname": "busy", "state": "started", "mp": {"mp0": MP}})
    assert modules.message("container", **wish) == message


LIST, ALL, NOW, SET = "GET resources", "GET pending", "GET current", "PUT config"


@pytest.mark.parametrize(
    ("before", "wish", "requests"),
    [
        ("stopped", {"vmid": 300}, [LIST, ALL]),
        ("started", {"hostname": "web", "vmid_range": RANGE}, [LIST, ALL]),
        ("started", {"vmid": 300, "node": "father", "state": "started"}, [NOW, ALL]),
        # The cluster's list may be some seconds old, so the container itself is asked for its power state.
        ("started", {"vmid": 300, "state": "started"}, [LIST, ALL, NOW]),
        ("stopped", {"vmid": 300, "memory": 512}, [LIST, ALL, SET, ALL]),
        ("started", {"vmid": 300, "memory": 512, "tty": 1}, [LIST, ALL, SET, ALL]),
        ("started", {"vmid": 300, "node": "father", "state": "started", "memory": 512}, [NOW, ALL, SET, ALL]),
    ],
    ids=str,
)
def test_what_a_call_costs(modules: Modules, before: str, wish: dict[str, Any], requests: list[str]) -> None:
    """Nothing to do: two requests; an update: one more, and the read that verifies it."""
    modules.ok("container", **WEB, state=before)
    modules.ok("container", **wish)
    assert [f"{record.method} {record.path.rpartition('/')[2]}" for record in modules.lab.requests()] == requests


def test_absent_stops_a_running_container_when_forced(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="started")
    gone = modules.converge("container", vmid=200, state="absent", force=True)
    assert gone["plan"] == ["stop container 200 (small)", "remove container 200 (small)"]


# ------------------------------------------------------------------- several nodes


@pytest.fixture
def cluster(cluster: Modules) -> Modules:
    """Three nodes; a container on the first, its root file system on a storage each node has of its own."""
    _with_templates(cluster.lab)
    cluster.lab.api.storages["shared"]["content"] += ",rootdir"
    cluster.ok("container", **SMALL, node="father")
    return cluster


MOVE = "move container 200 (small) from father to son"
DOWN, UP = "shut container 200 (small) down", "start container 200 (small)"


@pytest.mark.parametrize(
    ("before", "wish", "plan", "status"),
    [
        ("stopped", {}, [MOVE], "stopped"),
        ("stopped", {"state": "started"}, [MOVE, UP], "running"),
        ("started", {"restart": "if_needed"}, [MOVE], "running"),
        ("started", {"state": "stopped"}, [DOWN, MOVE], "stopped"),
        (
            "started",
            {"restart": "if_needed", "tty": 1, "memory": 256},
            [DOWN, MOVE, "set memory, tty of container 200 (small)", UP],
            "running",
        ),
        (
            "started",
            {"restart": "if_needed", "rootfs": {"storage": "shared"}},
            [DOWN, MOVE, "move rootfs of container 200 (small) to storage shared", UP],
            "running",
        ),
    ],
)
def test_a_container_is_moved(
    cluster: Modules, before: str, wish: dict[str, Any], plan: list[str], status: str
) -> None:
    cluster.ok("container", vmid=200, state=before)
    moved = cluster.converge("container", vmid=200, node="son", **wish)
    assert (moved["plan"], moved["node"], moved["status"]) == (plan, "son", status)
    assert (moved["restart_required"], moved["pending"]) == (False, [])


def test_a_container_takes_its_volumes_to_another_storage(cluster: Modules) -> None:
    moved = cluster.converge("container", vmid=200, node="son", target_storage="shared")
    assert moved["config"]["rootfs"].startswith("shared:")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"node": "son"},
            "Cannot move container 200 (small) from father to son: it is running, and containers are not moved while "
            "they run. Stop it first, or set restart to if_needed to have it restarted on the other node.",
        ),
        (
            {"node": "ghost"},
            "Cannot move container 200 (small) from father to ghost: there is no such node. "
            "The other nodes are mother, son.",
        ),
        (
            {"node": "mother", "restart": "if_needed"},
            "Cannot move container 200 (small) from father to mother: mother does not have the storage local-lvm. "
            "Set target_storage to one that it has.",
        ),
    ],
)
def test_moves_that_would_fail(cluster: Modules, wish: dict[str, Any], message: str) -> None:
    cluster.ok("container", vmid=200, state="started")
    cluster.lab.api.storages["local-lvm"]["nodes"] = "father,son"
    assert cluster.message("container", vmid=200, **wish) == message


@pytest.mark.parametrize("options", [{"memory": 256}, {"state": "started"}, {"rootfs": {"size": "3G"}}], ids=str)
def test_a_container_that_moves_between_look_and_write_is_found_again(
    cluster: Modules, options: dict[str, Any]
) -> None:
    client = connect(Connection(**cluster.lab.options()))
    wish = {"state": "present", "vmid": 200, **options}
    seen = look(CONTAINER, wish, client)
    cluster.lab.api.ct(200).node = "son"
    outcome = carry_out(CONTAINER, wish, client, seen, timeout=30)
    assert CONTAINER.result(outcome.state)["node"] == "son"
    assert not look(CONTAINER, wish, client).changed


def test_a_clone_goes_to_another_node_by_a_shared_storage(cluster: Modules) -> None:
    wish: dict[str, Any] = {"vmid": 201, "hostname": "copy", "clone": "small", "full": True, "node": "son"}
    assert cluster.run("container", **wish)["msg"] == (
        f"Cannot clone container 200 (small) to container 201 (copy): POST {CT}/clone: "
        "500 can't clone CT to node 'son' (CT uses local storage).\n"
        "Only disks on storages that both nodes have can be cloned there: leave out node."
    )
    made = cluster.converge("container", **wish, storage="shared")
    assert (made["node"], made["config"]["rootfs"]) == ("son", "shared:vm-201-disk-0,size=2G")


def test_a_managed_container_is_awaited(cluster: Modules) -> None:
    """The HA manager's tasks end before the container is where and how it should be."""
    put = cluster.converge("container", vmid=200, ha={"comment": "small"})
    cluster.converge("container", vmid=200, ha={"max_restart": 2})
    assert put["plan"] == ["put container 200 (small) under HA"]
    assert cluster.converge("container", vmid=200, state="started")["status"] == "running"
    assert cluster.converge("container", vmid=200, node="son", restart="if_needed")["node"] == "son"
    assert cluster.converge("container", vmid=200, state="stopped")["status"] == "stopped"
    cluster.converge("container", vmid=200, ha={"state": "absent"})


# ------------------------------------------------------------------------ privileges

VMS = "/vms/200"
TO_CREATE = {
    "/storage/local-lvm": ["Datastore.AllocateSpace"],
    "/storage/local": ["Datastore.Audit"],
    "/sdn/zones/localnetwork/vmbr0": ["SDN.Use"],
    VMS: ["VM.Allocate", "VM.Config.CPU", "VM.Config.Disk", "VM.Config.Memory", "VM.Config.Network",
          "VM.Config.Options", "VM.Audit"],
}  # fmt: skip
NET = {"net0": {"bridge": "vmbr0", "ip": "dhcp"}}


def test_least_privileges(modules: Modules) -> None:
    wish = {**SMALL, "net": NET, "memory": 256, "cores": 1, "onboot": True, "features": {"nesting": True}}
    messages = modules.refusals(TO_CREATE, "container", **wish)
    create = "Cannot create container 200 (small): POST /nodes/father/lxc: "
    assert messages == {
        "Datastore.AllocateSpace on /storage/local-lvm": create
        + denied("Datastore.AllocateSpace", "/storage/local-lvm"),
        "Datastore.Audit on /storage/local": NOT_FOUND.format(NEWEST, "none"),
        "SDN.Use on /sdn/zones/localnetwork/vmbr0": create + denied("SDN.Use", "/sdn/zones/localnetwork/vmbr0"),
        f"VM.Allocate on {VMS}": create + UNNAMED,
        **{f"{name} on {VMS}": create + denied(name, VMS) for name in TO_CREATE[VMS][1:-1]},
        f"VM.Audit on {VMS}": (
            f"Cannot see what became of it: GET /nodes/father/lxc/200/pending: {denied('VM.Audit', VMS)}\n"
            "Already done: create container 200 (small)."
        ),
    }
    modules.ok("container", vmid=200, state="absent")
    assert modules.limited(TO_CREATE).converge("container", **wish)["vmid"] == 200


CT = "/nodes/father/lxc/200"
LVM = "/storage/local-lvm"


@pytest.mark.parametrize(
    ("wish", "missing", "others", "refused"),
    [
        ({"state": "started"}, "VM.PowerMgmt", [], f"start container 200 (small): POST {CT}/status/start"),
        ({"state": "absent"}, "VM.Allocate", [], f"remove container 200 (small): DELETE {CT}"),
        ({"state": "template"}, "VM.Allocate", [], f"make container 200 (small) a template: POST {CT}/template"),
        (
            {"onboot": True},
            "VM.Config.Options",
            ["VM.Config.CPU"],
            f"set onboot of container 200 (small): PUT {CT}/config",
        ),
        # PVE takes the parameters of a resize for options of the configuration (PVE::API2::LXC, resize_vm).
        (
            {"rootfs": {"size": "3G"}},
            "VM.Config.Options",
            ["VM.Config.Disk"],
            f"grow rootfs of container 200 (small) to 3G: PUT {CT}/resize",
        ),
        (
            {"rootfs": {"storage": "local"}},
            "VM.Config.Disk",
            [],
            f"move rootfs of container 200 (small) to storage local: POST {CT}/move_volume",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_least_privileges_of_a_change(
    modules: Modules, wish: dict[str, Any], missing: str, others: list[str], refused: str
) -> None:
    modules.ok("container", **SMALL)
    storages = {"/storage": ["Datastore.AllocateSpace"]} if "rootfs" in wish else {}
    without = modules.limited({**storages, VMS: ["VM.Audit", *others]})
    assert without.run("container", vmid=200, **wish)["msg"] == f"Cannot {refused}: {denied(missing, VMS)}"
    modules.limited({**storages, VMS: ["VM.Audit", *others, missing]}).converge("container", vmid=200, **wish)


def test_least_privileges_of_a_clone(modules: Modules) -> None:
    modules.ok("container", **SMALL, state="template")
    needed = {LVM: ["Datastore.AllocateSpace"], VMS: ["VM.Audit", "VM.Clone"], "/vms/300": ["VM.Allocate", "VM.Audit"]}
    wish: dict[str, Any] = {"hostname": "copy", "vmid": 300, "clone": "small"}
    limited = modules.limited({**needed, VMS: ["VM.Audit"]})
    assert limited.run("container", **wish)["msg"] == (
        f"Cannot clone container 200 (small) to container 300 (copy): POST {CT}/clone: {denied('VM.Clone', VMS)}"
    )
    modules.limited(needed).converge("container", **wish)


def test_least_privileges_of_a_fetched_template_and_of_a_privileged_container(modules: Modules) -> None:
    needed = {
        "/": ["Sys.Modify"],
        LVM: ["Datastore.AllocateSpace"],
        "/storage/local": ["Datastore.AllocateTemplate", "Datastore.Audit"],
        VMS: ["VM.Allocate", "VM.Audit", "VM.Config.Disk", "VM.Config.Network"],
    }
    wish = {**SMALL, "ostemplate": "alpine-3.22-default", "template_storage": "local", "unprivileged": False}
    without = modules.limited({**needed, "/storage/local": ["Datastore.Audit"]})
    assert without.run("container", **wish)["msg"] == (
        "Cannot fetch template alpine-3.22-default_20250617_amd64.tar.xz to storage local: POST /nodes/father/aplinfo: "
        f"{denied('Datastore.AllocateTemplate', '/storage/local')}\nNot done: create container ? (small)."
    )
    assert (
        modules.limited({**needed, "/": []})
        .run("container", **wish)["msg"]
        .endswith(
            denied("Sys.Modify", "/")
            + ("\nAlready done: fetch template alpine-3.22-default_20250617_amd64.tar.xz to storage local.")
        )
    )
    modules.limited(needed).converge("container", **wish)


def test_least_privileges_of_a_move(cluster: Modules) -> None:
    without = cluster.limited({VMS: ["VM.Audit"]})
    assert without.run("container", vmid=200, node="son")["msg"] == (f"GET {CT}/migrate: {denied('VM.Migrate', VMS)}")
    cluster.limited({VMS: ["VM.Audit", "VM.Migrate"]}).converge("container", vmid=200, node="son")


def test_least_privileges_of_ha(modules: Modules) -> None:
    modules.ok("container", **SMALL)
    needed = {"/": ["Sys.Console", "Sys.Audit"], VMS: ["VM.Audit"]}
    put = "Cannot put container 200 (small) under HA: POST /cluster/ha/resources: "
    without = modules.limited({**needed, "/": ["Sys.Audit"]})
    assert without.run("container", vmid=200, ha={"comment": "a"})["msg"] == put + denied("Sys.Console", "/")
    modules.limited(needed).converge("container", vmid=200, ha={"comment": "a"})


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"mp": {"mp0": "/srv,mp=/srv"}}, "mount point type bind is only allowed for root@pam"),
        ({"features": {"keyctl": True}}, "changing feature flags (except nesting) is only allowed for root@pam"),
        ({"dev": {"dev0": "/dev/fuse"}}, "configuring device passthrough is only allowed for root@pam"),
        ({"hookscript": "local:snippets/x"}, "changing the hookscript is only allowed for root@pam"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_no_token_may_do_says_so(modules: Modules, wish: dict[str, Any], words: str) -> None:
    modules.ok("container", **SMALL)
    (key,) = wish["mp"] if "mp" in wish else wish.get("dev", wish)
    assert modules.run("container", vmid=200, **wish)["msg"] == (
        f"Cannot set {key} of container 200 (small): PUT {CT}/config: 403 Permission check failed ({words}). "
        "Log in as root@pam with user and password for this option, or leave it out."
    )


def test_root_may_mount_directories_of_the_node(modules: Modules) -> None:
    modules.ok("container", **SMALL)
    login = {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}
    made = modules.converge("container", vmid=200, mp={"mp0": {"volume": "/srv", "mp": "/srv", "ro": True}}, **login)
    assert made["config"]["mp0"] == "/srv,mp=/srv,ro=1"
    modules.converge("container", vmid=200, mp={"mp0": ""}, **login)


# -------------------------------------------------------------------------- failures


def _full(lab: ServedLab) -> None:
    lab.api.storages["local"]["avail"] = 1


def _locked(lab: ServedLab) -> None:
    lab.api.ct(200).config["lock"] = "backup"


def _broken(lab: ServedLab) -> None:
    lab.api.ct(200).config["net0"] = "name=eth0,bridge=vmbr9"


TASK_ID = re.compile(r"\(UPID:[^)]*\)")
CREATE = "Cannot create container 300 (new): "
POST = CREATE + "POST /nodes/father/lxc: "
WRONG = "400 Parameter verification failed "
START = "Cannot start container 200 (small): The task failed: "
NO_STORAGE = "\nCheck the name of the storage; the module storage_info lists those there are."
NO_SPACE = "unable to write to storage 'local': No space left on device"
LEFT = (
    "\nWait until that is done, and run again. If nothing is at work on the guest, the lock was left behind: remove it "
    "on the node with 'qm unlock' or 'pct unlock' and the vmid."
)


@pytest.mark.parametrize(
    ("prepare", "wish", "message"),
    [
        (None, {"rootfs": "nope:1"}, f"{POST}500 storage 'nope' does not exist.{NO_STORAGE}"),
        (
            None,
            {"pool": "nope"},
            f"{POST}403 Permission check failed (pool 'nope' does not exist). The module's documentation says which "
            "privileges it needs, and where.\nMake the pool first, or check the option pool.",
        ),
        (
            _full,
            {"rootfs": "local:4"},
            f"{CREATE}The task failed: unable to create CT 300 - {NO_SPACE} (UPID)\nIts last log lines:\n"
            f"  TASK ERROR: unable to create CT 300 - {NO_SPACE}\nFree space on the storage, or give another one.",
        ),
        (
            None,
            {"node": "ghost"},
            "There is no node 'ghost' in the cluster: hostname lookup 'ghost' failed - failed to get address info for: "
            "ghost: Temporary failure in name resolution. Check the option node.",
        ),
        (
            None,
            {"template_storage": "nope", "ostemplate": "alpine-*"},
            "Cannot fetch template alpine-3.22-default_20250617_amd64.tar.xz to storage nope: "
            f"POST /nodes/father/aplinfo: 500 storage 'nope' does not exist.{NO_STORAGE}\n"
            "Not done: create container ? (new).",
        ),
        (
            _locked,
            {"vmid": 200, "state": "started"},
            f"{START}CT is locked (backup) (UPID)\nIts last log lines:\n  TASK ERROR: CT is locked (backup)\n"
            "A backup of it is running: wait for its end, and run again.",
        ),
        (
            _locked,
            {"vmid": 200, "memory": 256},
            f"Cannot set memory of container 200 (small): PUT {CT}/config: 500 CT is locked (backup).{LEFT}",
        ),
        (
            _locked,
            {"vmid": 200, "state": "absent"},
            f"Cannot remove container 200 (small): DELETE {CT}: 500 CT is locked (backup).{LEFT}",
        ),
        (
            _broken,
            {"vmid": 200, "state": "started"},
            f"{START}startup for container '200' failed (UPID)\nIts last log lines:\n  bridge 'vmbr9' does not exist\n"
            "  TASK ERROR: startup for container '200' failed\n"
            "Set bridge in the option net to a bridge of that node, or make the bridge there first.",
        ),
        (
            None,
            {"vmid": 200, "rootfs": {"storage": "nope"}},
            f"Cannot move rootfs of container 200 (small) to storage nope: POST {CT}/move_volume: "
            f"500 storage 'nope' does not exist.{NO_STORAGE}",
        ),
        (
            _full,
            {"vmid": 200, "rootfs": {"storage": "local"}},
            f"Cannot move rootfs of container 200 (small) to storage local: The task failed: {NO_SPACE} (UPID)\n"
            f"Its last log lines:\n  TASK ERROR: {NO_SPACE}\nFree space on the storage, or give another one.",
        ),
        (
            None,
            {"vmid": 200, "mp": {"mp0": "nope:1,mp=/a"}},
            f"Cannot set mp0 of container 200 (small): PUT {CT}/config: 500 storage 'nope' does not exist.{NO_STORAGE}",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_failures(
    modules: Modules, prepare: Callable[[ServedLab], None] | None, wish: dict[str, Any], message: str
) -> None:
    """What Proxmox VE alone can know: its words, and what to do about them; what was there is as before."""
    modules.ok("container", **SMALL)
    if prepare:
        prepare(modules.lab)
    before = dict(modules.lab.api.ct(200).config)
    new = {"hostname": "new", "vmid": 300, "ostemplate": NEWEST, "rootfs": "local-lvm:1"} if "vmid" not in wish else {}
    assert TASK_ID.sub("(UPID)", modules.run("container", **{**new, **wish})["msg"]) == message
    assert modules.lab.api.ct(200).config == before
    assert modules.lab.api.ct(300) is None


@pytest.mark.parametrize(
    ("wish", "step", "words"),
    [
        ({"mp": {"mp0": MP}}, "set mp0", "can't update CT 200 drive 'mp0'"),
        ({"mp": {"unused0": "absent"}}, "delete unused0", "can't remove CT 200 drive 'unused0'"),
    ],
)
def test_volumes_of_a_protected_container_are_safe(
    modules: Modules, wish: dict[str, Any], step: str, words: str
) -> None:
    modules.ok("container", **SMALL, mp={"mp1": "local-lvm:1,mp=/b"})
    modules.ok("container", vmid=200, mp={"mp1": ""}, protection=True)
    data = " with its data" if "delete" in step else ""
    assert modules.run("container", vmid=200, **wish, protection=None)["msg"] == (
        f"Cannot {step} of container 200 (small){data}: PUT {CT}/config: 500 {words} - protection mode enabled.\n"
        "Set the option protection of the guest to false in a task before, if you mean it."
    )


def test_an_option_of_a_later_version_says_so(modules: Modules) -> None:
    modules.ok("container", **SMALL)
    words = "env: property is not defined in schema and the schema does not allow additional properties"
    modules.lab.api.fail("PUT", f"{CT}/config", 400, words)
    assert modules.run("container", vmid=200, env={"A": "1"})["msg"] == (
        f"Cannot set env of container 200 (small): PUT {CT}/config: 400 {words}.\n"
        "The node's version of Proxmox VE does not know this: leave it out, or upgrade the node."
    )


def test_parallel_creations_take_different_ids(modules: Modules) -> None:
    """Twenty at once without a vmid: twenty containers, no failure; again: none."""
    client = connect(Connection(**modules.lab.options()))

    def make(number: int) -> tuple[bool, int]:
        wish = {"state": "present", "hostname": f"web{number}", "ostemplate": NEWEST, "rootfs": "local-lvm:1"}
        outcome = reconcile(CONTAINER, wish, client, dry_run=False, timeout=60)
        return outcome.changed, CONTAINER.result(outcome.state)["vmid"]

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(make, range(20)))
        again = list(pool.map(make, range(20)))
    assert len({vmid for _, vmid in first}) == 20
    assert all(changed for changed, _ in first)
    assert again == [(False, vmid) for _, vmid in first]


def test_a_clone_with_another_card_has_an_address_of_its_own(modules: Modules) -> None:
    modules.container(200)
    source = modules.ok("container", vmid=200)["nics"]["net0"]
    made = modules.converge("container", vmid=201, hostname="twin", clone="ct", full=True, net={"net0": {"tag": 20}})
    card = made["nics"]["net0"]
    assert (card["tag"], card["bridge"]) == (20, source["bridge"])
    assert card["mac"] != source["mac"]
