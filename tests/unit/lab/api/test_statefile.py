# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a node's state: what was saved is read, whatever was added in between and however writing ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.api import statefile
from lab.api.server import LabApi, Places
from lab.api.state import encode, read_document
from lab.api.statefile import StateFile, read_parts

NAMES = st.sampled_from(["vms/1", "vms/2", "access", "task/x"])
STATES = st.lists(st.dictionaries(NAMES, st.none() | st.integers() | st.lists(st.integers())), min_size=1, max_size=6)


@given(STATES, st.sampled_from([0, 40, 10_000]))
def test_the_last_saved_state_is_read(
    tmp_path_factory: pytest.TempPathFactory, states: list[object], most: int
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statefile, "LEAST_ADDED", most)
        saved = StateFile(path, encode)
        for state in states:
            assert isinstance(state, dict)
            saved.save(state.items())
            assert read_parts(path) == state


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    saved = StateFile(path, encode)
    state = {"a": [1], "b": [2], "c": {3}}
    for change in ({}, {"b": [4]}, {}, {"c": {5}}):
        state |= change
        saved.save(state.items())
    del state["a"]
    saved.save(state.items())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[1:] == [
        {"set": {"b": [4]}, "gone": []},
        {"set": {"c": {"$set": [5]}}, "gone": []},
        {"set": {}, "gone": ["a"]},
    ]
    assert (path.stat().st_mode & 0o777, [item.name for item in tmp_path.iterdir()]) == (0o600, ["state.json"])


def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    saved = StateFile(path, encode)
    saved.save([("a", 1)])
    saved.save([("a", 2)])
    path.write_bytes(path.read_bytes()[:-3])
    assert read_parts(path) == {"a": 1}


def test_a_file_without_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("not JSON")
    with pytest.raises(ValueError, match="Expecting value"):
        read_parts(tmp_path / "state.json")


def api_with(path: Path) -> LabApi:
    """A populated API that keeps its state in a file."""
    return LabApi(places=Places(path.parent, path.parent, path), others=["mother"])


def test_a_lab_reads_what_it_saved(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    api = api_with(path)
    api.add_vm(100, "web", node="mother", config={"scsi0": "local-lvm:vm-100-disk-0,size=4G"})
    api.storages["local-lvm"] = {"type": "lvmthin", "files": set(), "volumes": {"vm-100-disk-0": {"vmid": 100}}}
    api.changed()
    api.vm(100).config["cores"] = 4
    api.storages["local-lvm"]["volumes"]["x"] = {"vmid": None}
    api.changed()
    other = api_with(path)
    other.restore(read_document(path))
    assert other.document() == api.document()


def test_a_document_in_one_piece_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    api = api_with(path)
    api.add_vm(100, "web")
    path.write_text(json.dumps(api.document()))
    assert read_document(path) == api.document()
