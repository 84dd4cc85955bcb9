"""Module realm_sync_job_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

HOME: dict[str, Any] = {
    "realm": "home", "type": "ldap", "server1": "ldap.example", "base_dn": "dc=example", "user_attr": "uid",
}  # fmt: skip
PEOPLE: dict[str, Any] = {
    "id": "people", "realm": "home", "schedule": "daily", "scope": "users", "remove_vanished": ["acl"],
}  # fmt: skip


@pytest.fixture
def jobs(modules: Modules) -> Modules:
    """With a job."""
    modules.ok("realm", **HOME)
    modules.ok("realm_sync_job", **PEOPLE)
    return modules


def test_what_is_told(jobs: Modules) -> None:
    (found,) = jobs.unchanged("realm_sync_job_info")["jobs"]
    times = {name: found.pop(name) for name in ("last_run", "next_run") if name in found}
    assert found == {**PEOPLE, "enabled": True}
    assert all(isinstance(when, int) for when in times.values())
    # As it is told, it can be declared again.
    jobs.unchanged("realm_sync_job", **found)


@pytest.mark.parametrize(
    ("wish", "names"), [({"realm": "home"}, ["people"]), ({"id": "nope"}, []), ({"realm": "pve"}, [])]
)
def test_criteria(jobs: Modules, wish: dict[str, Any], names: list[str]) -> None:
    assert [row["id"] for row in jobs.unchanged("realm_sync_job_info", **wish)["jobs"]] == names


def test_least_privileges(jobs: Modules) -> None:
    needed = {"/": ["Sys.Audit"]}
    assert jobs.refusals(needed, "realm_sync_job_info") == {
        "Sys.Audit on /": f"GET /cluster/jobs/realm-sync: {denied('Sys.Audit', '/')}"
    }
    assert jobs.limited(needed).ok("realm_sync_job_info")["jobs"]
