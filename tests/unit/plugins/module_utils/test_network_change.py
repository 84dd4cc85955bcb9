"""The program that takes a change of a node's network back, as a process with files and an ifreload of its own."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import network_change

BOUND = 30.0


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A folder that stands for /etc/network, with a change that waits; each reload is noted beside it."""
    folder = tmp_path / "network"
    (folder / "interfaces.d").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (folder / "interfaces").write_text("old\n")
    (folder / "interfaces.new").write_text("new\n")
    reload = tmp_path / "ifreload"
    reload.write_text(f"#!/bin/sh\ncat {folder}/interfaces >>{tmp_path}/reloads\n")
    reload.chmod(0o755)
    return folder


def program(network: Path, *words: str) -> tuple[int, str]:
    source = inspect.getsource(network_change).replace("/etc/network", str(network))
    source = source.replace("/run/", f"{network.parent}/run/")
    done = subprocess.run(
        [sys.executable, "-c", source, *words],
        env={**os.environ, "PATH": f"{network.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr.strip()


def applied(network: Path) -> None:
    """What the API does with a change that waits, and with what includes it."""
    (network / "interfaces.new").rename(network / "interfaces")
    (network / "interfaces.d" / "sdn").write_text("sdn\n")


def texts(network: Path) -> dict[str, str]:
    return {str(path.relative_to(network)): path.read_text() for path in sorted(network.rglob("*")) if path.is_file()}


def wait_for_state(network: Path, state: str) -> None:
    deadline = time.monotonic() + BOUND
    while program(network, "state") != (0, state):
        assert time.monotonic() < deadline, program(network, "state")


BEFORE = {"interfaces": "old\n", "interfaces.new": "new\n"}
AFTER = {"interfaces": "new\n", "interfaces.d/sdn": "sdn\n"}


def test_a_change_that_nobody_confirms_is_taken_back(network: Path) -> None:
    assert program(network, "state") == (0, "none")
    assert program(network, "arm", "0.5") == (0, "")
    applied(network)
    wait_for_state(network, "back")
    assert texts(network) == BEFORE
    assert (network.parent / "reloads").read_text() == "old\n"
    code, said = program(network, "confirm")
    assert (code, said.startswith("The change was taken back")) == (1, True)
    program(network, "forget")
    assert program(network, "state") == (0, "none")


def test_a_confirmed_change_stays(network: Path) -> None:
    program(network, "arm", "60")
    applied(network)
    assert program(network, "state") == (0, "armed")
    assert program(network, "confirm") == (0, "")
    program(network, "forget")  # waits for the process that would take it back
    assert texts(network) == AFTER


def test_a_change_is_taken_back_at_once_where_that_is_asked_for(network: Path) -> None:
    program(network, "arm", "600")
    applied(network)
    assert program(network, "back") == (0, "")
    assert program(network, "state") == (0, "back")
    assert texts(network) == BEFORE
