"""Module network_apply against the lab's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, denied
from .ssh_door import HERE, opened

BRIDGE: dict[str, Any] = {"node": "father", "iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.1/24"}


def test_nothing_waits(modules: Modules) -> None:
    for state in ("applied", "reverted"):
        result = modules.unchanged("network_apply", node="father", state=state)
        assert (result["plan"], result["changes"]) == (["no change of node father's network waits"], "")


def test_what_waits_is_applied(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    result = modules.converge("network_apply", node="father")
    (old, new) = (result["diff"][side]["/etc/network/interfaces"] for side in ("before", "after"))
    assert ("iface vmbr1 inet static" in new, "iface vmbr1 inet static" in old) == (True, False)
    assert result["changes"] == ""
    modules.unchanged("network_interface", **BRIDGE)


def test_what_waits_is_dropped(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.converge("network_apply", node="father", state="reverted")
    assert modules.ok("network_info", node="father", iface="vmbr1")["interfaces"] == []


def test_a_foreseen_change_is_told(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert "+iface vmbr1 inet static" in modules.ok("network_apply", check=True, node="father")["changes"]


def test_nothing_to_do_costs_one_request(modules: Modules) -> None:
    modules.ok("network_apply", node="father")
    assert len(modules.lab.requests()) == 1


# ------------------------------------------------------- with a way back

TAKEN_BACK = "The change of node father's network is taken back, because it failed. What waited waits again.\n"
CANNOT = "Cannot apply the waiting changes of node father's network: "


@pytest.fixture
def way(lab_api: ServedLab, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Options of the way to the node over SSH."""
    with opened(lab_api, tmp_path) as place:
        known = {"ssh_known_hosts": str(place.known_hosts(tmp_path)), "ssh_key_path": str(place.key)}
        yield {"node": "father", "ssh_host": HERE, "ssh_port": place.port, **known}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Where the node has its files."""
    return tmp_path / "files"


def test_a_node_that_is_reached_keeps_the_change(modules: Modules, way: dict[str, Any], files: Path) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert modules.converge("network_apply", **way, rollback_after=60)["rollback"] == "confirmed"
    assert (files / "homelab-pve-network" / "confirmed").exists()
    assert modules.unchanged("network_apply", **way, state="confirmed")["rollback"] == "none"


def test_a_change_that_waits_to_be_confirmed_is_kept(modules: Modules, way: dict[str, Any], files: Path) -> None:
    marks = files / "homelab-pve-network"
    marks.mkdir()
    (marks / "applied").touch()  # what a task with transport: local leaves
    kept = modules.converge("network_apply", **way, state="confirmed")
    assert (kept["plan"], kept["rollback"]) == (["keep the change of node father's network"], "confirmed")
    assert (marks / "confirmed").exists()


def test_what_waits_is_dropped_with_a_way_back_at_hand(modules: Modules, way: dict[str, Any], files: Path) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert modules.converge("network_apply", **way, state="reverted", rollback_after=60)["rollback"] == "none"
    assert list(files.iterdir()) == []


def test_a_change_that_fails_is_taken_back(modules: Modules, way: dict[str, Any], files: Path) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.lab.api.inject({"kind": "task", "type": "srvreload", "error": "command 'ifreload -a' failed"})
    said = modules.run("network_apply", **way, rollback_after=60)["msg"]
    assert said.startswith(TAKEN_BACK + CANNOT)
    assert "command 'ifreload -a' failed" in said
    assert (files / "homelab-pve-network" / "restored").exists()
    told = "The change of node father's network was not confirmed in time and is taken back. What waited waits again."
    assert modules.run("network_apply", **way, state="confirmed")["msg"] == told
    modules.unchanged("network_apply", **way, state="confirmed")


def test_what_is_refused_is_not_taken_back(modules: Modules, way: dict[str, Any], files: Path) -> None:
    modules.ok("network_interface", **BRIDGE)
    limited = modules.limited({"/nodes/father": ["Sys.Audit"]})
    said = limited.run("network_apply", **way, rollback_after=60)["msg"]
    assert said == f"{CANNOT}PUT /nodes/father/network: {denied('Sys.Modify', '/nodes/father')}"
    assert not (files / "homelab-pve-network" / "restored").exists()


def test_a_way_back_needs_the_node(modules: Modules, way: dict[str, Any], files: Path) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert modules.message("network_apply", node="father", rollback_after=60) == (
        "Cannot arm the way back on node father: over HTTPS alone nothing on the node can undo a change that cuts it "
        "off. Set ssh_host to an address of the node (and ssh_user, ssh_key_path as needed), use transport: ssh, "
        "or leave rollback_after out."
    )
    assert modules.message("network_apply", **way, rollback_after=-1) == (
        "rollback_after -1 is no time to wait. Give seconds, more than 0."
    )
    (files.parent / "node" / "hostname").write_text("#!/bin/sh\necho mother\n")
    assert modules.message("network_apply", **way, rollback_after=60) == (
        "Cannot see to the network of node father over SSH: 127.0.0.1 is node mother. "
        "Set ssh_host to an address of father."
    )


def test_without_a_way_back_the_result_says_so(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    assert modules.converge("network_apply", node="father")["rollback"] == "none"


def test_least_privileges(modules: Modules) -> None:
    needed = {"/nodes/father": ["Sys.Modify"]}
    modules.ok("network_interface", **BRIDGE)
    assert modules.refusals(needed, "network_apply", node="father") == {
        "Sys.Modify on /nodes/father": (
            "Cannot apply the waiting changes of node father's network: PUT /nodes/father/network: "
            f"{denied('Sys.Modify', '/nodes/father')}"
        )
    }
    modules.limited(needed).converge("network_apply", node="father")
