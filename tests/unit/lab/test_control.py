"""Finding the running lab and its guests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lab import control, lan, layout, processes

LEASES = """\
1795180000 bc:24:11:00:00:01 10.99.0.101 nested-pve *
1795190000 bc:24:11:00:00:02 10.99.0.102 nested-pve 01:bc
1795190000 bc:24:11:00:00:03 10.99.0.103 * *
duid 00:01:00:01
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    directory = layout.state_dir()
    directory.mkdir(parents=True)
    return directory


def record(pid: int, started_at: int) -> str:
    node = {"address": "10.99.0.2", "api_forward": "127.64.0.1:8006", "ssh_forward": "127.64.0.1:22"}
    lab = {
        "pid": pid,
        "started_at": started_at,
        "instance": "0",
        "rootless": False,
        "api_only": False,
        "nodes": {"father": node},
    }
    return json.dumps(lab)


def test_no_record_is_no_lab(state: Path) -> None:
    assert control.status() is None


def test_a_running_lab_is_read_from_its_record(state: Path) -> None:
    (state / "lab.json").write_text(record(os.getpid(), processes.start_time(os.getpid()) or 0), encoding="utf-8")
    present = control.status()
    assert present is not None
    assert present.nodes["father"].api_forward == "127.64.0.1:8006"


def test_a_pid_that_was_given_out_again_is_no_lab(state: Path) -> None:
    (state / "lab.json").write_text(record(os.getpid(), 1), encoding="utf-8")
    assert control.status() is None


def test_a_record_of_another_version_is_read_as_far_as_it_is_known(state: Path) -> None:
    document = json.loads(record(os.getpid(), processes.start_time(os.getpid()) or 0))
    del document["api_only"]
    document["colour"] = "blue"
    (state / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    present = control.status()
    assert present is not None
    assert not present.api_only


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"nodes": {}}'])
def test_a_damaged_record_is_named(state: Path, text: str) -> None:
    (state / "lab.json").write_text(text, encoding="utf-8")
    with pytest.raises(control.LabError, match=r"lab\.json is not the record of a lab"):
        control.status()


def test_an_api_only_lab_has_no_network_to_enter(state: Path) -> None:
    document = json.loads(record(os.getpid(), processes.start_time(os.getpid()) or 0))
    document["api_only"] = True
    (state / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(control.LabError, match=r"only an API, on https://127\.64\.0\.1:8006"):
        control.enter_network()


def test_without_a_lab_the_way_to_start_it_is_named(state: Path) -> None:
    with pytest.raises(control.LabError, match=r"\./run\.sh lab up"):
        control.inside(["true"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("father", ("10.99.0.2", "10.99.0.2")),
        ("10.99.0.2", ("10.99.0.2", "10.99.0.2")),
        ("nested-pve", ("10.99.0.102", "bc:24:11:00:00:02")),
        ("10.99.0.103", ("10.99.0.103", "bc:24:11:00:00:03")),
    ],
)
def test_guests_are_found_by_name_and_address(name: str, expected: tuple[str, str]) -> None:
    assert control.locate(name, LEASES) == expected


def test_an_unknown_guest_is_answered_with_the_known_ones() -> None:
    with pytest.raises(control.LabError, match=r"no guest 'nested' with an address. Known: father, nested-pve$"):
        control.locate("nested", LEASES)


def test_loopback_addresses_follow_from_the_directory_and_stay_on_loopback(tmp_path: Path) -> None:
    addresses = {lan.loopback_address(tmp_path / name, attempt) for name in "ab" for attempt in range(20)}
    assert len(addresses) > 30
    assert all(64 <= int(address.split(".")[1]) < 192 for address in addresses)
    assert lan.loopback_address(tmp_path, 0) == lan.loopback_address(tmp_path, 0)


def test_a_taken_address_is_passed_over(tmp_path: Path) -> None:
    first, taken = lan.listen(tmp_path, (48006,))
    second, others = lan.listen(tmp_path, (48006,))
    for listener in (*taken, *others):
        listener.close()
    assert first != second
