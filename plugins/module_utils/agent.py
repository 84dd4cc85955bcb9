# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and files of a VM, through its guest agent: what the modules guest_exec and guest_file are made of.

Whatever else runs commands that way (a connection plugin, say) uses ``exec_step`` and ``ended`` for a command,
``read_file`` and ``file_step`` for a file, and has ``apply.py`` carry the steps out.

Bytes travel as characters: PVE takes each character of ``input-data`` for a byte, and answers each byte of
``out-data`` and ``content`` as a character (qemu-server only adds and removes base64; the JSON around it is UTF-8).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Follow, Reader, Step, Values, advised
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    ConfigError,
    PveError,
    RefusedError,
    StepFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest, find, meant
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll

T = TypeVar("T")

INPUT_LIMIT = 65536
"""Characters ``exec`` takes as ``input-data`` (API schema)."""

READ_LIMIT = 16 * 1024 * 1024
"""Bytes ``file-read`` answers at most (API schema)."""

WRITE_LIMIT = 43_200
"""Bytes that fit into one request in base64, quoted for a form: Proxmox VE before 8.4 takes 64 KiB in all."""

ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]")
"""How the path of a file in a guest begins, Windows included."""

FROZEN = "the agent is in frozen state"
"""The agent's words while the guest's file systems stand still, as for a backup (qga/main.c)."""

NOT_YET = re.compile(rf"QEMU guest agent is not running|{FROZEN}")
"""Words for an agent that may do it soon: the guest is booting, or the agent is busy."""

FORGOTTEN = re.compile(r"PID \d+ does not exist|Invalid parameter 'pid'")
"""The agent's words for a pid it didn't give out, or forgot (qga, guest-exec-status, new and old)."""

ONCE_TOLD = "Its end was told in an answer that got lost, or the guest or its agent was restarted meanwhile."
"""Why an agent may have forgotten a pid: it tells the end of a command once."""

NO_FILE = re.compile(r"failed to open file '.*(?:No such file|Not a directory|cannot find the (?:file|path))")
COUNT = "count"
"""Parameter of ``file-read`` that Proxmox VE has since 9.1.5."""

ADVICE: Values = {
    FROZEN: "The guest's file systems are frozen, as for a backup or a snapshot: try again when that has ended.",
    r"No QEMU guest agent configured": "Enable the agent (option agent of the module vm), stop the guest and start it.",
    r"VM \d+ is not running": "Start it first (module vm, state: started).",
    NOT_YET.pattern: "Check that the guest has booted, that qemu-guest-agent runs in it, and that its option agent was "
    "on when it was started.",
    r"has been disabled": "The agent's own configuration in the guest forbids it, as Red Hat's images do: allow it in "
    "/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf there, and restart qemu-guest-agent.",
    r"Failed to execute child process": "Check that the program is installed in the guest, or give its full path.",
    r"failed to open file '.*No such file": "Check that the folder exists in the guest.",
    r"failed to read file: Is a directory": "The path is a folder's: give that of a file.",
    r"for data too large": "Proxmox VE takes requests of this size since 8.4.",
}
"""Words of PVE and of the agent -> what to do."""

COMMAND_ADVICE: Values = {
    **ADVICE,
    r"The change may have been made": "A command is never run twice: look in the guest before you run this again.",
}


def characters(content: bytes) -> str:
    """Bytes the way they are sent."""
    return content.decode("latin-1")


