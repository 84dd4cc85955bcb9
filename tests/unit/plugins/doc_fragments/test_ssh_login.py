"""Every option of Ansible's own ssh connection is there, as it has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml
from ansible.plugins.connection import ssh
from ansible_collections.homelab.pve.plugins.doc_fragments import ssh_login

ROOT = Path(__file__).resolve().parents[4]


def test_every_option_is_there_with_all_that_sets_it() -> None:
    found = yaml.safe_load(ssh_login.ModuleDocFragment.DOCUMENTATION)["options"]
    theirs = yaml.safe_load(ssh.DOCUMENTATION)["options"]
    assert theirs.keys() == found.keys()
    assert {"ansible_port", "ansible_ssh_port"} <= {entry["name"] for entry in found["port"]["vars"]}
    assert found["ssh_args"]["default"] == theirs["ssh_args"]["default"]


def test_nothing_tells_of_versions_of_another_collection() -> None:
    assert "version_added" in ssh.DOCUMENTATION
    assert "version_added" not in ssh_login.ModuleDocFragment.DOCUMENTATION


def test_a_connection_has_them_besides_its_own() -> None:
    program = str(Path(sys.executable).with_name("ansible-doc"))
    command = [program, "--type", "connection", "--json", "homelab.pve.pct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["homelab.pve.pct"]["doc"]["options"]
    assert {"vmid", "node", "command", *yaml.safe_load(ssh.DOCUMENTATION)["options"]} == found.keys()
    assert found["pipelining"]["default"] is True
    assert {"ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"} == {entry["name"] for entry in found["pipelining"]["env"]}
