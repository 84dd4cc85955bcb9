"""Interrupted, then killed, in each phase; afterwards a destructor run leaves the node as it was before.

What was built in pieces is as good as what was built at once: a constructor run finds nothing to do.
"""

from __future__ import annotations

import json
import signal
import subprocess
from itertools import cycle
from pathlib import Path

import pytest

from scenarios import nested_pve
from tests.integration.conftest import Stand
from tests.integration.lab_driver import node, scenario, started

pytestmark = pytest.mark.lab
CONSTRUCTOR, DESTRUCTOR = nested_pve.CONSTRUCTOR, nested_pve.DESTRUCTOR
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
# Signals that end a run, and its exit code then.
ENDS = {signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}


def break_off(number: signal.Signals, phase: str, begin: str, *options: str) -> None:
    """Start the constructor at one phase and end it by a signal in another."""
    with started(CONSTRUCTOR.name, "--from", begin, *options) as run:
        run.reach(phase)
        assert run.end(number) == ENDS[number]


def test_the_constructor_breaks_off(stand: Stand) -> None:
    before, phase = node(stand), CONSTRUCTOR.names()[0]
    break_off(signal.SIGINT, phase, phase)
    break_off(signal.SIGKILL, phase, phase)
    removed = scenario(DESTRUCTOR.name)
    assert removed.code == 0, removed.err
    assert node(stand) == before


def repositories(directory: Path) -> str:
    """A working copy nobody commits to meanwhile, unlike perhaps this checkout."""
    copy = directory / "copy"
    for arguments in (
        ["init", "-q", str(copy)],
        ["-C", str(copy), *IDENTITY, "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *arguments], check=True)
    return json.dumps([{"src": str(copy), "dest": "/opt/copy"}])


@pytest.mark.timeout(600)
def test_both_break_off_in_every_phase_and_go_on(stand: Stand, tmp_path: Path) -> None:
    before, inputs = node(stand), ("-e", f"nested_pve_repos={repositories(tmp_path)}")
    phases = CONSTRUCTOR.names()
    for number, phase, begin in zip(cycle(ENDS), phases, [phases[0], *phases], strict=False):
        break_off(number, phase, begin, "--skip", "preflight", *inputs)
    assert scenario(CONSTRUCTOR.name, "--from", phases[-1], *inputs).code == 0
    again = scenario(CONSTRUCTOR.name, *inputs)
    assert again.code == 0, again.err
    assert {phase["name"]: phase["changed"] for phase in again.document["phases"]} == dict.fromkeys(
        ["preflight", *phases], 0
    )
    for phase in DESTRUCTOR.names():
        with started(DESTRUCTOR.name) as run:
            run.reach(phase)
            assert run.end(signal.SIGKILL) == -signal.SIGKILL
    removed = scenario(DESTRUCTOR.name)
    assert removed.code == 0, removed.err
    assert node(stand) == before
