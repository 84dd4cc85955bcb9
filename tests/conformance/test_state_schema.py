"""The JSON Schema of state documents: current, takes what is shipped, and refuses what the reader would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import load
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from .state_schema import DOCUMENT, document, schema, text

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples" / "state").glob("*.[yj]*"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = schema(KINDS)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def wrong(validator: Draft202012Validator, values: Any) -> list[str]:
    return sorted({str(error.json_path) for error in validator.iter_errors(values)})


def test_the_shipped_schema_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == text(), "run python -m tests.conformance.state_schema"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.name))
def test_the_examples_are_right(validator: Draft202012Validator, path: Path) -> None:
    assert wrong(validator, yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"vmz": []}, ["$"]),
        ({"version": 2}, ["$.version"]),
        ({"vms": {}}, ["$.vms"]),
        ({"vms": [{"vmid": 100, "memmory": 1}]}, ["$.vms[0]"]),
        ({"vms": [{"vmid": "many"}]}, ["$.vms[0].vmid"]),
        ({"vms": [{"vmid": 100, "state": "runing"}]}, ["$.vms[0].state"]),
        ({"vms": [{"vmid": 100, "net": {"net0": {"bridgee": "a"}}}]}, ["$.vms[0].net.net0"]),
        ({"vms": [{"vmid": 100, "net": {"card": {}}}]}, ["$.vms[0].net"]),
        ({"vms": [{"vmid": 100, "disks": {"scsi0": {"cache": "much"}}}]}, ["$.vms[0].disks.scsi0"]),
        ({"vms": [{"vmid": 100, "disk": {"sizze": 1}}]}, ["$.vms[0].disk"]),
        ({"vms": [{"vmid": 100, "ha": {"enable": True}}]}, ["$.vms[0].ha"]),
        ({"vms": [{"cores": 1}]}, ["$.vms[0]"]),
        ({"storage": [{"type": "dir"}]}, ["$.storage[0]"]),
        ({"ha": {"rulez": []}}, ["$.ha"]),
        ({"plugins": {"proxmox": {"vms": [{"vmid": 100, "nam": 1}]}}}, ["$.plugins.proxmox.vms[0]"]),
        ({"plugins": {"other": {}}}, ["$.plugins", "$.plugins"]),
    ],
)
def test_what_is_refused(validator: Draft202012Validator, values: Any, where: list[str]) -> None:
    assert wrong(validator, values) == sorted(set(where))
    with pytest.raises(ConfigError):
        load([Text("d.json", json.dumps(values))], KINDS)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"x-base": {"anything": 1}, ".notes": "a", "$schema": "./state.schema.json", "include": ["a.yml"]},
        {
            "vms": [{"vmid": "100", "cores": "${secret:cores}", "onboot": "yes", "cpu_mitigations": False}],
            "storage": None,
        },
        {"vms": [{"name": "a", "network": [{"bridge": "a"}, "virtio,bridge=b"], "disk": "s:5", "agent": True}]},
        {"containers": [{"name": "a", "network": {"ip": "dhcp"}, "state": "running"}]},
        {"backups": [{"schedule": "daily", "time": "02:00", "vms": [100], "retention": {"keep_daily": 7}}]},
        {"network": [{"iface": "vmbr0", "address": "10.0.0.1", "netmask": "255.0.0.0", "bridge_ports": "eno1 eno2"}]},
    ],
)
def test_what_is_taken(validator: Draft202012Validator, values: Any) -> None:
    assert wrong(validator, values) == []


def bare(found: Any, place: str = "") -> Iterator[str]:
    """Options of entries that have no description."""
    for name, option in found["properties"].items():
        if "description" not in option:
            yield f"{place}.{name}"


def test_every_option_is_described() -> None:
    entries = schema(KINDS)["$defs"]
    assert [place for kind in KINDS for place in bare(entries[kind], kind)] == []


def test_every_kind_has_its_place() -> None:
    found = document(KINDS)["properties"]
    for kind in KINDS:
        top, _, part = kind.partition(".")
        assert part in found[top]["properties"] if part else top in found
