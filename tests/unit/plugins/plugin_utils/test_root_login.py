"""What a command finds that is run as after a login of root's."""

from __future__ import annotations

import pwd
import subprocess

from ansible_collections.homelab.pve.plugins.plugin_utils.root_login import COMMAND, ENTERED

FILES = "for file in /etc/environment /etc/default/locale /etc/locale.conf; do"


def found(command: str, file: str = "/dev/null") -> str:
    """What a command prints, with a file in place of those that say what a login's environment is."""
    assert FILES in ENTERED
    script = f"command=$1; shift{ENTERED.replace(FILES, f'for file in {file}; do')}{COMMAND}"
    given = {"LEAK": "1", "HOME": "/nowhere", "PATH": "/usr/bin:/bin"}
    argv = ["/bin/sh", "-c", script, "sh", command]
    return subprocess.run(argv, env=given, capture_output=True, text=True, check=True).stdout


def test_it_is_roots_and_nothing_is_left_of_who_runs_it() -> None:
    told = found("env")
    home = pwd.getpwnam("root").pw_dir
    assert {f"HOME={home}", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8"} <= set(told.splitlines())
    assert "LEAK" not in told


def test_a_command_has_no_arguments() -> None:
    assert found("printf '%s' \"$0 $#\"") == "/bin/sh 0"


def test_a_file_that_is_not_there_says_nothing() -> None:
    assert found("echo $LANG", "/no/such/file") == "C.UTF-8\n"
