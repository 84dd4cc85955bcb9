# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: archives, their notes and protection, retention, and restoring."""

from __future__ import annotations

import calendar
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.api import archives as written
from lab.api.retention import Backup, marks
from lab.api.volumes import volume_of

from .conftest import Client

NODE = "/nodes/father"
ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
CONTENT = f"{NODE}/storage/local/content"


@pytest.fixture
def guests(client: Client) -> Client:
    """A client, and VM 100 and container 200."""
    client.lab.api.storages["local"]["content"] = "backup,iso,vztmpl,images,rootdir,import,snippets"
    template = client.lab.api.file_path("local", "vztmpl/debian-13-standard_13.1-1_amd64.tar.zst")
    template.parent.mkdir(parents=True, exist_ok=True)
    template.write_bytes(b"")
    disks = {"scsi0": "local-lvm:2", "efidisk0": "local-lvm:1", "ide2": "local-lvm:cloudinit"}
    vm = {"vmid": 100, "name": "web", "memory": 256, "net0": "virtio,bridge=vmbr0", "description": "a\nb", **disks}
    assert client.run("POST", f"{NODE}/qemu", **vm) == "OK"
    container = {"vmid": 200, "hostname": "ct", "ostemplate": f"local:vztmpl/{template.name}", "rootfs": "local:3"}
    card = "name=eth0,bridge=vmbr0,ip=dhcp"
    assert client.run("POST", f"{NODE}/lxc", memory=128, tags="x", net0=card, **container) == "OK"
    return client


def dump(client: Client, vmid: int, **values: Any) -> str:
    """Back a guest up; returns its newest archive."""
    assert client.run("POST", f"{NODE}/vzdump", vmid=vmid, storage="local", **values) == "OK"
    return max(archives(client, vmid))


def names_in(path: Path) -> set[str]:
    """The members of an archive."""
    listed = subprocess.run(["tar", "--list", f"--file={path}"], capture_output=True, text=True, check=True)
    return set(listed.stdout.split())


def root_of(client: Client, vmid: int, key: str = "rootfs") -> Path:
    """The directory of a container's volume; files of the lab's user are put there as a guest would write them."""
    api = client.lab.api
    volume = volume_of(api.guest(vmid).config[key])
    assert volume
    return api.volume_path(volume)


def archives(client: Client, vmid: int | None = None) -> list[str]:
    """The archives on the storage."""
    found = client.get(CONTENT, content="backup")
    return [item["volid"] for item in found if vmid in (None, item["vmid"])]


def test_an_archive_is_a_file_with_the_configuration(guests: Client) -> None:
    volume = dump(guests, 100, compress="zstd", **{"notes-template": "{{guestname}} {{vmid}} {{node}}"}, protected=1)
    (item,) = guests.get(CONTENT, content="backup")
    assert (item["vmid"], item["subtype"], item["format"]) == (100, "qemu", "vma.zst")
    assert (item["notes"], item["protected"]) == ("web 100 father", 1)
    path = guests.lab.api.archive_path(volume)
    assert path.read_bytes().startswith(ZSTD)
    assert {"./qemu-server.conf", "./bootable.json"} <= names_in(path)
    text = guests.get(f"{NODE}/vzdump/extractconfig", volume=volume)
    assert text.startswith("#a\n#b\n")
    assert "\nname: web\n" in text
    shown = guests.get(f"{CONTENT}/{volume}")
    assert (shown["format"], shown["size"]) == ("raw", path.stat().st_size)


def test_notes_and_protection_can_be_changed(guests: Client) -> None:
    volume = dump(guests, 200, protected=1)
    assert guests.get(f"{CONTENT}/{volume}")["notes"] == ""
    guests.put(f"{CONTENT}/{volume}", notes="mine")
    assert guests.get(f"{CONTENT}/{volume}")["notes"] == "mine"
    name = volume.partition(":")[2]
    refusal = f"cannot remove protected volume '{name}' on 'local'"
    assert guests.run("DELETE", f"{CONTENT}/{volume}") == refusal
    guests.put(f"{CONTENT}/{volume}", protected=0)
    assert guests.run("DELETE", f"{CONTENT}/{volume}") == "OK"
    assert archives(guests) == []


