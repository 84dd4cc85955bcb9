"""Planning to fetch a directory's users and groups. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm_sync import REALM_SYNC, REALM_SYNC_JOB, info

from .reading import Table

PATH = "/cluster/jobs/realm-sync/people"
REALMS = [{"realm": "pve", "type": "pve"}, {"realm": "home", "type": "ldap"}]
NEW = {"realm": "home", "schedule": "daily", "scope": "both"}
HAVE = {"type": "realm-sync", **NEW, "remove-vanished": "none", "comment": "x"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = REALM_SYNC_JOB.plan({"state": "present", "id": "people", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (NEW, None, [("POST", PATH, NEW)]),
        ({**NEW, "remove_vanished": []}, None, [("POST", PATH, NEW)]),
        (
            {**NEW, "remove_vanished": ["entry", "acl"]},
            None,
            [("POST", PATH, {**NEW, "remove-vanished": "acl;entry"})],
        ),
        ({**NEW, "remove_vanished": [], "enable_new": True, "enabled": True, "comment": "x"}, HAVE, []),
        ({"remove_vanished": ["acl"]}, HAVE, [("PUT", PATH, {"schedule": "daily", "remove-vanished": "acl"})]),
        ({"remove_vanished": ["acl", "entry"]}, {**HAVE, "remove-vanished": "entry;acl"}, []),
        (
            {"remove_vanished": []},
            {**HAVE, "remove-vanished": "entry"},
            [("PUT", PATH, {"schedule": "daily", "delete": "remove-vanished"})],
        ),
        # Proxmox VE takes no change that only removes.
        ({"comment": ""}, HAVE, [("PUT", PATH, {"schedule": "daily", "delete": "comment"})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps_of_a_job(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize("option", ["realm", "schedule", "scope"])
def test_what_a_job_needs(option: str) -> None:
    with pytest.raises(ConfigError) as error:
        steps({**NEW, option: None}, None)
    assert str(error.value) == f"Option '{option}' is needed: realm_sync_job people does not exist yet."


def test_the_realm_of_a_job_stays() -> None:
    with pytest.raises(RefusedError, match="Cannot change realm of realm_sync_job people from home to other"):
        steps({"realm": "other"}, HAVE)


def test_the_realm_of_a_new_job_is_looked_at() -> None:
    gone = PveError("GET", PATH, 400, "", errors={"id": "No such job 'people'"})
    wish = {"state": "present", "id": "people", "realm": "home"}
    read = Table({PATH: gone, "/access/domains": REALMS})
    assert REALM_SYNC_JOB.describe(read, wish) is None
    assert read.asked == [PATH, "/access/domains"]
    known = Table({PATH: HAVE})
    assert REALM_SYNC_JOB.describe(known, wish) == HAVE


@pytest.mark.parametrize(
    ("realm", "message"),
    [
        (
            "nope",
            "There is no realm 'nope'. Check the name, or make it first (homelab.pve.realm); realms are home, pve.",
        ),
        (
            "pve",
            "Cannot synchronize realm pve: it is of type pve, and only realms of type ldap and ad have users to fetch.",
        ),
    ],
)
def test_realms_without_users_to_fetch_are_refused(realm: str, message: str) -> None:
    with pytest.raises(RefusedError) as error:
        REALM_SYNC.describe(Table({"/access/domains": REALMS}), {"realm": realm})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("wish", "params", "extra"),
    [
        ({}, {}, {}),
        ({"scope": "users", "enable_new": False}, {"scope": "users", "enable-new": 0}, {}),
        ({"remove_vanished": []}, {"remove-vanished": "none"}, {}),
        (
            {"dry_run": True, "remove_vanished": ["entry", "acl"]},
            {"remove-vanished": "acl;entry", "dry-run": 1},
            {"changed": False},
        ),
    ],
)
def test_the_step_of_now(wish: dict[str, Any], params: dict[str, Any], extra: dict[str, Any]) -> None:
    made = REALM_SYNC.plan({"realm": "home", "dry_run": False, **wish}, {})
    (step,) = made.steps
    assert (step.verb, step.path, dict(step.params)) == ("POST", "/access/domains/home/sync", params)
    assert made.extra == extra


def test_what_the_task_said_is_told() -> None:
    upid = "UPID:father:00000001:00000001:6B003611:auth-realm-sync:home:root@pam:"
    path = "/nodes/father/tasks/UPID%3Afather%3A00000001%3A00000001%3A6B003611%3Aauth-realm-sync%3Ahome%3Aroot%40pam%3A"
    (step,) = REALM_SYNC.plan({"realm": "home", "dry_run": False}, {}).steps
    assert step.follow
    answer = step.follow(Table({f"{path}/log": [{"n": 1, "t": "syncing users"}, {"n": 2, "t": ""}]}), upid, 1)
    assert REALM_SYNC.told
    assert REALM_SYNC.told({"dry_run": False}, [answer]) == {"upid": upid, "log": ["syncing users"]}
    assert REALM_SYNC.told({"dry_run": True}, []) == {"changed": False}


@pytest.mark.parametrize(
    ("wish", "found"), [({}, ["all", "people"]), ({"realm": "home"}, ["people"]), ({"id": "all"}, ["all"])]
)
def test_jobs_are_listed(wish: dict[str, Any], found: list[str]) -> None:
    rows = [{**HAVE, "id": "people", "next-run": 1800000000}, {"id": "all", "realm": "other", "schedule": "daily"}]
    jobs = info(Table({"/cluster/jobs/realm-sync": rows}), wish)["jobs"]
    assert [job["id"] for job in jobs] == found
    assert [job.get("next_run") for job in jobs if job["id"] == "people"] in ([], [1800000000])
