"""Module backup against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

NOW: dict[str, Any] = {"storage": "local", "compress": "zstd", "notes_template": "{{guestname}} {{vmid}}"}
FRESH: dict[str, Any] = {**NOW, "max_age": 24}


def test_a_backup_is_made_unless_there_is_a_fresh_one(modules: Modules) -> None:
    modules.container(200)
    modules.ok("vm", vmid=100, name="web", clone="debian-12", state="stopped")
    made = modules.converge("backup", vmid=[100], **FRESH)
    assert made["plan"] == ["back up vm 100 on father to local"]
    (backup,) = made["backups"]
    assert backup["volid"].startswith("local:backup/vzdump-qemu-100-")
    assert backup["volid"].endswith(".vma.zst")
    assert (backup["vmid"], backup["notes"], backup["size"] > 0) == (100, "web 100", True)
    both = modules.converge("backup", vmid=[100, 200], **FRESH)
    assert both["plan"] == ["back up container 200 on father to local"]
    assert [item["vmid"] for item in both["backups"]] == [100, 200]
    assert both["diff"]["after"] == {"newest": {"container 200": "a new backup on local"}}


def test_what_is_fresh_costs_two_requests(modules: Modules) -> None:
    modules.container(200)
    modules.ok("backup", vmid=[200], **NOW)
    modules.ok("backup", vmid=[200], **FRESH)
    assert len(modules.lab.requests()) <= 2


def test_it_acts_each_time_otherwise(modules: Modules) -> None:
    modules.container(200)
    volids = [modules.ok("backup", vmid=[200], **NOW)["backups"][0]["volid"] for _ in range(2)]
    assert volids[0] < volids[1]
    kept = modules.ok("backup", exclude=[100], prune_backups={"keep-last": 1}, **NOW)["backups"]
    assert [item["volid"] for item in modules.ok("backup_info", vmid=200)["backups"]] == [kept[0]["volid"]]


def test_a_guest_that_fails_hides_no_other(modules: Modules) -> None:
    modules.container(200)
    modules.container(201)
    modules.lab.api.guest(200).lock = "snapshot"
    result = modules.run("backup", vmid=[200, 201], **NOW)
    head, *_log, failed, done, advice = result["msg"].splitlines()
    assert head.startswith(
        "Cannot back up container 200, container 201 on father to local: The task failed: job errors"
    )
    assert failed == "VM 200 failed: CT is locked (snapshot)"
    assert done == "Backed up: VM 201."
    assert advice == (
        "Something else is at work on the guest, or was interrupted. If nothing is, remove the lock on its node with "
        "'qm unlock' or 'pct unlock' and the vmid."
    )
    assert [item["vmid"] for item in modules.ok("backup_info")["backups"]] == [201]


def test_a_cluster_runs_a_task_on_each_node(cluster: Modules) -> None:
    cluster.container(200)
    cluster.ok("vm", vmid=100, name="web", node="mother", state="stopped")
    assert cluster.ok("backup", exclude=[9000, 9001], storage="local")["plan"] == [
        "back up container 200 on father to local",
        "back up vm 100 on mother to local",
    ]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"vmid": [999]}, "There is no guest with vmid 999. Check the vmid."),
        (
            {"vmid": [200], "storage": "nope"},
            "Storage 'nope' does not exist on node father, or the login has neither Datastore.Audit nor "
            "Datastore.AllocateSpace on /storage/nope. Check the name; the module storage_info lists the storages the "
            "login may see.",
        ),
        (
            {"vmid": [200], "storage": "local-lvm"},
            "Storage 'local-lvm' does not take backups: its content is images, rootdir. Add backup with the option "
            "content of the module storage, or use another storage.",
        ),
        ({"pool": "nope"}, "Pool 'nope' does not exist. Check the name; the module pool_info lists them."),
        (
            {"vmid": [200], "all": True},
            "Options 'vmid' and 'all' do not go together: a backup is about guests by vmid, those of a pool, or all "
            "but those of exclude.",
        ),
        ({}, "Option 'vmid', 'pool', 'all' or 'exclude' is needed: it says which guests are backed up."),
        ({"vmid": [200], "mode": "hot"}, "value of mode must be one of: snapshot, suspend, stop, got: hot"),
        (
            {"vmid": [200], "prune_backups": {"keep-most": 1}},
            "Option 'prune_backups': unknown property 'keep-most'; known are keep-all, keep-daily, keep-hourly, "
            "keep-last, keep-monthly, keep-weekly, keep-yearly",
        ),
        ({"vmid": [200], "max_age": -1}, "Option 'max_age': -1.0 is not 0 or more"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.container(200)
    assert modules.message("backup", **{"storage": "local", **wish}) == message


def test_least_privileges(modules: Modules) -> None:
    modules.container(200)
    needed = {"/vms/200": ["VM.Audit", "VM.Backup"], "/storage/local": ["Datastore.AllocateSpace"]}
    wish: dict[str, Any] = {"vmid": [200], **FRESH}
    refused = modules.refusals(needed, "backup", **wish)
    assert refused["VM.Audit on /vms/200"].startswith("The guest with vmid 200 is hidden from the login.")
    assert refused["VM.Backup on /vms/200"].endswith(
        "Grant VM.Backup on the guest to the user, and to the token if it has privilege separation."
    )
    assert "403 Permission check failed (/storage/local, " in refused["Datastore.AllocateSpace on /storage/local"]
    modules.limited(needed).converge("backup", **wish)
    more = {**needed, "/": ["Sys.Modify"], "/storage/local": ["Datastore.AllocateSpace", "Datastore.Allocate"]}
    wish = {"vmid": [200], "storage": "local", "bwlimit": 1000, "prune_backups": "keep-last=1"}
    assert modules.limited(more).ok("backup", **wish)["changed"]
    step = "Cannot back up container 200 on father to local: POST /nodes/father/vzdump: "
    for path, privilege in (("/", "Sys.Modify"), ("/storage/local", "Datastore.Allocate")):
        left = {**more, path: [name for name in more[path] if name != privilege]}
        assert modules.limited(left).run("backup", **wish)["msg"] == step + denied(privilege, path)
