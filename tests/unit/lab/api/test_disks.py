# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of a node and what is made on them."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Client

DISKS = "/nodes/father/disks"


def used(client: Client, **more: Any) -> dict[str, str | None]:
    return {row["devpath"]: row.get("used") for row in client.get(f"{DISKS}/list", **more)}


def as_root(client: Client) -> None:
    """Log in with root's password: no token may wipe."""
    told = client.post("/access/ticket", username="root@pam", password=client.lab.password)
    client.session.headers.pop("Authorization", None)
    client.session.cookies.set("PVEAuthCookie", told["ticket"])
    client.session.headers["CSRFPreventionToken"] = told["CSRFPreventionToken"]


def test_a_directory_is_made_with_a_storage_and_removed(client: Client) -> None:
    assert client.run("POST", f"{DISKS}/directory", name="data", device="/dev/sdb", add_storage=1) == "OK"
    assert used(client)["/dev/sdb"] == "ext4"
    assert used(client, **{"include-partitions": 1})["/dev/sdb1"] == "ext4"
    assert client.get("/storage/data")["path"] == "/mnt/pve/data"
    (row,) = client.get(f"{DISKS}/directory")
    assert (row["path"], row["type"]) == ("/mnt/pve/data", "ext4")
    cleaning = {"cleanup-disks": 1, "cleanup-config": 1}
    assert client.run("DELETE", f"{DISKS}/directory/data", **cleaning) == "OK"
    assert used(client)["/dev/sdb"] is None
    assert client.ask("GET", "/storage/data").status_code == 500


@pytest.mark.parametrize(
    ("path", "options", "refusal"),
    [
        ("directory", {"device": "/dev/vda"}, "device '/dev/vda' is already in use"),
        ("directory", {"device": "/dev/nope"}, "not a valid block device"),
        ("lvm", {"device": "sdb"}, "got unusual device path 'sdb'"),
        ("zfs", {"devices": "/dev/sdb", "raidlevel": "mirror"}, "mirror needs at least 2 disks"),
        (
            "zfs",
            {"devices": "/dev/sdb,/dev/sdc", "raidlevel": "single"},
            "please give only one disk for single disk mode",
        ),
        ("directory", {"device": "/dev/sdb", "add_storage": 1}, "Storage ID 'local' already exists on node father"),
    ],
    ids=str,
)
def test_refusals(client: Client, path: str, options: dict[str, Any], refusal: str) -> None:
    assert client.ask("POST", f"{DISKS}/{path}", name="local", **options).reason == refusal


def test_a_thin_pool_is_in_a_volume_group_of_its_name(client: Client) -> None:
    assert client.run("POST", f"{DISKS}/lvmthin", name="fast", device="/dev/sdc") == "OK"
    (group,) = client.get(f"{DISKS}/lvm")["children"]
    assert (group["name"], group["lvcount"], group["children"][0]["name"]) == ("fast", 1, "/dev/sdc")
    (thin,) = client.get(f"{DISKS}/lvmthin")
    assert (thin["lv"], thin["vg"], thin["used"]) == ("fast", "fast", 0)
    assert client.run("POST", f"{DISKS}/lvm", name="fast", device="/dev/sdd") == (
        "volume group with name 'fast' already exists on node 'father'"
    )
    removal = f"{DISKS}/lvmthin/fast"
    assert client.run("DELETE", removal, **{"volume-group": "other"}) == "no such thin pool other/fast"
    assert client.run("DELETE", removal, **{"volume-group": "fast"}) == "OK"
    assert client.get(f"{DISKS}/lvm")["children"][0]["lvcount"] == 0
    assert client.run("DELETE", f"{DISKS}/lvm/fast", **{"cleanup-disks": 1}) == "OK"
    assert used(client)["/dev/sdc"] is None


@pytest.mark.parametrize(
    ("level", "count", "names"),
    [("single", 1, ["/dev/sdb1"]), ("mirror", 2, ["mirror-0"]), ("raid10", 4, ["mirror-0", "mirror-1"])],
)
def test_a_pool_says_how_it_is_built(client: Client, level: str, count: int, names: list[str]) -> None:
    devices = ",".join(f"/dev/sd{letter}" for letter in "bcde"[:count])
    assert client.run("POST", f"{DISKS}/zfs", name="tank", devices=devices, raidlevel=level) == "OK"
    (tree,) = client.get(f"{DISKS}/zfs/tank")["children"]
    assert [item["name"] for item in tree["children"]] == names
    assert used(client)["/dev/sdb"] == "ZFS"


def test_a_disk_is_wiped_by_root_only(client: Client) -> None:
    assert client.run("POST", f"{DISKS}/initgpt", disk="/dev/sdd") == "OK"
    row = next(row for row in client.get(f"{DISKS}/list", type="unused") if row["devpath"] == "/dev/sdd")
    assert row["gpt"] == 1
    wipe = {"disk": "/dev/sdd"}
    assert client.ask("PUT", f"{DISKS}/wipedisk", **wipe).reason == "Permission check failed (user != root@pam)"
    as_root(client)
    assert client.run("PUT", f"{DISKS}/wipedisk", **wipe) == "OK"
    assert client.ask("PUT", f"{DISKS}/wipedisk", disk="/dev/vda").reason == "disk/partition '/dev/vda' is mounted"
    row = next(row for row in client.get(f"{DISKS}/list", type="unused") if row["devpath"] == "/dev/sdd")
    assert row["gpt"] == 0


def test_health(client: Client) -> None:
    assert client.get(f"{DISKS}/smart", disk="/dev/sdb", healthonly=1) == {"health": "PASSED"}
    assert client.get(f"{DISKS}/smart", disk="/dev/sdb")["attributes"][0]["name"] == "Wear_Leveling_Count"
