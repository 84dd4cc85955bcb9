"""Planning the options of the whole cluster. Pure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_options import (
    CLUSTER_OPTIONS,
    CONSOLES,
    FENCING,
    FIELDS,
    KEYBOARDS,
    LANGUAGES,
    PROPERTIES,
)

from .reading import Table

PATH = "/cluster/options"
# What PVE answers where nothing is set, and what it answered after some was.
BARE = {"allowed-tags": [], "description": "", "mac_prefix": "BC:24:11"}
HAVE = {
    **BARE,
    "keyboard": "de",
    "migration": {"network": "10.77.0.0/24", "type": "insecure"},
    "next-id": {"lower": "300", "upper": "400"},
    "tag-style": {"color-map": "prod:ff0000"},
    "description": "hello\nworld\n",
    "registered-tags": ["b", "a"],
    "bwlimit": "clone=100",
}


def sent(wish: dict[str, Any], have: dict[str, Any]) -> dict[str, Any] | None:
    made = CLUSTER_OPTIONS.plan(wish, have)
    assert all((step.verb, step.path) == ("PUT", PATH) for step in made.steps)
    return dict(made.steps[0].params) if made.steps else None


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, HAVE, None),
        ({"keyboard": "de", "description": "hello\nworld", "registered_tags": ["a", "b"]}, HAVE, None),
        ({"next_id": "lower=300,upper=400", "migration": {"type": "insecure"}, "bwlimit": {"clone": 100}}, HAVE, None),
        ({"keyboard": "", "description": "", "mac_prefix": "", "registered_tags": [], "migration": {}}, BARE, None),
        ({"mac_prefix": "bc:24:11", "fencing": "watchdog", "crs": {"ha": "basic"}, "ha": ""}, BARE, None),
        ({"migration": "insecure"}, BARE, {"migration": "insecure"}),
        ({"migration": {"network": "10.0.0.0/8"}}, HAVE, {"migration": "insecure,network=10.0.0.0/8"}),
        ({"migration": {"network": ""}}, HAVE, {"migration": "insecure"}),
        ({"migration": ""}, HAVE, {"delete": "migration"}),
        ({"tag_style": {"color_map": ""}}, HAVE, {"delete": "tag-style"}),
        ({"next_id": {"lower": 200}}, HAVE, {"next-id": "lower=200,upper=400"}),
        ({"bwlimit": {"move": 1048576}}, HAVE, {"bwlimit": "clone=100,move=1048576"}),
        ({"mac_prefix": "02:aa:"}, BARE, {"mac_prefix": "02:AA"}),
        ({"mac_prefix": ""}, {**BARE, "mac_prefix": "02:AA"}, {"delete": "mac_prefix"}),
        ({"registered_tags": ["c"], "keyboard": ""}, HAVE, {"registered-tags": "c", "delete": "keyboard"}),
        ({"consent_text": "Hello.", "max_workers": 3}, BARE, {"consent-text": "Hello.", "max_workers": 3}),
        ({"webauthn": {"id": "x", "allow-subdomains": True}}, BARE, {"webauthn": "allow-subdomains=1,id=x"}),
        (
            {"crs": {"ha": "dynamic", "ha_auto_rebalance_margin": 0.2}},
            BARE,
            {"crs": "ha=dynamic,ha-auto-rebalance-margin=0.2"},
        ),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_is_sent(wish: dict[str, Any], have: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert sent(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"migration": "typ=secure"}, "Option 'migration': unknown property 'typ'; known are network, type"),
        ({"ha": {"shutdown_policy": "stop"}}, "Option 'ha': shutdown_policy: 'stop' is none of freeze, failover, "),
        ({"next_id": {"lower": 5}}, "Option 'next_id': lower: 5 is not from 100 to 999999999"),
        ({"http_proxy": "proxy:3128"}, "Option 'http_proxy': 'proxy:3128' is not of the form http://..."),
        ({"max_workers": 0}, "Option 'max_workers': 0 is not 1 or more"),
        ({"mac_prefix": "01:00"}, "Option 'mac_prefix': '01:00' is not the beginning of a MAC address, "),
    ],
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        CLUSTER_OPTIONS.plan(wish, BARE)
    assert str(caught.value).startswith(message)


def test_a_login_that_sees_a_part_only_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"Grant Sys.Audit on / to the user"):
        CLUSTER_OPTIONS.describe(Table({PATH: {"allowed-tags": [], "console": "html5"}}), {})
    assert CLUSTER_OPTIONS.describe(Table({PATH: BARE}), {}) == BARE


def test_what_is_returned() -> None:
    found = CLUSTER_OPTIONS.result(HAVE)["cluster_options"]
    assert (found["mac_prefix"], found["next_id"], found["registered_tags"]) == (
        "BC:24:11", {"lower": 300, "upper": 400}, ["a", "b"],
    )  # fmt: skip


SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")
def test_every_option_of_the_schema_is_here() -> None:
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))[PATH]["PUT"]["parameters"]
    # The old form of migration, which PVE turns into the new one.
    assert {item.key for item in FIELDS} == set(schema) - {"delete", "migration_unsecure"}
    formats = {name: row["format"] for name, row in schema.items() if isinstance(row.get("format"), dict)}
    assert {name: set(row) for name, row in formats.items()} == {
        name: set(row.kinds) for name, row in PROPERTIES.items()
    }
    choices = {
        name: {part: tuple(value["enum"]) for part, value in row.items() if "enum" in value}
        for name, row in formats.items()
    }
    assert choices == {name: dict(row.choices) for name, row in PROPERTIES.items()}
    ours = {"console": CONSOLES, "fencing": FENCING, "keyboard": KEYBOARDS, "language": LANGUAGES}
    assert {name: tuple(schema[name]["enum"]) for name in ours} == ours
