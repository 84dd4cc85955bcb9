"""The document the state modules grew from, as it was printed: every word of it means something on the lab's node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.api.interfaces import DEFAULT

from .conftest import Modules, Result

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "state" / "seed.json"
INTERFACES = "etc/network/interfaces"
TEMPLATE = "vztmpl/debian-12-standard_12.0-1_amd64.tar.zst"
# The sample's cluster is made in test_state_fleet.py: it takes three nodes and root's password.
ALONE = ["vms", "containers", "storage", "network", "backups"]
WISH: dict[str, Any] = {"files": [str(SAMPLE)], "only": ALONE, "nodes": {"pve": "father"}}
MADE = {
    ("vms", "100"),
    ("vms", "101"),
    ("containers", "200"),
    ("storage", "nfs-backup"),
    ("network", "father/vmbr1"),
}


@pytest.fixture
def node(modules: Modules) -> Modules:
    """A node with the container template and the second network port that the sample names."""
    api = modules.lab.api
    api.node_texts.setdefault("father", {})[INTERFACES] = f"{DEFAULT}\niface eno2 inet manual\n"
    path = api.file_path("local", TEMPLATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return modules


def acted(result: Result) -> dict[tuple[str, str], str]:
    """What was done about each thing that was not left alone."""
    return {(row["kind"], row["id"]): row["action"] for row in result["actions"] if row["action"] != "no-op"}


def read(modules: Modules, path: str) -> Any:
    """What the API says."""
    return modules.ok("api", path=path, method="GET")["data"]


def test_planned_applied_and_then_nothing(node: Modules) -> None:
    planned = node.ok("state", check=True, **WISH)
    assert node.lab.writes() == []
    applied = node.ok("state", **WISH, allow_restart=True)
    assert acted(planned) == acted(applied)
    assert {key for key, action in acted(applied).items() if action == "create"} >= MADE
    again = node.ok("state", **WISH)
    assert (acted(again), again["changed"], node.lab.writes()) == ({}, False, [])


@pytest.fixture
def made(node: Modules) -> Modules:
    """The node as the sample wants it."""
    node.ok("state", **WISH, allow_restart=True)
    return node


def test_guests(made: Modules) -> None:
    web, database = (read(made, f"/nodes/father/qemu/{vmid}/config") for vmid in (100, 101))
    assert (web["name"], web["cores"], web["memory"], web["boot"], web["ostype"]) == (
        "nginx-web",
        2,
        "2048",
        "order=scsi0;net0",
        "l26",
    )
    assert web["scsi0"].startswith("local-lvm:") and "size=20G" in web["scsi0"]
    assert web["net0"].startswith("virtio=") and "bridge=vmbr0" in web["net0"]
    assert database["description"].startswith("Database server")
    assert "-spec-ctrl" in database["cpu"]
    cache = read(made, "/nodes/father/lxc/200/config")
    assert (cache["hostname"], "size=8G" in cache["rootfs"], "ip=dhcp" in cache["net0"]) == ("redis-cache", True, True)
    running = {row["vmid"] for row in read(made, "/cluster/resources") if row.get("status") == "running"}
    assert {100, 101, 200} <= running


def test_storage_network_and_backups(made: Modules) -> None:
    storage = read(made, "/storage/nfs-backup")
    assert (storage["server"], storage["export"], set(storage["content"].split(","))) == (
        "192.168.1.100",
        "/mnt/backups",
        {"backup", "iso"},
    )
    bridge = read(made, "/nodes/father/network/vmbr1")
    assert (bridge["cidr"], bridge["bridge_ports"], bridge["comments"].strip()) == (
        "10.0.0.1/24",
        "eno2",
        "Internal VM network",
    )
    (job,) = read(made, "/cluster/backup")
    expected = {"schedule": "02:00", "storage": "nfs-backup", "mode": "snapshot", "compress": "zstd"}
    assert {key: job[key] for key in expected} == expected
    assert set(job["vmid"].split(",")) == {"100", "101", "200"}
    assert dict(kept(job["prune-backups"])) == {"keep-daily": 7, "keep-weekly": 4, "keep-monthly": 3}


def kept(value: Any) -> Iterator[tuple[str, int]]:
    """What is kept of backups, by its name."""
    pairs = value.items() if isinstance(value, Mapping) else (part.split("=") for part in value.split(","))
    return ((name, int(number)) for name, number in pairs)


def test_without_its_envelope_it_means_the_same(made: Modules) -> None:
    bare = json.loads(SAMPLE.read_text(encoding="utf-8"))["plugins"]["proxmox"]
    again = made.ok("state", document=bare, only=ALONE, nodes={"pve": "father"})
    assert (acted(again), again["changed"]) == ({}, False)
