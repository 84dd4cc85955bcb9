"""The programs of a guest that pretends."""

from __future__ import annotations

import pytest

from lab.guests.driver import GuestError
from lab.guests.userland import Ended, File, Userland


@pytest.fixture
def system() -> Userland:
    """A guest with one file."""
    return Userland("web", {"/etc/motd": File(b"hello\n", 0o600, "daemon", "daemon")})


@pytest.mark.parametrize(
    ("argv", "ended"),
    [
        (["true"], Ended()),
        (["/bin/false"], Ended(1)),
        (["echo", "a", "b c"], Ended(out=b"a b c\n")),
        (["hostname"], Ended(out=b"web\n")),
        (["cat"], Ended(out=b"in")),
        (["cat", "/etc/motd"], Ended(out=b"hello\n")),
        (["cat", "/etc/no"], Ended(1, err=b"cat: /etc/no: No such file or directory\n")),
        (["sleep", "2.5"], Ended(after=2.5)),
        (["stat", "-c", "%a %U %G", "/etc/motd"], Ended(out=b"600 daemon daemon\n")),
        (["install", "-o", "nobody", "/dev/null", "/etc/x"], Ended(1, err=b"install: invalid user 'nobody'\n")),
        (["base64", "-d"], Ended(1, err=b"base64: invalid input\n")),
        (["touch", "/no/x"], Ended(1, err=b"touch: No such file or directory\n")),
        (["rm", "-f", "--", "/etc"], Ended(1, err=b"rm: cannot remove '/etc': Is a directory\n")),
        (["sh", "-c", "echo out; echo err >&2; exit 3"], Ended(3, b"out\n", b"err\n")),
        (["sh", "-c", "nope"], Ended(127, err=b"sh: 1: nope: not found\n")),
    ],
)
def test_programs(system: Userland, argv: list[str], ended: Ended) -> None:
    assert system.run(argv, b"in") == ended


def test_a_program_that_is_not_there(system: Userland) -> None:
    with pytest.raises(GuestError, match="Failed to execute child process \u201cnope\u201d"):
        system.run(["nope"])


@pytest.mark.parametrize(
    ("argv", "path", "file"),
    [
        (["install", "-m", "0640", "-g", "www-data", "/etc/motd", "/etc/x"], "/etc/x", ("hello\n", 0o640, "root")),
        (["install", "/etc/motd", "/etc/x"], "/etc/x", ("hello\n", 0o755, "root")),
        (["sh", "-c", 'base64 -d >> "$1"', "sh", "/etc/motd"], "/etc/motd", ("hello\nhi", 0o600, "daemon")),
        (["chmod", "0640", "/etc/motd"], "/etc/motd", ("hello\n", 0o640, "daemon")),
        (["chown", "root:www-data", "/etc/motd"], "/etc/motd", ("hello\n", 0o600, "root")),
        (["chown", ":root", "/etc/motd"], "/etc/motd", ("hello\n", 0o600, "daemon")),
        (["cp", "/dev/null", "/etc/motd"], "/etc/motd", ("", 0o600, "daemon")),
        (["touch", "/etc/y"], "/etc/y", ("", 0o644, "root")),
    ],
)
def test_programs_that_write(system: Userland, argv: list[str], path: str, file: tuple[str, int, str]) -> None:
    assert system.run(argv, b"aGk=").code == 0
    found = system.files[path]
    assert (found.content.decode(), found.mode, found.owner) == file


def test_the_agent_makes_files_that_everybody_may_write_to(system: Userland) -> None:
    system.write("/etc/new", b"x")
    system.write("/etc/motd", b"y")
    assert {path: oct(file.mode) for path, file in system.files.items()} == {"/etc/new": "0o666", "/etc/motd": "0o600"}
