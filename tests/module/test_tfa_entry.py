"""Module tfa_entry against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import UNNAMED, Modules

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PHONE: dict[str, Any] = {
    "userid": "alice@pve", "type": "totp", "description": "phone", "totp": f"otpauth://totp/alice?secret={SECRET}",
}  # fmt: skip


@pytest.fixture
def login(modules: Modules) -> dict[str, Any]:
    """Options of a login with root's password; alice is there, too. One-time passwords go by the time of both sides."""
    modules.lab.clock.rate = 1
    modules.ok("user", userid="alice@pve", user_password="hers is long")
    return {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}


def test_twelve_steps(modules: Modules, login: dict[str, Any]) -> None:
    made = modules.converge("tfa_entry", **login, **PHONE)
    (entry,) = made["entries"]
    assert (entry["type"], entry["description"], entry["enable"]) == ("totp", "phone", True)
    assert SECRET not in str(made)
    (told,) = modules.ok("user_info", userid="alice@pve", tfa=True)["users"]
    assert told["tfa"] == made["entries"]
    changed = modules.converge(
        "tfa_entry", **login, userid="alice@pve", id=entry["id"], description="old", enable=False
    )
    assert changed["plan"] == ["set description, enable of second factor totp phone of user alice@pve"]
    modules.converge("tfa_entry", **login, userid="alice@pve", type="totp", state="absent")


def test_recovery_keys_are_told_once(modules: Modules, login: dict[str, Any]) -> None:
    made = modules.ok("tfa_entry", **login, userid="alice@pve", type="recovery")
    assert len(made["recovery"]) == 10
    assert "recovery" not in modules.unchanged("tfa_entry", **login, userid="alice@pve", type="recovery")


def test_all_are_taken(modules: Modules, login: dict[str, Any]) -> None:
    modules.ok("tfa_entry", **login, **PHONE)
    modules.ok("tfa_entry", **login, userid="alice@pve", type="recovery")
    gone = modules.converge("tfa_entry", **login, userid="alice@pve", state="absent")
    assert (len(gone["plan"]), gone["entries"]) == (2, [])


def test_refusals(modules: Modules, login: dict[str, Any]) -> None:
    assert modules.message("tfa_entry", **login, userid="nobody@pve", type="recovery").startswith(
        "GET /access/tfa/nobody%40pve: 500 no such user ('nobody@pve')"
    )
    assert modules.message("tfa_entry", **login, **{**PHONE, "totp": "123456"}) == (
        "Option 'totp': this is no URI of a one-time password, such as otpauth://totp/NAME?secret=BASE32&digits=6"
    )
    assert modules.message("tfa_entry", **PHONE).startswith(
        "Cannot change second factors of user alice@pve with the token root@pam!homelab: Proxmox VE wants a login"
    )


def test_what_proxmox_refuses(modules: Modules, login: dict[str, Any]) -> None:
    result = modules.run("tfa_entry", **login, **PHONE, value="000")
    assert result["msg"] == (
        "Cannot add second factor totp phone of user alice@pve: POST /access/tfa/alice%40pve: 500 failed to verify "
        "TOTP challenge."
    )


@pytest.mark.usefixtures("login")
def test_least_privileges(modules: Modules) -> None:
    modules.ok("user", userid="boss@pve", user_password="topsecret")
    modules.ok("role", roleid="Factors", privs=["User.Modify"])
    boss = {"token_id": None, "token_secret": None, "user": "boss@pve", "password": "topsecret"}
    assert modules.message("tfa_entry", **boss, **PHONE) == (f"GET /access/tfa/alice%40pve: {UNNAMED}")
    modules.ok("acl", path="/access/groups", users=["boss@pve"], roles=["Factors"])
    for wish in (PHONE, {**PHONE, "enable": False}, {"userid": "alice@pve", "state": "absent"}):
        modules.converge("tfa_entry", **boss, **wish)
