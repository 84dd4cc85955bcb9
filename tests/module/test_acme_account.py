"""Module acme_account against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
MINE: dict[str, Any] = {"name": "mine", "contact": ["a@example.com"]}
NOT_ROOT = (
    "GET /cluster/acme/account/mine: 403 Permission check failed (user != root@pam). Only root@pam may do this, with "
    "its password: no API token may."
)


@pytest.fixture
def login(modules: Modules) -> dict[str, Any]:
    """Options of a login with root's password."""
    return {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}


def test_twelve_steps(modules: Modules, login: dict[str, Any]) -> None:
    binding = {"eab_kid": "kid", "eab_hmac_key": "topsecret"}
    made = modules.converge("acme_account", **login, **MINE, directory=STAGING, tos_url="https://x", **binding)
    assert made["acme_account"] == {
        "contact": ["a@example.com"], "directory": STAGING, "tos_url": "https://x", "status": "valid",
        "location": "https://acme-staging-v02.api.letsencrypt.org/acct/1",
    }  # fmt: skip
    assert "topsecret" not in str(made)
    changed = modules.converge("acme_account", **login, name="mine", contact=["b@example.com", "a@example.com"])
    assert changed["acme_account"]["contact"] == ["a@example.com", "b@example.com"]
    modules.converge("acme_account", **login, name="mine", state="absent")


def test_the_default(modules: Modules, login: dict[str, Any]) -> None:
    made = modules.converge("acme_account", **login, contact=["a@example.com"])
    assert made["plan"] == ["create acme_account default"]
    assert made["acme_account"]["directory"] == "https://acme-v02.api.letsencrypt.org/directory"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"name": "mine"}, "Option 'contact' is needed: acme_account mine does not exist yet."),
        ({**MINE, "directory": "letsencrypt"}, "Option 'directory': 'letsencrypt' is not of the form https://..."),
        ({**MINE, "eab_kid": "x"}, "parameters are required together: eab_kid, eab_hmac_key"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, login: dict[str, Any], wish: dict[str, Any], message: str) -> None:
    assert modules.message("acme_account", **login, **wish) == message


def test_another_authority_is_refused(modules: Modules, login: dict[str, Any]) -> None:
    modules.ok("acme_account", **login, **MINE)
    message = modules.message("acme_account", **login, **MINE, directory=STAGING)
    assert message.startswith("Cannot change directory of acme_account mine from https://acme-v02.api")


def test_least_privileges(modules: Modules) -> None:
    # All privileges there are don't help.
    assert modules.message("acme_account", **MINE) == NOT_ROOT
    assert modules.limited({"/": ["Sys.Modify", "Sys.Audit"]}).message("acme_account", **MINE) == NOT_ROOT
