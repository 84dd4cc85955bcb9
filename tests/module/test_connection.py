"""What all modules share: where the connection comes from, and what a failure looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.homelab.pve.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.homelab.pve.plugins.module_utils import api_https
from ansible_collections.homelab.pve.plugins.module_utils.module import CONNECTION_OPTIONS
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lab.api.certificates import Pair

from .conftest import Modules

Environment = Callable[..., None]

UNSET: dict[str, Any] = {"host": None, "port": None, "token_id": None, "token_secret": None, "ca_path": None}


def test_the_connection_from_the_environment(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = modules.lab
    for name, value in {"HOST": lab.host, "PORT": lab.port, "USER": lab.user, "PASSWORD": lab.password}.items():
        monkeypatch.setenv(f"PVE_{name}", str(value))
    monkeypatch.setenv("PVE_CA", str(lab.ca_path))
    assert modules.unchanged("node_info", **UNSET)["nodes"]


@pytest.fixture
def environment(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets PVE_ variables: those of a login with the token and the CA, and the given ones; None for none."""

    def set_variables(**changes: str | None) -> None:
        lab = modules.lab
        known = {"HOST": lab.host, "PORT": lab.port, "TOKEN_ID": lab.token_id, "TOKEN_SECRET": lab.token_secret}
        for name, value in {**known, "CA": lab.ca_path, **changes}.items():
            if value is not None:
                monkeypatch.setenv(f"PVE_{name}", str(value))

    return set_variables


def fingerprint(certificate: Path) -> str:
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def test_the_token_from_the_environment(modules: Modules, environment: Environment) -> None:
    environment()
    assert modules.unchanged("node_info", **UNSET)["nodes"]
    environment(TOKEN_SECRET="wrong")
    assert modules.run("node_info", **UNSET)["error"]["kind"] == "AuthenticationError"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_whom_to_trust_from_the_environment(modules: Modules, environment: Environment, lab_certificate: Pair) -> None:
    environment(CA=None)
    assert modules.run("node_info", **UNSET)["error"]["kind"] == "CertificateError"
    environment(CA=None, FINGERPRINT=fingerprint(lab_certificate.certificate))
    modules.ok("node_info", **UNSET)
    environment(CA=None, FINGERPRINT=":".join(["AB"] * 32))
    assert modules.run("node_info", **UNSET)["error"]["kind"] == "CertificateError"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_no_verification_from_the_environment(modules: Modules, environment: Environment) -> None:
    environment(CA=None, VALIDATE_CERTS="false")
    modules.ok("node_info", **UNSET)


def test_patience_from_the_environment(modules: Modules, environment: Environment) -> None:
    environment(TIMEOUT="0.2", RETRIES="1")
    modules.lab.api.inject({"kind": "latency", "seconds": 1, "path": "/nodes"})
    assert modules.run("node_info", **UNSET)["msg"].startswith(
        f"Cannot reach {modules.lab.host} port {modules.lab.port}: no answer within 0.2 s."
    )


@pytest.mark.parametrize("retries", [0, 2])
def test_retries_from_the_environment(modules: Modules, environment: Environment, retries: int) -> None:
    environment(RETRIES=str(retries))
    modules.lab.api.fail("GET", "/nodes", 595, "Connection refused")
    assert modules.run("node_info", **UNSET)["msg"] == "GET /nodes: 595 Connection refused."
    assert len(modules.lab.requests()) == retries + 1


def test_the_transport_from_the_environment(
    modules: Modules, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    environment(TRANSPORT="local")
    assert modules.message("node_info", **UNSET) == (
        "'pvesh' was not found on this machine. Check that Proxmox VE is installed there."
    )


def test_an_option_goes_before_the_environment(modules: Modules, environment: Environment) -> None:
    environment(HOST="192.0.2.1", PORT="1", TOKEN_ID="nobody@pve!x", CA="/nowhere")
    modules.ok("node_info")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "https", "argument 'port' is of type str and we were unable to convert to int: "),
        ("TIMEOUT", "long", "argument 'timeout' is of type str and we were unable to convert to float: "),
        ("RETRIES", "many", "argument 'retries' is of type str and we were unable to convert to int: "),
        ("VALIDATE_CERTS", "perhaps", "argument 'validate_certs' is of type str and we were unable to convert to bool"),
        ("TRANSPORT", "pigeon", "value of transport must be one of: https, ssh, local, got: pigeon"),
        (
            "CA",
            "/nowhere/ca.pem",
            "ca_path /nowhere/ca.pem is not a file. Copy /etc/pve/pve-root-ca.pem from the node.",
        ),
        ("TOKEN_ID", "root@pam", "token_id 'root@pam' has no token name. Write it as user@realm!name."),
    ],
)
def test_variables_that_cannot_be_right(
    modules: Modules, environment: Environment, variable: str, value: str, message: str
) -> None:
    environment(**{variable: value})
    assert modules.message("node_info", **UNSET).startswith(message)


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    named = {option: re.findall(r"E\((PVE_\w+)\)", str(texts["description"])) for option, texts in documented.items()}
    read = {name: list(spec.get("fallback", [None, []])[1]) for name, spec in CONNECTION_OPTIONS.items()}
    assert named == read
    assert {name: spec.get("default") for name, spec in documented.items()} == {
        name: spec.get("default") for name, spec in CONNECTION_OPTIONS.items()
    }


def test_nothing_to_connect_to(modules: Modules) -> None:
    message = modules.message("node_info", **UNSET)
    assert message == "No host given. Set the option 'host' or the environment variable PVE_HOST."


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"token_secret": "wrong"}, "AuthenticationError"),
        ({"port": 9, "retries": 0}, "ConnectionError"),
        ({"ca_path": None}, "CertificateError"),
        ({"token_id": "x"}, "ConfigError"),
    ],
)
def test_failures_tell_their_kind(modules: Modules, change: dict[str, Any], kind: str) -> None:
    result = modules.run("node_info", **change)
    assert (result["failed"], result["error"]["kind"]) == (True, kind)


def test_secrets_do_not_show_in_a_result(modules: Modules, capsys: pytest.CaptureFixture[str]) -> None:
    result = modules.run("storage", storage="local", content=[modules.lab.token_secret])
    assert result["failed"]
    assert modules.lab.token_secret not in str(result)


def test_a_missing_library_is_named(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_https, "MISSING", ImportError("No module named 'proxmoxer'", name="proxmoxer.backends"))
    assert modules.message("node_info").startswith("Failed to import the required Python library (proxmoxer)")
