"""Module realm_sync_job against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

HOME: dict[str, Any] = {
    "realm": "home", "type": "ldap", "server1": "ldap.example", "base_dn": "dc=example", "user_attr": "uid",
}  # fmt: skip
PEOPLE: dict[str, Any] = {"id": "people", "realm": "home", "schedule": "daily", "scope": "users"}


@pytest.fixture
def home(modules: Modules) -> Modules:
    """With a directory."""
    modules.ok("realm", **HOME)
    return modules


def test_twelve_steps(home: Modules) -> None:
    made = home.converge("realm_sync_job", **PEOPLE, remove_vanished=["entry", "acl"], comment="People")
    assert made["realm_sync_job"] == {
        "realm": "home", "schedule": "daily", "scope": "users", "remove_vanished": ["acl", "entry"], "enabled": True,
        "comment": "People",
    }  # fmt: skip
    changed = home.converge("realm_sync_job", id="people", schedule="hourly", enabled=False, comment="")
    assert changed["plan"] == ["set comment, enabled, schedule of realm_sync_job people"]
    # A change that only removes.
    home.converge("realm_sync_job", id="people", remove_vanished=[])
    home.converge("realm_sync_job", id="people", state="absent")


def test_what_is_as_wished_costs_one_request(home: Modules) -> None:
    home.ok("realm_sync_job", **PEOPLE)
    home.unchanged("realm_sync_job", **PEOPLE)
    assert [(request.method, request.path) for request in home.lab.requests()] == [
        ("GET", "/cluster/jobs/realm-sync/people")
    ]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {**PEOPLE, "realm": "nope"},
            "There is no realm 'nope'. Check the name, or make it first (homelab.pve.realm); realms are home, pam, "
            "pve.",
        ),
        (
            {**PEOPLE, "realm": "pam"},
            "Cannot synchronize realm pam: it is of type pam, and only realms of type ldap and ad have users to fetch.",
        ),
        ({**PEOPLE, "schedule": None}, "Option 'schedule' is needed: realm_sync_job people does not exist yet."),
    ],
    ids=lambda value: str(value["realm"]) if isinstance(value, dict) else "",
)
def test_refusals(home: Modules, wish: dict[str, Any], message: str) -> None:
    assert home.message("realm_sync_job", **wish) == message


def test_what_proxmox_refuses(home: Modules) -> None:
    result = home.run("realm_sync_job", **{**PEOPLE, "schedule": "now and then"})
    assert result["msg"].startswith(
        "Cannot create realm_sync_job people: POST /cluster/jobs/realm-sync/people: 400 Parameter verification failed "
        "(schedule: "
    )


def test_least_privileges(home: Modules) -> None:
    needed = {"/": ["Sys.Audit"], "/access/realm/home": ["Realm.AllocateUser"], "/access/groups": ["User.Modify"]}
    what = "Cannot create realm_sync_job people: POST /cluster/jobs/realm-sync/people: "
    assert home.refusals(needed, "realm_sync_job", **PEOPLE) == {
        "Sys.Audit on /": f"GET /cluster/jobs/realm-sync/people: {denied('Sys.Audit', '/')}",
        "Realm.AllocateUser on /access/realm/home": what + denied("Realm.AllocateUser", "/access/realm/home"),
        "User.Modify on /access/groups": what + denied("User.Modify", "/access/groups"),
    }
    limited = home.limited(
        {"/": ["Sys.Audit", "Sys.Modify"], "/access/realm": ["Realm.AllocateUser"], "/access/groups": ["User.Modify"]}
    )
    for wish in (PEOPLE, {"id": "people", "comment": "x"}, {"id": "people", "state": "absent"}):
        limited.converge("realm_sync_job", **wish)
