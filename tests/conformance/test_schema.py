# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint that the lab keeps state for, beside the official API's own description.

The official one is of Proxmox VE 9.1, the lab's of 9.2: what came or changed between the two is listed here.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from lab.api.fake import pve_schema
from lab.api.server import LabApi

T = TypeVar("T")
OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared" / "pve-api" / "pve-9.1.json.gz"
ASPECTS = ("type", "optional", "enum", "minimum", "maximum", "pattern", "format", "minLength", "maxLength")
# How an identifier of SDN is described: a format with a name in 9.1, a pattern with lengths in 9.2.
SDN_ID_ASPECTS = ("pattern", "format", "minLength", "maxLength")
# Parameters whose description changed between the two versions, and what of it.
CHANGED = {
    ("blocksize", "format"),
    ("comment", "format"),
    ("crs", "format"),
    ("entrypoint", "pattern"),
    ("env", "pattern"),
    ("mp[n]", "format"),
    ("net[n]", "format"),
    ("property", "enum"),
    ("rootfs", "format"),
    ("serial[n]", "pattern"),
}
# The same of single areas: fabrics got two more protocols, subscriptions keys for ARM.
CHANGED_OF = {
    "/cluster/sdn/fabrics/": {("protocol", "enum"), ("interfaces", "optional"), ("delete", "optional")},
    "/nodes/{node}/subscription": {("key", "pattern")},
}
# Parameters that came with 9.2, and that went with it.
NEWER = {
    "audiences",
    "auto-rebalance",
    "bgp-mode",
    "location",
    "nodes",
    "peer-group-name",
    "regenerate",
    "route-map-in",
    "route-map-out",
    "secondary-controllers",
}
OLDER = {"maxfiles"}
JOURNAL = {"unit", "units", "structured", "priority", "identifiers", "kernel", "service"}
PROTOCOLS = {
    "allowed_ips", "endpoint", "peers", "persistent_keepalive", "public_key", "redistribute", "role", "route_filter",
}  # fmt: skip
NEWER_OF = {("GET", "/nodes/{node}/journal"): JOURNAL}
NEWER_BELOW = {"/cluster/sdn/fabrics/": PROTOCOLS}
# The description of 9.2 has the parameters of this method by type.
BY_TYPE = {("POST", "/cluster/ha/rules"), ("PUT", "/cluster/ha/rules/{rule}")}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not OFFICIAL.is_file(), reason="the optional description of the official API is not here"),
]


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    """The official API: path -> method -> parameters, returns, permissions."""
    document = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    paths: dict[str, Any] = document.get("paths", document)
    return paths


@pytest.fixture(scope="module")
def kept() -> set[tuple[str, str]]:
    """Methods and paths with state: those of the lab's areas and of fakepve's."""
    api = LabApi()
    areas = [getattr(api, name)() for name in dir(api) if name.startswith("_routes_")]
    return {*api._table, *((method, path) for table in areas for method, path, _ in table)}


def ours(method: str, path: str) -> dict[str, Any]:
    """Parameters of a method as the lab checks them, by name."""
    found: dict[str, Any] = (pve_schema.load().paths[path][method].get("parameters") or {}).get("properties", {})
    return found


def theirs(api: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Parameters of a method as the official description has them, by name."""
    found: dict[str, Any] = api[path][method].get("parameters") or {}
    return found


def test_every_endpoint_with_state_is_official(
    official: dict[str, Any], kept: set[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        every = {(method, path) for path, methods in official.items() for method in methods}
        known = {(method, path) for path, methods in pve_schema.load().paths.items() for method in methods}
        synthesised, absent = (every & known) - kept, every - known
        sys.stdout.write(
            f"\nendpoints with state: {len(kept)} of {len(every)}, "
            f"synthesised: {len(synthesised)}, absent: {len(absent)}\n"
        )
    assert not [route for route in sorted(kept) if route[0] not in official.get(route[1], {})]


def test_permissions_are_the_official_ones(official: dict[str, Any], kept: set[tuple[str, str]]) -> None:
    schema = pve_schema.load().paths
    assert not [
        (method, path)
        for method, path in sorted(kept)
        if schema[path][method].get("permissions") != official[path][method].get("permissions")
    ]


def below(table: Mapping[str, set[T]], path: str) -> set[T]:
    """What a table says of the area a path is in."""
    return next((found for beginning, found in table.items() if path.startswith(beginning)), set())


def differences(checked: dict[str, Any], stated: dict[str, Any], changed: set[tuple[str, str]]) -> Iterator[str]:
    """What two descriptions of the same parameters have otherwise."""
    for name in sorted(set(checked) & set(stated)):
        sdn_id = str(stated[name].get("format")).startswith("pve-sdn-")
        for aspect in ASPECTS:
            known = (name, aspect) in CHANGED | changed or (sdn_id and aspect in SDN_ID_ASPECTS)
            if checked[name].get(aspect) != stated[name].get(aspect) and not known:
                yield f"{name}.{aspect}: {checked[name].get(aspect)} | {stated[name].get(aspect)}"


def test_parameters_are_checked_as_the_official_ones(official: dict[str, Any], kept: set[tuple[str, str]]) -> None:
    found = [
        f"{method} {path} {difference}"
        for method, path in sorted(kept)
        for difference in differences(ours(method, path), theirs(official, method, path), below(CHANGED_OF, path))
    ]
    assert not found, "\n".join(found)


def test_parameters_are_the_official_ones(official: dict[str, Any], kept: set[tuple[str, str]]) -> None:
    found = []
    for method, path in sorted(kept - BY_TYPE):
        checked, stated = set(ours(method, path)), set(theirs(official, method, path))
        newer = NEWER | NEWER_OF.get((method, path), set()) | below(NEWER_BELOW, path)
        found += [f"{method} {path} +{name}" for name in checked - stated - newer]
        found += [f"{method} {path} -{name}" for name in stated - checked - OLDER]
    assert not found, "\n".join(found)
