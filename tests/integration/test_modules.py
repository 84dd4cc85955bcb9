"""Every module in a playbook on the lab's node: what it reports is what the node's own commands then show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


def passes(folder: Path, path: Path, *variables: Mapping[str, object], options: Sequence[str] = ()) -> list[int]:
    """Run a playbook several times, each time with other variables: how many tasks changed something each time.

    By one start of Ansible, which packs each module once.
    """
    entries = [
        ({"name": f"Pass {number}", "hosts": "localhost", "gather_facts": False}, {
            "import_playbook": str(path), "vars": {name: str(value) for name, value in given.items()}
        })
        for number, given in enumerate(variables)
    ]  # fmt: skip
    whole = folder / f"{path.stem}-passes.yml"
    whole.write_text(json.dumps([entry for pair in entries for entry in pair]), encoding="utf-8")
    _changed, output = playbook(whole, *options)
    parts = re.split(r"^PLAY \[Pass \d+\].*$", output, flags=re.MULTILINE)[1:]
    assert len(parts) == len(variables), output
    return [len(re.findall(r"^changed: ", part, re.MULTILINE)) for part in parts]


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

    given = {"token_file": tmp_path / "token.json"}
    quickly = {**given, "ansible_python_interpreter": warm}
    assert passes(tmp_path, PLAYS / "modules.yml", given, quickly) == [5, 0]
    standing = shown(stand)
    assert [word for word in TRACES if word in standing] == list(TRACES)
    assert (tmp_path / "token.json").stat().st_mode & 0o077 == 0

    assert play("modules-gone", **quickly)[0] == 4
    assert not [word for word in TRACES if word in shown(stand)]


@pytest.mark.lab
def test_a_container_is_declared_and_removed(stand: Stand, tmp_path: Path) -> None:
    for state, status in (("present", "stopped"), ("started", "running"), ("stopped", "stopped")):
        assert passes(tmp_path, PLAYS / "container.yml", *[{"wanted": state}] * 2) == [1, 0]
        line = next(line for line in stand.ssh("father", "pct list").splitlines() if "fleet-proxy" in line)
        assert status in line.split()
    assert passes(tmp_path, PLAYS / "container.yml", *[{"wanted": "absent"}] * 2) == [1, 0]
    assert "fleet-proxy" not in stand.ssh("father", "pct list")
