# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second factors."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from lab.api.factors import one_time_passwords
from lab.api.serving import ServedLab

from .conftest import Client

TFA = "/access/tfa"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
URI = f"otpauth://totp/lab:alice@pve?secret={SECRET}&period=30&digits=6&algorithm=SHA1&issuer=lab"


def login(lab: ServedLab, userid: str, password: str) -> Client:
    """A client with a ticket: no token may change a second factor."""
    session = requests.Session()
    session.verify, session.trust_env = str(lab.ca_path), False
    client = Client(lab, session)
    ticket = client.post("/access/ticket", username=userid, password=password)
    session.cookies.set("PVEAuthCookie", ticket["ticket"])
    session.headers["CSRFPreventionToken"] = ticket["CSRFPreventionToken"]
    return client


@pytest.fixture
def root(lab_api: ServedLab, client: Client) -> Client:
    """Logged in as root, who made alice, an administrator."""
    client.post("/access/users", userid="alice@pve", password="hers is long")
    client.put("/access/acl", path="/", users="alice@pve", roles="Administrator")
    return login(lab_api, "root@pam", lab_api.password)


# RFC 6238, appendix B: the last digits of what is there for SHA-1.
@pytest.mark.parametrize(("now", "shown"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_one_time_passwords(now: int, shown: str) -> None:
    assert one_time_passwords(URI, now)[1] == shown


def test_factors_come_and_go(root: Client) -> None:
    now = root.lab.clock.now()
    value = one_time_passwords(URI, now)[1]
    name = root.post(f"{TFA}/alice@pve", type="totp", description="phone", totp=URI, value=value)["id"]
    made = root.post(f"{TFA}/alice@pve", type="recovery")
    assert (made["id"], len(made["recovery"])) == ("recovery", 10)
    (listed,) = root.get(TFA)
    assert listed["userid"] == "alice@pve"
    assert [entry["type"] for entry in listed["entries"]] == ["totp", "recovery"]
    assert SECRET not in str(listed)
    root.put(f"{TFA}/alice@pve/{name}", enable=0, description="old phone")
    found = root.get(f"{TFA}/alice@pve/{name}")
    assert (found["enable"], found["description"]) == (0, "old phone")
    assert root.get("/access/users/alice@pve")["keys"] == "x"
    for entry in (name, "recovery"):
        root.delete(f"{TFA}/alice@pve/{entry}")
    assert root.get(TFA) == []
    assert "keys" not in root.get("/access/users/alice@pve")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": "totp", "totp": URI, "value": "1"}, "'description' is required for new entries"),
        ({"type": "totp", "description": "x"}, "'totp' type requires both 'totp' and 'value' parameters"),
        ({"type": "totp", "description": "x", "totp": URI, "value": "1"}, "failed to verify TOTP challenge"),
    ],
)
def test_what_is_refused(root: Client, given: dict[str, Any], message: str) -> None:
    assert root.ask("POST", f"{TFA}/alice@pve", **given).json()["message"] == f"{message}\n"


def test_there_is_one_set_of_recovery_keys(root: Client) -> None:
    root.post(f"{TFA}/alice@pve", type="recovery")
    again = root.ask("POST", f"{TFA}/alice@pve", type="recovery")
    assert again.json()["message"] == "user already has recovery keys\n"
    assert root.ask("DELETE", f"{TFA}/alice@pve/nope").json()["message"] == "no such entry\n"


def test_who_may_change_them(root: Client, client: Client) -> None:
    assert "need proper ticket" in client.ask("POST", f"{TFA}/alice@pve", type="recovery").text
    alice = login(root.lab, "alice@pve", "hers is long")
    assert alice.ask("POST", f"{TFA}/alice@pve", type="recovery").json()["errors"] == {
        "password": "password is required to modify user"
    }
    assert alice.ask("POST", f"{TFA}/alice@pve", type="recovery", password="not hers").status_code == 401
    assert alice.ask("POST", f"{TFA}/root@pam", type="recovery", password="hers is long").status_code == 403
    assert alice.post(f"{TFA}/alice@pve", type="recovery", password="hers is long")["id"] == "recovery"
