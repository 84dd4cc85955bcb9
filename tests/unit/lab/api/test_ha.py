# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""High availability on three nodes with states: lost ones, cut-off ones, those in maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.api.ha_memory import Memory
from lab.api.serving import ServedLab

from .conftest import Client, client_of

# Seconds between two looks at a condition.
LOOK = 0.01
HA = "/cluster/ha"


@pytest.fixture
def cluster(lab_cluster_api: ServedLab) -> Client:
    """A client of father in a cluster of three whose time flies only when a test lets it."""
    return client_of(lab_cluster_api)


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, at most 10 s."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(LOOK)


def make(client: Client, vmid: int, node: str, **settings: Any) -> str:
    """A VM on shared storage under HA, once the manager knows it; returns its sid."""
    create(client, vmid, node)
    client.post(f"{HA}/resources", sid=f"vm:{vmid}", **settings)
    settle(client)
    return f"vm:{vmid}"


def create(client: Client, vmid: int, node: str) -> None:
    """A VM on shared storage."""
    upid = client.post(f"/nodes/{node}/qemu", vmid=vmid, name=f"ha{vmid}", scsi0="shared:1")
    until(lambda: client.get(f"/nodes/{node}/tasks/{upid}/status")["status"] == "stopped")


def settle(client: Client) -> None:
    """Wait for the manager."""
    client.lab.call(client.lab.api.manager_settled())


def set_state(client: Client, node: str, state: str) -> None:
    """Make a node be so."""

    async def change() -> None:
        client.lab.api.set_node_state(node, state)
        await client.lab.api.node_states_settled()

    client.lab.call(change())


def lapse(client: Client, seconds: float) -> None:
    """Let lab time go by, in rounds of the manager."""
    clock = client.lab.api.clock
    for _ in range(int(seconds / 10)):
        clock.set(shift=clock.shift + 10)
        client.lab.call(rounds(client.lab.api))


async def rounds(api: Any) -> None:
    """Let whoever waited for the time do its work."""
    api.manager_turn()
    await api.manager_settled()


def service(client: Client, sid: str) -> dict[str, Any]:
    """The row of a resource."""
    rows = client.get(f"{HA}/status/current")
    return next(row for row in rows if row["id"] == f"service:{sid}")


def where(client: Client) -> dict[int, tuple[str, str]]:
    """VMID -> node and status, as the cluster's list has it."""
    items = client.get("/cluster/resources", type="vm")
    return {item["vmid"]: (item["node"], item["status"]) for item in items if not item["template"]}


def test_the_guest_of_a_lost_node_is_fenced_and_recovered(cluster: Client) -> None:
    sid = make(cluster, 100, "son")
    set_state(cluster, "son", "off")
    seen = {}
    for seconds in range(10, 160, 10):
        lapse(cluster, 10)
        row = service(cluster, sid)
        seen[seconds] = (row["state"], row["node"], where(cluster)[100])
    assert seen[50] == ("started", "son", ("son", "running"))
    assert seen[60] == seen[130] == ("fence", "son", ("son", "running"))
    assert seen[140][:2] == ("starting", "father")
    assert seen[150] == ("started", "father", ("father", "running"))
    log = [task["type"] for task in cluster.get("/nodes/father/tasks", vmid=100)]
    assert log == ["qmstart"]


def test_a_node_that_returns_has_an_idle_manager(cluster: Client) -> None:
    make(cluster, 100, "son")
    set_state(cluster, "son", "off")
    lapse(cluster, 160)
    rows = {row["id"]: row["status"] for row in cluster.get(f"{HA}/status/current")}
    assert rows["lrm:son"].startswith("son (old timestamp - dead?, watchdog standby, ")
    set_state(cluster, "son", "on")
    lapse(cluster, 10)
    rows = {row["id"]: row["status"] for row in cluster.get(f"{HA}/status/current")}
    assert rows["lrm:son"].startswith("son (idle, watchdog standby, ")
    assert where(cluster)[100] == ("father", "running")


