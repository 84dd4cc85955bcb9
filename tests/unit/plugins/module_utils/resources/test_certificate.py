"""Certificates of nodes. Pure."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import CertificateError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.certificate import (
    SOON,
    Found,
    describe,
    domains_of,
    fingerprint,
    plan,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

NOW = 1_000_000.0


def pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


KEY = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"
MINE = {
    "filename": "pveproxy-ssl.pem",
    "fingerprint": fingerprint(pem(b"mine")),
    "san": ["a.x"],
    "notafter": NOW + SOON + 1,
}
BASE = {"node": "n", "type": "custom", "state": "present", "force": True, "restart": True}
ACME = {**BASE, "type": "acme"}
CERTIFICATES = "/nodes/n/certificates"


@pytest.mark.parametrize(
    ("wish", "found", "expected"),
    [
        ({**BASE, "certificates": pem(b"mine")}, Found(MINE), []),
        (
            {**BASE, "certificates": pem(b"new"), "key": KEY},
            Found(None),
            [("POST", "custom", {"certificates": pem(b"new").strip(), "key": KEY, "restart": 1})],
        ),
        (
            {**BASE, "certificates": pem(b"new"), "restart": False},
            Found(MINE),
            [("POST", "custom", {"certificates": pem(b"new").strip(), "restart": 0, "force": 1})],
        ),
        ({**BASE, "state": "absent"}, Found(None), []),
        ({**BASE, "state": "absent"}, Found(MINE), [("DELETE", "custom", {"restart": 1})]),
        ({**ACME, "state": "absent"}, Found(MINE), [("DELETE", "acme/certificate", {})]),
        (ACME, Found(MINE, ("a.x",), NOW), []),
        (ACME, Found(None, ("a.x",), NOW), [("POST", "acme/certificate", {})]),
        (ACME, Found(MINE, ("a.x", "b.x"), NOW), [("POST", "acme/certificate", {"force": 1})]),
        (ACME, Found(MINE, ("a.x",), NOW + 2), [("PUT", "acme/certificate", {})]),
        ({**ACME, "state": "renewed"}, Found(MINE, ("a.x",), NOW), [("PUT", "acme/certificate", {"force": 1})]),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], found: Found, expected: list[Any]) -> None:
    made = plan(wish, found)
    steps = [(step.verb, step.path.removeprefix(f"{CERTIFICATES}/"), dict(step.params)) for step in made.steps]
    assert steps == expected
    assert "PRIVATE" not in str(made.before) + str(made.after)


def test_what_is_there_is_replaced_only_if_it_may_be() -> None:
    with pytest.raises(RefusedError, match=r"it is for a\.x, and force is false"):
        plan({**ACME, "force": False}, Found(MINE, ("b.x",), NOW))


def test_what_is_read() -> None:
    answers = {f"{CERTIFICATES}/info": [{"filename": "pve-ssl.pem"}, MINE], "/nodes/n/config": {"acme": "domains=a.x"}}
    reader = Table(answers)
    assert describe(reader, BASE).row == MINE
    assert reader.asked == [f"{CERTIFICATES}/info"]
    assert describe(Table(answers), ACME).domains == ("a.x",)


def test_a_new_certificate_may_not_be_trusted() -> None:
    reader = Table({f"{CERTIFICATES}/info": CertificateError("n", 8006, "another certificate")})
    assert describe(reader, {**BASE, BOUND: {}}) == Found(None)
    with pytest.raises(CertificateError):
        describe(reader, BASE)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, ()),
        ({"acme": "account=x"}, ()),
        ({"acme": "account=x,domains=B.x;a.x", "acmedomain3": "C.x,plugin=dns"}, ("a.x", "b.x", "c.x")),
        ({"acmedomain0": "domain=a.x,alias=z"}, ("a.x",)),
    ],
    ids=str,
)
def test_domains(config: dict[str, Any], names: tuple[str, ...]) -> None:
    assert domains_of(config) == names


@given(st.binary(min_size=1))
def test_the_fingerprint_is_that_of_the_first(der: bytes) -> None:
    assert fingerprint(pem(der) + pem(b"other")) == fingerprint(f"text before\n{pem(der)}")


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError, match="it has no certificate in PEM format"):
        fingerprint(text)
