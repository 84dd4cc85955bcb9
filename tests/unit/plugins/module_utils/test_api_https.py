"""HTTPS against the lab's API: who is trusted, and what is said when there is no answer."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CertificateError,
    ConnectionError,
    OutcomeUnknownError,
    PveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lab.api.certificates import Pair, make_authority
from lab.api.serving import ServedLab

# A pinned certificate is compared by its fingerprint, which urllib3 does not count as verified.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture
def connection(lab_api: ServedLab) -> Connection:
    return Connection(**lab_api.options(), retries=0)


@pytest.fixture
def fingerprint(lab_certificate: Pair) -> str:
    certificate = x509.load_pem_x509_certificate(lab_certificate.certificate.read_bytes())
    digits = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(digits[index : index + 2] for index in range(0, 64, 2))


def version(connection: Connection) -> str:
    client = connect(connection)
    try:
        return str(client.get("/version")["version"])
    finally:
        client.close()


@pytest.mark.parametrize("how", ["ca", "fingerprint", "both", "unverified"])
def test_trusted(connection: Connection, fingerprint: str, how: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "ca": {},
        "fingerprint": {"ca_path": None, "fingerprint": fingerprint},
        "both": {"fingerprint": fingerprint.lower().replace(":", "")},
        "unverified": {"ca_path": None, "validate_certs": False},
    }
    assert version(replace(connection, **ways[how])).startswith("9.")


@pytest.mark.parametrize("how", ["no ca", "other ca", "other fingerprint", "unverified, other fingerprint"])
def test_not_trusted(connection: Connection, tmp_path: Path, how: str) -> None:
    other = make_authority(Pair(tmp_path / "ca.pem", tmp_path / "ca.key"))
    wrong = ":".join(["AB"] * 32)
    ways: dict[str, dict[str, Any]] = {
        "no ca": {"ca_path": None},
        "other ca": {"ca_path": str(other.certificate)},
        "other fingerprint": {"fingerprint": wrong},
        "unverified, other fingerprint": {"fingerprint": wrong, "validate_certs": False},
    }
    with pytest.raises(CertificateError) as caught:
        version(replace(connection, **ways[how]))
    assert str(caught.value).startswith(
        f"Cannot reach 127.0.0.1 port {connection.port}: its certificate is not trusted: "
    )
    assert str(caught.value).endswith("and use a host name or address that the certificate names.")


def test_the_environment_does_not_decide_whom_to_trust(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_authority(Pair(tmp_path / "ca.pem", tmp_path / "ca.key"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))
    assert version(connection)
    assert version(replace(connection, ca_path=None, validate_certs=False))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(connection.ca_path))
    with pytest.raises(CertificateError):
        version(replace(connection, ca_path=str(other.certificate)))


def test_password_login(connection: Connection, lab_api: ServedLab) -> None:
    login = replace(connection, token_id=None, token_secret=None, user=lab_api.user, password=lab_api.password)
    client = connect(login)
    assert client.get("/version")
    client.put("/storage/local", {"disable": False})
    assert [record.path for record in lab_api.requests()].count("/access/ticket") == 1


def test_threads_share_one_login(connection: Connection, lab_api: ServedLab) -> None:
    lab_api.api.inject({"kind": "latency", "seconds": 0.05})  # all of them find that there is no ticket yet
    client = connect(replace(connection, token_id=None, token_secret=None, user="root@pam", password=lab_api.password))
    together(lambda _: client.get("/version"), range(8), 8)
    assert [record.path for record in lab_api.requests()].count("/access/ticket") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token_secret": "wrong"}, "127.0.0.1 does not accept the login: "),
        (
            {"token_id": None, "token_secret": None, "user": "root@pam", "password": "wrong"},
            "127.0.0.1 does not accept the password of root@pam: authentication failure. ",
        ),
    ],
    ids=["token", "password"],
)
def test_wrong_credentials(connection: Connection, change: dict[str, Any], message: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        version(replace(connection, **change))
    assert str(caught.value).startswith(message)


def test_nobody_listens(connection: Connection) -> None:
    with pytest.raises(ConnectionError, match="Connection refused") as caught:
        version(replace(connection, port=9))
    assert caught.value.transient


def test_a_name_without_an_address(connection: Connection) -> None:
    with pytest.raises(ConnectionError, match=r"^Cannot reach nowhere\.invalid port \d+: "):
        version(replace(connection, host="nowhere.invalid"))


def test_a_host_that_hangs(connection: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectionError):
        version(replace(connection, port=silent.getsockname()[1], timeout=0.2, connect_timeout=0.2))


def test_an_answer_that_never_comes(connection: Connection, lab_api: ServedLab) -> None:
    lab_api.api.inject({"kind": "latency", "seconds": 1.0})
    with pytest.raises(OutcomeUnknownError, match=r"no answer within 0\.05 s"):
        version(replace(connection, timeout=0.05))


def test_an_empty_value_arrives(connection: Connection, lab_api: ServedLab) -> None:
    client = connect(connection)
    try:
        client.post("/access/users", {"userid": "joe@pve", "comment": "first"})
        client.put("/access/users/joe@pve", {"comment": "", "enable": False})
        assert client.get("/access/users/joe@pve")["comment"] == ""
        assert lab_api.api.directory.users["joe@pve"].enable == 0
    finally:
        client.close()


def test_a_parameter_that_is_refused_under_a_lock(connection: Connection) -> None:
    with pytest.raises(PveError) as caught:
        connect(connection).delete("/cluster/backup/nope")
    assert (caught.value.status, caught.value.errors) == (400, {"id": "No such job 'nope'"})
