# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that move from node to node, and those the HA manager looks after (../golden migrate)."""

from __future__ import annotations

import pytest

from lab.api.serving import ServedLab

from .conftest import Client, client_of

TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
CT = "/nodes/father/lxc/200"
SON = "/nodes/son/lxc/200"


@pytest.fixture
def cluster(lab_cluster_api: ServedLab) -> Client:
    """Three nodes with a container on the first: its root on a local storage."""
    path = lab_cluster_api.api.file_path("local", TEMPLATE.partition(":")[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    lab_cluster_api.api.storages["shared"]["content"] += ",rootdir"
    client = client_of(lab_cluster_api)
    assert client.run("POST", "/nodes/father/lxc", vmid=200, ostemplate=TEMPLATE, rootfs="local-lvm:4") == "OK"
    return client


def state(client: Client, path: str = CT) -> str:
    return str(client.get(f"{path}/status/current")["status"])


def eventually(client: Client, path: str, wanted: str) -> None:
    """Ask until the container is as wanted; the manager is at work meanwhile."""
    while True:
        answer = client.ask("GET", f"{path}/status/current")
        if answer.status_code == 200 and answer.json()["data"]["status"] == wanted:
            return


def test_what_stands_against_a_migration(cluster: Client) -> None:
    known = {"running": 0, "allowed-nodes": ["mother", "son"], "not-allowed-nodes": {}}
    assert cluster.get(f"{CT}/migrate") == known
    cluster.lab.api.storages["local-lvm"]["nodes"] = "father,son"
    limited = cluster.get(f"{CT}/migrate")
    assert limited["allowed-nodes"] == ["son"]
    assert limited["not-allowed-nodes"] == {"mother": {"unavailable_storages": ["local-lvm"]}}


def test_a_stopped_container_takes_its_local_volumes_along(cluster: Client) -> None:
    assert cluster.run("POST", f"{CT}/migrate", target="son") == "OK"
    assert cluster.get(f"{SON}/config")["rootfs"] == "local-lvm:vm-200-disk-0,size=4G"
    found = {item["volid"] for item in cluster.get("/nodes/son/storage/local-lvm/content")}
    assert "local-lvm:vm-200-disk-0" in found
    assert "local-lvm:vm-200-disk-0" not in {
        item["volid"] for item in cluster.get("/nodes/father/storage/local-lvm/content")
    }


def test_volumes_go_to_another_storage_when_asked_to(cluster: Client) -> None:
    values = {"target": "son", "target-storage": "shared"}
    assert cluster.run("POST", f"{CT}/migrate", **values) == "OK"
    assert cluster.get(f"{SON}/config")["rootfs"].startswith("shared:")


@pytest.mark.parametrize(
    ("values", "status", "reason"),
    [
        ({"target": "father"}, 400, "Parameter verification failed."),
        ({"target": "ghost"}, 500, "no such cluster node 'ghost'"),
        ({"target": "son", "target-storage": "nostore"}, 500, "storage 'nostore' does not exist"),
        ({"target": "son"}, 500, "can't migrate running container without --online or --restart"),
    ],
)
def test_refusals_at_once(cluster: Client, values: dict[str, str], status: int, reason: str) -> None:
    assert cluster.run("POST", f"{CT}/status/start") == "OK"
    answer = cluster.ask("POST", f"{CT}/migrate", **values)
    assert (answer.status_code, answer.reason) == (status, reason)


@pytest.mark.parametrize(
    ("config", "values", "reason"),
    [
        ({}, {"online": 1}, "lxc live migration is currently not implemented"),
        ({"lock": "backup"}, {"restart": 1}, "CT is locked (backup)"),
        ({"mp0": "/srv,mp=/srv"}, {"restart": 1}, "cannot migrate local bind mount point 'mp0'"),
    ],
)
def test_failures_in_the_task(cluster: Client, config: dict[str, str], values: dict[str, int], reason: str) -> None:
    assert cluster.run("POST", f"{CT}/status/start") == "OK"
    cluster.lab.api.ct(200).config.update(config)
    upid = cluster.post(f"{CT}/migrate", target="son", **values)
    assert cluster.wait(upid) == "migration aborted"
    assert cluster.log(upid)[-2:] == [
        f"ERROR: migration aborted (duration 00:00:00): {reason}",
        "TASK ERROR: migration aborted",
    ]


def test_a_running_container_is_restarted_on_the_target(cluster: Client) -> None:
    assert cluster.run("POST", f"{CT}/status/start") == "OK"
    cluster.put(f"{CT}/config", tty=1)
    assert cluster.run("POST", f"{CT}/migrate", target="son", restart=1) == "OK"
    assert state(cluster, SON) == "running"
    assert cluster.get(f"{SON}/config", current=1)["tty"] == 1


def test_a_managed_container_is_started_stopped_and_moved_by_the_manager(cluster: Client) -> None:
    cluster.post("/cluster/ha/resources", sid="ct:200", state="stopped")
    upid = cluster.post(f"{CT}/status/start")
    assert (upid.split(":")[5], cluster.wait(upid)) == ("hastart", "OK")
    eventually(cluster, CT, "running")
    assert cluster.run("POST", f"{CT}/migrate", target="son", restart=1) == "OK"
    eventually(cluster, SON, "running")
    assert cluster.post(f"{SON}/status/shutdown").split(":")[5] == "hastop"
    eventually(cluster, SON, "stopped")
