# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions on many guests at once, replication's state, metrics, and what a node finds outside."""

from __future__ import annotations

from typing import Any

import pytest
from fakepve import FakeCt  # type: ignore[import-untyped]

from lab.api.outside import metadata
from lab.api.serving import ServedLab

from .conftest import Client, client_of

NODE = "/nodes/father"
ROOTFS = "local-lvm:vm-200-disk-0,size=1G"


@pytest.fixture
def guests(client: Client) -> Client:
    """VMs 100 (first) and 101 and container 200 (last) start with the node; VM 102 does not."""
    for vmid, options in ((100, {"onboot": 1, "startup": "order=1"}), (101, {"onboot": 1}), (102, {})):
        assert client.run("POST", f"{NODE}/qemu", vmid=vmid, **options) == "OK"
    config = {"hostname": "ct", "rootfs": ROOTFS, "onboot": 1, "ostype": "debian", "arch": "amd64"}
    client.lab.api.cts.append(FakeCt(200, node="father", config=config, defaults=False))
    return client


def running(client: Client) -> set[int]:
    """The guests that run."""
    return {item["vmid"] for item in client.get("/cluster/resources", type="vm") if item["status"] == "running"}


def test_a_node_starts_its_guests_in_order_and_ends_them_backwards(guests: Client) -> None:
    upid = guests.post(f"{NODE}/startall")
    assert guests.wait(upid) == "OK"
    assert guests.log(upid)[:3] == ["Starting VM 100", "Starting VM 101", "Starting CT 200"]
    assert running(guests) == {100, 101, 200}
    upid = guests.post(f"{NODE}/stopall")
    assert guests.wait(upid) == "OK"
    assert guests.log(upid)[:3] == ["Stopping CT 200", "Stopping VM 101", "Stopping VM 100"]
    assert running(guests) == set()


def test_only_those_that_are_named_and_forced(guests: Client) -> None:
    assert guests.run("POST", f"{NODE}/startall", vms="102") == "OK"
    assert running(guests) == set()
    assert guests.run("POST", f"{NODE}/startall", vms="102", force=1) == "OK"
    assert running(guests) == {102}


def test_a_guest_that_fails_is_a_line_in_the_log(guests: Client) -> None:
    guests.lab.api.snapshot_lock(101, "backup")
    upid = guests.post("/cluster/bulk-action/guest/start", vms=[101, 102])
    assert guests.wait(upid) == "OK"
    assert "Starting VM 101 failed: VM is locked (backup)" in guests.log(upid)
    assert running(guests) == {102}


def test_all_of_a_node_go_to_another(lab_cluster_api: ServedLab) -> None:
    cluster = client_of(lab_cluster_api)
    for vmid in (100, 101):
        assert cluster.run("POST", f"{NODE}/qemu", vmid=vmid) == "OK"
    assert cluster.run("POST", f"{NODE}/qemu/101/status/start") == "OK"
    assert cluster.run("POST", f"{NODE}/migrateall", target="mother", vms="100,101") == "OK"
    nodes = {item["vmid"]: item["node"] for item in cluster.get("/cluster/resources", type="vm")}
    assert (nodes[100], nodes[101]) == ("mother", "mother")
    assert running(cluster) == {101}


def test_who_may_not_do_it_to_all_names_those_he_may(guests: Client) -> None:
    guests.post("/access/users", userid="dev@pve", password="devdev1234")
    guests.put("/access/acl", path="/vms/100", roles="PVEVMUser", users="dev@pve")
    token = guests.post("/access/users/dev@pve/token/own", privsep=0)
    guests.session.headers["Authorization"] = f"PVEAPIToken=dev@pve!own={token['value']}"
    assert guests.ask("POST", f"{NODE}/startall").reason == "Permission check failed (/, VM.PowerMgmt)"
    refused = guests.ask("POST", f"{NODE}/startall", vms="100,101")
    assert refused.reason == "Permission check failed (/vms/101, VM.PowerMgmt)"
    assert guests.ask("POST", f"{NODE}/startall", vms="100").status_code == 200


def test_a_replication_has_a_state_and_a_log(lab_cluster_api: ServedLab) -> None:
    cluster = client_of(lab_cluster_api)
    assert cluster.run("POST", f"{NODE}/qemu", vmid=100) == "OK"
    cluster.post("/cluster/replication", id="100-0", type="local", target="mother")
    (state,) = cluster.get(f"{NODE}/replication")
    assert (state["id"], state["vmtype"], state["last_sync"], state["fail_count"]) == ("100-0", "qemu", 0, 0)
    cluster.post(f"{NODE}/replication/100-0/schedule_now")
    state = cluster.get(f"{NODE}/replication/100-0/status")
    assert state["last_sync"] == state["last_try"] > 0
    assert cluster.get(f"{NODE}/replication/100-0/log", limit=0)[-1]["t"].endswith("100-0: end replication job")
    assert cluster.get("/nodes/mother/replication") == []
    assert cluster.ask("GET", f"{NODE}/replication/100-7/status").reason == "no such replication job '100-7'"


def test_metrics_are_those_of_nodes_guests_and_storages(guests: Client) -> None:
    rows = guests.get("/cluster/metrics/export")["data"]
    assert {row["id"] for row in rows} >= {"node/father", "qemu/100", "lxc/200", "storage/father/local"}
    assert {row["metric"] for row in rows if row["id"] == "lxc/200"} == {"cpu_max", "disk_total", "mem_total", "uptime"}


@pytest.mark.parametrize(
    ("url", "headers", "known"),
    [
        ("http://x/a.iso", {"Content-Length": "7"}, {"filename": "a.iso", "size": 7}),
        (
            "http://x/get?id=1",
            {"Content-Disposition": 'attachment; filename="b c.iso"', "Content-Type": "text/plain; charset=x"},
            {"filename": "b_c.iso", "mimetype": "text/plain"},
        ),
    ],
)
def test_what_headers_tell_of_a_file(url: str, headers: dict[str, str], known: dict[str, Any]) -> None:
    assert metadata(url, headers) == known


def test_a_file_that_cannot_be_asked_about_is_refused(client: Client) -> None:
    answer = client.ask("GET", f"{NODE}/query-url-metadata", url="http://127.0.0.1:1/x.iso")
    assert answer.status_code == 500
    assert answer.reason.startswith("invalid server response: '500 ")