def test_a_restored_vm_is_as_it_was(guests: Client) -> None:
    volume = dump(guests, 100)
    before = guests.get(f"{NODE}/qemu/100/config")
    assert guests.run("POST", f"{NODE}/qemu", vmid=101, archive=volume, storage="local") == "OK"
    after = guests.get(f"{NODE}/qemu/101/config")
    same = ("name", "memory", "net0", "description", "boot", "smbios1")
    assert {name: after.get(name) for name in same} == {name: before.get(name) for name in same}
    assert after["scsi0"].startswith("local:101/vm-101-disk-")
    assert "size=2G" in after["scsi0"]
    assert "cloudinit" in after["ide2"]


def test_what_was_on_a_disk_is_back(guests: Client) -> None:
    api = guests.lab.api
    marker = api.volume_path(api.vm(100).config["scsi0"].split(",")[0]) / "marker"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("before")
    volume = dump(guests, 100)
    marker.write_text("after")
    assert guests.run("POST", f"{NODE}/qemu", vmid=100, archive=volume, force=1, unique=1) == "OK"
    restored = api.volume_path(api.vm(100).config["scsi0"].split(",")[0]) / "marker"
    assert restored.read_text() == "before"


def test_a_unique_restore_has_cards_of_its_own(guests: Client) -> None:
    volume = dump(guests, 100)
    guests.run("POST", f"{NODE}/qemu", vmid=101, archive=volume, unique=1, name="other")
    one, other = (guests.get(f"{NODE}/qemu/{vmid}/config") for vmid in (100, 101))
    assert one["net0"] != other["net0"]
    assert other["name"] == "other"


def test_a_restored_container_is_as_it_was(guests: Client) -> None:
    volume = dump(guests, 200, mode="stop", compress="gzip")
    before = guests.get(f"{NODE}/lxc/200/config")
    values = {"vmid": 201, "ostemplate": volume, "restore": 1, "storage": "local"}
    assert guests.run("POST", f"{NODE}/lxc", **values) == "OK"
    after = guests.get(f"{NODE}/lxc/201/config")
    same = ("hostname", "memory", "net0", "tags", "ostype", "unprivileged")
    assert {name: after.get(name) for name in same} == {name: before.get(name) for name in same}
    assert "size=3G" in after["rootfs"]


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("qemu", {"vmid": 100}, "VM 100 already exists on node 'father'"),
        ("lxc", {"vmid": 200, "restore": 1}, "CT 200 already exists on node 'father'"),
    ],
)
def test_an_id_is_taken_once(guests: Client, path: str, values: dict[str, Any], message: str) -> None:
    volume = dump(guests, values["vmid"])
    archive = {"archive": volume} if path == "qemu" else {"ostemplate": volume}
    assert guests.ask("POST", f"{NODE}/{path}", **values, **archive).json()["message"] == f"{message}\n"


def test_a_running_vm_is_not_restored_over(guests: Client) -> None:
    volume = dump(guests, 100)
    guests.run("POST", f"{NODE}/qemu/100/status/start")
    answer = guests.ask("POST", f"{NODE}/qemu", vmid=100, archive=volume, force=1)
    assert answer.json()["message"] == "unable to restore VM 100 - vm is running\n"


def test_a_missing_archive_fails_the_task(guests: Client) -> None:
    missing = "local:backup/vzdump-qemu-100-2020_01_01-00_00_00.vma.zst"
    said = guests.run("POST", f"{NODE}/qemu", vmid=105, archive=missing)
    assert said == f"unable to restore VM 105 - volume '{missing}' does not exist"
    assert guests.lab.api.vm(105) is None


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({}, {"vmid": "property is missing"}),
        ({"all": 1, "vmid": 100}, {"all": "option conflicts with option 'vmid'"}),
        ({"vmid": 100, "script": "/root/x"}, {"script": "Only root may set this option."}),
    ],
)
def test_what_vzdump_refuses_at_once(guests: Client, values: dict[str, Any], errors: dict[str, str]) -> None:
    assert guests.ask("POST", f"{NODE}/vzdump", **values).json()["errors"] == errors


