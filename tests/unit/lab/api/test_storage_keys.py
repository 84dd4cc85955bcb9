# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a definition tells of its secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Client

PBS: dict[str, Any] = {"type": "pbs", "server": "192.0.2.9", "datastore": "main"}


def test_a_key_that_is_made_is_told_once(client: Client) -> None:
    made = client.post("/storage", storage="vault", **PBS, **{"encryption-key": "autogen", "password": "p"})
    key = json.loads(made["config"]["encryption-key"])
    shown = client.get("/storage/vault")
    assert shown["encryption-key"] == key["fingerprint"]
    assert "password" not in shown
    client.put("/storage/vault", delete="encryption-key")
    assert "encryption-key" not in client.get("/storage/vault")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({**PBS, "encryption-key": "secret"}, "Value does not seems like a valid, JSON formatted encryption key!"),
        ({**PBS, "master-pubkey": "eA=="}, "'master-pubkey' can only be used together with 'encryption-key'"),
        ({"type": "esxi", "server": "192.0.2.9", "username": "root"}, "missing password"),
    ],
)
def test_what_is_refused_leaves_nothing(client: Client, values: dict[str, Any], words: str) -> None:
    answer = client.ask("POST", "/storage", storage="vault", **values)
    assert (answer.status_code, answer.json()["message"]) == (500, f"create storage failed: {words}\n")
    assert [row["storage"] for row in client.get("/storage")] == ["local", "local-lvm"]
