"""Commands and files over SSH, on the lab's node: the same results as here, and honest failures."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    CommandTimeoutError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandResult, LocalExecutor, SSHExecutor

from lab import father

from .conftest import Stand

pytestmark = pytest.mark.lab
FATHER = "10.99.0.2"


def executor(stand: Stand, **changes: Any) -> SSHExecutor:
    """An executor on father with the lab's key and pinned host key, unless changed."""
    folder = father.ssh_key(stand.status.state_dir).parent
    known = {"key_path": folder / "id_ed25519", "known_hosts": folder / "known_hosts", "timeout": 30.0}
    return SSHExecutor(FATHER, **{**known, **changes})


def on_father(stand: Stand, work: Callable[[SSHExecutor], Any], **changes: Any) -> Any:
    """Call ``work`` inside the lab's network with an executor that is closed afterwards."""

    def run() -> Any:
        ssh = executor(stand, **changes)
        try:
            return work(ssh)
        finally:
            ssh.close()

    return stand.in_lab(run)


ODD = "a b'c\"d$HOME`id`\\n*?;|&<>(){}[]!#~\tž\U0001f600\r\n-"


@pytest.mark.parametrize(
    "cmd",
    [
        ["printf", "%s", ODD],
        ["printf", "%s\\n", *ODD],
        ["sh", "-c", "echo out; echo err >&2; exit 7"],
        ["sh", "-c", "printf '\\377\\000x'"],
        ["true"],
        ["no-such-command"],
    ],
    ids=["odd", "odd, one by one", "both streams", "no text", "nothing", "missing"],
)
def test_the_same_as_here(stand: Stand, cmd: list[str]) -> None:
    there: CommandResult = on_father(stand, lambda ssh: ssh.run(cmd, check=False))
    here = LocalExecutor().run(cmd, check=False)
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout)
    assert bool(there.stderr) == bool(here.stderr)


def test_standard_input(stand: Stand) -> None:
    assert on_father(stand, lambda ssh: ssh.run(["cat"], stdin=ODD)).stdout == ODD


def test_much_output_on_both_streams_does_not_block(stand: Stand) -> None:
    command = "head -c 8000000 /dev/zero | tr '\\0' x; head -c 8000000 /dev/zero | tr '\\0' y >&2"
    result = on_father(stand, lambda ssh: ssh.run(["sh", "-c", command]))
    assert (len(result.stdout), len(result.stderr)) == (8_000_000, 8_000_000)


def test_input_nobody_reads(stand: Stand) -> None:
    assert on_father(stand, lambda ssh: ssh.run(["true"], stdin="x" * 10_000_000)).success


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 70_000, "ž\n".encode()], ids=["empty", "binary", "text"])
def test_files_arrive_whole(stand: Stand, tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", Path("/root/a name with 'quotes' and $x")
    source.write_bytes(content)
    source.chmod(0o640)

    def push_twice(ssh: SSHExecutor) -> str:
        assert ssh.push_file(source, target)
        assert ssh.push_file(source, target)
        return ssh.run(
            ["sh", "-c", 'sha256sum < "$1"; stat -c %a "$1"; ls -A /root | grep -c "a name"', "-", str(target)]
        ).stdout

    here = LocalExecutor().run(["sh", "-c", 'sha256sum < "$1"', "-", str(source)]).stdout
    assert on_father(stand, push_twice) == f"{here}640\n1\n"
    assert stat.S_IMODE(source.stat().st_mode) == 0o640


def test_a_file_is_read(stand: Stand) -> None:
    assert on_father(stand, lambda ssh: ssh.read_file(Path("/etc/hostname"))).strip() == "father"


@pytest.mark.parametrize(
    ("cmd", "kind", "message"),
    [
        (["sh", "-c", "echo no >&2; exit 3"], CommandError, "'sh' on 10.99.0.2 ended with exit status 3: no"),
        (["no-such-command"], PVENotFoundError, "'no-such-command' was not found on 10.99.0.2. "),
        (["sleep", "60"], CommandTimeoutError, "'sleep' on 10.99.0.2 did not end within 0.3 s and was stopped."),
    ],
    ids=["failure", "missing", "too slow"],
)
def test_failures(stand: Stand, cmd: list[str], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        on_father(stand, lambda ssh: ssh.run(cmd, timeout=0.3 if cmd[0] == "sleep" else None))
    assert str(caught.value).startswith(message)