def test_what_vzdump_finds_out_later(guests: Client) -> None:
    assert guests.run("POST", f"{NODE}/vzdump", vmid="100,999", storage="local") == "job errors"
    assert len(archives(guests)) == 1
    missing = guests.run("POST", f"{NODE}/vzdump", vmid=100, storage="nope")
    assert missing.startswith("could not activate storage 'nope'")
    assert "wrong content type" in guests.run("POST", f"{NODE}/vzdump", vmid=100, storage="local-lvm")


def test_older_backups_go(guests: Client) -> None:
    first = dump(guests, 200, protected=1)
    second, third = dump(guests, 200), dump(guests, 200)
    assert len({first, second, third}) == 3
    marked = guests.get(f"{NODE}/storage/local/prunebackups", vmid=200, **{"prune-backups": "keep-last=1"})
    assert {item["volid"]: item["mark"] for item in marked} == {first: "protected", second: "remove", third: "keep"}
    keep = {"vmid": 200, "prune-backups": "keep-last=1"}
    assert guests.run("DELETE", f"{NODE}/storage/local/prunebackups", **keep) == "OK"
    assert sorted(archives(guests)) == sorted([first, third])
    fourth = dump(guests, 200, **{"prune-backups": "keep-last=1"})
    assert sorted(archives(guests)) == sorted([first, fourth])


def test_a_list_tells_the_time_in_an_archives_name(guests: Client) -> None:
    names = [dump(guests, 200), dump(guests, 200)]
    listed = {item["volid"]: item["ctime"] for item in guests.get(CONTENT, content="backup")}
    assert listed == {name: written.made_at(name.rpartition("/")[2]) for name in names}
    assert listed[names[0]] < listed[names[1]]


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("local", "no prune-backups options configured for storage 'local'"),
        ("local-lvm", "storage 'local-lvm' does not support backups"),
        ("nope", "storage 'nope' does not exist"),
    ],
)
def test_what_is_kept_has_to_be_said(guests: Client, storage: str, message: str) -> None:
    path = f"{NODE}/storage/{storage}/prunebackups"
    assert guests.ask("GET", path).json()["message"] == f"{message}\n"
    assert guests.run("DELETE", path) == message


def test_a_storages_own_retention_is_used(guests: Client) -> None:
    dump(guests, 200)
    newest = dump(guests, 200)
    guests.put("/storage/local", **{"prune-backups": "keep-last=1"})
    assert guests.run("DELETE", f"{NODE}/storage/local/prunebackups") == "OK"
    assert archives(guests) == [newest]


def kim(guests: Client, **granted: str) -> Client:
    """A user who may put something on the storage, and what else is granted by path."""
    guests.post("/access/users", userid="kim@pve")
    for path, role in {"/storage/local": "PVEDatastoreUser", **granted}.items():
        guests.put("/access/acl", path=path, users="kim@pve", roles=role)
    token = guests.post("/access/users/kim@pve/token/one", privsep=0)
    session = requests.Session()
    session.verify, session.trust_env = guests.session.verify, False
    session.headers["Authorization"] = f"PVEAPIToken={token['full-tokenid']}={token['value']}"
    return replace(guests, session=session)


