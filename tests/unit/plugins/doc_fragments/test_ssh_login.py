"""Every option of Ansible's own ssh connection is there, as it has it."""

from __future__ import annotations

import yaml
from ansible.plugins.connection import ssh
from ansible_collections.homelab.pve.plugins.doc_fragments import ssh_login


def test_every_option_is_there_with_all_that_sets_it() -> None:
    found = yaml.safe_load(ssh_login.ModuleDocFragment.DOCUMENTATION)["options"]
    theirs = yaml.safe_load(ssh.DOCUMENTATION)["options"]
    assert theirs.keys() <= found.keys()
    assert "ansible_port" in [entry["name"] for entry in found["port"]["vars"]]
    assert found["ssh_args"]["default"] == theirs["ssh_args"]["default"]
    pipelining = [entry["name"] for entry in found["pipelining"]["env"]]
    assert {"ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"} <= set(pipelining)


def test_nothing_tells_of_versions_of_another_collection() -> None:
    assert "version_added" in ssh.DOCUMENTATION
    assert "version_added" not in ssh_login.ModuleDocFragment.DOCUMENTATION


def test_options_of_two_are_merged() -> None:
    one = {"a": {"default": 1, "env": [{"name": "X"}]}, "b": {}}
    other = {"a": {"default": 2, "env": [{"name": "X"}, {"name": "Y"}], "type": "int"}}
    assert ssh_login.merged(one, other) == {
        "a": {"default": 1, "env": [{"name": "X"}, {"name": "Y"}], "type": "int"},
        "b": {},
    }
