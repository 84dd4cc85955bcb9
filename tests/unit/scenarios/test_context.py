"""The context file: what is written is read again; what is not ours is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.context import SCHEMA, Context, default_path, load, save
from scenarios.errors import UsageError
from scenarios.values import Json

KINDS = {"vm_id": "int", "vm_ip": "str", "vms": "list"}
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def load_here(path: Path) -> Context:
    return load(path, "father", "nested-pve", KINDS)


def saved(path: Path, **changes: Any) -> Path:
    save(path, Context("father", "nested-pve", "s", "r", values={"vm_id": 99900, "vm_ip": "10.99.0.100"}))
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **changes}), encoding="utf-8")
    return path


def test_an_absent_file_is_an_empty_context(tmp_path: Path) -> None:
    assert load_here(tmp_path / "none.json") == Context("father", "nested-pve")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), JSON))
def test_round_trip(tmp_path: Path, values: dict[str, Json]) -> None:
    written = Context("father", "nested-pve", "scenario", "run", values=values)
    save(tmp_path / "c.json", written)
    assert load(tmp_path / "c.json", "father", "nested-pve", {}) == written


def test_it_is_private_and_whole(tmp_path: Path) -> None:
    path = saved(tmp_path / "deep" / "er" / "c.json")
    save(path, Context("father", "nested-pve"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["c.json"]


def test_each_estate_of_each_host_has_its_own(state: Path) -> None:
    assert default_path("father", "nested-pve") == state / "contexts" / "father" / "nested-pve.json"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": "mother"}, "it belongs to host 'mother', this run is about 'father'"),
        ({"estate": "vm"}, "it belongs to estate 'vm', this run is about 'nested-pve'"),
        (
            {"schema": SCHEMA + 1},
            f"its schema {SCHEMA + 1} is newer than {SCHEMA}, the newest this version understands",
        ),
        ({"schema": "1"}, 'its schema is "1", not a whole number from 1'),
        ({"schema": True}, "its schema is true, not a whole number from 1"),
        ({"values": []}, "its field 'values' is [], expected dict"),
        ({"run_id": 5}, "its field 'run_id' is 5, expected str"),
        ({"values": {"vm_id": "99900"}}, "its value 'vm_id' is \"99900\", expected a whole number"),
        ({"values": {"vms": {}}}, "its value 'vms' is {}, expected a list (a,b,c or JSON)"),
        ({"surprise": 1}, "it has the unknown field 'surprise'"),
    ],
)
def test_refusals(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    path = saved(tmp_path / "c.json", **changes)
    with pytest.raises(UsageError) as caught:
        load_here(path)
    assert (
        str(caught.value) == f"The context file {path} is refused: {reason}. Correct or remove it, or give another one."
    )


@pytest.mark.parametrize("keep", range(0, 180, 20))
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = saved(tmp_path / "c.json")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="it is no JSON, perhaps truncated"):
        load_here(path)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(UsageError, match="its field 'host' is missing"):
        load_here(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it can't be read"):
        load_here(path)