def test_who_restores_may_use_the_bridge(guests: Client) -> None:
    vm, container = dump(guests, 100), dump(guests, 200)
    guests.post("/access/roles", roleid="Restorer", privs="VM.Allocate,VM.Backup")
    client = kim(guests, **{"/vms": "Restorer", "/nodes": "PVEAuditor"})
    missing = "403 Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    assert client.run("POST", f"{NODE}/qemu", vmid=300, archive=vm, storage="local") == missing
    values = {"vmid": 301, "ostemplate": container, "restore": 1, "storage": "local"}
    assert client.run("POST", f"{NODE}/lxc", **values) == f"unable to restore CT 301 - {missing}"
    guests.put("/access/acl", path="/sdn/zones/localnetwork/vmbr0", users="kim@pve", roles="PVESDNUser")
    assert client.run("POST", f"{NODE}/lxc", **values) == "OK"


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"storage": "local"}, "/storage/local, Datastore.Allocate"),
        ({"storage": "tank"}, "/storage/tank, Datastore.Allocate"),
        ({"fleecing": "1,storage=tank"}, "/storage/tank, Datastore.AllocateSpace"),
        ({}, "/storage/local, Datastore.Allocate"),
    ],
    ids=str,
)
def test_who_has_backups_made_rules_their_storage(guests: Client, values: dict[str, str], missing: str) -> None:
    guests.post("/cluster/backup", id="old", schedule="daily", all=1, storage="local")
    guests.post("/access/roles", roleid="Planner", privs="Sys.Audit,Sys.Modify")
    client = kim(guests, **{"/": "Planner"})
    said = f"Permission check failed ({missing})\n"
    new = {"id": "new", "schedule": "daily", "all": 1, **values}
    assert client.ask("POST", "/cluster/backup", **new).json()["message"] == said
    assert client.ask("PUT", "/cluster/backup/old", comment="x", **values).json()["message"] == said
    client.delete("/cluster/backup/old")


@pytest.mark.parametrize(
    ("request_", "values", "missing"),
    [
        ("POST vzdump", {"vmid": 200, "bwlimit": 1}, "/, Sys.Modify"),
        ("POST vzdump", {"vmid": 200, "fleecing": "1,storage=tank"}, "/storage/tank, Datastore.AllocateSpace"),
        ("POST vzdump", {"vmid": 200, "prune-backups": "keep-last=1"}, "/storage/local, Datastore.Allocate"),
        ("DELETE storage/local/prunebackups", {}, "/storage/local, Datastore.Allocate"),
        ("DELETE storage/local/prunebackups", {"vmid": 200}, "/vms/200, VM.Backup"),
    ],
)
def test_who_may(guests: Client, request_: str, values: dict[str, Any], missing: str) -> None:
    method, path = request_.split()
    assert (
        kim(guests).ask(method, f"{NODE}/{path}", **values).json()["message"]
        == f"Permission check failed ({missing})\n"
    )


@pytest.mark.parametrize(
    ("compress", "suffix", "magic"), [("zstd", "tar.zst", ZSTD), ("gzip", "tar.gz", GZIP), ("0", "tar", b"./etc")]
)
def test_a_container_is_in_its_archive_with_everything_on_it(
    guests: Client, compress: str, suffix: str, magic: bytes
) -> None:
    (root_of(guests, 200) / "etc").mkdir(exist_ok=True)
    (root_of(guests, 200) / "etc" / "motd").write_text("hello")
    volume = dump(guests, 200, compress=compress)
    path = guests.lab.api.archive_path(volume)
    assert path.name.endswith(f".{suffix}")
    assert path.read_bytes().startswith(magic)
    assert {"./etc/vzdump/pct.conf", "./etc/motd"} <= names_in(path)
    assert "hostname: ct\n" in guests.get(f"{NODE}/vzdump/extractconfig", volume=volume)
    (root_of(guests, 200) / "etc" / "motd").write_text("changed")
    values = {"vmid": 201, "ostemplate": volume, "restore": 1, "storage": "local-lvm"}
    assert guests.run("POST", f"{NODE}/lxc", **values) == "OK"
    assert (root_of(guests, 201) / "etc" / "motd").read_text() == "hello"
    assert not (root_of(guests, 201) / "etc" / "vzdump").exists()
    assert guests.get(f"{NODE}/lxc/201/config")["rootfs"].startswith("local-lvm:")


