# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module beside the official API: each difference has a written reason, and none is stale."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.codecs import INTEGER, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Resource
from ansible_collections.homelab.pve.plugins.module_utils.module import Action

from tests.module.inventory import CARRIERS, declared, names, specification

from . import schema_options

OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared" / "pve-api" / "pve-9.1.json.gz"
# What only Proxmox VE 8 has, and the module `api`, which may write anywhere.
NOT_OF_9 = ("*",)
WRITING = [name for name in names() if declared(name) and declared(name) != NOT_OF_9]
# The options of what carries out other modules' resources are those modules', entry by entry.
OWN = [name for name in WRITING if name not in CARRIERS]
needs_schema = pytest.mark.skipif(
    not OFFICIAL.is_file(), reason="the optional description of the official API is not here"
)


def schema() -> schema_options.Schema:
    """The official API: path -> method -> parameters."""
    found: schema_options.Schema = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    return found


@pytest.fixture(scope="module")
def official() -> schema_options.Schema:
    """The official API, read once."""
    return schema()


@pytest.mark.shared
@needs_schema
@pytest.mark.parametrize("name", OWN)
def test_options_are_those_of_proxmox_ve(name: str, official: schema_options.Schema) -> None:
    found = specification(name)
    assert isinstance(found, Resource | Action)
    written = schema_options.reasons(name)
    known = {(kind, what) for kind, rows in written.items() if kind in schema_options.KINDS for what in rows}
    seen = list(schema_options.differences(official, found, schema_options.compared(name)))
    assert [f"{kind}: {what}: {words}" for kind, what, words in seen if (kind, what) not in known] == []
    assert sorted(known - {(kind, what) for kind, what, _ in seen}) == [], "these reasons explain nothing any more"


@pytest.mark.shared
@needs_schema
@pytest.mark.parametrize("name", WRITING)
def test_endpoints_are_those_of_proxmox_ve(name: str, official: schema_options.Schema) -> None:
    unknown = set(declared(name)) - set(schema_options.endpoints(official))
    assert sorted(unknown - set(schema_options.reasons(name).get("endpoints", {}))) == []
    assert set(schema_options.compared(name) or ()) <= set(declared(name))


@pytest.mark.parametrize("path", sorted(schema_options.REASONS.glob("*.yml")), ids=lambda path: path.stem)
def test_reasons_are_written(path: Path) -> None:
    rows = schema_options.reasons(path.stem)
    assert path.stem in names()
    assert set(rows) <= {*schema_options.KINDS, "endpoints"}
    assert all(isinstance(text, str) and len(text) > 10 for kind in rows.values() for text in kind.values())


SCHEMA: schema_options.Schema = {
    "/things": {
        "POST": {
            "parameters": {
                "thing": {"type": "string"},
                "max-age": {"type": "integer", "minimum": 1, "maximum": 9},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "digest": {"type": "string"},
            }
        }
    }
}


def thing(*fields: Field, **given: Any) -> Resource:
    return Resource(
        kind="thing",
        options=given or {"thing": {"type": "str"}},
        describe=lambda _read, _wish: None,
        plan=lambda _wish, _have: Plan(),
        result=lambda _have: {},
        fields=fields,
        writes=("POST /things",),
    )


AGE = Field("max_age", within(INTEGER, 1, 9), wire="max-age")
MODE = Field("mode", spec={"choices": ["a", "b"]})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(thing(AGE, MODE), [], id="as it should be"),
        pytest.param(thing(MODE), [("not_offered", "max-age")], id="missing"),
        pytest.param(
            thing(AGE, MODE, thing={"type": "str"}, colour={"type": "str"}), [("ours", "colour")], id="surplus"
        ),
        pytest.param(thing(Field("age", AGE.codec, wire="max-age"), MODE), [("renamed", "age")], id="another name"),
        pytest.param(thing(Field("max_age", wire="max-age"), MODE), [("differs", "max_age")], id="type"),
        pytest.param(
            thing(Field("max_age", INTEGER, wire="max-age"), MODE), [("differs", "max_age")] * 2, id="no limits"
        ),
        pytest.param(thing(AGE, Field("mode", spec={"choices": ["a"]})), [("differs", "mode")], id="choices"),
    ],
)  # fmt: skip
def test_a_difference_is_found(found: Resource, expected: list[tuple[str, str]]) -> None:
    assert [(kind, name) for kind, name, _ in schema_options.differences(SCHEMA, found)] == expected
