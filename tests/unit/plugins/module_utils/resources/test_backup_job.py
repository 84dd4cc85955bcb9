"""Planning a backup job. Pure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backup_job import BACKUP_JOB, FIELDS

from .reading import Table, row

PATH = "/cluster/backup/nightly"
JOB = {
    "id": "nightly", "type": "vzdump", "enabled": 1, "schedule": "02:30", "vmid": "201,202", "storage": "local",
    "prune-backups": {"keep-last": "3"}, "fleecing": {"enabled": 1, "storage": "local"}, "repeat-missed": 0,
    "exclude-path": ["/tmp/x"], "compress": "zstd",
}  # fmt: skip
ALL = {"id": "nightly", "type": "vzdump", "enabled": 1, "schedule": "02:30", "all": 1, "exclude": "105"}
NEW = {"schedule": "daily", "all": True}


def wished(**more: Any) -> dict[str, Any]:
    return {"state": "present", "id": "nightly", **more}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = BACKUP_JOB.plan(wished(**wish), have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "params"),
    [
        ({}, JOB, None),
        (
            {"vmid": [202, 201], "prune_backups": "keep-last=3", "fleecing": "1,storage=local", "enabled": True,
             "exclude_path": ["/tmp/x"], "repeat_missed": False, "all": False, "pool": "", "exclude": []},
            JOB, None,
        ),
        ({"enabled": False, "vmid": [201]}, JOB, {"enabled": 0, "vmid": "201"}),
        ({"fleecing": "", "exclude_path": []}, JOB, {"delete": "exclude-path,fleecing"}),
        ({"exclude_path": ["/a", "/b,c"]}, JOB, {"exclude-path": ["/a", "/b,c"]}),
        ({"prune_backups": {"keep-daily": 7, "keep-last": ""}}, JOB, {"prune-backups": "keep-daily=7"}),
        ({"all": True}, JOB, {"all": 1, "delete": "vmid"}),
        ({"pool": "dev"}, ALL, {"pool": "dev", "all": 0, "delete": "exclude"}),
        ({"vmid": [100]}, ALL, {"vmid": "100", "all": 0, "delete": "exclude"}),
        ({"exclude": [106]}, ALL, {"exclude": "106"}),
        ({"notes_template": "{{guestname}}"}, JOB, {"notes-template": "{{guestname}}", "storage": "local"}),
        ({"protected": True, "storage": "nas"}, JOB, {"protected": 1, "storage": "nas"}),
        # A node's vzdump.conf may say otherwise: what PVE has as its default is written down.
        ({"mode": "snapshot"}, JOB, {"mode": "snapshot"}),
    ],
    ids=str,
)  # fmt: skip
def test_changes(wish: dict[str, Any], have: dict[str, Any], params: dict[str, Any] | None) -> None:
    assert steps(wish, have) == ([] if params is None else [("PUT", PATH, params)])


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (NEW, None, [("POST", "/cluster/backup", {"id": "nightly", "schedule": "daily", "all": 1})]),
        (
            {"schedule": "daily", "exclude": [100]},
            None,
            [("POST", "/cluster/backup", {"id": "nightly", "schedule": "daily", "exclude": "100"})],
        ),
        ({"state": "absent"}, JOB, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_coming_and_going(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"all": True}, "Option 'schedule' is needed: backup job nightly does not exist yet."),
        ({"schedule": "daily"}, "Option 'vmid', 'pool' or 'all' is needed: backup job nightly does not exist yet."),
        ({**NEW, "ionice": 9}, "Option 'ionice': 9 is not from 0 to 8"),
        ({**NEW, "fleecing": "on=1"}, "Option 'fleecing': unknown property 'on'; known are enabled, storage"),
        ({**NEW, "performance": "max-workers=0"}, "Option 'performance': max-workers: 0 is not from 1 to 256"),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        steps(wish, None)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"vmid": [100]}, {"pool": "dev"}),
        ({"vmid": [100]}, {"all": True}),
        ({"vmid": [100]}, {"exclude": [101]}),
        ({"pool": "dev"}, {"all": True}),
        ({"pool": "dev"}, {"exclude": [101]}),
    ],
    ids=str,
)
def test_two_selections(one: dict[str, Any], other: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^Options '\w+' and '\w+' do not go together: "):
        BACKUP_JOB.describe(Table({PATH: JOB}), wished(**one, **other))


NONE = PveError("GET", PATH, 400, "Parameter verification failed.", errors={"id": "No such job 'nightly'"})


def test_what_is_read() -> None:
    reader = Table({PATH: JOB, "/cluster/resources": [row(100)], "/storage": [{"storage": "nas"}]})
    assert BACKUP_JOB.describe(reader, wished(vmid=[201, 202], storage="local")) == JOB
    assert reader.asked == [PATH]
    assert BACKUP_JOB.describe(reader, wished(vmid=[100], storage="nas")) == JOB
    with pytest.raises(RefusedError):
        BACKUP_JOB.describe(reader, wished(storage="nope"))
    assert BACKUP_JOB.describe(Table({PATH: NONE}), wished(all=True)) is None
    with pytest.raises(PveError):
        BACKUP_JOB.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), wished(all=True))


def test_values_are_ours() -> None:
    assert BACKUP_JOB.result(JOB)["job"] == {
        "id": "nightly", "enabled": True, "schedule": "02:30", "vmid": [201, 202], "storage": "local",
        "prune_backups": {"keep-last": 3}, "fleecing": {"enabled": True, "storage": "local"}, "repeat_missed": False,
        "exclude_path": ["/tmp/x"], "compress": "zstd",
    }  # fmt: skip


SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"
LEFT_OUT = {"starttime", "dow", "maxfiles", "stop"}


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")
def test_every_option_of_the_schema_is_here() -> None:
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    creation = schema["/cluster/backup"]["POST"]["parameters"]
    change = schema["/cluster/backup/{id}"]["PUT"]["parameters"]
    assert (
        {item.key for item in FIELDS} == set(creation) - {"id"} - LEFT_OUT == set(change) - {"id", "delete"} - LEFT_OUT
    )
