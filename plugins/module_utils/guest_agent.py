# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of a VM's agent that are no programs: file systems, sleep, passwords (PVE/API2/Qemu/Agent.pm)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.agent import (
    ADVICE,
    asked,
    check_bounds,
    known,
    machine,
    place,
    read_file,
)
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    HIDDEN,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    ask,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PveError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GUEST_OPTIONS, GUEST_RULES, Guest
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll


@dataclass(frozen=True)
class Command:
    """What a command does, in words. ``ends_in`` is how the VM is afterwards (``qmpstatus``), where that is seen."""

    words: str
    ends_in: str = ""


QUESTIONS = ("ping", "fsfreeze-status")
"""Commands that only tell something, though Proxmox VE takes them as POST."""

COMMANDS: Mapping[str, Command] = {
    "fsfreeze-freeze": Command("freeze the file systems of"),
    "fsfreeze-thaw": Command("let go the file systems of"),
    "fstrim": Command("trim the file systems of"),
    "shutdown": Command("shut down", "stopped"),
    "suspend-disk": Command("suspend to its disk", "stopped"),
    "suspend-hybrid": Command("suspend to its memory and disk", "suspended"),
    "suspend-ram": Command("suspend to its memory", "suspended"),
    "set-user-password": Command("set the password of"),
}
FREEZING: Mapping[str, str] = {"fsfreeze-freeze": "frozen", "fsfreeze-thaw": "thawed"}
"""By command: the state of the file systems that it makes."""

PASSWORD = "set-user-password"  # noqa: S105  the command
SHADOW = "/etc/shadow"
INTERNAL = 500
SHORTEST, LONGEST = 5, 1024
"""Letters of a password (API schema)."""

OPTIONS: Options = {
    **GUEST_OPTIONS,
    "command": {"type": "str", "required": True, "choices": [*QUESTIONS, *COMMANDS]},
    "username": {"type": "str"},
    "user_password": {"type": "str", "no_log": True},
    "crypted": {"type": "bool"},
    "wait_timeout": {"type": "float", "default": 300},
    "agent_timeout": {"type": "float", "default": 0},
}
RULES: Mapping[str, Sequence[Json]] = {
    **GUEST_RULES,
    "required_if": [("command", PASSWORD, ["username", "user_password"])],
}


@dataclass(frozen=True)
class View:
    """The VM; what the agent told; the reason why nothing need be done, if there is one."""

    guest: Guest
    told: Json = None
    needless: str = ""


def check(wish: Values) -> None:
    """Raise ConfigError for options that can't be right."""
    check_bounds(wish, ("wait_timeout", "agent_timeout"))
    given = [name for name in ("username", "user_password", "crypted") if wish.get(name) is not None]
    if wish["command"] != PASSWORD:
        for name in given:
            raise ConfigError(f"Option '{name}' goes with command {PASSWORD} only, and command is {wish['command']}.")
    elif not SHORTEST <= len(wish["user_password"]) <= LONGEST:
        raise ConfigError(f"Option 'user_password' has to have {SHORTEST} to {LONGEST} letters.")


def describe(read: Reader, wish: Values) -> View:
    """The VM, and how that is which the command is about. After a command there is nothing more to see."""
    if BOUND in wish:
        return View(wish[BOUND]["guest"])
    check(wish)
    guest, command = machine(read, wish), wish["command"]
    if command in QUESTIONS:
        return _told(read, guest, wish)
    doing = COMMANDS[command]
    if doing.ends_in and _state(read, guest) == doing.ends_in:
        return View(guest, needless=f"{place(guest)} is {doing.ends_in} already")
    if needless := _needless(read, guest, wish):
        return View(guest, needless=needless)
    _need(guest, command, _asked(guest, wish, lambda: read.get(guest.path("agent", "info"))))
    return View(guest)


def _told(read: Reader, guest: Guest, wish: Values) -> View:
    told = judged(guest, _asked(guest, wish, lambda: ask(read, guest.path("agent", wish["command"]))))
    reason = "the agent answers" if wish["command"] == "ping" else f"the file systems are {told}"
    return View(guest, told, reason)


def _asked(guest: Guest, wish: Values, question: Callable[[], Json]) -> Json:
    return asked(question, f"{wish['command']} {place(guest)}", wish["agent_timeout"])


