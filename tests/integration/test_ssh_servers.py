"""SSH with servers as they may be set up, with much data, and the same commands over SSH and on the host itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import executor as executors
from ansible_collections.homelab.pve.plugins.module_utils.errors import AuthenticationError, ConnectionError, FileError
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandResult, LocalExecutor, SSHExecutor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Stand, until
from .test_executor import FATHER, ODD, on_father
from .test_ssh_faults import admitted, another_sshd, failing, new_key

pytestmark = pytest.mark.lab
GIGABYTE = 10**9

# ------------------------------------------------------------------ servers


def unknown(tmp_path: Path, port: int) -> dict[str, Any]:
    """Options of an executor on another sshd, whose address is not pinned yet."""
    return {"port": port, "known_hosts": tmp_path / "pins", "strict": False}


def test_a_server_that_closes_idle_connections(stand: Stand, tmp_path: Path) -> None:
    def after_a_while(ssh: SSHExecutor) -> list[str]:
        transport = ssh.connect().transport()
        said = [ssh.run(["sh", "-c", "echo $SSH_CONNECTION"]).stdout]
        until(lambda: not transport.is_active(), "sshd closes the connection nobody uses")
        return [*said, ssh.run(["sh", "-c", "echo $SSH_CONNECTION"]).stdout]

    with another_sshd(stand, "UnusedConnectionTimeout=1", "Banner=/etc/issue") as port:
        first, second = on_father(stand, after_a_while, **unknown(tmp_path, port))
    assert first.split()[0] == second.split()[0]
    assert first.split()[1] != second.split()[1]  # our port: another connection


def test_a_server_that_cannot_replace_files(stand: Stand, tmp_path: Path) -> None:
    """Its SFTP lacks posix-rename@openssh.com."""
    (tmp_path / "file").write_text("new")
    stand.ssh("father", "mkdir -p /root/replaced; cd /root/replaced; echo old > file; mkdir folder")

    def push(ssh: SSHExecutor) -> str:
        ssh.push_file(tmp_path / "file", Path("/root/replaced/file"))
        with pytest.raises(FileError, match=r"^Cannot write /root/replaced/folder on "):
            ssh.push_file(tmp_path / "file", Path("/root/replaced/folder"))
        return ssh.run(["sh", "-c", "cd /root/replaced; cat file; ls -A"]).stdout

    with another_sshd(stand, "Subsystem=sftp internal-sftp -P posix-rename") as port:
        assert on_father(stand, push, **unknown(tmp_path, port)) == "newfile\nfolder\n"


NO_SFTP = "it has no SFTP. Its sshd_config needs the line 'Subsystem sftp internal-sftp'."
FEW_SESSIONS = (
    "it opens no session (Connect failed). Its sshd_config has to allow more of them: MaxSessions is 10 by default, "
    "and a transfer takes 2."
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["MaxSessions=10"], NO_SFTP),
        (["MaxSessions=1", "Subsystem=sftp internal-sftp"], FEW_SESSIONS),
    ],
    ids=["no SFTP", "few sessions"],
)
def test_a_server_that_takes_no_files(stand: Stand, tmp_path: Path, options: Sequence[str], message: str) -> None:
    (tmp_path / "file").write_text("new")
    stand.ssh("father", "echo old > /root/untouched")
    with another_sshd(stand, *options) as port:
        error = failing(
            stand,
            lambda ssh: ssh.push_file(tmp_path / "file", Path("/root/untouched")),
            connect_timeout=1.0,
            **unknown(tmp_path, port),
        )
    assert isinstance(error, ConnectionError)
    assert str(error) == f"Cannot reach {FATHER} port {port}: {message}"
    assert stand.ssh("father", "cat /root/untouched; ls -A /root | grep untouched") == "old\nuntouched\n"


def test_an_agent_that_holds_an_encrypted_key(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ssh and IdentitiesOnly: the agent may offer the keys that are named, and no others."""
    named, other = new_key(tmp_path / "named", passphrase="open sesame"), new_key(tmp_path / "other")
    admitted(stand, named)
    place, ask = tmp_path / "agent", tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho open sesame\n")
    ask.chmod(0o700)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout
        agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        monkeypatch.setenv("SSH_ASKPASS", str(ask))
        monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
        subprocess.run(["ssh-add", "-q", str(other), str(named)], check=True)
        assert on_father(stand, lambda ssh: ssh.run(["true"]), key_path=named, identities_only=True).success
        error = failing(stand, lambda ssh: ssh.run(["true"]), key_path=tmp_path / "none", identities_only=True)
    finally:
        agent.kill()
        agent.wait()
    assert isinstance(error, AuthenticationError)
    assert "the agent's key" not in str(error)


# ------------------------------------------------------------------ much data


