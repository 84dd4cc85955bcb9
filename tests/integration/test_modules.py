"""Every module in a playbook on the lab's node: what it reports is what the node's own commands then show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab import control

from .conftest import Stand

ROOT = Path(__file__).resolve().parents[2]
PLAYS = Path(__file__).parent / "plays"


def play(name: str, **variables: object) -> tuple[int, str]:
    """Run a play of these tests in the lab's network: how much it changed, and its output."""
    given = [word for variable, value in variables.items() for word in ("-e", f"{variable}={value}")]
    return playbook(PLAYS / f"{name}.yml", *given)


def playbook(path: Path, *options: str) -> tuple[int, str]:
    """Run a playbook in the lab's network with the shipped inventory: how much it changed, and its output."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, str(path), *options]
    done = subprocess.run(control.inside(command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sum(int(number) for number in re.findall(r"changed=(\d+)", done.stdout)), done.stdout


def shown(stand: Stand) -> str:
    """What the node's commands list: machines, storages, tokens."""
    commands = (
        "qm list",
        "pvesm status",
        "pveum user token list root@pam",
        "ls /var/lib/fleet/import 2>/dev/null || true",
    )
    return "\n".join(stand.ssh("father", command) for command in commands)


TRACES = ("fleet-one", "fleet ", "debian-12.qcow2")


@pytest.mark.lab
def test_an_estate_is_declared_and_removed(stand: Stand, warm: Path, tmp_path: Path) -> None:
    before = shown(stand)
    assert not [word for word in TRACES if word in before]

    changed, _ = play("modules", token_file=tmp_path / "token.json")
    standing = shown(stand)
    assert changed == 5
    assert [word for word in TRACES if word in standing] == list(TRACES)
    assert (tmp_path / "token.json").stat().st_mode & 0o077 == 0

    quickly = {"token_file": tmp_path / "token.json", "ansible_python_interpreter": warm}
    again, output = play("modules", **quickly)
    assert again == 0, output
    assert shown(stand) == standing

    assert play("modules-gone", **quickly)[0] == 4
    assert not [word for word in TRACES if word in shown(stand)]


@pytest.mark.lab
def test_a_container_is_declared_and_removed(stand: Stand) -> None:
    for state, status in (("present", "stopped"), ("started", "running"), ("stopped", "stopped")):
        assert play("container", wanted=state)[0] == 1
        assert play("container", wanted=state)[0] == 0
        line = next(line for line in stand.ssh("father", "pct list").splitlines() if "fleet-proxy" in line)
        assert status in line.split()
    assert play("container", wanted="absent")[0] == 1
    assert play("container", wanted="absent")[0] == 0
    assert "fleet-proxy" not in stand.ssh("father", "pct list")
