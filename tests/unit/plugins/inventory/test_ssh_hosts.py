"""The inventory of the SSH configuration's Proxmox VE hosts, as ansible-inventory shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import MARK, SSHConfigParser

ROOT = Path(__file__).resolve().parents[4]


def listed(*sources: Path, home: Path) -> tuple[dict[str, Any], str]:
    """What ansible-inventory lists, and what it warns of."""
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    words = [word for source in sources for word in ("-i", str(source))]
    done = subprocess.run(
        [program, *words, "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "ANSIBLE_LOCALHOST_WARNING": "false", "LC_ALL": "C.UTF-8"},
    )
    # What was read from a file of the user's is marked as no template.
    return json.loads(done.stdout, object_hook=lambda value: value.get("__ansible_unsafe", value)), done.stderr


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An inventory file of this plugin."""
    path = tmp_path / "ssh_hosts.yml"
    path.write_text("plugin: homelab.pve.ssh_hosts\n")
    return path


def test_the_hosts_of_the_user(tmp_path: Path, source: Path) -> None:
    parser = SSHConfigParser(tmp_path / ".ssh" / "config")
    parser.add_host("pve1", "192.0.2.10", "joe", 2222, "~/.ssh/joe", proxy_jump="door")
    text = parser.config_path.read_text()
    parser.config_path.write_text(f"{text}Host other\n  HostName x\n{MARK}\nHost pve2\n")
    found, warnings = listed(source, home=tmp_path)
    assert found["pve"] == {"hosts": ["pve1", "pve2"]}
    # ssh does not look at $HOME, so it has to be told of this home directory's file.
    config = str(parser.config_path)
    told = {"ansible_ssh_common_args": f"-F '{config}'", "pve_ssh_config": config}
    pve1 = {"pve_host": "192.0.2.10", "pve_ssh_host": "pve1", "ansible_user": "joe", "ansible_port": 2222}
    way = {"pve_ssh_key": "~/.ssh/joe", "pve_ssh_jump": "door"}
    assert found["_meta"]["hostvars"] == {
        "pve1": {**pve1, **way, **told},
        "pve2": {"pve_host": "pve2", "pve_ssh_host": "pve2", **told},
    }
    assert "WARNING" not in warnings


def test_another_file_and_groups(tmp_path: Path, source: Path) -> None:
    config = tmp_path / "my config"
    SSHConfigParser(config).add_host("test-one", "192.0.2.10")
    source.write_text(
        f"plugin: homelab.pve.ssh_hosts\nssh_config: {config}\ngroup: nodes\n"
        "compose: {ansible_host: pve_host}\ngroups: {tests: pve_host.startswith('192.')}\n"
    )
    found, _ = listed(source, home=tmp_path)
    assert (found["nodes"], found["tests"]) == ({"hosts": ["test-one"]}, {"hosts": ["test-one"]})
    assert found["_meta"]["hostvars"]["test-one"] == {
        "pve_host": "192.0.2.10",
        "pve_ssh_host": "test-one",
        "ansible_host": "192.0.2.10",
        "ansible_user": "root",
        "ansible_port": 22,
        "ansible_ssh_common_args": f"-F '{config}'",
        "pve_ssh_config": str(config),
    }


def test_the_shipped_inventory_takes_them_in(tmp_path: Path) -> None:
    SSHConfigParser(tmp_path / ".ssh" / "config").add_host("pve1", "192.0.2.10")
    found, warnings = listed(ROOT / "inventory", home=tmp_path)
    assert found["pve"] == {"children": ["lab"], "hosts": ["pve1"]}
    assert found["_meta"]["hostvars"]["pve1"]["pve_host"] == "192.0.2.10"
    assert "WARNING" not in warnings


def test_without_any_hosts(tmp_path: Path) -> None:
    found, warnings = listed(ROOT / "inventory", home=tmp_path)
    assert list(found["_meta"]["hostvars"]) == ["father"]
    assert "WARNING" not in warnings


def test_a_configuration_that_cannot_be_read(tmp_path: Path, source: Path) -> None:
    config = tmp_path / "broken"
    config.write_text("HostName\n")
    source.write_text(f"plugin: homelab.pve.ssh_hosts\nssh_config: {config}\n")
    found, warnings = listed(source, home=tmp_path)
    assert found["_meta"]["hostvars"] == {}
    assert f"{config}:1: HostName has no value: HostName" in warnings