def test_the_watchdog_of_a_cut_off_node_ends_what_ran_there(cluster: Client) -> None:
    make(cluster, 100, "son")
    set_state(cluster, "son", "cut-off")
    lapse(cluster, 50)
    assert cluster.lab.api.node_state("son") == "cut-off"
    assert cluster.lab.api.vm(100).status == "running"
    lapse(cluster, 10)
    cluster.lab.call(cluster.lab.api.node_states_settled())
    assert cluster.lab.api.node_state("son") == "off"
    assert cluster.lab.api.vm(100).status == "stopped"
    lapse(cluster, 100)
    assert where(cluster)[100] == ("father", "running")


def test_without_resources_a_cut_off_node_keeps_its_power(cluster: Client) -> None:
    make(cluster, 100, "father")
    set_state(cluster, "son", "cut-off")
    lapse(cluster, 120)
    assert cluster.lab.api.node_state("son") == "cut-off"


def test_without_quorum_nothing_is_decided(cluster: Client) -> None:
    sid = make(cluster, 100, "son")
    set_state(cluster, "son", "off")
    set_state(cluster, "mother", "off")
    lapse(cluster, 300)
    rows = {row["id"]: row for row in cluster.get(f"{HA}/status/current")}
    assert (rows["quorum"]["quorate"], rows["quorum"]["status"]) == (0, "No quorum on node 'father'!")
    assert rows["master"]["status"].startswith("mother (old timestamp - dead?, ")
    assert rows[f"service:{sid}"]["node"] == "son"


def test_maintenance_moves_the_guests_away_and_back(cluster: Client) -> None:
    sid = make(cluster, 100, "father")

    async def maintenance(wanted: bool) -> None:
        cluster.lab.api.ask_maintenance("father", wanted=wanted)

    cluster.lab.call(maintenance(True))
    settle(cluster)
    assert (service(cluster, sid)["node"], where(cluster)[100]) == ("mother", ("mother", "running"))
    rows = {row["id"]: row["status"] for row in cluster.get(f"{HA}/status/current")}
    assert rows["lrm:father"].startswith("father (maintenance mode, watchdog active, ")
    status = cluster.get(f"{HA}/status/manager_status")["manager_status"]
    assert (status["node_status"]["father"], status["node_request"]) == (
        "maintenance",
        {"father": {"maintenance": 1}},
    )
    cluster.lab.call(maintenance(False))
    settle(cluster)
    assert where(cluster)[100] == ("father", "running")


def test_a_strict_rule_takes_back_what_was_moved(cluster: Client) -> None:
    sid = make(cluster, 100, "son")
    cluster.post(f"{HA}/rules", rule="pin", type="node-affinity", resources=sid, nodes="son", strict=1)
    upid = cluster.post("/nodes/son/qemu/100/migrate", target="mother", online=1)
    assert ":hamigrate:100:" in upid
    settle(cluster)
    until(lambda: where(cluster)[100] == ("mother", "running"))
    lapse(cluster, 30)
    assert where(cluster)[100] == ("mother", "running")
    lapse(cluster, 10)
    assert where(cluster)[100] == ("son", "running")


def test_what_belongs_together_moves_together(cluster: Client) -> None:
    make(cluster, 100, "father")
    make(cluster, 101, "son")
    values = {"rule": "both", "type": "resource-affinity", "resources": "vm:100,vm:101", "affinity": "positive"}
    cluster.post(f"{HA}/rules", **values)
    settle(cluster)
    assert {node for node, _ in where(cluster).values()} == {"son"}
    moved = cluster.post(f"{HA}/resources/vm:100/migrate", node="mother")
    assert moved["comigrated-resources"] == ["vm:101"]
    settle(cluster)
    assert {node for node, _ in where(cluster).values()} == {"mother"}


def test_a_relocated_guest_starts_anew(cluster: Client) -> None:
    make(cluster, 100, "father")
    cluster.post(f"{HA}/resources/vm:100/relocate", node="mother")
    settle(cluster)
    assert where(cluster)[100] == ("mother", "running")
    assert [task["type"] for task in cluster.get("/nodes/mother/tasks", vmid=100)] == ["qmstart"]


