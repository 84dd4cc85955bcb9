"""Planning second factors. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.tfa_entry import TFA_ENTRY, one_time_password

from .reading import Table

PATH = "/access/tfa/alice%40pve"
URI = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PHONE = {"id": "p1", "type": "totp", "description": "phone", "created": 1, "enable": True}
KEYS = {"id": "recovery", "type": "recovery", "description": "", "created": 1, "enable": True}
HAVE = [PHONE, KEYS]
TOTP = {"type": "totp", "description": "phone"}


def plan(wish: dict[str, Any], have: list[dict[str, Any]]) -> Any:
    return TFA_ENTRY.plan({"state": "present", "userid": "alice@pve", **wish}, have)


# RFC 6238, appendix B, the last six digits.
@pytest.mark.parametrize(
    ("uri", "now", "shown"),
    [
        (URI, 59, "287082"),
        (URI, 1234567890, "005924"),
        (f"{URI}&digits=8", 1234567890, "89005924"),
        (f"{URI}&period=60", 118, "287082"),
        (f"{URI}GEZDGNBVGY3TQOJQGEZA&algorithm=SHA256&digits=8", 59, "46119246"),
    ],
)
def test_one_time_passwords(uri: str, now: int, shown: str) -> None:
    assert one_time_password(uri, now) == shown


@pytest.mark.parametrize(
    "uri", ["", "GEZDGNBV", "otpauth://totp/x", f"{URI}&period=0", f"{URI}&algorithm=MD5", "otpauth://totp/x?secret=1!"]
)
def test_what_is_no_uri(uri: str) -> None:
    with pytest.raises(ConfigError) as error:
        one_time_password(uri, 59)
    assert str(error.value) == (
        "Option 'totp': this is no URI of a one-time password, such as otpauth://totp/NAME?secret=BASE32&digits=6"
    )


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (TOTP, HAVE, []),
        ({**TOTP, "totp": URI, "enable": True}, HAVE, []),
        (
            {**TOTP, "totp": URI, "value": "123456"},
            [KEYS],
            [("POST", PATH, {**TOTP, "totp": URI, "value": "123456"})],
        ),
        ({"type": "recovery"}, [PHONE], [("POST", PATH, {"type": "recovery"})]),
        ({"type": "recovery"}, HAVE, []),
        (
            {"type": "yubico", "description": "key", "value": "cccc"},
            HAVE,
            [("POST", PATH, {"type": "yubico", "description": "key", "value": "cccc"})],
        ),
        ({**TOTP, "enable": False}, HAVE, [("PUT", f"{PATH}/p1", {"enable": 0})]),
        ({"id": "p1", "description": "old phone"}, HAVE, [("PUT", f"{PATH}/p1", {"description": "old phone"})]),
        (
            {"id": "p1", "description": "x", "user": "boss@pve", "password": "mine"},
            HAVE,
            [("PUT", f"{PATH}/p1", {"description": "x", "password": "mine"})],
        ),
        ({"type": "totp", "state": "absent"}, HAVE, [("DELETE", f"{PATH}/p1", {})]),
        (
            {"state": "absent", "user": "boss@pve", "password": "mine"},
            HAVE,
            [("DELETE", f"{PATH}/p1", {"password": "mine"}), ("DELETE", f"{PATH}/recovery", {"password": "mine"})],
        ),
        (
            {"state": "absent", "token_id": "root@pam!ci", "transport": "ssh"},
            [KEYS],
            [("DELETE", f"{PATH}/recovery", {})],
        ),
        ({"id": "nope", "state": "absent"}, HAVE, []),
        ({"state": "absent", "token_id": "root@pam!ci"}, [], []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: list[dict[str, Any]], expected: list[Any]) -> None:
    assert [(step.verb, step.path, dict(step.params)) for step in plan(wish, have).steps] == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {},
            "User alice@pve has 2 such second factors: p1, recovery. Set id to one of them.",
        ),
        (
            {"id": "nope"},
            "User alice@pve has no such second factor. Check the id, or set type to add one; module user_info with "
            "tfa: true lists them.",
        ),
        (
            {"type": "yubico", "description": "key"},
            "Option 'value' is needed: user alice@pve has no such second factor yet.",
        ),
        (
            {"type": "totp", "description": "tablet"},
            "Option 'totp' is needed: user alice@pve has no such second factor yet.",
        ),
        ({"type": "yubico"}, "Option 'description' is needed: user alice@pve has no such second factor yet."),
        (
            {"type": "webauthn", "description": "key"},
            "Cannot add a second factor of type webauthn: it takes the user and the device. Let the user do it in "
            "Proxmox VE's web interface.",
        ),
        (
            {"type": "totp", "description": "tablet", "totp": URI, "enable": False},
            "Option 'enable': Proxmox VE adds only second factors that are enabled. Disable it afterwards.",
        ),
        (
            {"state": "absent", "token_id": "root@pam!ci"},
            "Cannot change second factors of user alice@pve with the token root@pam!ci: Proxmox VE wants a login for "
            "that. Set user and password instead of the token.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        plan(wish, HAVE)
    assert str(error.value) == message


def test_secrets_are_not_shown() -> None:
    made = plan({**TOTP, "totp": URI}, [])
    assert "secret" not in f"{made.before} {made.after} {[step.reason for step in made.steps]}"


def test_recovery_keys_are_handed_out() -> None:
    assert TFA_ENTRY.told
    assert TFA_ENTRY.told({}, [{"id": "recovery", "recovery": ["a", "b"]}]) == {"recovery": ["a", "b"]}
    assert TFA_ENTRY.told({}, [{"id": "p1"}, None]) == {}


def test_what_is_told() -> None:
    bare = {name: value for name, value in PHONE.items() if name != "enable"}
    have = TFA_ENTRY.describe(Table({PATH: [KEYS, bare]}), {"userid": "alice@pve"})
    assert TFA_ENTRY.result(have) == {"entries": [PHONE, KEYS]}