def content_bytes(text: str) -> bytes:
    """Bytes of an answer. Text with other characters than bytes can be is text already."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


@contextmanager
def explained(trying: str) -> Iterator[None]:
    """Errors of reads, with what was tried (it completes "Cannot ...") and what to do."""
    try:
        yield
    except PveError as error:
        patience = " Option agent_timeout waits for one that is booting." if NOT_YET.search(error.message) else ""
        raise StepFailedError(trying, error, (), (), advice(error) + patience) from error


def advice(error: PveError) -> str:
    """What to do about an error."""
    return advised(ADVICE, error.message)


def check_bounds(params: Values, names: Sequence[str]) -> None:
    """Raise ConfigError for a number of seconds or bytes that is less than none."""
    for name in names:
        if params[name] < 0:
            raise ConfigError(f"Option '{name}' is {params[name]:g}; it has to be 0 or more.")


def machine(read: Reader, params: Values) -> Guest:
    """The VM that the options ``vmid`` or ``name`` mean. Raises RefusedError for a container: it has no agent."""
    guest = meant(read, params)
    if guest.type != "qemu":
        raise RefusedError(
            f"{place(guest)} has no guest agent: Proxmox VE's API runs commands and moves files in VMs only. "
            "Use SSH, or pct exec on the node."
        )
    return guest


def asked(question: Callable[[], T], trying: str, patience: float) -> T:
    """The answer of an agent, which may take up to ``patience`` seconds to run. Errors are explained."""
    silence: list[PveError] = []

    def look() -> tuple[T] | None:
        try:
            return (question(),)
        except PveError as error:
            if not NOT_YET.search(error.message):
                raise
            silence.append(error)
            return None

    with explained(trying):
        found = poll(look, patience)
        if found is None:
            raise silence[-1]
        return found[0]


def known(guest: Guest) -> dict[str, Json]:
    """What the modules return of the guest."""
    return {"vmid": guest.vmid, "name": guest.name, "node": guest.node}


def place(guest: Guest) -> str:
    """For messages: ``vm 104 (web) on father``."""
    return f"{guest.label} on {guest.node}"


# --------------------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True)
class Ended:
    """How a command ended. ``rc`` of one that a signal ended is 128 and the signal, as a shell has it.

    The agent keeps the first 16 MiB of each output.
    """

    pid: int
    rc: int
    signal: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_truncated: bool = False
    stderr_truncated: bool = False


def ended(pid: int, status: Values) -> Ended:
    """From an answer of ``exec-status``."""
    signal = status.get("signal")
    return Ended(
        pid,
        int(status["exitcode"]) if signal is None else 128 + int(signal),
        None if signal is None else int(signal),
        content_bytes(status.get("out-data") or ""),
        content_bytes(status.get("err-data") or ""),
        bool(status.get("out-truncated")),
        bool(status.get("err-truncated")),
    )


def exec_step(
    guest: Guest, argv: Sequence[str], reason: str, *, stdin: bytes = b"", follow: Follow | None = None
) -> Step:
    """The step that runs a command; its answer is how it Ended. It is not repeated when an answer is lost."""
    params: dict[str, Json] = {"command": list(argv)}
    if stdin:
        params["input-data"] = characters(stdin)
    waited = follow or partial(wait_for_end, guest, argv)
    return Step("POST", guest.path("agent", "exec"), params, reason, follow=waited, once=True, advice=COMMAND_ADVICE)


def wait_for_end(guest: Guest, argv: Sequence[str], read: Reader, answer: Values, timeout: float) -> Ended:
    """Wait for a command that was started. Raises WaitTimeoutError when ``timeout`` seconds didn't do."""
    watch = Watch(guest, argv, int(answer["pid"]))
    status = poll(lambda: watch.look(read), timeout)
    if status is None:
        raise WaitTimeoutError(
            f"{watch.described} has not ended after {timeout:g} s{watch.trouble}. It is not stopped. Raise "
            f"wait_timeout, or stop it in the guest: kill {watch.pid}"
        )
    return ended(watch.pid, status)


def only_started(_read: Reader, answer: Values, _timeout: float) -> Ended:
    """A command whose end nobody waits for."""
    return Ended(int(answer["pid"]), 0)


