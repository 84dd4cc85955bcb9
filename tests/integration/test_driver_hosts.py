"""The scenarios about a host of the user's, on the lab: what they leave behind is nothing, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios import host
from tests.integration.conftest import Stand
from tests.integration.lab_driver import node, pins, scenario

pytestmark = pytest.mark.lab
BY_HAND = b"# mine\r\nHost bastion other\r\n\tPort=2200\r\n\r\nMatch all\r\n  ServerAliveInterval 7"
ADDED = "homelab-host-roundtrip-father"


def standing(stand: Stand) -> dict[str, Any]:
    """What is on the node, but for templates: one that was fetched is there for the next container."""
    found = node(stand)
    kept = {
        storage: [each for each in volumes if ":vztmpl/" not in each] for storage, volumes in found["volumes"].items()
    }
    return {**found, "volumes": kept}


@pytest.fixture
def config(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The SSH configuration of a user who has one already. It is the same in the end, and so is the node."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".ssh" / "config"
    path.parent.mkdir()
    path.write_bytes(BY_HAND)
    before = standing(stand)
    yield path
    assert path.read_bytes() == BY_HAND
    assert standing(stand) == before
    assert pins(stand.status.state_dir.parent.parent) == []


@pytest.mark.timeout(600)
def test_roundtrip(config: Path) -> None:
    result = scenario(host.ROUNDTRIP.name)
    messages = {phase["name"]: phase["message"] for phase in result.document["phases"]}
    assert result.statuses() == dict.fromkeys(host.ROUNDTRIP.names(), "passed"), messages
    assert result.code == 0
    assert len(result.document["phases"]) == 8
    assert result.phase("test_host")["outputs"]["host_checks"][0]["status"] == "ok"
    assert 99900 <= result.phase("create_container")["outputs"]["container_id"] <= 99999


def test_a_run_that_was_interrupted_is_cleaned_up(config: Path, tmp_path: Path) -> None:
    """Its entry is found without the context that the run would have written."""
    built = scenario(host.CONSTRUCTOR.name, "--only", "add_host", "--context-file", str(tmp_path / "first.json"))
    assert built.code == 0, built.err
    assert f"Host {ADDED}\r\n".encode() in config.read_bytes()
    removed = scenario(host.DESTRUCTOR.name, "--context-file", str(tmp_path / "none.json"))
    assert removed.code == 0, removed.err
    assert [phase["changed"] for phase in removed.document["phases"]] == [0, 0, 1]
