# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the transport ssh reaches a node: the SSH configuration, and what goes before it."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection
from ansible_collections.homelab.pve.plugins.module_utils.api_pvesh import PveshSession, ssh_executor
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.executor import KNOWN_HOSTS, CommandResult

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="needs OpenSSH's client")

CONFIG = """\
Host pve1
    HostName 192.0.2.10
    User admin
    Port 2222
    IdentityFile {folder}/key
    UserKnownHostsFile {folder}/pins
    GlobalKnownHostsFile {folder}/others
    StrictHostKeyChecking no
    ProxyJump door
Host door
    HostName 192.0.2.1
    StrictHostKeyChecking accept-new
Host mine
    User {me}
Host command
    ProxyCommand nc %h %p
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An SSH configuration in a home directory of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".ssh" / "config"
    path.parent.mkdir()
    path.write_text(CONFIG.format(folder=tmp_path, me=getpass.getuser()), encoding="utf-8")
    return path


def reached(host: str, **options: Any) -> dict[str, Any]:
    """How a host is reached."""
    executor = ssh_executor(Connection(host=host, transport="ssh", connect_timeout=7, **options))
    return {
        "address": (executor.user, executor.host, executor.port),
        "keys": [path.name for path in executor.key_paths],
        "known_hosts": [path.name for path in executor.known_hosts],
        "timeout": executor.connect_timeout,
    }


def test_the_configuration_says_how(config: Path) -> None:
    assert reached("pve1") == {
        "address": ("admin", "192.0.2.10", 2222),
        "keys": ["key"],
        "known_hosts": ["pins", "others"],
        "timeout": 7,
    }


def test_options_go_before_the_configuration(config: Path) -> None:
    given = {"ssh_user": "joe", "ssh_port": 22, "ssh_key_path": "/mine", "ssh_known_hosts": "/known"}
    assert reached("pve1", **given) == {
        "address": ("joe", "192.0.2.10", 22),
        "keys": ["mine"],
        "known_hosts": ["known"],
        "timeout": 7,
    }


@pytest.mark.parametrize("host", ["192.0.2.77", "mine"])
def test_root_is_who_may_run_pvesh(host: str, config: Path) -> None:
    assert reached(host)["address"] == ("root", host, 22)


def test_another_configuration(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("Host pve1\n  Port 2200\n", encoding="utf-8")
    assert reached("pve1", ssh_config=str(other))["address"] == ("root", "pve1", 2200)


def test_no_configuration_at_all(config: Path) -> None:
    config.unlink()
    found = reached("pve1")
    assert (found["address"], found["keys"]) == (("root", "pve1", 22), [])
    assert found["known_hosts"][0] == KNOWN_HOSTS[0].name


def test_unknown_keys_are_refused_everywhere(config: Path) -> None:
    executor = ssh_executor(Connection(host="pve1", transport="ssh"))
    assert executor.jump
    assert (executor.jump.host, executor.strict, executor.jump.strict) == ("192.0.2.1", True, True)


def test_what_cannot_be_reached_is_told(config: Path) -> None:
    with pytest.raises(ConfigError, match="'command' is reached by a ProxyCommand, which is not supported"):
        ssh_executor(Connection(host="command", transport="ssh"))


class Timed:
    """An executor that notes how long each command may take."""

    name = "father"

    def __init__(self) -> None:
        self.limits: list[float | None] = []

    def run(self, _cmd: list[str], *, timeout: float | None = None, **_options: Any) -> CommandResult:
        """Succeed at once."""
        self.limits.append(timeout)
        return CommandResult(0, '"UPID:father:0:0:0:qmclone:100:root@pam:"', "")


def test_a_task_may_take_longer_than_an_answer() -> None:
    # pvesh ends when its task does, so a clone of a minute is no lost answer.
    executor = Timed()
    client = Client(PveshSession(executor, 30.0), "father")  # type: ignore[arg-type]
    client.get("/version")
    client.request("POST", "/nodes/father/qemu/100/clone", {"newid": 101}, 600.0)
    client.request("PUT", "/cluster/options", {"keyboard": "de"}, 5.0)
    assert executor.limits == [30.0, 600.0, 30.0]
