# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a VM through its guest agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils import module
from ansible_collections.homelab.pve.plugins.module_utils.agent import (
    ABSOLUTE,
    INPUT_LIMIT,
    Ended,
    asked,
    check_bounds,
    exec_step,
    explained,
    file_exists,
    known,
    machine,
    only_started,
    place,
)
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Options,
    Plan,
    Reader,
    Resource,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    ConfigError,
    FindingsError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GUEST_OPTIONS, GUEST_RULES, Guest

OPTIONS: Options = {
    **GUEST_OPTIONS,
    "argv": {"type": "list", "elements": "str"},
    "cmd": {"type": "str"},
    "stdin": {"type": "str"},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
    "output_limit": {"type": "int", "default": 1024 * 1024},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 300},
    "agent_timeout": {"type": "float", "default": 0},
}

RULES: Mapping[str, Sequence[Json]] = {
    "required_one_of": [*GUEST_RULES["required_one_of"], ("argv", "cmd")],
    "mutually_exclusive": [*GUEST_RULES["mutually_exclusive"], ("argv", "cmd")],
}

SHELL = ("/bin/sh", "-c")
NEEDED = ("guest-exec", "guest-exec-status")
ERROR_LINES = 10
"""How many of the last lines of its error output a failure shows."""


@dataclass(frozen=True)
class View:
    """The VM the command is for, and the reason why it need not run, if there is one."""

    guest: Guest
    needless: str = ""


def words(params: Values) -> list[str]:
    """The command's words. Raises ConfigError for those that can't reach the guest as they are."""
    argv = list(params["argv"]) if params.get("cmd") is None else [*SHELL, params["cmd"]]
    if not argv:
        raise ConfigError("Option 'argv' is empty. Give the program, and its arguments, each as one word.")
    for number, word in enumerate(argv, start=1):
        _check_word(number, word)
    return argv


def _check_word(number: int, word: str) -> None:
    if not word:
        # pve-http-server takes ``command=`` for a parameter without a value, which ends the list so far.
        raise ConfigError(
            f"Word {number} of the command is empty. Proxmox VE's API drops empty words, and those before them. "
            "Write the command for a shell, with option cmd: prog ''"
        )
    if "\0" in word:
        raise ConfigError(f"Word {number} of the command has a NUL byte in it, which no program can be given.")


def check(params: Values) -> None:
    """Raise ConfigError for options that can't be right."""
    if params.get("cmd") is not None and not params["cmd"].strip():
        raise ConfigError("Option 'cmd' is empty. Give a command line for the guest's shell.")
    words(params)
    for name in ("creates", "removes"):
        _check_path(name, params.get(name))
    check_bounds(params, ("output_limit", "wait_timeout", "agent_timeout"))
    size = len(given(params))
    if size > INPUT_LIMIT:
        raise ConfigError(
            f"Option 'stdin' has {size} bytes; Proxmox VE passes at most {INPUT_LIMIT} to a command. "
            "Put them in a file with the module guest_file and let the command read that."
        )


def _check_path(name: str, path: str | None) -> None:
    if path is not None and not ABSOLUTE.match(path):
        raise ConfigError(f"Option '{name}': '{path}' is not an absolute path in the guest, as /etc/motd is.")


def given(params: Values) -> bytes:
    """What the command is to read."""
    return (params.get("stdin") or "").encode()


def describe(read: Reader, wish: Values) -> View:
    """The VM with a running agent that may run commands. After the command there is nothing more to see."""
    if BOUND in wish:
        return View(wish[BOUND]["guest"])
    check(wish)
    guest = machine(read, wish)
    trying = f"run a command in {place(guest)}"
    info = asked(lambda: read.get(guest.path("agent", "info")), trying, wish["agent_timeout"])
    _need_commands(guest, info)
    with explained(trying):
        return View(guest, _needless(read, guest, wish))


def _need_commands(guest: Guest, info: Values) -> None:
    """Raise RefusedError when the agent says that it doesn't run commands."""
    commands = (info.get("result") or {}).get("supported_commands") or ()
    off = [item["name"] for item in commands if item["name"] in NEEDED and not item.get("enabled")]
    if off:
        raise RefusedError(
            f"The agent of {place(guest)} has {' and '.join(off)} disabled, so it runs no commands. "
            "Allow them in the guest's /etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf, and restart qemu-guest-agent."
        )


def _needless(read: Reader, guest: Guest, wish: Values) -> str:
    """Why the command need not run, empty when it has to."""
    creates, removes = wish.get("creates"), wish.get("removes")
    if creates and file_exists(read, guest, creates):
        return f"{creates} exists in {place(guest)}"
    if removes and not file_exists(read, guest, removes):
        return f"{removes} does not exist in {place(guest)}"
    return ""


def plan(wish: Values, view: View) -> Plan:
    """One step, or none."""
    if view.needless:
        return Plan(reason=view.needless)
    argv = words(wish)
    verb, follow = ("run", None) if wish["wait"] else ("start", only_started)
    step = exec_step(view.guest, argv, f"{verb} '{argv[0]}' in {place(view.guest)}", stdin=given(wish), follow=follow)
    return Plan((step,), bindings={"guest": view.guest})


COMMAND = Resource(
    "command",
    OPTIONS,
    describe,
    plan,
    lambda view: known(view.guest),
    rules=RULES,
    writes=("POST /nodes/{}/qemu/{}/agent/exec",),
)


def guest_exec(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Answer of the module guest_exec. Raises FindingsError when the command failed, with the same answer."""
    outcome = reconcile(COMMAND, params, client, dry_run=dry_run, timeout=params["wait_timeout"])
    command = words(params)
    ended = outcome.answers[0] if outcome.answers else None
    answer = {**module.result(COMMAND, outcome), "cmd": command, **output(ended, params["output_limit"])}
    if ended and ended.rc:
        tail = "\n".join(answer["stderr_lines"][-ERROR_LINES:])
        del answer["warnings"]  # a failure has none
        raise FindingsError(str(CommandError(command, place(outcome.state.guest), ended.rc, tail)), answer)
    return answer


def output(ended: Ended | None, limit: int) -> dict[str, Json]:
    """What the command left, each stream up to ``limit`` bytes; for one that didn't run as if it had said nothing.

    Ansible takes any ``rc`` but 0 for a failure, None too.
    """
    found = ended or Ended(0, 0)
    out, err = (_text(stream[:limit]) for stream in (found.stdout, found.stderr))
    return {
        "rc": found.rc,
        "signal": found.signal,
        "pid": ended.pid if ended else None,
        "stdout": out,
        "stdout_lines": out.splitlines(),
        "stdout_truncated": found.stdout_truncated or len(found.stdout) > limit,
        "stderr": err,
        "stderr_lines": err.splitlines(),
        "stderr_truncated": found.stderr_truncated or len(found.stderr) > limit,
    }


def _text(content: bytes) -> str:
    """Text without the line breaks at its end, as the module command has it."""
    return content.decode(errors="replace").rstrip("\r\n")
