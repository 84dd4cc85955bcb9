"""The way into a container: command lines that a real shell reads, and what came back from the node."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.plugin_utils import container_entry
from ansible_collections.homelab.pve.plugins.plugin_utils.container_entry import Ended, Entry
from hypothesis import example, given, settings
from hypothesis import strategies as st

MARK = "pct-1-"
# What leads into container 100, which is this machine: name -> the arguments it wants before the command.
WAYS = {"pct": "exec 100 --", "lxc-attach": "-n 100 --clear-env --"}
SCRIPT = """#!/bin/sh
case "$*" in "{wanted} "*) ;; *) echo "called as $*" >&2; exit 9 ;; esac
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands that lead into a container."""
    folder = tmp_path_factory.mktemp("node")
    for name, wanted in WAYS.items():
        (folder / name).write_text(SCRIPT.format(wanted=wanted))
        (folder / name).chmod(0o755)
    return folder


def run(node: Path, command: str, given: bytes | None = None, enter: str = "pct") -> Ended:
    """What becomes of a command; the line is read by a shell, as sshd has it read."""
    line = container_entry.command_line(Entry(100, enter), MARK, command, has_input=given is not None)
    done = subprocess.run(
        line,
        shell=True,
        input=given or b"never read",
        capture_output=True,
        check=False,
        env={"PATH": f"{node}:{os.defpath}", "HOME": "/nope", "LANG": "xx_XX", "SECRET": "of the node"},
    )
    return container_entry.ended(MARK, done.stdout, done.stderr)


@pytest.mark.parametrize("status", [0, 1, 2, 126, 127, 137, 254, 255])
def test_the_exit_status_is_the_commands(node: Path, status: int) -> None:
    assert run(node, f"echo out; echo err >&2; exit {status}") == Ended(True, status, b"out\n", b"err\n")


def test_a_command_that_was_killed_has_the_signals_status(node: Path) -> None:
    assert run(node, "kill -KILL $$").status == 128 + 9


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example("'\"\\ $HOME `id` $(id) \n\t!#&;|<>*?[]{}~%é漢")
@settings(max_examples=20)
def test_every_character_gets_there(node: Path, text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert run(node, f"printf %s {quoted}").stdout == text.encode()


def test_bytes_are_as_they_were_in_both_directions(node: Path) -> None:
    everything = bytes(range(256)) * 1000
    assert run(node, "cat; echo >&2", everything) == Ended(True, 0, everything, b"\n")


def test_a_command_without_input_reads_nothing(node: Path) -> None:
    assert run(node, "cat") == Ended(True, 0, b"", b"")


def test_the_environment_is_of_the_container_and_none_of_the_node(node: Path) -> None:
    found = dict(line.split("=", 1) for line in run(node, "env").stdout.decode().splitlines())
    assert {"SECRET", "LC_ALL"}.isdisjoint(found)
    assert found["HOME"] == pwd.getpwnam("root").pw_dir
    assert (found["USER"], found["LOGNAME"]) == ("root", "root")
    assert "/bin" in found["PATH"].split(":")
    assert found["LANG"] != "xx_XX"


FILES = "for file in /etc/environment /etc/default/locale /etc/locale.conf; do"


@pytest.mark.parametrize(
    ("content", "name", "value"),
    [
        ("LANG=de_DE.UTF-8\n", "LANG", "de_DE.UTF-8"),
        ('LANG="de_DE.UTF-8"', "LANG", "de_DE.UTF-8"),
        ("export http_proxy='http://p:3128/?a=b'\n", "http_proxy", "http://p:3128/?a=b"),
        (
            "# PATH=/nope\n\nnonsense\n=x\n1=x\na-b=x\n",
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("NAME=$(touch /nope) `id`\n", "NAME", "$(touch /nope) `id`"),
    ],
)
def test_the_containers_settings_for_logins_are_read_not_run(
    tmp_path: Path, content: str, name: str, value: str
) -> None:
    file = tmp_path / "environment"
    file.write_text(content)
    script = container_entry.INSIDE.replace(FILES, f"for file in {file}; do")
    done = subprocess.run(["/bin/sh", "-c", script, "sh", MARK, "env"], capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert FILES in container_entry.INSIDE
    assert found[name] == value


@pytest.mark.parametrize("command", ["env A=b pct", "lxc-attach", "env A=b lxc-attach"])
def test_something_else_may_lead_into_the_container(node: Path, command: str) -> None:
    assert run(node, "cat; exit 3", b"in", command) == Ended(True, 3, b"in", b"")


def test_what_others_say_is_left_out() -> None:
    out = b"Welcome!\npct-1-\nall\npct-1-\n"
    err = b"perl: warning\npct-1-\nwarned pct-1-\npct-1-7\nlate\n"
    assert container_entry.ended(MARK, out, err) == Ended(True, 7, b"all\npct-1-\n", b"warned pct-1-\nlate\n")


@pytest.mark.parametrize(
    ("out", "err", "expected"),
    [
        (b"", b"container '1' not running!\n", Ended(False, None, b"", b"container '1' not running!\n")),
        (b"banner\n", b"", Ended(False, None, b"banner\n", b"")),
        (b"pct-1-\nhalf", b"pct-1-\n", Ended(True, None, b"half", b"")),
        (b"pct-1-\n", b"pct-1-\nno end", Ended(True, None, b"", b"no end")),
        (b"pct-1-\n", b"pct-1-\nno newlinepct-1-0\n", Ended(True, 0, b"", b"no newline")),
    ],
    ids=["refused", "cut early", "cut", "cut late", "ended"],
)
def test_a_command_that_has_no_end_has_no_status(out: bytes, err: bytes, expected: Ended) -> None:
    assert container_entry.ended(MARK, out, err) == expected


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("sh: 12: pct: not found", container_entry.NO_PCT),
        ("/bin/sh: line 4: pct: command not found", container_entry.NO_PCT),
        ("sudo: pct: command not found", container_entry.NO_PCT),
        ("ipcc_send_rec[1] failed: Connection refused\nplease run as root", container_entry.NO_CONFIGURATION),
        ("please run as root", container_entry.NO_RIGHT),
        ("sudo: a password is required", container_entry.NO_RIGHT),
        ("perl: warning: x\ncontainer '100' not running!", container_entry.NOT_RUNNING),
        (
            "lxc-attach: 100: ../src/lxc/attach.c: 406 Connection refused - Failed to get init pid",
            container_entry.NOT_ENTERED,
        ),
        ("Configuration file 'nodes/pve1/lxc/100.conf' does not exist", container_entry.ABSENT),
        ('lxc-attach: 100: ../src/lxc/attach.c: 1 No such file - Failed to exec "/bin/sh"', container_entry.NO_SHELL),
        ("something new", ""),
    ],
)
def test_refusals_are_understood(said: str, meaning: str) -> None:
    assert container_entry.refusal(said) == meaning


def test_a_node_without_pct_ends_with_what_its_shell_says(tmp_path: Path) -> None:
    done = run(tmp_path, "true")
    assert not done.begun
    assert container_entry.refusal(done.stderr.decode()) == container_entry.NO_PCT


GUESTS = [{"vmid": 100, "type": "lxc", "node": "pve2"}, {"vmid": 101, "type": "qemu", "node": "pve1"}]


@pytest.mark.parametrize(
    ("listed", "vmid", "words"),
    [
        (json.dumps(GUESTS), 100, " It is on node pve2: set ansible_host to that one's address."),
        ("Welcome to [pve]\n" + json.dumps(GUESTS), 101, " 101 is a virtual machine."),
        (json.dumps(GUESTS), 102, " There is none on the other nodes of its cluster either."),
        ("", 100, ""),
        ("please run as root", 100, ""),
    ],
    ids=["moved", "machine", "nowhere", "silence", "refused"],
)
def test_where_a_container_is(listed: str, vmid: int, words: str) -> None:
    assert container_entry.whereabouts(listed, vmid) == words
