"""Module pool against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, denied, hurried

DEV: dict[str, Any] = {"poolid": "dev", "comment": "for trying", "vms": [200], "storage": ["local"]}
FIRST = "Take guests and storages out first (vms: [] and storage: []), and remove the pools in it."


def test_twelve_steps(modules: Modules) -> None:
    modules.container(200)
    made = modules.converge("pool", **DEV)
    assert made["pool"] == DEV
    assert made["plan"] == ["create pool dev", "add VM 200, storage local to pool dev"]
    changed = modules.converge("pool", poolid="dev", comment="", vms=[], storage=["local-lvm"])
    assert changed["pool"] == {"poolid": "dev", "comment": "", "vms": [], "storage": ["local-lvm"]}
    modules.ok("pool", poolid="dev", storage=[])
    modules.converge("pool", poolid="dev", state="absent")


def test_nested(modules: Modules) -> None:
    modules.ok("pool", poolid="dev")
    modules.converge("pool", poolid="dev/web", storage=["local"])
    assert modules.message("pool", poolid="dev", state="absent") == (
        f"Cannot remove pool dev: it has members: pool dev/web. {FIRST}"
    )
    modules.converge("pool", poolid="dev/web", storage=[])
    modules.converge("pool", poolid="dev/web", state="absent")


@pytest.fixture
def old(lab_8_0_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to a node of release 8.0, which has each pool at a path of its own."""
    return Modules(hurried(lab_8_0_api), capsys)


def test_of_8_0(old: Modules) -> None:
    old.container(200)
    assert old.converge("pool", **DEV)["pool"] == DEV
    old.unchanged("pool", **DEV)
    assert len(old.lab.requests()) == 2
    old.converge("pool", poolid="dev", comment="", vms=[], storage=["local-lvm"])
    old.ok("pool", poolid="dev", vms=[200])
    old.converge("pool", poolid="other", vms=[200], allow_move=True)
    assert [(pool["poolid"], pool["vms"]) for pool in old.ok("pool_info")["pools"]] == [("dev", []), ("other", [200])]
    old.ok("pool", poolid="dev", storage=[])
    old.converge("pool", poolid="dev", state="absent")
    assert old.message("pool", poolid="other/web") == (
        "Cannot look for pool other/web: this release of Proxmox VE has no pools in pools; they came with 8.1."
    )


def test_least_privileges_of_8_0(old: Modules) -> None:
    limited = old.limited({"/pool/dev": ["Pool.Allocate", "Pool.Audit"]})
    for wish in ({}, {"comment": "c"}, {"state": "absent"}):
        limited.converge("pool", poolid="dev", **wish)


def test_a_guest_is_moved_when_it_may_be(modules: Modules) -> None:
    modules.container(200)
    modules.ok("pool", **DEV)
    assert modules.message("pool", poolid="other", vms=[200]) == (
        "Cannot add guests to pool other that are in another pool: VM 200 in pool dev. A guest is in one pool only. "
        "Set allow_move to take them out of the other."
    )
    modules.converge("pool", poolid="other", vms=[200], allow_move=True)
    assert modules.ok("pool_info", poolid="dev")["pools"][0]["vms"] == []


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"poolid": "dev", "state": "absent"},
            f"Cannot remove pool dev: it has members: VM 200, storage local. {FIRST}",
        ),
        ({"poolid": "dev", "vms": [999]}, "There is no guest with vmid 999. Check the vmid."),
        (
            {"poolid": "dev", "storage": ["nope"]},
            "Storage 'nope' does not exist, or the login has no Datastore.Audit on /storage/nope. Check the name; "
            "the module storage_info lists the storages the login may see.",
        ),
        ({"poolid": "dev", "vms": [7]}, "Option 'vms': '7' is not a vmid; vmids go from 100 to 999999999"),
        (
            {"poolid": "bad pool"},
            "Option 'poolid': 'bad pool' is not the id of a pool: up to three names of letters, digits, '.', '_' and "
            "'-', with '/' between them",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.container(200)
    modules.ok("pool", **DEV)
    assert modules.message("pool", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    assert modules.run("pool", poolid="nope/nested")["msg"] == (
        "Cannot create pool nope/nested: POST /pools: 500 create pool failed: parent 'nope' of pool 'nope/nested' "
        "does not exist."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/pool/dev": ["Pool.Allocate"]}
    assert modules.refusals(needed, "pool", poolid="dev") == {
        "Pool.Allocate on /pool/dev": f"Cannot create pool dev: POST /pools: {denied('Pool.Allocate', '/pool/dev')}"
    }
    modules.container(200)
    members = {"/vms/200": ["VM.Allocate", "VM.Audit"], "/storage/local": ["Datastore.Allocate", "Datastore.Audit"]}
    limited = modules.limited({**needed, **members})
    for wish in (DEV, {"poolid": "dev", "vms": [], "storage": []}, {"poolid": "dev", "state": "absent"}):
        limited.converge("pool", **wish)
