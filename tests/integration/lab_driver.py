"""The real driver, run as a user runs it, on a lab of the test module's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.conftest import Stand
from tests.integration.driver_process import REPOSITORY, Result

LONGEST_RUN = 480.0


def command(*arguments: str) -> list[str]:
    """The command line of ./run.sh without its set-up."""
    return [sys.executable, "-P", "-m", "scenarios", *arguments]


def drive(*arguments: str) -> Result:
    """Run the driver to its end."""
    done = subprocess.run(
        command(*arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=LONGEST_RUN, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def scenario(name: str, *options: str) -> Result:
    """Run a scenario on the lab's node, its report as JSON."""
    return drive("--scenario", name, "--host", "father", "--json-output", *options)


@dataclass
class Running:
    """A scenario that was started; its lines come as they are said."""

    process: subprocess.Popen[str]

    def reach(self, phase: str) -> None:
        """Read until Ansible runs a task of this phase."""
        assert self.process.stderr is not None
        said: list[str] = []
        begun = False
        for line in self.process.stderr:
            said.append(line)
            begun = begun or f"] {phase}: " in line
            if begun and "TASK [" in line:
                return
        raise AssertionError(f"never reached a task of {phase}: {''.join(said)}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait."""
        self.process.send_signal(number)
        self.process.communicate(timeout=LONGEST_RUN)
        return self.process.returncode


@contextmanager
def started(name: str, *options: str) -> Iterator[Running]:
    """A scenario that runs while the block does; killed at its end, should it still run."""
    arguments = command("--scenario", name, "--host", "father", "--json-output", "-v", *options)
    with subprocess.Popen(
        arguments,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def node(stand: Stand) -> dict[str, Any]:
    """Everything a run may leave on the node: guests, volumes, tokens, storage definitions, directories of guests."""
    api = stand.father()
    guests = api.call("GET", "/cluster/resources", type="vm")
    storages = api.call("GET", "/storage")
    return {
        "guests": sorted((guest["vmid"], guest["name"], guest["status"]) for guest in guests),
        "volumes": {storage["storage"]: volumes(stand, storage["storage"]) for storage in storages},
        "storages": sorted(json.dumps(storage, sort_keys=True) for storage in storages if storage.pop("digest", True)),
        "tokens": sorted(token["tokenid"] for token in api.call("GET", "/access/users/root@pam/token")),
    }


def volumes(stand: Stand, storage: str) -> list[str]:
    """Names of a storage's volumes."""
    return sorted(entry["volid"] for entry in stand.father().call("GET", f"/nodes/father/storage/{storage}/content"))


def pins(state: Path) -> list[Path]:
    """The files of pinned guest keys."""
    return sorted((state / "homelab-pve" / "pins").rglob("known_hosts"))