def test_mount_points_are_in_an_archive_if_they_are_backed_up(guests: Client) -> None:
    guests.put(f"{NODE}/lxc/200/config", mp0="local:1,mp=/srv/data,backup=1", mp1="local:1,mp=/srv/cache")
    for key in ("mp0", "mp1"):
        (root_of(guests, 200, key) / "file").write_text(key)
    volume = dump(guests, 200, compress="zstd")
    names = names_in(guests.lab.api.archive_path(volume))
    assert "./srv/data/file" in names
    assert "./srv/cache/file" not in names
    assert guests.run("POST", f"{NODE}/lxc", vmid=201, ostemplate=volume, restore=1, storage="local") == "OK"
    assert (root_of(guests, 201, "mp0") / "file").read_text() == "mp0"
    assert not (root_of(guests, 201) / "srv" / "data" / "file").exists()
    assert list(root_of(guests, 201, "mp1").iterdir()) == []


def test_an_archive_restores_wherever_it_is_put(guests: Client) -> None:
    """Everything is in the file: copied to another storage, it needs nothing of where it was made."""
    api = guests.lab.api
    marker = root_of(guests, 100, "scsi0") / "marker"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("before")
    path = api.archive_path(dump(guests, 100, compress="zstd"))
    guests.post("/storage", storage="elsewhere", type="dir", path="/srv/elsewhere", content="backup,images")
    there = api.archive_path(f"elsewhere:backup/{path.name}")
    there.parent.mkdir(parents=True)
    path.rename(there)
    assert guests.run("DELETE", f"{NODE}/qemu/100") == "OK"
    archive = f"elsewhere:backup/{path.name}"
    assert guests.run("POST", f"{NODE}/qemu", vmid=300, archive=archive, storage="elsewhere") == "OK"
    assert (root_of(guests, 300, "scsi0") / "marker").read_text() == "before"
    assert guests.get(f"{NODE}/qemu/300/config")["memory"] == "256"


@pytest.mark.parametrize(("kind", "vmid", "key"), [("qemu", 100, "scsi0"), ("lxc", 200, "rootfs")])
@pytest.mark.parametrize("kept", [40, 500_000])
def test_a_damaged_archive_fails_the_restore_and_leaves_no_guest(
    guests: Client, kind: str, vmid: int, key: str, kept: int
) -> None:
    root_of(guests, vmid, key).mkdir(parents=True, exist_ok=True)
    (root_of(guests, vmid, key) / "data").write_bytes(random.Random(1).randbytes(1_000_000))
    volume = dump(guests, vmid, compress="zstd")
    path = guests.lab.api.archive_path(volume)
    path.write_bytes(path.read_bytes()[:kept])
    source = {"archive": volume} if kind == "qemu" else {"ostemplate": volume, "restore": 1}
    status = guests.run("POST", f"{NODE}/{kind}", vmid=300, **source)
    label = "VM" if kind == "qemu" else "CT"
    assert status.startswith(f"unable to restore {label} 300 - command 'tar ")
    assert "failed: exit code 2: " in status
    assert guests.lab.api.guest(300) is None
    assert not [item for item in guests.get(CONTENT) if item.get("vmid") == 300]


def test_a_path_on_the_node_is_for_root(guests: Client) -> None:
    volume = dump(guests, 200)
    path = f"/var/lib/vz/dump/{volume.rpartition('/')[2]}"
    values = {"vmid": 300, "ostemplate": path, "restore": 1, "storage": "local"}
    assert guests.ask("POST", f"{NODE}/lxc", **values).reason == "Only root can pass arbitrary filesystem paths."
    ticket = guests.post("/access/ticket", username="root@pam", password=guests.lab.password)
    del guests.session.headers["Authorization"]
    cookie = {"Cookie": f"PVEAuthCookie={ticket['ticket']}", "CSRFPreventionToken": ticket["CSRFPreventionToken"]}
    guests.session.headers.update(cookie)
    assert guests.run("POST", f"{NODE}/lxc", **values) == "OK"
    assert guests.get(f"{NODE}/lxc/300/config")["hostname"] == "ct"


