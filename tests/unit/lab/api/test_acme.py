# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACME accounts and plugins."""

from __future__ import annotations

import base64

import pytest
import requests

from lab.api.serving import ServedLab

from .conftest import Client

ACCOUNTS = "/cluster/acme/account"
PLUGINS = "/cluster/acme/plugins"
SECRET = "CF_Token=topsecret\nCF_Zone_ID=1"


@pytest.fixture
def root(lab_api: ServedLab) -> Client:
    """Logged in with root's password: no token may see an account."""
    session = requests.Session()
    session.verify, session.trust_env = str(lab_api.ca_path), False
    client = Client(lab_api, session)
    ticket = client.post("/access/ticket", username="root@pam", password=lab_api.password)
    session.cookies.set("PVEAuthCookie", ticket["ticket"])
    session.headers["CSRFPreventionToken"] = ticket["CSRFPreventionToken"]
    return client


def test_an_account_lives(root: Client) -> None:
    assert root.get(ACCOUNTS) == []
    assert root.run("POST", ACCOUNTS, contact="a@example.com,b@example.com", tos_url="https://ca/tos") == "OK"
    assert root.get(ACCOUNTS) == [{"name": "default"}]
    assert root.get(f"{ACCOUNTS}/default") == {
        "account": {"contact": ["mailto:a@example.com", "mailto:b@example.com"], "status": "valid"},
        "directory": "https://acme-v02.api.letsencrypt.org/directory",
        "location": "https://acme-v02.api.letsencrypt.org/acct/1",
        "tos": "https://ca/tos",
    }
    assert root.run("PUT", f"{ACCOUNTS}/default", contact="c@example.com") == "OK"
    assert root.run("PUT", f"{ACCOUNTS}/default") == "OK"
    assert root.get(f"{ACCOUNTS}/default")["account"]["contact"] == ["mailto:c@example.com"]
    assert root.run("DELETE", f"{ACCOUNTS}/default") == "OK"
    assert root.get(ACCOUNTS) == []


def test_what_is_refused_about_accounts(root: Client, client: Client) -> None:
    missing = root.ask("GET", f"{ACCOUNTS}/nope")
    assert missing.json()["errors"] == {"name": "ACME account config file 'nope' does not exist."}
    root.run("POST", ACCOUNTS, name="mine", contact="a@example.com")
    again = root.ask("POST", ACCOUNTS, name="mine", contact="a@example.com")
    assert again.json()["errors"] == {"name": "ACME account config file 'mine' already exists."}
    assert client.ask("GET", f"{ACCOUNTS}/mine").status_code == 403


def test_a_plugin_lives(client: Client) -> None:
    data = base64.b64encode(SECRET.encode()).decode()
    client.post(PLUGINS, id="cf1", type="dns", api="cf", data=data)
    found = client.get(f"{PLUGINS}/cf1")
    digest = found.pop("digest")
    assert found == {"type": "dns", "api": "cf", "data": SECRET, "plugin": "cf1"}
    assert [row["plugin"] for row in client.get(PLUGINS)] == ["standalone", "cf1"]
    assert [row["plugin"] for row in client.get(PLUGINS, type="dns")] == ["cf1"]
    client.put(f"{PLUGINS}/cf1", delete="data", disable=1, digest=digest)
    assert client.get(f"{PLUGINS}/cf1")["disable"] == 1
    client.delete(f"{PLUGINS}/cf1")
    client.delete(f"{PLUGINS}/standalone")
    assert [row["plugin"] for row in client.get(PLUGINS)] == []


def test_what_is_refused_about_plugins(client: Client) -> None:
    assert client.ask("GET", f"{PLUGINS}/nope").json()["message"] == "ACME plugin 'nope' not defined\n"
    assert client.ask("PUT", f"{PLUGINS}/nope", disable=1).json()["message"] == (
        "ACME plugin ID 'nope' does not exist\n"
    )
    assert "missing value for required option 'api'" in client.ask("POST", PLUGINS, id="x1", type="dns").text
    assert "already exists" in client.ask("POST", PLUGINS, id="standalone", type="standalone").text
