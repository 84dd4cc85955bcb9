# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything this collection raises, as one tree.

::

    HomelabPveError
    ├── ConfigError              what the user wrote cannot be right (file, line, text)
    │   └── HostNotFoundError    no host of that name; lists the known ones
    ├── AuthenticationError      the API or sshd refused who we are
    ├── ConnectionError          no answer from host:port; never the same as "absent"
    │   ├── CertificateError     the host answered but could not prove who it is
    │   ├── HostKeyError         the same by SSH: it is not pinned, or another key is
    │   └── OutcomeUnknownError  the request went out, its answer did not come back
    ├── PVENotFoundError         the host answers, but has no Proxmox VE tools
    ├── CommandError             a command ended with a failure
    │   └── CommandTimeoutError  a command did not end in time
    ├── FileError                a file can't be read or written, here or on a host
    ├── PveError                 Proxmox VE answered with an error
    │   └── PermissionDeniedError  ... because a privilege is missing
    ├── TaskFailedError          a task ended, but not well
    ├── TaskTimeoutError         a task did not end in time
    ├── WaitTimeoutError         something awaited did not happen in time
    ├── TakenBackError           what was done was undone, because it could not be confirmed
    ├── RefusedError             the wish is clear, carrying it out would be wrong; nothing was changed
    ├── FindingsError            several things failed; carries what became of each
    └── StepFailedError          a step of a plan failed; says what was done before and what was not
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

LOG_LINES = 10
"""How many of a task's last log lines an error shows."""


class HomelabPveError(Exception):
    """Root of the tree; ``str()`` of each member is a message for people."""


class ConfigError(HomelabPveError):
    """Input that cannot be right. ``file`` and ``line`` say where it stands, when it stands in a file."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        self.file, self.line = file, line
        where = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class HostNotFoundError(ConfigError):
    """A host nobody has described."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        self.name, self.known = name, tuple(sorted(known))
        listed = ", ".join(self.known) or "none"
        super().__init__(f"Host '{name}' is not known. Known hosts: {listed}.")


class AuthenticationError(HomelabPveError):
    """The other side does not accept our credentials."""


class ConnectionError(HomelabPveError, builtins.ConnectionError):
    """Nothing answered at host:port. ``transient``: trying again at once may help."""

    def __init__(self, host: str, port: int, reason: str, remedy: str = "", *, transient: bool = False) -> None:
        self.host, self.port, self.reason, self.transient = host, port, reason, transient
        advice = remedy or "Check that the host is up and that the address and port are right."
        super().__init__(f"Cannot reach {host} port {port}: {reason}. {advice}")


class CertificateError(ConnectionError):
    """TLS: the certificate is not the one we were told to trust."""


class HostKeyError(ConnectionError):
    """SSH: the host's key is unknown, or not the one that is pinned."""


class OutcomeUnknownError(ConnectionError):
    """A request was sent and the connection failed before its answer: it may or may not have taken effect."""


class PVENotFoundError(HomelabPveError):
    """The host is there, Proxmox VE is not."""

    def __init__(self, host: str, tool: str) -> None:
        self.host, self.tool = host, tool
        super().__init__(f"'{tool}' was not found on {host}. Check that Proxmox VE is installed there.")


class CommandError(HomelabPveError):
    """A command that ended with a non-zero exit status."""

    def __init__(self, command: Sequence[str], host: str, returncode: int | None, stderr: str) -> None:
        self.command, self.host, self.returncode, self.stderr = tuple(command), host, returncode, stderr
        super().__init__(self._text())

    def _text(self) -> str:
        said = self.stderr.strip() or "(nothing on stderr)"
        return f"'{self.command[0]}' on {self.host} ended with exit status {self.returncode}: {said}"


class CommandTimeoutError(CommandError):
    """A command that was ended because its time was up. ``timeout`` is in seconds."""

    def __init__(self, command: Sequence[str], host: str, timeout: float) -> None:
        self.timeout = timeout
        super().__init__(command, host, None, "")

    def _text(self) -> str:
        return f"'{self.command[0]}' on {self.host} did not end within {self.timeout:g} s and was stopped."


class FileError(HomelabPveError):
    """A file that can't be read or written. ``verb`` is the one of both, ``host`` where it is."""

    def __init__(self, verb: str, path: str, host: str, reason: str, remedy: str = "") -> None:
        self.verb, self.path, self.host, self.reason = verb, path, host, reason
        super().__init__(f"Cannot {verb} {path} on {host}: {reason.rstrip('.')}.{f' {remedy}' if remedy else ''}")


