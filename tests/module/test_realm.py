"""Module realm against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

LDAP: dict[str, Any] = {
    "realm": "home", "type": "ldap", "server1": "ldap.example", "base_dn": "dc=example", "user_attr": "uid",
    "bind_dn": "cn=pve", "bind_password": "topsecret",
}  # fmt: skip
SSO: dict[str, Any] = {
    "realm": "sso", "type": "openid", "issuer_url": "https://sso.example", "client_id": "pve",
    "client_key": "topsecret", "username_claim": "username",
}  # fmt: skip


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("realm", **LDAP, server_port=636, mode="ldaps", sync_defaults_options={"scope": "both"})
    assert made["realm"] == {
        "type": "ldap", "server1": "ldap.example", "base_dn": "dc=example", "user_attr": "uid", "bind_dn": "cn=pve",
        "server_port": 636, "mode": "ldaps", "sync_defaults_options": {"scope": "both"},
    }  # fmt: skip
    assert "topsecret" not in str(made)
    changed = modules.converge("realm", realm="home", server_port=389, bind_dn="", comment="Home", verify=True)
    assert changed["plan"] == ["set bind_dn, comment, server_port, verify of realm home"]
    assert "bind_dn" not in changed["realm"]
    modules.converge("realm", realm="home", state="absent")


def test_what_is_as_wished_costs_one_request(modules: Modules) -> None:
    modules.ok("realm", **LDAP)
    modules.ok("realm", **LDAP)
    assert [(request.method, request.path) for request in modules.lab.requests()] == [("GET", "/access/domains/home")]


def test_a_provider(modules: Modules) -> None:
    made = modules.converge("realm", **SSO, autocreate=True, groups_claim="groups")
    assert "topsecret" not in str(made)
    assert made["realm"]["username_claim"] == "username"
    changed = modules.converge("realm", realm="sso", client_key="another secret", default=True)
    assert changed["diff"]["after"] == {"client_key": "********", "default": 1}
    assert "another secret" not in str(changed)
    modules.converge("realm", realm="sso", client_key="")


def test_a_password_is_set_by_policy(modules: Modules) -> None:
    modules.ok("realm", **LDAP)
    modules.unchanged("realm", **{**LDAP, "bind_password": "another secret"})
    changed = modules.ok("realm", **{**LDAP, "bind_password": "another secret"}, update_password="always")
    assert (changed["changed"], changed["plan"]) == (True, ["set bind_password of realm home"])
    removed = modules.ok("realm", realm="home", bind_password="", update_password="always")
    assert removed["plan"] == ["remove the password of realm home"]
    assert "secret" not in f"{changed} {removed}"


def test_an_own_realm(modules: Modules) -> None:
    made = modules.converge("realm", realm="pve", comment="Ours", default=True, tfa={"type": "oath", "step": 60})
    assert made["realm"] == {
        "type": "pve", "comment": "Ours", "default": True, "tfa": {"type": "oath", "step": 60},
    }  # fmt: skip
    back = modules.converge("realm", realm="pve", comment="", default=False, tfa={})
    assert back["realm"]["comment"] == "Proxmox VE authentication server"
    assert "tfa" not in back["realm"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"realm": "pam", "state": "absent"},
            "Cannot remove realm pam: it is Proxmox VE's own, and always there.",
        ),
        ({"realm": "home", "server1": "x"}, "Option 'type' is needed: realm home does not exist yet."),
        ({**LDAP, "base_dn": None}, "Option 'base_dn' is needed: realm home does not exist yet."),
        ({**LDAP, "client_id": "x"}, "Option 'client_id' is not for realms of type ldap, but for openid."),
        ({**LDAP, "server_port": 70000}, "Option 'server_port': 70000 is not from 1 to 65535"),
        (
            {**LDAP, "sync_defaults_options": {"scope": "all"}},
            "Option 'sync_defaults_options': scope: 'all' is none of users, groups, both",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("realm", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("realm", **{**LDAP, "realm": "h"})
    assert result["msg"].startswith("GET /access/domains/h: 400 Parameter verification failed (realm: ")


def test_least_privileges(modules: Modules) -> None:
    needed = {"/access/realm": ["Realm.Allocate"]}
    message = denied("Realm.Allocate or Sys.Audit", "/access/realm")
    assert modules.refusals(needed, "realm", **LDAP) == {
        "Realm.Allocate on /access/realm": f"GET /access/domains/home: {message}"
    }
    limited = modules.limited(needed)
    for wish in (LDAP, {"realm": "home", "comment": "x"}, {"realm": "home", "state": "absent"}):
        limited.converge("realm", **wish)
