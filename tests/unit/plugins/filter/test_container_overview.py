"""What people ask for about containers, out of what container_info returns."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.filter.container_overview import container_overview

LISTED = {"vmid": 200, "name": "web", "node": "n1", "status": "unknown", "tags": [], "template": False, "error": None}
ROW = {
    "vmid": 200, "name": "web", "node": "n1", "status": "unknown", "memory": None, "cores": None, "ip": [],
    "tags": [], "ours": False, "error": None,
}  # fmt: skip
CARDS = [
    {"name": "lo", "mac": None, "addresses": ["127.0.0.1/8", "::1/128"]},
    {"name": "eth0", "mac": "BC:24:11:00:00:01", "addresses": ["192.0.2.7/24", "fe80::1/64", "2001:db8::7/64"]},
]


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ({}, {}),
        ({"current": None, "interfaces": None, "error": "status: no"}, {"error": "status: no"}),
        (
            {"current": {"status": "running", "maxmem": 2147483648, "cpus": 2}, "interfaces": CARDS},
            {"status": "running", "memory": 2048, "cores": 2, "ip": ["192.0.2.7", "2001:db8::7"]},
        ),
        ({"tags": ["a", "homelab-pve"]}, {"tags": ["a", "homelab-pve"], "ours": True}),
    ],
    ids=["as listed", "nothing told", "running", "ours"],
)
def test_a_row(more: dict[str, Any], row: dict[str, Any]) -> None:
    assert container_overview([{**LISTED, **more}]) == [{**ROW, **row}]


def test_templates_are_left_out_and_the_tag_may_be_another() -> None:
    found = container_overview([{**LISTED, "template": True}, {**LISTED, "tags": ["mine"]}], tag="mine")
    assert [row["ours"] for row in found] == [True]
