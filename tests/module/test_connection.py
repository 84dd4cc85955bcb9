"""What all modules share: where the connection comes from, and what a failure looks like."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import api_https

from .conftest import Modules

UNSET = {"host": None, "port": None, "token_id": None, "token_secret": None, "ca_path": None}


def test_the_connection_from_the_environment(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = modules.lab
    for name, value in {"HOST": lab.host, "PORT": lab.port, "USER": lab.user, "PASSWORD": lab.password}.items():
        monkeypatch.setenv(f"PVE_{name}", str(value))
    monkeypatch.setenv("PVE_CA", str(lab.ca_path))
    assert modules.unchanged("node_info", **UNSET)["nodes"]


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
