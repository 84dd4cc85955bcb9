"""What has to be true of a node. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.readiness import (
    bridge,
    effective,
    free_vmid,
    look,
    names,
    needed,
    privileges,
    storage,
    template,
)

from .reading import Table, row

GUESTS = [
    guest(row(100, "web")),
    guest(row(101, "db", type="lxc")),
    guest(row(9000, "debian", template=1, node="mother")),
]
STORES = [
    {"storage": "local", "content": "iso,backup", "active": 1, "enabled": 1},
    {"storage": "nas", "content": "images", "active": 0, "enabled": 1},
]
NETS = [{"iface": "vmbr0", "type": "bridge"}, {"iface": "ovs0", "type": "OVSBridge"}, {"iface": "eth0", "type": "eth"}]
HELD = {"/": {"Sys.Audit": 1, "VM.Audit": 0}, "/vms": {"VM.Audit": 1, "VM.Clone": 0}}


@pytest.mark.parametrize(
    ("wanted", "status"), [("debian", "ok"), ("9000", "ok"), ("web", "failed"), ("db", "failed"), ("x", "failed")]
)
def test_template(wanted: str, status: str) -> None:
    assert template(GUESTS, wanted).status == status


@pytest.mark.parametrize(("bounds", "status"), [([100, 101], "failed"), ([100, 102], "ok"), ([9000, 9000], "failed")])
def test_free_vmid(bounds: list[int], status: str) -> None:
    assert free_vmid(GUESTS, bounds).status == status


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("local", [], "ok"),
        ("local", ["iso"], "ok"),
        ("local", ["iso", "snippets"], "failed"),
        ("nas", [], "failed"),
        ("x", [], "failed"),
    ],
)
def test_storage(name: str, content: list[str], status: str) -> None:
    assert storage(STORES, "father", name, content).status == status


@pytest.mark.parametrize(("name", "status"), [("vmbr0", "ok"), ("ovs0", "ok"), ("eth0", "failed"), ("vmbr1", "failed")])
def test_bridge(name: str, status: str) -> None:
    assert bridge(NETS, "father", name).status == status


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {"Sys.Audit", "VM.Audit"}),
        ("/vms", {"VM.Audit", "VM.Clone"}),
        ("/vms/100", {"VM.Audit"}),
        ("/storage/local", {"Sys.Audit"}),
    ],
)
def test_effective_privileges(path: str, expected: set[str]) -> None:
    assert effective(HELD, path) == expected


def test_no_entry_no_privileges() -> None:
    assert effective({}, "/vms") == set()


@pytest.mark.parametrize(
    ("wanted", "status"),
    [({"/vms": ["VM.Audit"]}, "ok"), ({"/vms/1": ["VM.Clone"]}, "failed"), ({}, "ok")],
    ids=str,
)
def test_privileges(wanted: dict[str, list[str]], status: str) -> None:
    assert privileges(HELD, wanted).status == status


def test_what_is_needed_follows_the_wish() -> None:
    assert needed({"privileges": {"/": ["Sys.Audit"]}}) == {"/": ["Sys.Audit"]}
    assert set(needed({"storages": ["local", {"name": "nas"}]})) == {"/vms", "/storage/local", "/storage/nas"}


WISHES: list[dict[str, Any]] = [
    {},
    {"template": "debian"},
    {"template": "x", "vmid_range": [100, 200], "node": "mother"},
    {"template": "debian", "bridge": "vmbr0", "storages": ["local", {"name": "nas", "content": ["images"]}]},
]


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_the_announced_checks_are_made(wish: dict[str, Any]) -> None:
    reader = Table({
        "/cluster/resources": [row(9000, "debian", template=1, node="mother")],
        "/access/permissions": HELD,
        "/nodes/mother/storage": STORES,
        "/nodes/mother/network": NETS,
    })  # fmt: skip
    assert [check.name for check in look(reader, wish)] == names(wish)
