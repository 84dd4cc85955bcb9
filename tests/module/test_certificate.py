"""Module certificate against the lab's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.api.certificates import Pair, issue, make_authority

from .conftest import Modules, denied

F: dict[str, Any] = {"node": "father"}
ORDERED: dict[str, Any] = {**F, "type": "acme"}


def pair(folder: Path, name: str) -> dict[str, Any]:
    """A certificate for a name with its key, as the module takes them."""
    authority = make_authority(Pair(folder / f"{name}.ca.pem", folder / f"{name}.ca.key"), "Somebody")
    made = issue(authority, Pair(folder / f"{name}.pem", folder / f"{name}.key"), [name])
    return {**F, "certificates": made.certificate.read_text(), "key": made.key.read_text()}


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Any]:
    """A certificate of the user's."""
    return pair(tmp_path, "pve.example.com")


@pytest.fixture
def acme(modules: Modules) -> Modules:
    """A node with an account and a domain."""
    modules.lab.api.stored("priv/acme")["default"] = {"account": {"status": "valid"}}
    modules.ok("node", **F, acme={"domains": "pve.example.com"}, acmedomain0="b.example.com")
    return modules


def test_a_certificate_of_the_users(modules: Modules, own: dict[str, Any], tmp_path: Path) -> None:
    made = modules.converge("certificate", **own)
    assert made["certificate"]["san"] == ["pve.example.com"]
    assert "PRIVATE" not in str(made)
    assert len(modules.lab.requests()) == 1
    assert modules.message("certificate", **pair(tmp_path, "new.example.com"), force=False) == (
        "Cannot replace the certificate of node father: it is for pve.example.com, and force is false. Set force to "
        "replace it."
    )
    other = modules.converge("certificate", **pair(tmp_path, "other.example.com"))
    assert other["certificate"]["san"] == ["other.example.com"]
    gone = modules.converge("certificate", **F, state="absent")
    assert "certificate" not in gone


def test_the_key_stays_when_only_the_certificate_is_new(modules: Modules, own: dict[str, Any], tmp_path: Path) -> None:
    modules.ok("certificate", **own)
    new = {**pair(tmp_path, "new.example.com"), "key": None}
    failed = modules.run("certificate", **new)["msg"]
    assert failed.startswith("Cannot set the certificate of node father: POST /nodes/father/certificates/custom: 500 ")
    assert failed.endswith("Check that key is the private key of the first certificate in certificates.")


def test_a_certificate_by_acme(acme: Modules) -> None:
    made = acme.converge("certificate", **ORDERED)
    assert made["plan"] == ["order a certificate for node father"]
    assert sorted(made["certificate"]["san"]) == ["b.example.com", "pve.example.com"]
    assert len(acme.lab.requests()) == 2
    acme.ok("node", **F, acmedomain1="c.example.com")
    more = acme.converge("certificate", **ORDERED)
    assert sorted(more["certificate"]["san"]) == ["b.example.com", "c.example.com", "pve.example.com"]
    renewed = acme.ok("certificate", **ORDERED, state="renewed")
    assert renewed["certificate"]["fingerprint"] != more["certificate"]["fingerprint"]
    gone = acme.converge("certificate", **ORDERED, state="absent")
    assert gone["plan"] == ["revoke the certificate of node father"]


def test_an_account_that_is_missing(modules: Modules) -> None:
    modules.ok("node", **F, acme={"account": "nope", "domains": "pve.example.com"})
    failed = modules.run("certificate", **ORDERED)["msg"]
    assert "ACME account config file 'nope' does not exist." in failed
    assert failed.endswith("Register the account with the module acme_account.")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({}, "Option 'certificates' is needed for type: custom."),
        ({"certificates": "x"}, "Option 'certificates': it has no certificate in PEM format"),
        ({"key": "geheim"}, "Option 'key': it is no private key in PEM format"),
        (
            {"certificates": "-----BEGIN PRIVATE KEY-----geheim-----END PRIVATE KEY-----"},
            "Option 'certificates': it has a private key in it. Put that into key; nothing was sent",
        ),
        (
            {"type": "acme"},
            "Cannot order a certificate for node father: its options name no domain. Set acme or acmedomain0 with the "
            "module node.",
        ),
        ({"state": "renewed"}, "state: renewed is for type: acme. Renew a certificate of your own where it is from."),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("certificate", **{**F, **wish}) == message


def test_a_certificate_without_a_key(modules: Modules, own: dict[str, Any]) -> None:
    assert modules.message("certificate", **{**own, "key": None}) == (
        "Option 'key' is needed: node father has no private key for a certificate of its own yet."
    )


def test_least_privileges(acme: Modules, own: dict[str, Any]) -> None:
    needed = {"/nodes/father": ["Sys.Modify"]}
    assert acme.refusals(needed, "certificate", **own) == {
        "Sys.Modify on /nodes/father": (
            "Cannot set the certificate of node father: POST /nodes/father/certificates/custom: "
            + denied("Sys.Modify", "/nodes/father")
        )
    }
    acme.limited(needed).converge("certificate", **own)
    acme.limited(needed).converge("certificate", **F, state="absent")
    assert acme.limited(needed).run("certificate", **ORDERED)["msg"] == (
        f"GET /nodes/father/config: {denied('Sys.Audit', '/')}"
    )
    acme.limited({**needed, "/": ["Sys.Audit"], "/nodes/father": ["Sys.Audit", "Sys.Modify"]}).converge(
        "certificate", **ORDERED
    )
