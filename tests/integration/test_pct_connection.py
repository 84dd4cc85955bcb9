# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container as Ansible's host: one playbook over the connection homelab.pve.pct, by SSH and on the node itself."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import control, father
from tests.integration.conftest import Stand

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
PLAY = Path(__file__).parent / "plays" / "pct-connection.yml"
FATHER = "10.99.0.2"
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
RUNNING, STOPPED, MACHINE = 310, 311, 9000
FORWARDER = """#!{python}
import os, shlex, sys
os.execvp({ssh[0]!r}, [*{ssh!r}, shlex.join(["pct", *sys.argv[1:]])])
"""
"""A pct that may be run on this machine, where there is none: the node's."""


@pytest.fixture(scope="module")
def containers(stand: Stand) -> None:
    """A running container with settings for logins, and a stopped one; a login on the node that is not root's."""
    create = f"pct create {{}} local:vztmpl/{TEMPLATE} --rootfs local-lvm:1 --hostname ct-pct"
    script = (
        f"pvesh create /nodes/father/aplinfo --storage local --template {TEMPLATE}",
        f"{create.format(RUNNING)} --start 1",
        create.format(STOPPED),
        f"pct exec {RUNNING} -- sh -c 'echo PROXY_OF_ALL=http://proxy:3128 >> /etc/environment'",
        "useradd --create-home --password '*' joe",
        "install -d -o joe ~joe/.ssh && install -o joe /root/.ssh/authorized_keys ~joe/.ssh",
        "echo 'joe ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/joe",
        # What a node's login prints must not get into files and results.
        "echo 'echo Welcome; echo to the node >&2' >> /root/.bashrc",
    )
    stand.ssh("father", "set -e\n" + "\n".join(script))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files to copy."""
    files = {
        "large": bytes(range(256)) * 80_000,
        "bytes": bytes(range(256)),
        "empty": b"",
        "greeting.j2": "grüße von {{ inventory_hostname }}\n".encode(),
        "script.sh": b'#!/bin/sh\necho "$(hostname) $1"\n',
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def inventory(stand: Stand, folder: Path) -> Path:
    """An inventory of the container in every manner it is reached, and of what can't be entered."""
    keys = father.ssh_key(stand.status.state_dir).parent
    pct = folder / "pct"
    pct.write_text(FORWARDER.format(python=sys.executable, ssh=control.ssh_command("father", [])))
    pct.chmod(0o755)
    login = {
        "ansible_connection": "homelab.pve.pct",
        "ansible_host": FATHER,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(keys / "id_ed25519"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={shlex.quote(str(keys / 'known_hosts'))}",
        # Asked for by mistake; a terminal would mix up the streams.
        "ansible_ssh_extra_args": "-o RequestTTY=force",
        "ansible_control_path_dir": str(folder / "cp"),
        "pve_vmid": RUNNING,
    }
    otherwise = {
        "files": {"ansible_pipelining": False, "ansible_user": "joe", "pve_pct_command": "sudo -n pct"},
        "local": {"pve_pct_node": "local", "pve_pct_command": shlex.quote(str(pct)), "ansible_host": "nowhere"},
    }
    groups = {"inside": {"web": {}}, "otherwise": otherwise, "refused": REFUSED}
    children = {name: {"hosts": hosts} for name, hosts in groups.items()}
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": login, "children": children}}))
    return path


REFUSED: dict[str, dict[str, Any]] = {
    "stopped": {"pve_vmid": STOPPED, "why": rf"Container {STOPPED} is not running on {FATHER}\. Start it first"},
    "machine": {"pve_vmid": MACHINE, "why": rf"no container {MACHINE} on {FATHER}\. {MACHINE} is a virtual machine"},
    "no-right": {
        "ansible_user": "joe",
        "why": rf"pct on {FATHER} can.t read the node.s configuration\. Either joe may not",
    },
    "no-pct": {"pve_pct_command": "/nope/pct", "why": rf"There is no pct on {FATHER}\. Is it a Proxmox VE node"},
    "no-node": {"ansible_port": 9, "why": "Failed to connect to the host via ssh: .*refused"},
}
"""What differs from the running container -> what is said of it."""


def played(inventory: Path, folder: Path) -> None:
    """Run the playbook in the lab's network; all must be well."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(inventory), str(PLAY), "-e", json.dumps({"folder": str(folder)})]
    done = subprocess.run(control.inside(command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_tasks_run_in_a_container(stand: Stand, containers: None, folder: Path) -> None:
    played(inventory(stand, folder), folder)
    sent = {"0": "large", "1": "empty", "files": "bytes", "local": "bytes"}
    for fetched, name in sent.items():
        assert digest(folder / "fetched" / fetched) == digest(folder / name), name
    look = "find /srv -user daemon -printf '%m %s\\n' | sort; ls -A /root/.ansible/tmp; ls /root"
    seen = stand.ssh("father", f"pct exec {RUNNING} -- sh -c {shlex.quote(look)}").splitlines()
    assert seen == ["Welcome", "640 0", "640 20480000", "640 256", "640 256"]
