"""Running commands and moving files on this machine. The same over SSH is tested on the lab."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    CommandTimeoutError,
    ConnectionError,
    FileError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import (
    CommandResult,
    LocalExecutor,
    SSHExecutor,
    reachable,
)
from hypothesis import given
from hypothesis import strategies as st

LOCAL = LocalExecutor()


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), max_size=4))
def test_arguments_arrive_as_they_are(arguments: list[str]) -> None:
    code = "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode())"
    assert LOCAL.run([sys.executable, "-I", "-S", "-c", code, *arguments]).stdout == "\0".join(arguments)


@given(st.binary(max_size=64))
def test_output_is_kept_byte_for_byte(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert LOCAL.run(["cat"], stdin=text).stdout == text


def test_result_of_a_failure() -> None:
    result = LOCAL.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert result == CommandResult(3, "out\n", "err\n")
    assert not result.success


@pytest.mark.parametrize(
    ("cmd", "kind"),
    [
        (["sh", "-c", "exit 3"], CommandError),
        (["no-such-tool"], PVENotFoundError),
        (["sh", "-c", "x_y_z"], PVENotFoundError),
    ],
)
def test_check_raises(cmd: list[str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        LOCAL.run(cmd)


def test_stdin_and_much_output() -> None:
    text = "x" * 2_000_000
    assert LOCAL.run(["cat"], stdin=text).stdout == text


def test_a_command_that_does_not_end() -> None:
    with pytest.raises(CommandTimeoutError, match=r"'sleep' on this machine did not end within 0\.1 s"):
        LOCAL.run(["sleep", "60"], timeout=0.1)


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize("stdin", [None, "x" * 1_000_000], ids=["no input", "input nobody reads"])
def test_a_command_that_goes_on_writing(listens: bool, stdin: str | None) -> None:
    """Its end comes though there is always something to read, and what it started ends with it."""
    heard: list[str] = []
    script = "sleep 4712 & echo $! >&2; while :; do echo x; done"

    def hear(stream: str, text: str) -> None:
        heard.extend([text] if stream == "stderr" else [])

    with pytest.raises(CommandTimeoutError):
        LOCAL.run(["sh", "-c", script], timeout=1, stdin=stdin, on_output=hear if listens else None)
    assert not any(Path("/proc", pid.strip()).exists() and not gone(int(pid)) for pid in heard)
    assert bool(heard) == listens


def gone(pid: int) -> bool:
    """Whether a process has ended, though perhaps nobody has asked for its status yet."""
    return LOCAL.run(["ps", "-o", "stat=", "-p", str(pid)], check=False).stdout.strip() in {"", "Z"}


def test_push_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "a name with ' quotes"
    source.write_bytes(b"new \x00\xff")
    source.chmod(0o640)
    target.write_text("old")
    assert LOCAL.push_file(source, target)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new \x00\xff", 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, target.name])


def test_a_push_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(FileError, match=r"Cannot read .*missing on this machine: No such file or directory\."):
        LOCAL.push_file(tmp_path / "missing", target)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_read_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("Zeile\nžluť\n", encoding="utf-8")
    assert LOCAL.read_file(tmp_path / "file") == "Zeile\nžluť\n"


def test_ssh_connects_when_first_needed() -> None:
    ssh = SSHExecutor("127.0.0.1", port=9)
    ssh.close()
    with pytest.raises(ConnectionError, match=r"^Cannot reach 127\.0\.0\.1 port 9: .*refused|Unable to connect"):
        ssh.run(["true"])


def test_reachable_says_why_not() -> None:
    assert reachable("127.0.0.1", 9, 1.0) == "Connection refused"
