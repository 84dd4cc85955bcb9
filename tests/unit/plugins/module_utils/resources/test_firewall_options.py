"""Planning the options of a firewall. Pure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_options import describe, fields, plan

from .reading import Table

PATH = "/cluster/firewall/options"


@pytest.mark.parametrize(
    ("wish", "have", "params"),
    [
        ({}, {"digest": "d"}, None),
        ({"enable": True}, {"enable": 1763000000, "digest": "d"}, None),
        ({"enable": False}, {"digest": "d"}, None),
        ({"enable": False}, {"enable": 1763000000, "digest": "d"}, {"enable": 0, "digest": "d"}),
        ({"policy_in": "DROP"}, {"digest": "d"}, None),
        ({"policy_in": "DROP", "ebtables": False}, {"policy_in": "ACCEPT"}, {"policy_in": "DROP", "ebtables": 0}),
        ({"log_ratelimit": "burst=3"}, {"log_ratelimit": "enable=1"}, {"log_ratelimit": "1,burst=3"}),
        ({"log_ratelimit": ""}, {"log_ratelimit": "1", "digest": "d"}, {"delete": "log_ratelimit", "digest": "d"}),
    ],
    ids=json.dumps,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any], params: dict[str, Any] | None) -> None:
    whole = {"level": "cluster", **wish}
    made = plan(whole, describe(Table({PATH: have}), whole))
    expected = [] if params is None else [("PUT", PATH, params)]
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"
PATHS = {
    "cluster": "/cluster/firewall/options",
    "node": "/nodes/{node}/firewall/options",
    "guest": "/nodes/{node}/lxc/{vmid}/firewall/options",
    "vnet": "/cluster/sdn/vnets/{vnet}/firewall/options",
}


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")
@pytest.mark.parametrize("level", PATHS)
def test_every_option_of_the_schema_is_here(level: str) -> None:
    known = json.loads(gzip.decompress(SCHEMA.read_bytes()))[PATHS[level]]["PUT"]["parameters"]
    assert {item.name for item in fields(level)} == set(known) - {"node", "vmid", "vnet", "delete", "digest"}
