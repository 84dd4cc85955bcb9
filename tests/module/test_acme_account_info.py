"""Module acme_account_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules


@pytest.fixture
def login(modules: Modules) -> dict[str, Any]:
    """Options of a login with root's password; two accounts are there."""
    login: dict[str, Any] = {
        "token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password,
    }  # fmt: skip
    for name in ("one", "two"):
        modules.ok("acme_account", **login, name=name, contact=[f"{name}@example.com"])
    return login


def test_what_is_told(modules: Modules, login: dict[str, Any]) -> None:
    found = modules.unchanged("acme_account_info", **login)["accounts"]
    assert [(row["name"], row["contact"]) for row in found] == [
        ("one", ["one@example.com"]), ("two", ["two@example.com"]),
    ]  # fmt: skip
    (one,) = modules.unchanged("acme_account_info", **login, name="one")["accounts"]
    assert one == found[0]
    assert modules.ok("acme_account_info", **login, name="nope")["accounts"] == []


@pytest.mark.usefixtures("login")
def test_least_privileges(modules: Modules) -> None:
    assert modules.message("acme_account_info") == (
        "GET /cluster/acme/account/one: 403 Permission check failed (user != root@pam). Only root@pam may do this, "
        "with its password: no API token may."
    )
