# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in, tokens and permissions over HTTP."""

from __future__ import annotations

import pytest
import requests

from lab.api.serving import ServedLab

from .conftest import Client

USER = "/access/users/dev@pve"


def bare(lab: ServedLab) -> requests.Session:
    """A session that trusts the lab and is nobody."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(lab.ca_path)
    return session


def ticket(lab: ServedLab, password: str) -> requests.Response:
    values = {"username": "root@pam", "password": password}
    return bare(lab).post(f"{lab.url}/api2/json/access/ticket", data=values, timeout=10)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "No ticket"),
        ({"Authorization": "PVEAPIToken=root@pam!homelab=wrong"}, "Authentication failed!"),
        ({"Authorization": "PVEAPIToken=root@pam!nope=x"}, "Authentication failed!"),
        ({"Cookie": "PVEAuthCookie=forged"}, "Authentication failed!"),
    ],
)
def test_a_stranger_gets_an_empty_401(lab_api: ServedLab, headers: dict[str, str], reason: str) -> None:
    answer = bare(lab_api).get(f"{lab_api.url}/api2/json/version", headers=headers, timeout=10)
    assert (answer.status_code, answer.reason, answer.content) == (401, reason, b"")
    assert "Content-Type" not in answer.headers


def test_a_ticket_reads_and_with_its_csrf_token_writes(lab_api: ServedLab) -> None:
    data = ticket(lab_api, lab_api.password).json()["data"]
    session = bare(lab_api)
    session.headers["Cookie"] = f"PVEAuthCookie={data['ticket']}"
    url = f"{lab_api.url}/api2/json/pools"
    assert session.get(url, timeout=10).status_code == 200
    refused = session.post(url, data={"poolid": "x"}, timeout=10)
    assert (refused.status_code, refused.reason) == (401, "Permission denied - invalid csrf token")
    session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]
    assert session.post(url, data={"poolid": "x"}, timeout=10).status_code == 200


def test_a_wrong_password_is_refused_with_a_body(lab_api: ServedLab) -> None:
    answer = ticket(lab_api, "wrong")
    assert (answer.status_code, answer.json()["message"]) == (401, "authentication failure\n")


def test_a_token_is_told_once_and_works(client: Client) -> None:
    client.post("/access/users", userid="dev@pve")
    made = client.post(f"{USER}/token/ci", privsep=0, comment="by a test")
    assert made["full-tokenid"] == "dev@pve!ci"
    assert made["info"] == {"privsep": "0", "comment": "by a test"}
    assert "value" not in client.get(f"{USER}/token/ci")
    client.session.headers["Authorization"] = f"PVEAPIToken=dev@pve!ci={made['value']}"
    assert client.ask("GET", "/version").status_code == 200
    refused = client.ask("POST", "/pools", poolid="x")
    assert (refused.status_code, refused.reason) == (403, "Permission check failed (/pool/x, Pool.Allocate)")


def test_a_deleted_token_is_worth_nothing(client: Client) -> None:
    made = client.post("/access/users/root@pam/token/xx")
    client.delete("/access/users/root@pam/token/xx")
    client.session.headers["Authorization"] = f"PVEAPIToken=root@pam!xx={made['value']}"
    assert client.ask("GET", "/version").status_code == 401


def test_permissions_are_what_the_acl_grants(client: Client) -> None:
    client.post("/access/users", userid="dev@pve")
    client.put("/access/acl", path="/vms/9001", roles="PVETemplateUser", users="dev@pve")
    assert client.get("/access/permissions", userid="dev@pve") == {"/vms/9001": {"VM.Audit": 1, "VM.Clone": 1}}


def test_groups_are_seen_by_who_may_do_something_with_them(client: Client) -> None:
    for group in ("devs", "ops"):
        client.post("/access/groups", groupid=group)
    client.post("/access/users", userid="dev@pve")
    client.put("/access/acl", path="/access/groups/ops", roles="PVEUserAdmin", users="dev@pve")
    made = client.post(f"{USER}/token/ci", privsep=0)
    assert [row["groupid"] for row in client.get("/access/groups")] == ["devs", "ops"]
    client.session.headers["Authorization"] = f"PVEAPIToken=dev@pve!ci={made['value']}"
    assert [row["groupid"] for row in client.get("/access/groups")] == ["ops"]


def test_who_may_not_is_told_before_what_is_wrong(client: Client) -> None:
    client.post("/access/users", userid="dev@pve")
    made = client.post(f"{USER}/token/ci", privsep=0)
    client.session.headers["Authorization"] = f"PVEAPIToken=dev@pve!ci={made['value']}"
    answer = client.ask("POST", "/nodes/father/qemu/9001/snapshot", snapname="x")
    assert (answer.status_code, answer.reason) == (403, "Permission check failed (/vms/9001, VM.Snapshot)")


def test_a_destroyed_guest_leaves_no_permissions(client: Client) -> None:
    client.run("POST", "/nodes/father/qemu", vmid=100)
    client.put("/access/acl", path="/vms/100", roles="PVEAuditor", tokens="root@pam!homelab")
    client.run("DELETE", "/nodes/father/qemu/100")
    assert client.get("/access/acl") == []
