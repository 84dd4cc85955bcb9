"""Planning a mapping of hardware. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.hardware_mapping import HARDWARE_MAPPING, info

from .reading import Table, row

PATH = "/cluster/mapping/usb/dongle"
MAP = ["id=10c4:ea60,node=a", "id=10c4:ea60,node=b"]
HAVE = {"map": MAP[::-1], "description": "Zigbee\n", "digest": "d1"}
KEPT = {"map": MAP[::-1], "digest": "d1"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = HARDWARE_MAPPING.plan({"state": "present", "type": "usb", "id": "dongle", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"map": [{"node": "b", "id": "10c4:ea60"}, "node=a,id=10c4:ea60"], "description": "Zigbee"}, HAVE, []),
        ({"map": [{"node": "b", "id": "10C4:EA60"}, "node=a,id=10C4:ea60"]}, HAVE, []),
        ({"description": ""}, HAVE, [("PUT", PATH, {**KEPT, "delete": "description"})]),
        ({"map": MAP[:1]}, HAVE, [("PUT", PATH, {"map": MAP[:1], "digest": "d1"})]),
        ({"map": MAP}, None, [("POST", "/cluster/mapping/usb", {"id": "dongle", "map": MAP})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({}, "Option 'map' is needed: hardware_mapping usb dongle does not exist yet."),
        (
            {"map": [{"id": "1:2"}]},
            "Option 'map': the entry 'id=1:2' has no node, which type usb needs.",
        ),
        (
            {"map": [{"node": "a", "id": "1:2", "iommugroup": 1}]},
            "Option 'map': the entry 'id=1:2,iommugroup=1,node=a' has iommugroup, which type usb doesn't know.",
        ),
        (
            {"type": "dir", "map": ["node=a"]},
            "Option 'map': the entry 'node=a' has no path, which type dir needs.",
        ),
        ({"map": []}, "Option 'map' can't be empty: set state: absent to remove the mapping."),
        ({"map": MAP, "mdev": False}, "Option 'mdev' is for type pci only, and this is of type usb."),
        (
            {"map": [{"node": "a", "vendor": "1"}]},
            "Option 'map': unknown property 'vendor'; known are description, id, iommugroup, node, path, subsystem-id",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        steps(wish, None)
    assert str(error.value) == message


def test_absence_is_what_proxmox_says() -> None:
    gone = PveError("GET", PATH, 500, "mapping 'dongle' not found")
    assert HARDWARE_MAPPING.describe(Table({PATH: gone}), {"type": "usb", "id": "dongle", "state": "absent"}) is None


CONFIGS: dict[str, dict[str, Any]] = {
    "usb": {"usb0": "mapping=dongle,usb3=1", "hostpci0": "mapping=gpu"},
    "pci": {"usb0": "mapping=gpu", "hostpci1": "pcie=1,mapping=gpu"},
    "dir": {"virtiofs0": "dirid=media,cache=auto", "virtiofs1": "media", "description": "media"},
    "none": {"usb0": "host=1234:abcd,mapping=dongles", "virtiofs0": "medias", "usb1": "spice", "description": "dongle"},
}


@pytest.mark.parametrize(
    ("kind", "name", "config", "places"),
    [
        ("usb", "dongle", "usb", "usb0"),
        ("pci", "gpu", "pci", "hostpci1"),
        ("dir", "media", "dir", "virtiofs0, virtiofs1"),
        ("usb", "dongle", "none", ""),
        ("pci", "dongle", "usb", ""),
        ("dir", "media", "none", ""),
    ],
)
def test_one_that_guests_use_stays(kind: str, name: str, config: str, places: str) -> None:
    path = f"/cluster/mapping/{kind}/{name}"
    guests = {"/cluster/resources": [row(100, "web")], "/nodes/father/qemu/100/config": CONFIGS[config]}
    read = Table({path: {"map": []}, **guests})
    wish = {"type": kind, "id": name, "state": "absent"}
    have = HARDWARE_MAPPING.describe(read, wish)
    if not places:
        assert [step.verb for step in HARDWARE_MAPPING.plan(wish, have).steps] == ["DELETE"]
        return
    with pytest.raises(RefusedError) as error:
        HARDWARE_MAPPING.plan(wish, have)
    assert str(error.value) == (
        f"Cannot remove hardware_mapping {kind} {name}: guests use it: 100 (web): {places}. Proxmox VE would remove it "
        "all the same, and they would not start again. Take it from them first."
    )


PCI = {"id": "gpu", "map": ["node=a,path=0000:01:00.0,id=10de:1b80"], "mdev": 1}
USB = {"id": "dongle", "map": MAP}
GPU = {
    "type": "pci", "id": "gpu", "map": [{"node": "a", "path": "0000:01:00.0", "id": "10de:1b80"}], "mdev": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "asked", "found"),
    [
        ({}, ["dir", "pci", "usb"], [("pci", "gpu"), ("usb", "dongle")]),
        ({"type": "usb"}, ["usb"], [("usb", "dongle")]),
        ({"id": "gpu"}, ["dir", "pci", "usb"], [("pci", "gpu")]),
    ],
)
def test_what_is_listed(wish: dict[str, Any], asked: list[str], found: list[tuple[str, str]]) -> None:
    read = Table({"/cluster/mapping/dir": [], "/cluster/mapping/pci": [PCI], "/cluster/mapping/usb": [USB]})
    rows = info(read, wish)["mappings"]
    assert [(row["type"], row["id"]) for row in rows] == found
    assert read.asked == [f"/cluster/mapping/{kind}" for kind in asked]


def test_a_type_that_proxmox_does_not_know_yet() -> None:
    unknown = PveError("GET", "/cluster/mapping/dir", 501, "Method 'GET /cluster/mapping/dir' not implemented")
    read = Table({"/cluster/mapping/dir": unknown, "/cluster/mapping/pci": [PCI], "/cluster/mapping/usb": []})
    assert [row["id"] for row in info(read, {})["mappings"]] == ["gpu"]
    with pytest.raises(PveError):
        info(read, {"type": "dir"})
    with pytest.raises(PveError):
        info(Table({}), {})


@pytest.mark.parametrize(("name", "checks"), [("checks", [{"severity": "error"}]), ("errors", [])])
def test_what_a_check_finds(name: str, checks: list[Any]) -> None:
    read = Table({"/cluster/mapping/pci": [{**PCI, name: checks}]})
    assert info(read, {"type": "pci", "check_node": "a"})["mappings"] == [{**GPU, "checks": checks}]