def test_a_gigabyte_of_output(stand: Stand) -> None:
    """Handed on while it arrives: only its end is kept."""
    count = 0

    def hear(_stream: str, text: str) -> None:
        nonlocal count
        count += len(text)

    result = on_father(
        stand, lambda ssh: ssh.run(["head", "-c", str(GIGABYTE), "/dev/zero"], on_output=hear, timeout=None)
    )
    assert count == GIGABYTE
    assert 0 < len(result.stdout) <= 2 * 65_536


def test_much_output_that_is_kept(stand: Stand) -> None:
    """On both streams, more than any window or pipe holds."""
    command = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; head -c 50000000 /dev/zero"
    result = on_father(stand, lambda ssh: ssh.run(["sh", "-c", command]))
    assert (len(result.stdout), len(result.stderr)) == (100_000_000, 50_000_000)


def test_a_large_file(stand: Stand, tmp_path: Path) -> None:
    source, target = tmp_path / "large", Path("/root/large")
    source.write_bytes(b"".join(b"%015d\n" % number for number in range(4_000_000)))

    def there_and_back(ssh: SSHExecutor) -> tuple[str, str]:
        ssh.push_file(source, target)
        said = ssh.run(["sh", "-c", 'sha256sum < "$1"', "-", str(target)]).stdout
        return said, ssh.read_file(target)

    said, content = on_father(stand, there_and_back)
    stand.ssh("father", f"rm {target}")
    assert LocalExecutor().run(["sh", "-c", 'sha256sum < "$1"', "-", str(source)]).stdout == said
    assert content.encode() == source.read_bytes()


# ------------------------------------------------------------------ on the host itself


PLACE = "/root/on-the-host"
UTILS = "ansible_collections/homelab/pve/plugins/module_utils"
ON_THE_HOST = f"""
import json, sys
sys.path.insert(0, {PLACE!r})
from {UTILS.replace("/", ".")}.executor import LocalExecutor
calls = json.load(sys.stdin)
done = [LocalExecutor().run(call["cmd"], check=False, stdin=call["stdin"]) for call in calls]
print(json.dumps([[each.returncode, each.stdout, each.stderr] for each in done]))
"""


@pytest.fixture(scope="module")
def on_the_host(stand: Stand) -> None:
    """The code of LocalExecutor on father."""
    files = [Path(executors.__file__).with_name(f"{name}.py") for name in IMPORTED]

    def copy(ssh: SSHExecutor) -> None:
        ssh.run(["mkdir", "-p", f"{PLACE}/{UTILS}"])
        for file in files:
            ssh.push_file(file, Path(PLACE, UTILS, file.name))

    on_father(stand, copy)


IMPORTED = ("executor", "command_output", "errors", "ssh_files", "whole_files")


def both(ssh: SSHExecutor, calls: Sequence[dict[str, Any]]) -> tuple[list[CommandResult], list[CommandResult]]:
    """The results of commands over SSH and on the host."""
    said = ssh.run(["python3", "-c", ON_THE_HOST], stdin=json.dumps(calls)).stdout
    there = [ssh.run(call["cmd"], check=False, stdin=call["stdin"]) for call in calls]
    return there, [CommandResult(*each) for each in json.loads(said)]


ECHO = ["sh", "-c", 'printf "%s\\0" "$@"; cat; printf "%s" "$*" >&2; exit "$0"']
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
PVE_COMMANDS = (
    ["pveversion"],
    ["pvesh", "get", "/version", "--output-format", "json"],
    ["pvesh", "get", "/nodes/father/qemu/4711/config"],
    ["qm", "list"],
    ["qm", "config", "4711"],
    ["pct", "list"],
    ["pvesm", "status"],
    ["no-such-command", ODD],
)


@pytest.mark.usefixtures("on_the_host")
def test_proxmox_ves_commands_say_the_same_over_ssh(stand: Stand) -> None:
    calls = [{"cmd": cmd, "stdin": None} for cmd in PVE_COMMANDS]
    there, here = on_father(stand, lambda ssh: both(ssh, calls))
    # How a shell and Python name what is missing is theirs.
    assert [(each.returncode, each.stdout) for each in there] == [(each.returncode, each.stdout) for each in here]
    assert there[:-1] == here[:-1]


@pytest.mark.usefixtures("on_the_host")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 255), st.lists(WORDS, max_size=5), WORDS), min_size=1, max_size=4))
def test_commands_do_the_same_over_ssh(stand: Stand, wishes: list[tuple[int, list[str], str]]) -> None:
    """Bytes, exit status, and every character of the arguments."""
    calls = [{"cmd": [*ECHO, str(code), *words], "stdin": stdin} for code, words, stdin in wishes]
    there, here = on_father(stand, lambda ssh: both(ssh, calls))
    assert there == here
