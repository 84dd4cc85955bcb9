"""Module storage against the lab's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Modules, denied

EXTRA: dict[str, Any] = {"storage": "extra", "type": "dir", "path": "/srv/extra", "content": ["iso", "snippets"]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("storage", **EXTRA)
    assert made["storage"]["content"] == ["iso", "snippets"]
    changed = modules.converge("storage", **{**EXTRA, "content": ["snippets", "backup"]}, prune_backups="keep-last=3")
    assert (changed["storage"]["content"], changed["storage"]["prune_backups"]) == (
        ["backup", "snippets"], {"keep-last": 3},
    )  # fmt: skip
    modules.converge("storage", storage="extra", state="absent")


def test_order_of_content_means_nothing(modules: Modules) -> None:
    modules.ok("storage", **EXTRA)
    modules.unchanged("storage", storage="extra", content=["snippets", "iso", "iso"])


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("storage", **EXTRA, nodes=["father"], prune_backups={"keep-last": 2})
    changed = modules.converge("storage", storage="extra", nodes=[], prune_backups="")
    assert {"nodes", "prune_backups"}.isdisjoint(changed["storage"])


TYPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dir": ({"path": "/srv/extra"}, {"content": ["backup"], "shared": True, "is_mountpoint": "/srv"}),
    "nfs": ({"server": "192.0.2.9", "export": "/x"}, {"options": "vers=4.2", "content": ["backup", "iso"]}),
    "cifs": (
        {"server": "192.0.2.9", "share": "x", "username": "joe", "server_password": "s3cret"},
        {"smbversion": "3.0", "domain": "LAB"},
    ),
    "lvm": ({"vgname": "extra"}, {"shared": True, "saferemove": True, "saferemove_stepsize": 8}),
    "lvmthin": ({"vgname": "extra", "thinpool": "data"}, {"content": ["rootdir"], "bwlimit": {"migration": 1000}}),
    "zfspool": ({"pool": "tank/guests"}, {"sparse": True, "blocksize": "16k"}),
    "zfs": (
        {"portal": "192.0.2.9", "target": "iqn.x", "pool": "tank", "blocksize": "4k", "iscsiprovider": "LIO"},
        {"lio_tpg": "tpg1", "sparse": True, "zfs_base_path": "/dev/zvol"},
    ),
    "btrfs": ({"path": "/srv/extra"}, {"nocow": True, "content": ["images", "snippets"]}),
    "cephfs": ({"monhost": "192.0.2.1 192.0.2.2", "keyring": "s3cret"}, {"fuse": True, "fs_name": "one"}),
    "rbd": ({"pool": "one", "keyring": "s3cret"}, {"pool": "two", "krbd": True, "data_pool": "three"}),
    "iscsi": ({"portal": "192.0.2.9", "target": "iqn.x"}, {"content": []}),
    "iscsidirect": ({"portal": "192.0.2.9", "target": "iqn.x"}, {"nodes": ["father"]}),
    "pbs": (
        {"server": "192.0.2.9", "datastore": "x", "username": "joe@pbs", "server_password": "s3cret"},
        {"server_fingerprint": ":".join(["AB"] * 32), "namespace": "lab", "server_port": 8017},
    ),
    "esxi": (
        {"server": "192.0.2.9", "username": "root", "server_password": "s3cret"},
        {"server": "192.0.2.10", "skip_cert_verification": True},
    ),
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type(modules: Modules, kind: str) -> None:
    making, changing = TYPES[kind]
    made = modules.converge("storage", storage="extra", type=kind, **making)
    assert "s3cret" not in json.dumps(made)
    changed = modules.converge("storage", storage="extra", **changing)["storage"]
    assert {name: changed.get(name) for name in changing} == changing
    modules.unchanged("storage", storage="extra", type=kind, **{**making, **changing})
    assert len(modules.lab.requests()) == 1
    modules.converge("storage", storage="extra", state="absent")


def test_secrets_are_set_by_policy(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "extra", "type": "cifs", **TYPES["cifs"][0]}
    modules.ok("storage", **wish)
    modules.unchanged("storage", **{**wish, "server_password": "n3wone"})
    told = modules.ok("storage", **{**wish, "server_password": "n3wone"}, update_password="always")
    assert told["changed"]
    assert "n3wone" not in json.dumps(told)


def test_a_key_is_made_once(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "vault", "type": "pbs", **TYPES["pbs"][0], "encryption_key": "autogen"}
    assert "encryption_key" not in modules.ok("storage", check=True, **wish)
    key = modules.ok("storage", **wish)["encryption_key"]
    assert "encryption_key" not in modules.unchanged("storage", **wish)
    again = modules.unchanged("storage", **{**wish, "encryption_key": key})
    assert json.loads(key)["data"] not in json.dumps(again)
    modules.converge("storage", storage="vault", encryption_key="")


def test_a_storage_that_guests_use(modules: Modules) -> None:
    modules.container(200)
    assert modules.message("storage", storage="local-lvm", state="absent") == (
        "Cannot remove storage local-lvm: guests use it: 200 (ct): rootfs; 9000 (debian-12-pve): ide2, scsi0; 9001 "
        "(debian-12): ide2, scsi0. Take it from them first, or set force: true: they then can't start, nor be migrated "
        "or backed up."
    )
    modules.converge("storage", storage="local-lvm", state="absent", force=True)


def test_a_storage_that_guests_of_another_node_use(cluster: Modules) -> None:
    cluster.ok("storage", storage="nas", type="nfs", server="192.0.2.9", export="/x", content=["images"])
    cluster.ok("vm", name="web", vmid=300, node="son", disks={"scsi0": "nas:1"})
    assert cluster.message("storage", storage="nas", nodes=["father", "mother"]) == (
        "Cannot keep storage nas to father, mother: guests elsewhere use it: 300 (web): scsi0. Move them first, or set "
        "force: true."
    )
    cluster.converge("storage", storage="nas", nodes=["father", "son"])
    cluster.converge("storage", storage="nas", nodes=["father"], force=True)


def test_a_path_that_is_taken(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "extra", "type": "dir", "path": "/var/lib/vz/dump"}
    assert modules.message("storage", **wish) == (
        "Cannot create storage extra: its path /var/lib/vz/dump overlaps that of storage local (/var/lib/vz), so both "
        "would have the same files. Use another path, keep the two to different nodes, or set force: true."
    )
    modules.converge("storage", **wish, force=True)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"storage": "extra", "path": "/elsewhere"},
            "Cannot change path of storage extra from /srv/extra to /elsewhere: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the storage first (state: absent) and create it anew.",
        ),
        (
            {"storage": "extra", "type": "nfs"},
            "Cannot change type of storage extra from dir to nfs: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the storage first (state: absent) and create it anew.",
        ),
        (
            {"storage": "new", "content": ["iso"]},
            "Option 'type' is needed: storage new does not exist yet.",
        ),
        (
            {"storage": "extra", "prune_backups": {"keep-most": 1}},
            "Option 'prune_backups': unknown property 'keep-most'; known are keep-all, keep-daily, keep-hourly, "
            "keep-last, keep-monthly, keep-weekly, keep-yearly",
        ),
        (
            {"storage": "new", "type": "nfs", "server": "192.0.2.9"},
            "Option 'export' is needed: storage new does not exist yet.",
        ),
        (
            {"storage": "new", "type": "dir", "path": "/x", "vgname": "pve"},
            "Option 'vgname' is not for a storage of type dir, which takes bwlimit, content, content_dirs, "
            "create_base_path, create_subdirs, disable, format, is_mountpoint, max_protected_backups, mkdir, nodes, "
            "path, preallocation, prune_backups, shared, snapshot_as_volume_chain, type.",
        ),
        (
            {"storage": "local-lvm", "content": ["images", "iso"]},
            "Option 'content': a storage of type lvmthin takes images, rootdir, and not iso.",
        ),
        (
            {"storage": "extra", "nodes": ["father", "nowhere"]},
            "There is no node 'nowhere' in the cluster; its nodes are father. Check the option nodes.",
        ),
        (
            {"storage": "new", "type": "cifs", "server": "192.0.2.9", "share": "x", "server_password": "s3cret"},
            "Option 'username' is needed: Proxmox VE passes over server_password without it.",
        ),
        (
            {"storage": "new", "type": "pbs", "server_port": 70000},
            "Option 'server_port': 70000 is not from 1 to 65535",
        ),
        (
            {"storage": "extra", "disable": "perhaps"},
            "argument 'disable' is of type str and we were unable to convert to bool: The value 'perhaps' is not a "
            "valid boolean.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("storage", **EXTRA)
    assert modules.message("storage", **wish).startswith(message)


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("storage", storage="new", type="dir", path="x")
    assert result["msg"] == (
        "Cannot create storage new: POST /storage: 400 Parameter verification failed "
        "(path: invalid format - value does not look like a valid absolute path)."
    )
    assert result["error"]["errors"] == {"path": "invalid format - value does not look like a valid absolute path"}


def test_a_server_that_does_not_answer(modules: Modules) -> None:
    modules.lab.api.unreachable.add("192.0.2.9")
    result = modules.run("storage", storage="new", type="nfs", **TYPES["nfs"][0])
    assert result["msg"] == (
        "Cannot create storage new: POST /storage: 500 create storage failed: storage 'new' is not online."
    )
    modules.unchanged("storage", storage="new", state="absent")


def test_least_privileges(modules: Modules) -> None:
    needed = {"/storage": ["Datastore.Allocate"]}
    assert modules.refusals(needed, "storage", **EXTRA) == {
        "Datastore.Allocate on /storage": f"GET /storage/extra: {denied('Datastore.Allocate', '/storage/extra')}"
    }
    limited = modules.limited(needed)
    for wish in (EXTRA, {"storage": "extra", "content": ["iso"]}, {"storage": "extra", "state": "absent"}):
        limited.converge("storage", **wish)
    modules.container(200)
    # A guest that the login may not see is not found.
    assert limited.run("storage", storage="local-lvm", state="absent", check=True)["changed"]
    seeing = modules.limited({**needed, "/vms/200": ["VM.Audit"]})
    assert "guests use it: 200 (ct): rootfs." in seeing.message("storage", storage="local-lvm", state="absent")
