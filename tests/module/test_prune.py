"""Module prune against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

LAST: dict[str, Any] = {"storage": "local", "prune_backups": {"keep-last": 1}}


@pytest.fixture
def backed_up(modules: Modules) -> Modules:
    """Two containers with three backups and one; the oldest of the first is protected."""
    for vmid, protections in ((200, (True, False, False)), (201, (False,))):
        modules.container(vmid)
        for protected in protections:
            modules.ok("backup", vmid=[vmid], storage="local", protected=protected)
    return modules


def volids(modules: Modules, vmid: int) -> list[str]:
    return [row["volid"] for row in modules.ok("backup_info", vmid=vmid)["backups"]]


def test_what_is_old_goes_and_what_is_protected_stays(backed_up: Modules) -> None:
    newest, old, protected = volids(backed_up, 200)
    (other,) = volids(backed_up, 201)
    foretold = backed_up.ok("prune", check=True, **LAST)
    pruned = backed_up.converge("prune", **LAST)
    assert pruned["plan"] == [f"remove 1 of 4 backups on local: {old}"]
    names = ("removed", "kept", "protected")
    assert {name: pruned[name] for name in names} == {name: foretold[name] for name in names}
    assert [pruned[name] for name in names] == [[old], [newest, other], [protected]]
    assert volids(backed_up, 200) == [newest, protected]


def test_it_costs_two_requests(backed_up: Modules) -> None:
    backed_up.unchanged("prune", vmid=201, **LAST)
    assert len(backed_up.lab.requests()) <= 2


def test_one_guest_or_kind(backed_up: Modules) -> None:
    backed_up.unchanged("prune", vmid=201, **LAST)
    backed_up.unchanged("prune", type="qemu", **LAST)
    backed_up.converge("prune", type="lxc", vmid=200, **LAST)


def test_the_storages_own_retention(backed_up: Modules) -> None:
    backed_up.ok("storage", storage="local", prune_backups="keep-last=2")
    backed_up.unchanged("prune", storage="local")
    backed_up.ok("storage", storage="local", prune_backups="keep-last=1")
    backed_up.converge("prune", storage="local")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"prune_backups": None},
            "Cannot prune the backups on local: no prune-backups options configured for storage 'local'. Set "
            "prune_backups to what is to be kept, or give the storage a retention of its own with the module storage.",
        ),
        (
            {"storage": "local-lvm"},
            "Cannot prune the backups on local-lvm: storage 'local-lvm' does not support backups. Use a storage whose "
            "content has backup in it; the module storage_info lists them.",
        ),
        (
            {"storage": "nope"},
            "Storage 'nope' does not exist, or the login has no Datastore.Audit on /storage/nope. Check the name; the "
            "module storage_info lists the storages the login may see.",
        ),
        (
            {"prune_backups": "keep-forever=1"},
            "Option 'prune_backups': unknown property 'keep-forever'; known are keep-all, keep-daily, keep-hourly, "
            "keep-last, keep-monthly, keep-weekly, keep-yearly",
        ),
        ({"vmid": 7}, "Option 'vmid': 7 is not from 100 to 999999999"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("prune", **{**LAST, **wish}) == message


def test_a_cluster_has_many_storages_of_a_name(cluster: Modules) -> None:
    assert cluster.message("prune", **LAST) == (
        "Option 'node' is needed to say whose backups are pruned: the nodes father, mother, son each have a storage "
        "'local' of their own."
    )
    cluster.unchanged("prune", node="mother", **LAST)


def test_least_privileges(backed_up: Modules) -> None:
    wish: dict[str, Any] = {**LAST, "vmid": 200, "node": "father"}
    needed = {"/storage/local": ["Datastore.AllocateSpace"], "/vms/200": ["VM.Backup"]}
    refused = backed_up.refusals(needed, "prune", **wish)
    assert "403 Permission check failed (/storage/local, " in refused["Datastore.AllocateSpace on /storage/local"]
    assert "(/vms/200, VM.Backup). Grant VM.Backup on /vms/200" in refused["VM.Backup on /vms/200"]
    backed_up.limited(needed).converge("prune", **wish)
    backed_up.ok("backup", vmid=[201], storage="local")
    every = {"/storage/local": ["Datastore.Audit", "Datastore.Allocate"]}
    refused = backed_up.refusals(every, "prune", **LAST)
    assert "has no Datastore.Audit on /storage/local" in refused["Datastore.Audit on /storage/local"]
    assert "(/storage/local, Datastore.Allocate)." in refused["Datastore.Allocate on /storage/local"]
    backed_up.limited(every).converge("prune", **LAST)
