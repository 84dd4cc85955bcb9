# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HA groups of release 8, and what release 9 says of them."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Client, client_of

HA = "/cluster/ha"


@pytest.fixture
def of_8(lab_8_api: ServedLab) -> Client:
    """A client of father in a cluster of release 8.4."""
    return client_of(lab_8_api)


@pytest.fixture
def of_9(lab_cluster_api: ServedLab) -> Client:
    """The same of the release after."""
    return client_of(lab_cluster_api)


def said(client: Client, method: str, path: str, **values: Any) -> str:
    """The reason of a refusal."""
    answer = client.ask(method, path, **values)
    assert answer.status_code >= 400
    return answer.reason


def test_a_group(of_8: Client) -> None:
    assert of_8.get("/version")["release"] == "8.4"
    of_8.post(f"{HA}/groups", group="g1", nodes="father:2,mother", restricted=1)
    found = of_8.get(f"{HA}/groups/g1")
    assert {name: found[name] for name in ("group", "type", "nodes", "restricted")} == {
        "group": "g1", "type": "group", "nodes": "father:2,mother", "restricted": 1,
    }  # fmt: skip
    of_8.put(f"{HA}/groups/g1", nodes="mother", comment="c", delete="restricted", digest=found["digest"])
    assert of_8.get(f"{HA}/groups")[0]["nodes"] == "mother"
    assert "restricted" not in of_8.get(f"{HA}/groups/g1")
    of_8.delete(f"{HA}/groups/g1")
    assert of_8.get(f"{HA}/groups") == []


@pytest.mark.parametrize(
    ("method", "path", "values", "refusal"),
    [
        ("GET", "groups/none", {}, "no such ha group 'none'"),
        ("PUT", "groups/none", {"comment": "c"}, "update ha group failed: no such ha group 'none'"),
        (
            "POST",
            "groups",
            {"group": "g1", "nodes": "father"},
            "create ha group failed: ha group ID 'g1' already defined",
        ),
        ("DELETE", "groups/g1", {}, "delete ha group failed: ha group is used by service 'vm:9000'"),
        ("GET", "rules/none", {}, "Method 'GET /cluster/ha/rules/none' not implemented"),
    ],
)
def test_refusals(of_8: Client, method: str, path: str, values: dict[str, Any], refusal: str) -> None:
    of_8.post(f"{HA}/groups", group="g1", nodes="father")
    of_8.post(f"{HA}/resources", sid="vm:9000", group="g1", state="ignored")
    assert said(of_8, method, f"{HA}/{path}", **values) == refusal


def test_a_resource_of_8(of_8: Client) -> None:
    refusal = "Parameter verification failed."
    assert said(of_8, "POST", f"{HA}/resources", sid="vm:9000", failback=0) == refusal
    of_8.post(f"{HA}/groups", group="g1", nodes="mother", restricted=1)
    of_8.post(f"{HA}/resources", sid="vm:9000", group="g1", state="ignored")
    assert of_8.get(f"{HA}/resources/vm:9000")["group"] == "g1"
    # For the manager a group is a rule about its resources.
    assert of_8.lab.api.group_rules() == {
        "g1": {"type": "node-affinity", "resources": "vm:9000", "nodes": "mother", "strict": 1}
    }
    assert said(of_8, "DELETE", f"{HA}/resources/vm:9000", purge=1) == refusal


def test_a_group_says_whether_its_resources_go_back(of_8: Client) -> None:
    of_8.post(f"{HA}/groups", group="g1", nodes="mother", nofailback=1)
    of_8.post(f"{HA}/resources", sid="vm:9000", group="g1", state="ignored")
    assert of_8.lab.api.failback_of("vm:9000") == {"failback": 0}
    of_8.put(f"{HA}/groups/g1", delete="nofailback")
    assert of_8.lab.api.failback_of("vm:9000") == {}


@pytest.mark.parametrize(
    ("method", "path", "values", "verb"),
    [
        ("GET", "groups", {}, "index groups"),
        ("POST", "groups", {"group": "g1", "nodes": "father"}, "create group"),
        ("GET", "groups/g1", {}, "read group"),
        ("PUT", "groups/g1", {"comment": "c"}, "update group"),
        ("DELETE", "groups/g1", {}, "delete group"),
    ],
)
def test_9_has_none(of_9: Client, method: str, path: str, values: dict[str, Any], verb: str) -> None:
    assert said(of_9, method, f"{HA}/{path}", **values) == f"cannot {verb}: ha groups have been migrated to rules"
