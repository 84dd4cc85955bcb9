# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node tells of itself: logs, figures over time, devices, consoles; and storages that cannot be reached."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.images import CLUSTER_SIZE, header, is_blank
from lab.api.rrd import points

from .conftest import Client

NODE = "/nodes/father"


def test_points_before_the_start_have_only_their_time() -> None:
    given = points("hour", now=7200.0, since=7100.0, figures={"cpu": 1})
    assert len(given) == 60
    assert given[-1] == {"time": 7200, "cpu": 1}
    assert [item for item in given if "cpu" in item] == [{"time": time, "cpu": 1} for time in (7080, 7140, 7200)]


def test_a_task_and_a_change_are_in_the_logs(client: Client) -> None:
    assert client.run("POST", f"{NODE}/qemu", vmid=100) == "OK"
    client.put(f"{NODE}/qemu/100/config", memory=1024, cipassword="secret")
    newest, *others = client.get("/cluster/log")
    assert newest["msg"] == "update VM 100: -cipassword <hidden> -memory 1024"
    assert any(item["msg"].endswith(" OK") and item["msg"].startswith("end task UPID:father:") for item in others)
    assert newest["msg"] in client.ask("GET", f"{NODE}/journal", lastentries=2).json()["data"][2]
    syslog = client.ask("GET", f"{NODE}/syslog", start=1, limit=2).json()
    assert [line["n"] for line in syslog["data"]] == [2, 3]
    assert syslog["total"] > 3


def test_devices_are_told_but_those_that_nobody_passes_on(client: Client) -> None:
    assert len(client.get(f"{NODE}/hardware/pci")) == 5
    left = client.get(f"{NODE}/hardware/pci", **{"pci-class-blacklist": "ff;01"})
    assert [item["id"] for item in left] == ["0000:00:03.0"]


def test_a_shell_is_for_users_not_for_tokens(client: Client) -> None:
    answer = client.ask("POST", f"{NODE}/vncshell")
    assert answer.reason == f"value '{client.lab.token_id}' does not look like a valid user name"


def test_a_console_comes_with_the_certificate_of_the_ca(client: Client) -> None:
    client.run("POST", f"{NODE}/qemu", vmid=100)
    client.run("POST", f"{NODE}/qemu/100/status/start")
    console = client.post(f"{NODE}/qemu/100/vncproxy", websocket=1)
    assert console["cert"] == client.get(f"{NODE}/certificates/info")[0]["pem"]


@pytest.mark.parametrize(
    ("definition", "missing", "refusal"),
    [
        ({"type": "nfs", "server": "10.0.0.9", "export": "/x"}, "10.0.0.9", "storage 'away' is not online"),
        (
            {"type": "dir", "path": "/srv/away", "is_mountpoint": "yes"},
            "/srv/away",
            "unable to activate storage 'away' - directory is expected to be a mount point but is not mounted: "
            "'/srv/away'",
        ),
        ({"type": "lvmthin", "vgname": "vg", "thinpool": "tp"}, "vg", "no such logical volume vg/tp"),
    ],
)
def test_a_storage_that_cannot_be_reached_is_not_made(
    client: Client, definition: dict[str, Any], missing: str, refusal: str
) -> None:
    client.lab.api.unreachable.add(missing)
    answer = client.ask("POST", "/storage", storage="away", **definition)
    assert answer.reason == f"create storage failed: {refusal}"
    assert "away" not in client.lab.api.storages
    client.lab.api.unreachable.clear()
    assert client.post("/storage", storage="away", **definition)["storage"] == "away"


def test_a_volume_group_that_is_missing_leaves_a_storage_that_is_not_active(client: Client) -> None:
    client.lab.api.unreachable.add("vg")
    client.post("/storage", storage="away", type="lvm", vgname="vg")
    (item,) = client.get(f"{NODE}/storage", storage="away")
    assert (item["active"], item["total"]) == (0, 0)


def test_an_image_that_nothing_was_written_to_has_no_system(tmp_path: Any) -> None:
    path = tmp_path / "blank.qcow2"
    path.write_bytes(header(2**30).ljust(3 * CLUSTER_SIZE + 16, b"\0"))
    assert is_blank(path)
    path.write_bytes(header(2**30))
    assert not is_blank(path)
