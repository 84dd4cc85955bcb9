"""Module vm_destroy against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect

from .conftest import Modules, denied, hidden

OURS: dict[str, Any] = {"clone": "debian-12", "tags": ["homelab-pve"]}


def test_discovered_guests_are_removed(modules: Modules) -> None:
    modules.ok("vm", name="one", vmid=99900, **OURS)
    modules.ok("vm", name="two", vmid=99901, **OURS, state="started")
    vms = modules.ok("vm_discover", tags=["homelab-pve"])["vms"]
    result = modules.ok("vm_destroy", check=True, vms=vms)
    assert modules.lab.writes() == []
    real = modules.ok("vm_destroy", vms=vms)
    assert (result["diff"], result["plan"], result["destroyed"]) == (real["diff"], real["plan"], real["destroyed"])
    assert real["plan"] == ["remove vm 99900 (one)", "stop vm 99901 (two)", "remove vm 99901 (two)"]
    assert modules.unchanged("vm_destroy", vms=vms)["absent"] == real["destroyed"]


def test_one_failure_does_not_save_the_others(modules: Modules) -> None:
    modules.ok("vm", name="guarded", vmid=300, **OURS, protection=True)
    modules.ok("vm", name="alien", vmid=301)
    modules.ok("vm", name="renamed", vmid=302, **OURS)
    modules.ok("vm", name="good", vmid=303, **OURS)
    names = {300: "guarded", 301: "alien", 302: "old-name", 9001: "debian-12", 303: "good", 304: "gone"}
    vms = [{"vmid": vmid, "name": name} for vmid, name in names.items()]
    result = modules.run("vm_destroy", vms=vms)
    assert result["msg"].splitlines() == [
        "4 of 6 guests could not be removed:",
        "- 300 (guarded): vm 300 (guarded) on father was left alone: it is protected. "
        "Set its option protection to false first.",
        "- 301 (alien): vm 301 (alien) on father was left alone: it does not carry the tag 'homelab-pve'. "
        "Set adopt to remove it.",
        "- 302 (old-name): vm 302 (renamed) on father was left alone: it was discovered as 'old-name'. Discover again.",
        "- 9001 (debian-12): vm 9001 (debian-12) on father was left alone: it is a template. "
        "Remove templates with the module vm, if you mean it.",
    ]
    assert (result["changed"], result["destroyed"]) == (True, [{"vmid": 303, "name": "good"}])
    assert result["absent"] == [{"vmid": 304, "name": "gone"}]
    left = modules.ok("vm_discover", include_templates=True)["vms"]
    assert [item["vmid"] for item in left] == [300, 301, 302, 9000, 9001]


@pytest.mark.parametrize("options", [{"adopt": True}, {"tag": "mine"}], ids=str)
def test_other_guests_when_told(modules: Modules, options: dict[str, Any]) -> None:
    modules.ok("vm", name="alien", vmid=301, tags=["mine"])
    result = modules.ok("vm_destroy", vms=[{"vmid": 301, "name": "alien"}], **options)
    assert result["destroyed"] == [{"vmid": 301, "name": "alien"}]


def test_nothing_to_remove(modules: Modules) -> None:
    assert modules.unchanged("vm_destroy", vms=[])["plan"] == ["nothing to remove"]


def test_containers_are_removed_as_vms_are(modules: Modules) -> None:
    modules.container(200, hostname="ours", tags="homelab-pve", start=1)
    modules.container(201, hostname="guarded", tags="homelab-pve", protection=1)
    modules.container(202, hostname="alien")
    vms = modules.ok("vm_discover", include_containers=True)["vms"]
    result = modules.run("vm_destroy", vms=vms)
    assert result["destroyed"] == [{"vmid": 200, "name": "ours"}]
    assert result["plan"] == ["stop container 200 (ours)", "remove container 200 (ours)"]
    assert result["msg"].splitlines()[1:] == [
        "- 201 (guarded): container 201 (guarded) on father was left alone: it is protected. "
        "Set its option protection to false first.",
        "- 202 (alien): container 202 (alien) on father was left alone: it does not carry the tag 'homelab-pve'. "
        "Set adopt to remove it.",
    ]


def test_a_guest_that_ignores_its_shutdown_is_stopped_hard(modules: Modules) -> None:
    modules.ok("vm", name="deaf", vmid=300, **OURS, state="started")
    modules.lab.api.inject({"kind": "deaf", "vmid": 300})
    result = modules.ok("vm_destroy", vms=[{"vmid": 300, "name": "deaf"}], stop_timeout=1)
    assert result["destroyed"] == [{"vmid": 300, "name": "deaf"}]


def test_a_guest_of_ha_is_taken_out_of_it(cluster: Modules) -> None:
    cluster.ok("vm", name="managed", vmid=300, node="father", tags=["homelab-pve"], state="started")
    client = connect(Connection.from_params(cluster.lab.options()))
    client.post("/cluster/ha/resources", {"sid": "vm:300", "state": "started"})
    result = cluster.ok("vm_destroy", vms=[{"vmid": 300, "name": "managed"}])
    assert result["plan"] == ["take vm 300 (managed) out of HA", "stop vm 300 (managed)", "remove vm 300 (managed)"]
    assert client.get("/cluster/ha/resources") == []
    client.close()


@pytest.mark.parametrize("parallel", [1, 4])
def test_failures_beside_each_other(modules: Modules, parallel: int) -> None:
    for vmid in range(300, 306):
        modules.ok("vm", name=f"g{vmid}", vmid=vmid, **OURS)
    for vmid in (301, 304):
        modules.lab.api.fail("DELETE", f"/nodes/father/qemu/{vmid}", 500, "storage 'nas' is not online")
    vms = [{"vmid": vmid, "name": f"g{vmid}"} for vmid in range(300, 306)]
    result = modules.run("vm_destroy", vms=vms, max_parallel=parallel)
    assert [entry["vmid"] for entry in result["destroyed"]] == [300, 302, 303, 305]
    assert result["msg"].splitlines() == [
        "2 of 6 guests could not be removed:",
        *(
            f"- {vmid} (g{vmid}): Cannot remove vm {vmid} (g{vmid}): "
            f"DELETE /nodes/father/qemu/{vmid}: 500 storage 'nas' is not online."
            for vmid in (301, 304)
        ),
    ]
    assert [item["vmid"] for item in modules.ok("vm_discover")["vms"]] == [301, 304]


def test_a_locked_guest_is_told(modules: Modules) -> None:
    modules.ok("vm", name="busy", vmid=300, **OURS)
    modules.lab.api.vm(300).lock = "backup"
    message = modules.run("vm_destroy", vms=[{"vmid": 300, "name": "busy"}])["msg"]
    assert message.startswith(
        "1 of 1 guests could not be removed:\n- 300 (busy): Cannot remove vm 300 (busy): The task failed: "
        "VM is locked (backup) (UPID:father:"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "missing required arguments: vms"),
        ({"vms": [{"name": "x"}]}, "vms[0] (x): missing required arguments: vmid"),
        ({"vms": [], "stop_timeout": -1}, "Option 'stop_timeout': -1 is less than 0."),
        ({"vms": [], "max_parallel": 0}, "Option 'max_parallel': 0 is less than 1."),
        ({"vms": [], "tag": ""}, "Option 'tag' is empty. Set adopt to remove guests whatever their tags."),
    ],
    ids=str,
)
def test_wrong_input(modules: Modules, options: dict[str, Any], message: str) -> None:
    assert modules.message("vm_destroy", **options) == message


def test_least_privileges(modules: Modules) -> None:
    modules.ok("vm", name="busy", vmid=300, **OURS, state="started")
    wish: dict[str, Any] = {"vms": [{"vmid": 300, "name": "busy"}]}
    needed = {"/vms/300": ["VM.Audit", "VM.PowerMgmt", "VM.Allocate"]}
    start, path = "1 of 1 guests could not be removed:\n- 300 (busy): ", "/nodes/father/qemu/300"
    assert modules.refusals(needed, "vm_destroy", **wish) == {
        "VM.Audit on /vms/300": f"{start}{hidden(300)}",
        "VM.PowerMgmt on /vms/300": (
            f"{start}Cannot stop vm 300 (busy): POST {path}/status/shutdown: {denied('VM.PowerMgmt', '/vms/300')}\n"
            "Not done: remove vm 300 (busy)."
        ),
        "VM.Allocate on /vms/300": (
            f"{start}Cannot remove vm 300 (busy): DELETE {path}: {denied('VM.Allocate', '/vms/300')}\n"
            "Already done: stop vm 300 (busy)."
        ),
    }
    modules.ok("vm", vmid=300, state="started")
    assert modules.limited(needed).ok("vm_destroy", **wish)["destroyed"] == wish["vms"]
