"""`./run.sh container` over https, and over SSH on a host of `host add`, behind a jump host and without a token.

The scenario host-roundtrip makes one over SSH, too (test_driver_hosts.py).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import control, father
from scenarios.cli import main

from .conftest import Stand
from .driver_process import REPOSITORY, Result
from .lab_driver import LONGEST_RUN, command
from .test_executor import FATHER

pytestmark = pytest.mark.lab
INNER = "inner"


def container(*words: str, host: str = "father") -> Result:
    """Run a command of `container`, inside the lab's network."""
    done = subprocess.run(
        control.inside(command("container", *words, "--host", host, "--yes")),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def passed(*words: str, host: str = "father") -> dict[str, Any]:
    """The one phase of a command that has to pass."""
    done = container(*words, "--json-output", host=host)
    assert done.code == 0, done.out + done.err
    (phase,) = json.loads(done.out)["phases"]
    return dict(phase)


def settings(home: Path, text: str) -> None:
    path = home / "config" / "homelab-pve" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def home(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory whose SSH configuration has the lab's node, and the same behind a jump host."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    key = str(father.ssh_key(stand.status.state_dir))
    assert main(["host", "add", "door", "--hostname", FATHER, "--key", key]) == 0
    assert main(["host", "add", INNER, "--hostname", "127.0.0.1", "--key", key, "--jump", "door"]) == 0
    return tmp_path


def test_containers_are_made_listed_and_destroyed(stand: Stand, home: Path) -> None:
    settings(home, "container: {cores: 1, memory: 512}\n")
    made = passed("create", "web", "--vmid-range", "99900-99999", "--disk", "2", "--tags", "shop")
    vmid = made["outputs"]["container_id"]
    assert made["outputs"]["container_ip"].startswith("10.99.0.")
    assert {**made["outputs"], "container_ip": ""} == {
        "container_id": vmid, "container_node": "father", "container_name": "web", "container_status": "running",
        "container_storage": "local-lvm", "container_ip": "",
    }  # fmt: skip
    path = f"/nodes/father/lxc/{vmid}/config"
    config = stand.father().call("GET", path)
    assert 99900 <= vmid <= 99999
    assert {name: config[name] for name in ("cores", "memory", "swap", "unprivileged", "features", "tags")} == {
        "cores": 1, "memory": 512, "swap": 512, "unprivileged": 1, "features": "nesting=1", "tags": "homelab-pve;shop",
    }  # fmt: skip
    assert "size=2G" in config["rootfs"]
    assert "ip=dhcp" in config["net0"]
    assert stand.ssh(made["outputs"]["container_ip"], "hostname") == "web\n"

    # Defaults are for new containers.
    settings(home, "container: {cores: 4}\n")
    assert passed("create", "web", "--memory", "512")["changed"] == 0

    # A module accepts no key that nobody pinned; this pins it.
    assert stand.in_lab(main, ["host", "test", INNER]) == 0

    table = container("list", host=INNER)
    assert (table.code, table.err) == (0, ""), table.err
    rows = [line.split() for line in table.out.splitlines()]
    ip = made["outputs"]["container_ip"]
    assert rows[1:] == [[str(vmid), "web", "father", "running", "512", "1", ip, "homelab-pve,", "shop", "yes"]]

    # What is not ours is not destroyed.
    stand.father().call("PUT", path, tags="shop")
    foreign = container("destroy", "web", host=INNER)
    assert foreign.code == 1
    assert "does not carry the tag 'homelab-pve'" in foreign.out
    removal = passed("destroy", "web", "--adopt", host=INNER)
    assert removal["outputs"]["container_removal"] == [f"stop container {vmid} (web)", f"remove container {vmid} (web)"]
    gone = container("destroy", "web")
    assert (gone.code, gone.out.splitlines()[-1]) == (0, "there is no container 'web', nothing to do")
