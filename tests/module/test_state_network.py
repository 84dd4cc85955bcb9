"""The network of a node in a document: written, put in force, and taken back where it cuts the node off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.api import interfaces
from lab.api.serving import ServedLab

from .conftest import Modules, Result
from .ssh_door import HERE, opened

BRIDGE: dict[str, Any] = {"iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.1/24"}
DOCUMENT: dict[str, Any] = {"node": "father", "network": [BRIDGE]}
CARDS = "".join(f"\niface eno{number} inet manual\n" for number in (2, 3))


def acted(result: Result) -> list[tuple[str, str, str]]:
    """What was done, or failed, in order."""
    rows = [(row["action"], row["id"], row["status"]) for row in result["actions"]]
    return [row for row in rows if row[0] != "no-op"]


@pytest.fixture
def carded(modules: Modules) -> Modules:
    """A node with three cards."""
    modules.lab.api.node_texts["father"] = {"etc/network/interfaces": interfaces.DEFAULT + CARDS}
    return modules


def test_it_is_in_force_at_the_end(modules: Modules) -> None:
    planned = modules.ok("state", check=True, document=DOCUMENT)
    assert acted(planned) == [("create", "father/vmbr1", "planned"), ("modify", "apply father", "planned")]
    made = modules.converge("state", document=DOCUMENT)
    assert acted(made) == [("create", "father/vmbr1", "done"), ("modify", "apply father", "done")]
    assert modules.ok("network_info", node="father")["changes"] == ""


def test_what_an_interrupted_run_left_waiting_is_put_in_force(modules: Modules) -> None:
    modules.ok("network_interface", node="father", **BRIDGE)
    assert acted(modules.converge("state", document=DOCUMENT)) == [("modify", "apply father", "done")]


def test_all_that_stands_on_something_comes_after_it(carded: Modules) -> None:
    stack = [
        {"iface": "vmbr5", "type": "bridge", "bridge_ports": ["bond0.7"]},
        {"iface": "bond0.7", "type": "vlan"},
        {"iface": "bond0", "type": "bond", "slaves": ["eno2", "eno3"], "bond_mode": "active-backup"},
    ]
    made = carded.converge("state", document={"node": "father", "network": stack})
    names = [name for _verb, name, _status in acted(made)]
    assert names == ["father/bond0", "father/bond0.7", "father/vmbr5", "apply father"]


def test_a_bridge_that_goes_gives_its_port_to_the_next(carded: Modules) -> None:
    free: dict[str, Any] = {"prune": ["network"], "allow_delete": True, "max_delete_percent": 100}
    first = {"iface": "vmbr5", "type": "bridge", "bridge_ports": ["eno2"]}
    carded.ok("state", document={"node": "father", "network": [first]})
    other = {"node": "father", "network": [{**first, "iface": "vmbr6"}]}
    assert acted(carded.converge("state", document=other, **free)) == [
        ("delete", "father/vmbr5", "done"),
        ("create", "father/vmbr6", "done"),
        ("modify", "apply father", "done"),
    ]
    assert {row["iface"] for row in carded.ok("network_info", node="father", type="bridge")["interfaces"]} == {
        "vmbr0",
        "vmbr6",
    }


# ------------------------------------------------------------- with a way back


@pytest.fixture
def way(lab_api: ServedLab, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Options of the way to the node over SSH."""
    with opened(lab_api, tmp_path) as place:
        known = {"ssh_known_hosts": str(place.known_hosts(tmp_path)), "ssh_key_path": str(place.key)}
        yield {"ssh_hosts": {"father": HERE}, "ssh_port": place.port, **known, "rollback_after": 60}


def test_a_node_that_is_reached_keeps_its_network(modules: Modules, way: dict[str, Any], tmp_path: Path) -> None:
    made = modules.converge("state", document=DOCUMENT, **way)
    assert acted(made)[-1] == ("modify", "apply father", "done")
    assert (tmp_path / "files" / "homelab-pve-network" / "confirmed").exists()


def test_a_network_that_fails_is_taken_back(modules: Modules, way: dict[str, Any], tmp_path: Path) -> None:
    modules.lab.api.inject({"kind": "task", "type": "srvreload", "error": "command 'ifreload -a' failed"})
    failed = modules.run("state", document=DOCUMENT, **way)
    assert "The change of node father's network is taken back, because it failed." in failed["msg"]
    assert acted(failed)[-1] == ("modify", "apply father", "failed")
    assert (tmp_path / "files" / "homelab-pve-network" / "restored").exists()


def test_a_way_back_needs_a_way(modules: Modules) -> None:
    failed = modules.run("state", document=DOCUMENT, rollback_after=60)
    assert "Cannot arm the way back on node father" in failed["msg"]
    assert "+iface vmbr1 inet static" in modules.ok("network_info", node="father")["changes"]
