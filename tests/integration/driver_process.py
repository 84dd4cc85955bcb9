"""Starts drivers whose scenarios run the small playbooks of fixtures/driver, as processes of their own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures" / "driver"
REPOSITORY = HERE.parent.parent
PATIENCE = 60.0


@dataclass(frozen=True)
class Result:
    """How a driver ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.out)
        return content

    def statuses(self) -> dict[str, str]:
        return {phase["name"]: phase["status"] for phase in self.document["phases"]}

    def phase(self, name: str) -> dict[str, Any]:
        return next(phase for phase in self.document["phases"] if phase["name"] == name)


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Look again and again, ever more rarely, until it is so."""
    end, pause = time.monotonic() + patience, 0.01
    while not condition():
        assert time.monotonic() < end, f"waited {patience:g} s in vain until {what}"
        select.select([], [], [], pause)
        pause = min(pause * 1.5, 0.25)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Driver:
    """A user of the driver, with state, work and temporary directories of its own."""

    def __init__(self, home: Path) -> None:
        self.work = home / "work"
        # A short path: with a long one the driver keeps its sockets in /tmp, where other tests' drivers are too.
        self.temporary = Path(tempfile.mkdtemp(prefix="driver-"))
        self.state = home / "state" / "homelab-pve"
        self.work.mkdir()
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(self.temporary),
        }

    def command(self, scenario: str, *options: str, host: str = "here") -> list[str]:
        inventory = ["--inventory", str(FIXTURES / "hosts.yml")]
        inputs = ["-e", f"where={self.work}"] if not scenario.startswith(("failing-", "unready")) else []
        return [
            sys.executable, str(FIXTURES / "driver.py"), "--scenario", scenario, "--host", host,
            *inventory, *inputs, *options,
        ]  # fmt: skip

    def start(self, scenario: str, *options: str, host: str = "here") -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(scenario, *options, host=host),
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, scenario: str, *options: str, host: str = "here") -> Result:
        """Run a scenario to its end, its report as JSON."""
        return self.result(self.start(scenario, "--json-output", *options, host=host))

    @staticmethod
    def result(process: subprocess.Popen[str]) -> Result:
        out, err = process.communicate(timeout=PATIENCE)
        return Result(process.returncode, out, err)

    def hanging(self, *options: str) -> tuple[subprocess.Popen[str], int]:
        """Start the scenario that hangs; returns it and the process id of the module it hangs in."""
        pid_file = self.work / "hang.pid"
        process = self.start("hang", "--json-output", *options)
        wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the module hangs")
        return process, int(pid_file.read_text())

    def end(self, process: subprocess.Popen[str], number: signal.Signals) -> Result:
        process.send_signal(number)
        return self.result(process)

    def leftovers(self) -> list[str]:
        """What is left in the temporary directory and among /tmp's own of this driver."""
        return [path.name for path in self.temporary.iterdir()]

    def context(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.state / "contexts" / "here" / "thing.json").read_text())
        return content