class PveError(HomelabPveError):
    """What Proxmox VE answered: HTTP status, reason, message and its complaints per parameter."""

    def __init__(
        self,
        method: str,
        path: str,
        status: int,
        reason: str,
        *,
        message: str = "",
        errors: Mapping[str, str] | None = None,
    ) -> None:
        self.method, self.path, self.status, self.reason = method, path, status, reason
        self.message = message.strip() or reason.strip()
        self.errors = {name: str(text).strip() for name, text in (errors or {}).items()}
        super().__init__(" ".join(part for part in (f"{method} {path}: {status} {self.said}", self.advice) if part))

    @property
    def not_implemented(self) -> bool:
        """Whether the release doesn't know the path, or not the method of it."""
        return self.status == HTTPStatus.NOT_IMPLEMENTED

    @property
    def advice(self) -> str:
        """What to do about it, where that is known whatever was tried."""
        return ""

    @property
    def said(self) -> str:
        """PVE's own words on one line, parameters included."""
        fields = "; ".join(f"{name}: {' '.join(text.split())}" for name, text in sorted(self.errors.items()))
        words = " ".join(self.message.split()).rstrip(".")
        return f"{words} ({fields})." if fields else f"{words}."


MISSING_PRIVILEGE = re.compile(r"\((?P<path>/[^,\s]*), (?P<privileges>[\w.|]+)\)")
"""``Permission check failed (/vms/100, VM.Audit|VM.Snapshot)`` (PVE::RPCEnvironment): one of them is needed."""

NOT_FOR_TOKENS = {
    "user != root@pam": "Only root@pam may do this, with its password: no API token may.",
    "only allowed for root@pam": "Log in as root@pam with user and password for this option, or leave it out.",
    "need proper ticket": "No API token may do this: set user and password instead.",
}
"""PVE's words -> what to do."""

UNNAMED = "The module's documentation says which privileges it needs, and where."
"""... when PVE names no privilege, because any of several rules would have allowed it."""


class PermissionDeniedError(PveError):
    """403. Note that PVE also answers so for guests and storages that do not exist."""

    @property
    def advice(self) -> str:
        """Which privilege to grant where."""
        found = MISSING_PRIVILEGE.search(self.message)
        if not found:
            return next((advice for words, advice in NOT_FOR_TOKENS.items() if words in self.message), UNNAMED)
        path, privileges = found["path"], found["privileges"].replace("|", " or ")
        unsure = " Proxmox VE says the same of what does not exist." if path.count("/") > 1 else ""
        return f"Grant {privileges} on {path} to the user, and to the token if it has privilege separation.{unsure}"


class TaskFailedError(HomelabPveError):
    """A task that ended with something else than OK or warnings."""

    def __init__(self, upid: str, exitstatus: str, log: Sequence[str] = ()) -> None:
        self.upid, self.exitstatus, self.log = upid, exitstatus, tuple(log)[-LOG_LINES:]
        self.whole_log = tuple(log)
        lines = "".join(f"\n  {line}" for line in self.log)
        super().__init__(
            f"The task failed: {exitstatus.strip()} ({upid})" + (f"\nIts last log lines:{lines}" if lines else "")
        )


class TaskTimeoutError(HomelabPveError):
    """A task that was still running when our patience ended. It is not stopped by that."""

    def __init__(self, upid: str, timeout: float, log: Sequence[str] = ()) -> None:
        self.upid, self.timeout, self.log = upid, timeout, tuple(log)[-LOG_LINES:]
        last = f" It last said: {self.log[-1]}." if self.log else " It has not logged anything yet."
        super().__init__(f"The task {upid} is still running after {timeout:g} s.{last}")


class WaitTimeoutError(HomelabPveError):
    """Something awaited did not happen; the message says what was seen last."""


class TakenBackError(HomelabPveError):
    """What was done was undone, or will be, because it could not be confirmed."""


class RefusedError(HomelabPveError):
    """Carrying out the wish would be wrong or is impossible. Nothing was changed."""


class FindingsError(HomelabPveError):
    """Several things failed. ``result`` goes into the module's result beside the message."""

    def __init__(self, message: str, result: Mapping[str, object]) -> None:
        self.result = dict(result)
        super().__init__(message)


class StepFailedError(HomelabPveError):
    """A step of a plan failed. ``cause`` is the error, ``done`` and ``left`` are the other steps' reasons."""

    final = False
    """Whether making a plan anew is no answer to it."""

    def __init__(
        self, step: str, cause: HomelabPveError, done: Sequence[str], left: Sequence[str], advice: str = ""
    ) -> None:
        self.step, self.cause, self.done, self.left = step, cause, tuple(done), tuple(left)
        parts = [f"Cannot {step}: {cause}", *([advice] if advice else [])]
        if done:
            parts.append(f"Already done: {', '.join(done)}.")
        if left:
            parts.append(f"Not done: {', '.join(left)}.")
        super().__init__("\n".join(parts))