def _state(read: Reader, guest: Guest) -> str:
    found = read.get(guest.path("status", "current"))
    return str(found.get("qmpstatus") or found["status"])


def _need(guest: Guest, command: str, info: Values) -> None:
    """Raise RefusedError when the agent says that it doesn't know a command, or won't take it now."""
    commands = {item["name"]: item for item in (info.get("result") or {}).get("supported_commands") or ()}
    found = commands.get(f"guest-{command}")
    if found is None:
        raise RefusedError(f"The agent of {place(guest)} has no command {command}. A newer release of it may have.")
    if not found.get("enabled"):
        raise RefusedError(
            f"The agent of {place(guest)} takes no {command} now: its file systems are frozen (command fsfreeze-thaw "
            "ends that), or its configuration in the guest forbids it (/etc/sysconfig/qemu-ga or "
            "/etc/qemu/qemu-ga.conf)."
        )


def _needless(read: Reader, guest: Guest, wish: Values) -> str:
    """Why there is nothing to do, empty when there is."""
    wanted = FREEZING.get(wish["command"])
    if wanted and _file_systems(read, guest, wish) == wanted:
        return f"the file systems of {place(guest)} are {wanted} already"
    if wish["command"] == PASSWORD and wish.get("crypted") and _has_password(read, guest, wish):
        return f"user {wish['username']} of {place(guest)} has that password already"
    return ""


def _file_systems(read: Reader, guest: Guest, wish: Values) -> Json:
    return judged(guest, _asked(guest, wish, lambda: ask(read, guest.path("agent", "fsfreeze-status"))))


def _has_password(read: Reader, guest: Guest, wish: Values) -> bool:
    """Whether a user's hash is the wished one, where it can be read: in a Unix, by an agent that may."""
    try:
        content = read_file(read, guest, SHADOW).content or b""
    except PveError:
        return False
    rows = (line.split(":") for line in content.decode(errors="replace").splitlines())
    return [wish["username"], wish["user_password"]] in [row[:2] for row in rows]


def judged(guest: Guest, answer: Json) -> Json:
    """What the agent told. Raises PveError for an error that Proxmox VE passes on as if it were a result."""
    result = (answer or {}).get("result")
    error = result.get("error") if isinstance(result, Mapping) else None
    if error:
        raise PveError("POST", guest.path("agent"), INTERNAL, f"Agent error: {error.get('desc') or error}")
    return result


def plan(wish: Values, view: View) -> Plan:
    """One step, or none."""
    if view.needless:
        return Plan(reason=view.needless)
    command, guest = wish["command"], view.guest
    doing = COMMANDS[command]
    whose = f"user {wish['username']} in {place(guest)}" if command == PASSWORD else place(guest)
    params = {"username": wish["username"], "password": wish["user_password"]} if command == PASSWORD else {}
    step = Step(
        "POST",
        guest.path("agent", command),
        {**params, **({"crypted": True} if wish.get("crypted") else {})},
        f"{doing.words} {whose}",
        follow=partial(_followed, guest, doing.ends_in),
        advice=ADVICE,
    )
    after = {name: HIDDEN if name == "password" else value for name, value in params.items()}
    after |= {"status": doing.ends_in} if doing.ends_in else {}
    return Plan((step,), after=after or {"command": command}, bindings={"guest": guest})


def _followed(guest: Guest, ends_in: str, read: Reader, answer: Json, timeout: float) -> Json:
    """What the agent told; waits for the VM to be as the command leaves it."""
    told = judged(guest, answer)
    if ends_in and poll(lambda: _state(read, guest) == ends_in or None, timeout) is None:
        raise WaitTimeoutError(
            f"{place(guest)} is not {ends_in} after {timeout:g} s. Look at its console, or raise wait_timeout."
        )
    return told


AGENT = Resource(
    kind="agent",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=lambda view: {**known(view.guest), "result": view.told},
    rules=RULES,
    told=lambda _wish, answers: {"result": answers[0]} if answers else {},
    writes=tuple(f"POST /nodes/{{}}/qemu/{{}}/agent/{command}" for command in (*COMMANDS, *QUESTIONS)),
)