class Watch:
    """Looks whether a command has ended, on whichever node its guest is by now."""

    def __init__(self, guest: Guest, argv: Sequence[str], pid: int) -> None:
        self.guest, self.program, self.pid = guest, argv[0], pid
        self.trouble = ""

    @property
    def described(self) -> str:
        """For messages. Arguments may be secret, so they aren't shown."""
        return f"'{self.program}' (pid {self.pid}) in {place(self.guest)}"

    def look(self, read: Reader) -> Values | None:
        """Its status when it has ended. Raises WaitTimeoutError when nobody will ever know."""
        try:
            status: Values = read.get(self.guest.path("agent", "exec-status"), {"pid": self.pid})
        except PveError as error:
            self._bear(read, error)
            return None
        self.trouble = ""
        return status if int(status.get("exited") or 0) else None

    def _bear(self, read: Reader, error: PveError) -> None:
        """An agent that is silent for a while is asked again, a guest that moved is looked for."""
        self.trouble = f" (last answer: {error.said.rstrip('.')})"
        if GONE.search(error.message):
            self.guest = find(read, self.guest.vmid)
        elif not NOT_YET.search(error.message):
            forgotten = f"{ONCE_TOLD} " if FORGOTTEN.search(error.message) else ""
            raise WaitTimeoutError(
                f"How {self.described} ended is not known: {error.said} {forgotten}Look in the guest before you run it "
                "again."
            ) from error


def succeeded(guest: Guest, argv: Sequence[str], read: Reader, answer: Values, timeout: float) -> Ended:
    """Wait for a command that has to succeed. Raises CommandError with what it said."""
    found = wait_for_end(guest, argv, read, answer, timeout)
    if found.rc:
        raise CommandError(argv, place(guest), found.rc, found.stderr.decode(errors="replace"))
    return found


def helper_step(guest: Guest, argv: Sequence[str], reason: str, stdin: bytes = b"") -> Step:
    """The step that runs a command which has to succeed, and may be run twice."""
    step = exec_step(guest, argv, reason, stdin=stdin, follow=partial(succeeded, guest, argv))
    return replace(step, once=False, advice=ADVICE)


# ------------------------------------------------------------------------------------------------------------ files


@dataclass(frozen=True)
class FileView:
    """A file of a guest; ``content`` is None when there is none, incomplete when it has READ_LIMIT bytes or more."""

    guest: Guest
    path: str
    content: bytes | None
    complete: bool = True


def read_file(read: Reader, guest: Guest, path: str) -> FileView:
    """The file as it is. Raises PveError for one that can't be read, e.g. a folder."""
    answer = _file_answer(read, guest, {"file": path})
    if answer is None:
        return FileView(guest, path, None)
    return FileView(guest, path, content_bytes(answer.get("content") or ""), not answer.get("truncated"))


def file_exists(read: Reader, guest: Guest, path: str) -> bool:
    """Whether there is something at a path, a folder included."""
    try:
        return _file_answer(read, guest, {"file": path, COUNT: 1}) is not None
    except PveError as error:
        if "failed to read file" in error.message:  # it was opened
            return True
        if COUNT not in error.errors:
            raise
    return _file_answer(read, guest, {"file": path}) is not None


def _file_answer(read: Reader, guest: Guest, params: Values) -> Values | None:
    try:
        answer: Values = read.get(guest.path("agent", "file-read"), params)
    except PveError as error:
        if NO_FILE.search(error.message):
            return None
        raise
    return answer


def file_step(guest: Guest, path: str, content: bytes, reason: str) -> Step:
    """The step that writes a file of up to WRITE_LIMIT bytes.

    The file keeps its owner and mode. One that is new belongs to root, and everybody may write to it: the agent gives
    it mode 0666. A line break stands for nothing: PVE takes an empty parameter for a missing one.
    """
    encoded = base64.b64encode(content).decode() or "\n"
    params = {"file": path, "content": encoded, "encode": False}
    return Step("POST", guest.path("agent", "file-write"), params, reason, advice=ADVICE)
