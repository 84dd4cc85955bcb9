# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of nodes by ACME."""

from __future__ import annotations

from .conftest import Client

ORDERED, INFO = "/nodes/father/certificates/acme/certificate", "/nodes/father/certificates/info"


def names(client: Client) -> list[str] | None:
    rows = (row for row in client.get(INFO) if row["filename"] == "pveproxy-ssl.pem")
    return next((sorted(row["san"]) for row in rows), None)


def test_a_certificate_is_ordered_renewed_and_revoked(client: Client) -> None:
    missing = client.ask("POST", ORDERED)
    assert (missing.status_code, missing.reason) == (400, "ACME domain list in node configuration is missing!")
    client.put("/nodes/father/config", acme="domains=a.example.com", acmedomain0="b.example.com")
    assert client.run("POST", ORDERED) == "ACME account config file 'default' does not exist."
    client.lab.api.stored("priv/acme")["default"] = {}
    assert client.run("POST", ORDERED) == "OK"
    assert names(client) == ["a.example.com", "b.example.com"]
    assert "force" in client.ask("POST", ORDERED).json()["errors"]
    assert "force" in client.ask("PUT", ORDERED).json()["errors"]
    assert client.run("PUT", ORDERED, force=1) == "OK"
    assert client.run("DELETE", ORDERED) == "OK"
    assert names(client) is None
    assert client.ask("PUT", ORDERED).status_code == 500
