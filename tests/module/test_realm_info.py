"""Module realm_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SSO: dict[str, Any] = {
    "realm": "sso", "type": "openid", "issuer_url": "https://sso.example", "client_id": "pve",
}  # fmt: skip


@pytest.fixture
def realms(modules: Modules) -> Modules:
    """With a provider beside Proxmox VE's own realms."""
    modules.ok("realm", **SSO, client_key="topsecret")
    return modules


def test_what_is_told(realms: Modules) -> None:
    found = realms.unchanged("realm_info")["realms"]
    assert found == [
        {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
        {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
        SSO,
    ]
    # As it is told, it can be declared again.
    realms.unchanged("realm", **found[2])


@pytest.mark.parametrize(
    ("wish", "names"), [({"type": "openid"}, ["sso"]), ({"realm": "pve"}, ["pve"]), ({"realm": "nope"}, [])]
)
def test_criteria(realms: Modules, wish: dict[str, Any], names: list[str]) -> None:
    assert [row["realm"] for row in realms.unchanged("realm_info", **wish)["realms"]] == names


def test_least_privileges(realms: Modules) -> None:
    message = denied("Realm.Allocate or Sys.Audit", "/access/realm")
    assert realms.refusals({"/access/realm": ["Sys.Audit"]}, "realm_info", realm="sso") == {
        "Sys.Audit on /access/realm": f"GET /access/domains/sso: {message}"
    }
    limited = realms.limited({"/access/realm": ["Sys.Audit"]})
    assert [row["realm"] for row in limited.ok("realm_info")["realms"]] == ["pam", "pve", "sso"]