@pytest.mark.parametrize(
    ("limits", "tries", "state"),
    [({"max_restart": 0, "max_relocate": 0}, 1, "error"), ({"max_restart": 1, "max_relocate": 1}, 4, "error")],
    ids=["at-once", "after-four"],
)
def test_a_guest_that_does_not_start_ends_in_error(
    cluster: Client, limits: dict[str, int], tries: int, state: str
) -> None:
    create(cluster, 100, "father")
    cluster.lab.api.vm(100).start_error = "no way"
    cluster.post(f"{HA}/resources", sid="vm:100", **limits)
    settle(cluster)
    assert service(cluster, "vm:100")["state"] == state
    tasks = cluster.get("/cluster/tasks")
    assert [task["status"] for task in tasks if task["type"] == "qmstart"] == ["no way"] * tries
    answer = cluster.ask("PUT", f"{HA}/resources/vm:100", state="started")
    assert answer.reason == "service 'vm:100' in error state, must be disabled and fixed first"
    cluster.put(f"{HA}/resources/vm:100", state="disabled")
    settle(cluster)
    assert service(cluster, "vm:100")["state"] == "disabled"


def test_a_disarmed_manager_lets_go(cluster: Client) -> None:
    make(cluster, 100, "father")
    cluster.post(f"{HA}/status/disarm-ha", **{"resource-mode": "ignore"})
    settle(cluster)
    rows = {row["id"]: row for row in cluster.get(f"{HA}/status/current")}
    assert rows["fencing"]["armed-state"] == "disarmed"
    assert rows["fencing"]["status"] == "disarmed, resource mode: ignore (CRM watchdog released)"
    assert rows["service:vm:100"]["state"] == "ignore"
    assert ":qmstop:" in cluster.post("/nodes/father/qemu/100/status/stop")
    cluster.post(f"{HA}/status/arm-ha")
    settle(cluster)
    until(lambda: where(cluster)[100] == ("father", "running"))


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (
            {"rule": "b", "type": "node-affinity", "resources": "vm:100", "nodes": "mother"},
            "create ha rule failed: 400 Rule 'b' is invalid.",
        ),
        (
            {"rule": "b", "type": "resource-affinity", "resources": "vm:100", "affinity": "positive"},
            "create ha rule failed: 400 Rule 'b' is invalid.",
        ),
        (
            {"rule": "b", "type": "node-affinity", "resources": "vm:9,vm:8", "nodes": "mother"},
            "create ha rule failed: cannot use unmanaged resource(s) vm:8, vm:9.",
        ),
        (
            {"rule": "b", "type": "node-affinity", "resources": "vm:100", "nodes": "ghost:2"},
            "create ha rule failed: cannot use non-existent node(s) ghost.",
        ),
    ],
    ids=["twice", "alone", "unmanaged", "ghost"],
)
def test_a_rule_that_is_refused(cluster: Client, values: dict[str, str], refused: str) -> None:
    make(cluster, 100, "father")
    cluster.post(f"{HA}/rules", rule="a", type="node-affinity", resources="vm:100", nodes="son,father", strict=0)
    answer = cluster.ask("POST", f"{HA}/rules", **values)
    assert (answer.status_code, answer.reason) == (500, refused)
    assert [rule["rule"] for rule in cluster.get(f"{HA}/rules")] == ["a"]


def test_what_the_manager_knows_is_kept_and_saved_when_it_changes(cluster: Client, monkeypatch: Any) -> None:
    sid = make(cluster, 100, "son")
    api, saved = cluster.lab.api, []
    monkeypatch.setattr(api, "changed", lambda: saved.append(1))
    lapse(cluster, 30)
    assert saved == []
    before = service(cluster, sid)

    async def restart() -> None:
        document = api.document()
        api.ha_status = Memory("father", 0.0).document()
        api.restore(document)

    cluster.lab.call(restart())
    assert service(cluster, sid) == before
