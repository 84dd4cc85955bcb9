"""Module realm_sync against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

HOME: dict[str, Any] = {
    "realm": "home", "type": "ldap", "server1": "ldap.example", "base_dn": "dc=example", "user_attr": "uid",
}  # fmt: skip


@pytest.fixture
def home(modules: Modules) -> Modules:
    """With a directory."""
    modules.ok("realm", **HOME)
    return modules


def test_it_is_awaited_and_told(home: Modules) -> None:
    predicted = home.ok("realm_sync", check=True, realm="home", scope="both")
    assert home.lab.writes() == []
    done = home.ok("realm_sync", realm="home", scope="both", remove_vanished=["acl", "entry"])
    assert (predicted["changed"], predicted["plan"]) == (True, ["synchronize realm home"])
    assert (done["changed"], done["plan"], done["diff"]) == (True, predicted["plan"], predicted["diff"])
    assert "syncing groups (remove-vanished opts: acl;entry)" in done["log"]
    assert "auth-realm-sync:home" in done["upid"]


def test_a_trial_changes_nothing(home: Modules) -> None:
    home.ok("realm", realm="home", sync_defaults_options="scope=users")
    predicted = home.ok("realm_sync", check=True, realm="home", dry_run=True)
    assert home.lab.writes() == []
    done = home.ok("realm_sync", realm="home", dry_run=True)
    assert (done["changed"], predicted["changed"]) == (False, False)
    assert done["log"][0] == "(dry test run) starting sync for realm home"
    assert done["plan"] == ["try to synchronize realm home"]


def test_refusals(home: Modules) -> None:
    assert home.message("realm_sync", realm="nope") == (
        "There is no realm 'nope'. Check the name, or make it first (homelab.pve.realm); realms are home, pam, pve."
    )
    assert home.message("realm_sync", realm="pve") == (
        "Cannot synchronize realm pve: it is of type pve, and only realms of type ldap and ad have users to fetch."
    )


def test_what_proxmox_refuses(home: Modules) -> None:
    assert home.run("realm_sync", realm="home")["msg"] == (
        "Cannot synchronize realm home: POST /access/domains/home/sync: 400 Parameter verification failed (scope: Not "
        "passed as parameter and not defined in realm default sync options.).\nSet scope, or sync_defaults_options of "
        "the realm with a scope."
    )


def test_least_privileges(home: Modules) -> None:
    needed = {"/access/realm/home": ["Realm.AllocateUser"], "/access/groups": ["User.Modify"]}
    what = "Cannot synchronize realm home: POST /access/domains/home/sync: "
    assert home.refusals(needed, "realm_sync", realm="home", scope="users") == {
        "Realm.AllocateUser on /access/realm/home": what + denied("Realm.AllocateUser", "/access/realm/home"),
        "User.Modify on /access/groups": what + denied("User.Modify", "/access/groups"),
    }
    assert home.limited(needed).ok("realm_sync", realm="home", scope="users")["changed"]
