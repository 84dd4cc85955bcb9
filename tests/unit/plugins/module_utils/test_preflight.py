"""The order of the checks, and what is skipped after a failure."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CertificateError,
    FindingsError,
    PveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.preflight import OPTIONS, findings, preflight

from .resources.reading import Table, row

ANSWERS = {
    "/version": {"version": "9.1"},
    "/cluster/resources": [row(9000, "debian", template=1)],
    "/access/permissions": {"/": {"VM.Audit": 1}},
    "/nodes/father/network": [{"iface": "vmbr0", "type": "bridge"}],
}
WISH = {"template": "debian", "bridge": "vmbr0", "privileges": {"/": ["VM.Audit"]}}
LATER = ["privileges", "template", "bridge"]


class Node(Client):
    """A client that answers from a table."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.table = Table(answers)

    def get(self, path: str, params: Any = None) -> Any:
        """From the table."""
        return self.table.get(path)


@pytest.fixture
def port() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def params(port: int, **more: Any) -> dict[str, Any]:
    connection = {"host": "127.0.0.1", "port": port, "connect_timeout": 1, "transport": "https", "validate_certs": True,
                  "token_id": "root@pam!x", "user": None}  # fmt: skip
    return {**dict.fromkeys(OPTIONS), **connection, **WISH, **more}


def look(port: int, answers: dict[str, Any], **more: Any) -> dict[str, str]:
    return {check.name: check.status for check in findings(Node({**ANSWERS, **answers}), params(port, **more))}


def test_all_is_well(port: int) -> None:
    assert look(port, {}) == dict.fromkeys(["name resolution", "port", "tls", "login", *LATER], "ok")


@pytest.mark.parametrize(
    ("trouble", "tls", "login"),
    [
        (CertificateError("a", 1, "expired"), "failed", "skipped"),
        (AuthenticationError("no"), "ok", "failed"),
    ],
)
def test_without_a_login_the_rest_is_skipped(port: int, trouble: Exception, tls: str, login: str) -> None:
    found = look(port, {"/version": trouble})
    assert (found["tls"], found["login"]) == (tls, login)
    assert [found[name] for name in LATER] == ["skipped"] * 3


def test_without_a_port_nothing_is_asked() -> None:
    found = look(9, {"/version": PveError("GET", "/version", 500, "never asked")})
    assert [found[name] for name in ("port", "tls", "login", *LATER)] == ["failed", *["skipped"] * 5]


def test_an_error_in_the_middle_skips_what_follows(port: int) -> None:
    found = look(port, {"/nodes/father/network": PveError("GET", "/x", 500, "no")})
    assert [found[name] for name in LATER] == ["ok", "ok", "failed"]


def test_another_transport_has_no_port_of_its_own() -> None:
    assert list(look(9, {}, transport="local")) == ["tls", "login", *LATER]


def test_the_failure_lists_what_failed_and_keeps_all_checks(port: int) -> None:
    with pytest.raises(FindingsError) as caught:
        preflight(Node(ANSWERS), params(port, bridge="vmbr7", template="x"))
    assert str(caught.value).splitlines()[0] == "127.0.0.1 is not ready:"
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[1:]] == ["- template", "- bridge"]
    assert len(caught.value.result["checks"]) == 7  # type: ignore[arg-type]
