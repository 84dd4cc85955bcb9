"""Planning an account at a certificate authority. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_account import ACME_ACCOUNT, info

from .reading import Table

PATH = "/cluster/acme/account/mine"
ANSWER = {
    "account": {"contact": ["mailto:b@example.com", "mailto:a@example.com"], "status": "valid"},
    "directory": "https://ca.example/directory",
    "location": "https://ca.example/acct/1",
    "tos": "https://ca.example/tos",
}
ACCOUNT = {
    "contact": ["a@example.com", "b@example.com"],
    "directory": "https://ca.example/directory",
    "location": "https://ca.example/acct/1",
    "status": "valid",
    "tos_url": "https://ca.example/tos",
}
HAVE = {**ACCOUNT, "contact": "a@example.com,b@example.com"}
NEW = {"contact": ["a@example.com"], "tos_url": "https://x", "eab_kid": "k", "eab_hmac_key": "topsecret"}


def plan(wish: dict[str, Any], have: dict[str, Any] | None) -> Any:
    return ACME_ACCOUNT.plan({"state": "present", "name": "mine", **wish}, have)


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            NEW,
            None,
            [
                (
                    "POST",
                    "/cluster/acme/account",
                    {"name": "mine", "contact": "a@example.com", "tos_url": "https://x", "eab-kid": "k",
                     "eab-hmac-key": "topsecret"},
                )
            ],
        ),
        ({**NEW, "contact": ["b@example.com", "a@example.com"]}, HAVE, []),
        ({"directory": "https://ca.example/directory"}, HAVE, []),
        ({"contact": ["c@example.com"]}, HAVE, [("PUT", PATH, {"contact": "c@example.com"})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)  # fmt: skip
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert [(step.verb, step.path, dict(step.params)) for step in plan(wish, have).steps] == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        ({}, None, "Option 'contact' is needed: acme_account mine does not exist yet."),
        ({"contact": []}, HAVE, "Option 'contact' can't be empty: an account has at least one address."),
        (
            {"directory": "https://other.example"},
            HAVE,
            "Cannot change directory of acme_account mine from https://ca.example/directory to https://other.example: "
            "Proxmox VE sets it only at creation. Keep the present value, or remove the acme_account first (state: "
            "absent) and create it anew.",
        ),
        ({**NEW, "directory": "ca"}, None, "Option 'directory': 'ca' is not of the form https://..."),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        plan(wish, have)
    assert str(error.value) == message


def test_secrets_are_not_shown() -> None:
    made = plan(NEW, None)
    assert "topsecret" not in f"{made.before} {made.after} {made.steps[0].reason}"


def test_what_the_authority_keeps_is_read() -> None:
    wish = {"name": "mine"}
    assert ACME_ACCOUNT.describe(Table({PATH: ANSWER}), wish) == HAVE
    assert ACME_ACCOUNT.result(HAVE) == {"acme_account": ACCOUNT}
    gone = PveError("GET", PATH, 400, "", errors={"name": "ACME account config file 'mine' does not exist."})
    assert ACME_ACCOUNT.describe(Table({PATH: gone}), wish) is None


def test_only_accounts_that_are_wanted_are_read() -> None:
    read = Table({"/cluster/acme/account": [{"name": "other"}, {"name": "mine"}], PATH: ANSWER})
    assert info(read, {"name": "mine"})["accounts"] == [{**ACCOUNT, "name": "mine"}]
    assert read.asked == ["/cluster/acme/account", PATH]
