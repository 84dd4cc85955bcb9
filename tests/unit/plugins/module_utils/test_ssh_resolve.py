"""What a name in an SSH configuration stands for: OpenSSH's own answer, as an executor."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import SSHConfigParser
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import executor_for, resolve, split_paths
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="needs OpenSSH's client")

CONFIG = """\
Include {folder}/included
Host pve1
    HostName 192.0.2.10
    IdentityFile "{folder}/a %u key"
    UserKnownHostsFile "{folder}/my pins" ~/.ssh/known_hosts
    StrictHostKeyChecking yes
    ProxyJump joe@bastion:2222,second
    HostKeyAlias father
Host bastion
    HostName 192.0.2.1
    User ignored
Match host 192.0.2.10
    Port 2200
Host loop1
    ProxyJump loop2
Host loop2
    ProxyJump loop1
Host command
    ProxyCommand nc %h %p
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "included").write_text("Host *\n  User from-include\n")
    path = tmp_path / "config"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def test_everything_that_matters_is_read(config: Path) -> None:
    found = resolve("pve1", config)
    assert (found.hostname, found.user, found.port, found.strict) == ("192.0.2.10", "from-include", 2200, True)
    assert [path.name for path in found.keys] == [f"a {getpass.getuser()} key"]
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # ssh doesn't look at HOME
    assert found.known_hosts[:2] == [config.parent / "my pins", home / ".ssh" / "known_hosts"]
    assert found.host_key_alias == "father"
    assert found.jumps == ["joe@bastion:2222", "second"]


def test_an_executor_goes_through_the_jump_hosts(config: Path) -> None:
    executor = executor_for("pve1", config)
    second = executor.jump
    first = second.jump if second else None
    assert second
    assert first
    assert (executor.host, executor.name, second.host) == ("192.0.2.10", "pve1", "second")
    assert (first.host, first.user, first.port, first.jump) == ("192.0.2.1", "joe", 2222, None)
    assert (executor.host_key_alias, first.host_key_alias) == ("father", None)


def test_a_name_that_is_nowhere_is_a_host_name(tmp_path: Path) -> None:
    found = resolve("pve9.example.com", tmp_path / "missing")
    assert (found.hostname, found.port, found.strict, found.jumps) == ("pve9.example.com", 22, False, [])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loop1", "{config}: the jump hosts go in a circle: loop1 -> loop2 -> loop1"),
        ("command", "{config}: 'command' is reached by a ProxyCommand, which is not supported. Use ProxyJump."),
    ],
)
def test_what_cannot_be_followed(config: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        executor_for(name, config)
    assert str(caught.value) == message.format(config=config)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("NoSuchThing yes", "Bad configuration option: nosuchthing: NoSuchThing yes"),
        ("Port many", "Bad port 'many': Port many"),
    ],
)
def test_a_line_ssh_refuses_is_shown(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host pve1\n  {line}\n")
    with pytest.raises(ConfigError) as caught:
        resolve("pve1", path)
    assert str(caught.value) == f"{path}:2: {words.replace(line, '  ' + line)}"


@given(st.lists(st.from_regex(r"[~/][a-z./]{1,9}( [a-z]{1,5}){0,2}", fullmatch=True)))
def test_paths_with_spaces_are_told_apart(paths: list[str]) -> None:
    assert split_paths(" ".join(paths)) == paths


KEY = st.from_regex(r"/[A-Za-z0-9 %#'=._-]{1,20}[a-z]", fullmatch=True).filter(lambda path: "  " not in path)


@settings(max_examples=25)  # each starts ssh
@given(name=st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True), key=KEY, port=st.integers(1, 65_535))
def test_ssh_reads_what_was_added(tmp_path_factory: pytest.TempPathFactory, name: str, key: str, port: int) -> None:
    path = tmp_path_factory.mktemp("ssh") / "config"
    path.write_text("Port 1\nUser nobody\n")
    SSHConfigParser(path).add_host(name, "192.0.2.10", "joe", port, key, proxy_jump="a@b:3,c", known_hosts=Path(key))
    found = resolve(name, path)
    assert (found.hostname, found.user, found.port, found.jumps) == ("192.0.2.10", "joe", port, ["a@b:3", "c"])
    assert (found.keys, found.known_hosts[0]) == ([Path(key)], Path(key))
