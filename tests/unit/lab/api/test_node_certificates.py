# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom certificates of a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.certificates import Pair, issue, make_authority

from .conftest import Client

CUSTOM = "/nodes/father/certificates/custom"
INFO = "/nodes/father/certificates/info"


@pytest.fixture
def brought(tmp_path: Path) -> dict[str, str]:
    """A certificate and its key that somebody brings."""
    authority = make_authority(Pair(tmp_path / "ca.pem", tmp_path / "ca.key"), "Somebody")
    pair = issue(authority, Pair(tmp_path / "own.pem", tmp_path / "own.key"), ["pve.example.com"])
    return {"certificates": pair.certificate.read_text(), "key": pair.key.read_text()}


def test_a_custom_certificate_is_told_until_it_is_deleted(client: Client, brought: dict[str, str]) -> None:
    told = client.post(CUSTOM, **brought)
    assert (told["filename"], told["san"]) == ("pveproxy-ssl.pem", ["pve.example.com"])
    assert client.get(INFO)[-1] == told
    client.delete(CUSTOM)
    assert [item["filename"] for item in client.get(INFO)] == ["pve-root-ca.pem", "pve-ssl.pem"]


def test_a_certificate_is_replaced_only_if_that_is_forced(client: Client, brought: dict[str, str]) -> None:
    client.post(CUSTOM, **brought)
    assert client.ask("POST", CUSTOM, **brought).reason == "Custom certificate file exists but force flag is not set."
    assert client.post(CUSTOM, certificates=brought["certificates"], force=1)["filename"] == "pveproxy-ssl.pem"


def test_a_certificate_needs_its_key(client: Client, brought: dict[str, str]) -> None:
    answer = client.ask("POST", CUSTOM, certificates=brought["certificates"])
    refusal = "Attempted to upload custom certificate without (existing) key."
    assert answer.json()["errors"] == {"key": refusal}
    served = client.get(INFO)[-1]["pem"]
    assert client.ask("POST", CUSTOM, certificates=served, key=brought["key"]).reason == (
        "Certificate and key do not match"
    )