def test_a_live_restore_is_for_backup_servers(guests: Client) -> None:
    volume = dump(guests, 100)
    status = guests.run("POST", f"{NODE}/qemu", vmid=300, archive=volume, **{"live-restore": 1})
    assert status == "live-restore is only compatible with backup images from a Proxmox Backup Server"


def test_a_guest_is_still_while_it_is_suspended_for_its_backup(guests: Client) -> None:
    guests.run("POST", f"{NODE}/qemu/100/status/start")
    upid = guests.post(f"{NODE}/vzdump", vmid=100, storage="local", mode="suspend")
    assert guests.wait(upid) == "OK"
    log = guests.log(upid)
    places = [log.index(line) for line in ("INFO: suspend vm", "INFO: resume vm")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("kind", "text", "config"),
    [
        ("qemu", "#a\n#b%20c\ncores: 2\n\n[snap]\ncores: 1\n", {"cores": 2, "description": "a\nb c"}),
        ("lxc", "#50%25\n", {"description": "50%\n"}),
        ("lxc", "#a\nmemory: 128\nnet0: name=eth0,hwaddr=AA:BB\n", {
            "memory": 128, "net0": "name=eth0,hwaddr=AA:BB", "description": "a\n",
        }),
        ("qemu", "memory: 128\nscsi0: local:100/vm-100-disk-0.raw,size=1G\n", {
            "memory": "128", "scsi0": "local:100/vm-100-disk-0.raw,size=1G",
        }),
    ],
)  # fmt: skip
def test_a_configuration_is_read_with_its_types(kind: str, text: str, config: dict[str, Any]) -> None:
    assert written.config_of(kind, text) == config


def test_a_purged_guest_leaves_the_jobs(guests: Client) -> None:
    guests.post("/cluster/backup", id="both", schedule="daily", vmid="100,200", storage="local")
    guests.post("/cluster/backup", id="one", schedule="daily", vmid="100", storage="local")
    assert guests.run("DELETE", f"{NODE}/qemu/100", purge=1) == "OK"
    assert {job["id"]: job["vmid"] for job in guests.get("/cluster/backup")} == {"both": "200"}
    assert guests.run("DELETE", f"{NODE}/lxc/200") == "OK"
    assert guests.get("/cluster/backup/both")["vmid"] == "200"


# ----------------------------------------------------------------- retention


def backup(moment: str, *, protected: bool = False) -> Backup:
    """A backup named after its time."""
    return Backup(moment, calendar.timegm(time.strptime(moment, "%Y-%m-%d %H:%M")), protected)


BACKUPS = [
    backup(moment)
    for moment in (
        "2026-11-20 12:30",
        "2026-11-20 12:10",
        "2026-11-20 11:00",
        "2026-11-19 23:00",
        "2026-11-19 01:00",
        "2026-10-31 01:00",
        "2025-12-31 01:00",
    )
]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"keep-all": 1}, [0, 1, 2, 3, 4, 5, 6]),
        ({"keep-last": "2"}, [0, 1]),
        ({"keep-hourly": "2"}, [0, 2]),
        ({"keep-daily": "2"}, [0, 3]),
        ({"keep-monthly": "2"}, [0, 5]),
        ({"keep-yearly": "5"}, [0, 6]),
        ({"keep-last": "1", "keep-daily": "1"}, [0, 3]),
    ],
)
def test_which_backups_are_kept(keep: dict[str, object], kept: list[int]) -> None:
    found = marks(BACKUPS, keep)
    assert [number for number, item in enumerate(BACKUPS) if found[item.volume] == "keep"] == kept
    assert set(found.values()) <= {"keep", "remove"}


def test_protected_backups_do_not_count() -> None:
    found = marks([backup("2026-11-20 12:30", protected=True), *BACKUPS[1:]], {"keep-last": 1})
    assert (found["2026-11-20 12:30"], found["2026-11-20 12:10"]) == ("protected", "keep")
