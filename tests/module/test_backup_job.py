"""Module backup_job against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

NIGHTLY: dict[str, Any] = {
    "id": "nightly",
    "schedule": "mon..fri 02:30",
    "all": True,
    "storage": "local",
    "mode": "snapshot",
    "compress": "zstd",
    "prune_backups": {"keep-last": 3, "keep-weekly": 2},
    "notes_template": "{{guestname}}",
    "fleecing": {"enabled": True, "storage": "local-lvm"},
    "exclude_path": ["/var/cache/*", "/tmp/a,b"],
}


def test_twelve_steps(modules: Modules) -> None:
    modules.container(200)
    made = modules.converge("backup_job", **NIGHTLY)
    assert made["plan"] == ["create backup job nightly"]
    assert made["job"] == {**NIGHTLY, "enabled": True}
    changed = modules.converge(
        "backup_job", id="nightly", vmid=[200], enabled=False, prune_backups="keep-last=7,keep-weekly=",
        notes_template="{{guestname}} on {{node}}", exclude_path=[], repeat_missed=True,
    )["job"]  # fmt: skip
    assert (changed["vmid"], changed["enabled"], changed["prune_backups"]) == ([200], False, {"keep-last": 7})
    assert {"all", "exclude_path"}.isdisjoint(changed)
    modules.converge("backup_job", id="nightly", state="absent")


def test_every_selection_replaces_the_others(modules: Modules) -> None:
    modules.container(200)
    modules.ok("pool", poolid="dev")
    modules.ok("backup_job", **NIGHTLY)
    selections: tuple[dict[str, Any], ...] = ({"vmid": [200]}, {"pool": "dev"}, {"all": True, "exclude": [200]})
    for wish in (*selections, selections[0]):
        job = modules.converge("backup_job", id="nightly", **wish)["job"]
        assert {name: job[name] for name in ("vmid", "pool", "all", "exclude") if job.get(name)} == wish


TOGETHER = "a backup job is about guests by vmid, those of a pool, or all but those of exclude."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"vmid": [999]}, "There is no guest with vmid 999. Check the vmid."),
        (
            {"storage": "nope"},
            "Storage 'nope' does not exist, or the login has no Datastore.Audit on /storage/nope. Check the name; "
            "the module storage_info lists the storages the login may see.",
        ),
        (
            {"pool": "nope", "all": None},
            "Pool 'nope' does not exist. Check the name; the module pool_info lists them.",
        ),
        (
            {"node": "ghost"},
            "There is no node 'ghost' in the cluster; its nodes are father. Check the option node.",
        ),
        (
            {"fleecing": "1,storage=fast"},
            "Storage 'fast' does not exist, or the login has no Datastore.Audit on /storage/fast. Check the name; the "
            "module storage_info lists the storages the login may see.",
        ),
        (
            {"schedule": "nonsense"},
            "Option 'schedule': 'nonsense' is no calendar event such as 'mon..fri 02:30' or '*/15': invalid calendar "
            "event 'nonsense' - unable to parse calendar event at 'nonsense'",
        ),
        ({"vmid": [200], "pool": "dev"}, f"Options 'vmid' and 'pool' do not go together: {TOGETHER}"),
        ({"id": "other", "all": True}, "Option 'schedule' is needed: backup job other does not exist yet."),
        (
            {"id": "other", "schedule": "daily"},
            "Option 'vmid', 'pool' or 'all' is needed: backup job other does not exist yet.",
        ),
        (
            {"prune_backups": "keep-most=1"},
            "Option 'prune_backups': unknown property 'keep-most'; known are keep-all, keep-daily, keep-hourly, "
            "keep-last, keep-monthly, keep-weekly, keep-yearly",
        ),
        ({"mode": "hot"}, "value of mode must be one of: snapshot, suspend, stop, got: hot"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("backup_job", **NIGHTLY)
    assert modules.message("backup_job", **{"id": "nightly", **wish}) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"], "/storage/local": ["Datastore.Audit", "Datastore.Allocate"]}
    refused = modules.refusals(needed, "backup_job", id="nightly", schedule="daily", all=True, storage="local")
    step, storage = "Cannot create backup job nightly: POST /cluster/backup: ", "/storage/local"
    assert refused == {
        "Sys.Audit on /": f"GET /cluster/backup/nightly: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": f"{step}{denied('Sys.Modify', '/')}",
        f"Datastore.Allocate on {storage}": f"{step}{denied('Datastore.Allocate', storage)}",
        f"Datastore.Audit on {storage}": (
            f"Storage 'local' does not exist, or the login has no Datastore.Audit on {storage}. Check the name; the "
            "module storage_info lists the storages the login may see."
        ),
    }
    fast = {"/storage/local-lvm": ["Datastore.Audit", "Datastore.AllocateSpace"]}
    limited = modules.limited({**needed, **fast})
    for wish in (NIGHTLY, {"id": "nightly", "enabled": False}, {"id": "nightly", "state": "absent"}):
        limited.converge("backup_job", **wish)
