"""Planning a realm. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm import REALM, info

from .reading import Table

PATH = "/access/domains/home"
LDAP = {"type": "ldap", "server1": "a.example", "base_dn": "dc=x", "user_attr": "uid", "digest": "d1"}
OPENID = {"type": "openid", "issuer_url": "https://sso.example", "client_id": "pve"}
SSO = {"type": "openid", "issuer-url": "https://sso.example", "client-id": "pve", "client-key": "old", "digest": "d1"}
YUBICO = {"tfa": "type=yubico,id=1,key=topsecret"}
ALWAYS = {"update_password": "always"}
DIGEST = {"digest": "d1"}


def plan(wish: dict[str, Any], have: dict[str, Any] | None) -> Any:
    return REALM.plan({"state": "present", "realm": "home", **wish}, have)


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in plan(wish, have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            {"type": "ad", "server1": "a", "domain": "example", "check_connection": True, "bind_password": "pw"},
            None,
            [
                (
                    "POST",
                    "/access/domains",
                    {"realm": "home", "type": "ad", "server1": "a", "domain": "example", "password": "pw",
                     "check-connection": 1},
                )
            ],
        ),
        ({"server1": "a.example", "bind_password": "pw", "verify": False, "capath": "/etc/ssl/certs"}, LDAP, []),
        ({"user_classes": ["user", "person", "posixaccount", "inetorgperson"]}, LDAP, []),
        ({"sync_defaults_options": {"enable_new": True, "remove_vanished": "none"}}, LDAP, []),
        ({"bind_password": "pw", **ALWAYS}, LDAP, [("PUT", PATH, {"password": "pw", **DIGEST})]),
        ({"bind_password": "", **ALWAYS}, LDAP, [("PUT", PATH, {"delete": "password", **DIGEST})]),
        (
            {"bind_password": "", "comment": "", **ALWAYS},
            {**LDAP, "comment": "x"},
            [("PUT", PATH, {"delete": "comment,password", **DIGEST})],
        ),
        (
            {"server_port": 636, "check_connection": True, "case_sensitive": False},
            LDAP,
            [("PUT", PATH, {"port": 636, "case-sensitive": 0, "check-connection": 1, **DIGEST})],
        ),
        (
            {"sync_defaults_options": {"remove-vanished": ["entry", "acl"]}},
            {**LDAP, "sync-defaults-options": "scope=both"},
            [("PUT", PATH, {"sync-defaults-options": "remove-vanished=acl;entry,scope=both", **DIGEST})],
        ),
        ({"sync_attributes": "email=mail"}, {**LDAP, "sync_attributes": "email=mail"}, []),
        ({"client_key": "old"}, SSO, []),
        ({"client_key": "new"}, SSO, [("PUT", PATH, {"client-key": "new", **DIGEST})]),
        ({"tfa": {"type": "yubico", "id": "1", "key": "topsecret"}}, {**LDAP, **YUBICO}, []),
        (
            {"tfa": {"type": "yubico", "id": "2", "key": None}},
            {**LDAP, **YUBICO},
            [("PUT", PATH, {"tfa": "id=2,key=topsecret,type=yubico", **DIGEST})],
        ),
        (
            {"tfa": {"type": "oath", "step": 60}},
            {**LDAP, **YUBICO},
            [("PUT", PATH, {"tfa": "step=60,type=oath", **DIGEST})],
        ),
        ({"tfa": {"type": None}}, {**LDAP, **YUBICO}, [("PUT", PATH, {"delete": "tfa", **DIGEST})]),
        ({"state": "absent"}, LDAP, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)  # fmt: skip
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_the_comment_of_an_own_realm_is_never_empty() -> None:
    own = {"type": "pve", "comment": "Proxmox VE authentication server", "digest": "d1"}
    assert steps({"realm": "pve", "comment": ""}, own) == []
    back = {"comment": "Proxmox VE authentication server", **DIGEST}
    assert steps({"realm": "pve", "comment": ""}, {**own, "comment": "x"}) == [("PUT", "/access/domains/pve", back)]


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        ({}, None, "Option 'type' is needed: realm home does not exist yet."),
        (
            {"type": "ldap", "server1": "a", "base_dn": "x"},
            None,
            "Option 'user_attr' is needed: realm home does not exist yet.",
        ),
        ({**OPENID, "verify": True}, None, "Option 'verify' is not for realms of type openid, but for ldap and ad."),
        ({"domain": "x"}, LDAP, "Option 'domain' is not for realms of type ldap, but for ad."),
        ({"base_dn": ""}, LDAP, "Option 'base_dn' can't be empty: a realm of type ldap needs it."),
        (
            {"type": "pam"},
            None,
            "Cannot create realm home of type pam: there is only Proxmox VE's own, pam.",
        ),
        (
            {"realm": "pve", "state": "absent"},
            {"type": "pve"},
            "Cannot remove realm pve: it is Proxmox VE's own, and always there.",
        ),
        (
            OPENID,
            LDAP,
            "Cannot change type of realm home from ldap to openid: Proxmox VE sets it only at creation. Keep the "
            "present value, or remove the realm first (state: absent) and create it anew.",
        ),
        ({"tfa": {"type": "oath", "digits": 9}}, LDAP, "Option 'tfa': digits: 9 is not from 6 to 8"),
        (
            {"sync_attributes": {"mail": "email"}},
            LDAP,
            "Option 'sync_attributes': unknown property 'mail'; known are comment, email, enable, expire, firstname, "
            "keys, lastname",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        plan(wish, have)
    assert str(error.value) == message


def test_secrets_are_not_shown() -> None:
    have = {**SSO, **YUBICO}
    assert REALM.result(have)["realm"]["tfa"] == {"type": "yubico", "id": "1"}
    made = plan({"client_key": "new"}, have)
    assert (made.before, made.after) == ({"client_key": "********"}, {"client_key": "********"})
    assert "old" not in str(REALM.result(have))


def test_absence_is_what_proxmox_says() -> None:
    gone = PveError("GET", PATH, 500, "domain 'home' does not exist")
    assert REALM.describe(Table({PATH: gone}), {"realm": "home"}) is None


def test_info_reads_only_what_is_wanted() -> None:
    rows = [{"realm": "pve", "type": "pve"}, {"realm": "home", "type": "ldap"}]
    read = Table({"/access/domains": rows, PATH: {**LDAP, "verify": 1}})
    found = info(read, {"type": "ldap"})["realms"]
    assert read.asked == ["/access/domains", PATH]
    kept = {name: value for name, value in LDAP.items() if name != "digest"}
    assert found == [{**kept, "verify": True, "realm": "home"}]
