"""Which host is meant, and how the modules reach it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import SSHConfigParser

from scenarios import inventory
from scenarios.errors import UsageError
from scenarios.hosts import ADVICE
from scenarios.inventory import LOCAL_NODE, Host
from scenarios.paths import repository

TWO = "all: {hosts: {a: {pve_lab_node: true}, b: }}"
ONE = "all: {hosts: {a: }}"
NONE = "all: {hosts: {}}"
WHICH = "Which host? Give --host, or choose a default: ./run.sh host set-default NAME. Known: a, b."
HERE = Host("localhost", lab_node=False, source=str(LOCAL_NODE))


@pytest.fixture
def on_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Proxmox VE's tools."""
    tool = tmp_path / "bin" / "pveversion"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)


def found(tmp_path: Path, text: str, name: str) -> Host | str:
    """The host that is meant, or the refusal."""
    source = tmp_path / "hosts.yml"
    source.write_text(text, encoding="utf-8")
    try:
        return inventory.find(name, (str(source),), None)
    except UsageError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (TWO, "a", Host("a", lab_node=True)),
        (ONE, "", Host("a", lab_node=False)),
        (TWO, "", WHICH),
        (NONE, "", ADVICE),
        (ONE, "b", "Unknown host 'b'. Known: a."),
    ],
)
def test_the_host_that_is_meant(tmp_path: Path, text: str, name: str, expected: Host | str) -> None:
    assert found(tmp_path, text, name) == expected


@pytest.mark.usefixtures("on_a_node")
@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (TWO, "b", Host("b", lab_node=False)),
        (ONE, "", Host("a", lab_node=False)),
        (TWO, "", HERE),
        (NONE, "", HERE),
    ],
)
def test_the_host_that_is_meant_on_a_node(tmp_path: Path, text: str, name: str, expected: Host) -> None:
    assert found(tmp_path, text, name) == expected


@pytest.mark.parametrize(
    ("environment", "reached"),
    [
        ({}, {"localhost": "local localhost", "pve1": "ssh pve1"}),
        ({"PVE_TOKEN_ID": "a@pve!b"}, {"localhost": "local localhost", "pve1": "https 192.0.2.10"}),
    ],
    ids=["nothing", "token"],
)
def test_how_modules_reach_a_host(environment: dict[str, str], reached: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    SSHConfigParser(home / ".ssh" / "config").add_host("pve1", "192.0.2.10")
    program = str(Path(sys.executable).with_name("ansible"))
    told = ["-m", "ansible.builtin.debug", "-a", "msg='{{ pve_api.transport }} {{ pve_api.host }}'"]
    done = subprocess.run(
        [program, "localhost,pve1", "-i", "inventory", "-i", str(LOCAL_NODE), *told],
        cwd=repository(),
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
    )
    assert dict(re.findall(r'(\S+) \| SUCCESS => \{\s+"msg": "(.*)"', done.stdout)) == reached
