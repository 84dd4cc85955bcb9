"""Module ha_resource against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

CT: dict[str, Any] = {"sid": "ct:200"}


def test_twelve_steps(modules: Modules) -> None:
    modules.container()
    made = modules.converge("ha_resource", **CT, state="stopped", max_restart=3, comment="The shop.")
    assert made["ha_resource"] == {"sid": "ct:200", "state": "stopped", "max_restart": 3, "comment": "The shop."}
    changed = modules.converge("ha_resource", **CT, state="disabled", max_restart=1, failback=False, comment="")
    assert changed["ha_resource"] == {"sid": "ct:200", "state": "disabled", "max_restart": 1, "failback": False}
    modules.converge("ha_resource", **CT, state="absent")


def test_a_bare_vmid_and_the_other_word(modules: Modules) -> None:
    modules.container()
    modules.converge("ha_resource", sid="200", state="enabled")
    modules.unchanged("ha_resource", **CT, state="started")
    modules.unchanged("ha_resource", **CT)


def test_it_is_moved(cluster: Modules) -> None:
    cluster.container(200, rootfs="shared:4")
    moved = cluster.converge("ha_resource", **CT, state="started", node="mother")
    assert moved["plan"] == [
        "create HA resource ct:200",
        "migrate HA resource ct:200 from node father to mother",
    ]
    assert moved["ha_resource"]["node"] == "mother"
    cluster.unchanged("ha_resource", **CT, node="mother")
    assert len(cluster.lab.requests()) == 2
    cluster.converge("ha_resource", **CT, node="son", relocate=True)
    cluster.converge("ha_resource", **CT, state="absent")


def test_a_move_that_a_rule_forbids(cluster: Modules) -> None:
    for vmid, node in ((200, "father"), (201, "mother")):
        cluster.container(vmid, rootfs="shared:4")
        cluster.ok("ha_resource", sid=f"ct:{vmid}", state="started", node=node)
    apart: dict[str, Any] = {"rule": "apart", "type": "resource-affinity", "affinity": "negative"}
    cluster.ok("ha_rule", **apart, resources=["ct:200", "ct:201"])
    assert cluster.run("ha_resource", **CT, node="mother")["msg"] == (
        "Cannot migrate HA resource ct:200 from node father to mother: a rule keeps it apart from ct:201, which is on "
        "that node."
    )
    cluster.unchanged("ha_resource", **CT, node="father")


def test_purge(modules: Modules) -> None:
    modules.container()
    modules.ok("ha_resource", **CT, state="stopped")
    modules.converge("ha_resource", **CT, state="absent", purge=False)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"sid": "web"}, "Option 'sid': 'web' is not of the form vm:100, ct:100 or 100"),
        ({"sid": "ct:200", "max_relocate": -2}, "Option 'max_relocate': -2 is not 0 or more"),
        (
            {"sid": "ct:200", "state": "running"},
            "value of state must be one of: present, started, stopped, enabled, disabled, ignored, absent, "
            "got: running",
        ),
    ],
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("ha_resource", **wish) == message


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"sid": "vm:999"},
            "Cannot create HA resource vm:999: POST /cluster/ha/resources: 500 resource 'vm:999' does not exist in "
            "cluster.\nMake the guest first.",
        ),
        (
            {"sid": "vm:200"},
            "Cannot create HA resource vm:200: POST /cluster/ha/resources: 500 resource 'vm:200' - guest with ID 200 "
            "is not a VM.",
        ),
        (
            {"sid": "ct:200", "group": "g1"},
            "Cannot create HA resource ct:200: POST /cluster/ha/resources: 500 invalid parameter 'group': ha groups "
            "have been migrated to rules.\nProxmox VE 9 has HA rules instead of groups: use the module ha_rule.",
        ),
    ],
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.container()
    assert modules.run("ha_resource", **wish)["msg"] == message


def test_least_privileges(modules: Modules) -> None:
    modules.container()
    needed = {"/": ["Sys.Audit", "Sys.Console"]}
    assert modules.refusals(needed, "ha_resource", **CT, state="stopped") == {
        "Sys.Audit on /": f"GET /cluster/ha/resources/ct%3A200: {denied('Sys.Audit', '/')}",
        "Sys.Console on /": "Cannot create HA resource ct:200: POST /cluster/ha/resources: "
        f"{denied('Sys.Console', '/')}",
    }
    limited = modules.limited(needed)
    for wish in ({"state": "stopped"}, {"state": "disabled"}, {"state": "absent"}):
        limited.converge("ha_resource", **CT, **wish)
