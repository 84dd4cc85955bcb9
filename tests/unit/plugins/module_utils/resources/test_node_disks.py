"""The disks of a node. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_disks import (
    check_unused,
    disks,
    problems,
    shown,
)

from .reading import Table

SDB = {"devpath": "/dev/sdb", "by_id_link": "/dev/disk/by-id/ata-1", "size": 512, "gpt": 0}
VDA = {"devpath": "/dev/vda", "used": "mounted", "size": 512, "gpt": 0}


@pytest.mark.parametrize(
    ("devices", "found"),
    [
        (["/dev/sdb"], []),
        (["/dev/disk/by-id/ata-1"], []),
        (["/dev/disk/by-path/pci-1"], []),
        (["/dev/vda"], ["/dev/vda is in use (mounted)."]),
        (["/dev/sdz"], ["the node has no disk /dev/sdz."]),
        (["/dev/sdb", "/dev/sdb"], ["/dev/sdb is named twice."]),
    ],
    ids=str,
)
def test_problems(devices: list[str], found: list[str]) -> None:
    assert list(problems([SDB, VDA], devices)) == found


@pytest.mark.parametrize(
    ("rows", "free"), [([SDB, VDA], "Unused are /dev/sdb."), ([VDA], "No disk of the node is unused.")], ids=str
)
def test_a_refusal_says_what_is_free(rows: list[dict[str, Any]], free: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_unused(rows, ["/dev/vda"], "make it")
    assert str(caught.value) == (
        f"Cannot make it: /dev/vda is in use (mounted). {free} The module disk wipes a disk whose contents may be lost."
    )


def test_what_a_disk_does_not_say_is_none() -> None:
    told = shown({**VDA, "serial": "unknown", "wearout": "N/A", "rpm": -1, "osdid": "-1", "vendor": "ATA  "})
    assert [told[name] for name in ("serial", "wearout", "rpm", "osdid")] == [None] * 4
    assert told["vendor"] == "ATA"
    assert (told["used"], told["mounted"]) == ("mounted", False)


def test_what_is_asked() -> None:
    assert disks(Table({"/nodes/a/disks/list": [SDB]}), "a") == [SDB]
