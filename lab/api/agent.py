# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest agent's endpoints, answered by the guest itself through the driver."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

from lab.api.cloudinit import agent_enabled
from lab.api.fake import Call, Fake, FakeVm, Route, Values, die, param_error
from lab.api.settings import crypt_password
from lab.background import Background
from lab.guests.agent import characters
from lab.guests.driver import GuestDriver, GuestError

AGENT = "/nodes/{node}/qemu/{vmid}/agent"
NOT_RUNNING = "QEMU guest agent is not running"
# The agent reads at most this much of a file (qemu-server, PVE/API2/Qemu/Agent.pm).
MAX_READ = 16 * 1024 * 1024
# Seconds PVE waits for an agent that has stopped answering.
AGENT_TIMEOUT = 3.0
# Seconds after which a shutdown that the agent was asked for is not waited for any more.
SHUTDOWN_BOUND = 60.0
PRETENDED_RELEASE = (
    'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
)

SUPPORTED = (
    "guest-exec",
    "guest-exec-status",
    "guest-file-close",
    "guest-file-open",
    "guest-file-read",
    "guest-file-write",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-status",
    "guest-fsfreeze-thaw",
    "guest-fstrim",
    "guest-get-host-name",
    "guest-get-osinfo",
    "guest-info",
    "guest-network-get-interfaces",
    "guest-ping",
    "guest-set-user-password",
    "guest-shutdown",
    "guest-suspend-disk",
    "guest-suspend-hybrid",
    "guest-suspend-ram",
)


CHECKED = ("exec", "exec-status", "file-read", "file-write", "set-user-password")
"""Endpoints where PVE looks at the agent's errors; the others pass them on as their result."""

WHILE_FROZEN = frozenset({"fsfreeze-status", "fsfreeze-thaw", "info", "ping"})
"""What the agent does while the file systems are frozen (qemu, qga/main.c: ga_freeze_allowlist)."""

SHADOW = "/etc/shadow"
PRETENDED_SHADOW = "root:*:20000:0:99999:7:::\n"

COMMANDS = {"file-read": "file-open", "file-write": "file-open"}
"""The agent's own command an endpoint begins with, where the names differ."""


def parse_os_release(text: str) -> dict[str, str]:
    """The keys of an ``/etc/os-release``, unquoted."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def os_info(text: str) -> dict[str, str]:
    """``get-osinfo`` from the guest's ``/etc/os-release``, with the agent's names (qemu, qga-schema: GuestOSInfo)."""
    release = parse_os_release(text)
    names = {
        "id": "ID",
        "name": "NAME",
        "pretty-name": "PRETTY_NAME",
        "version": "VERSION",
        "version-id": "VERSION_ID",
    }
    return {key: release[name] for key, name in names.items() if name in release}


def with_password(shadow: str, user: str, hashed: str) -> str:
    """The lines of an ``/etc/shadow`` with another password for a user. Raises GuestError for one that isn't there."""
    lines = [line.split(":") for line in shadow.splitlines()]
    if user not in [line[0] for line in lines]:
        raise GuestError("Agent error: child process has failed to set user password")  # qga, commands-posix.c
    changed = [[line[0], hashed, *line[2:]] if line[0] == user else line for line in lines]
    return "".join(":".join(line) + "\n" for line in changed)


def command_line(values: Values) -> list[str]:
    """The words of ``exec``, which may come as a list or as one string in the old form."""
    command = values["command"]
    return [str(word) for word in command] if isinstance(command, list) else str(command).split("\0")


def latin(name: str, text: str) -> bytes:
    """Characters as bytes: PVE encodes each for the agent as one (MIME::Base64), and dies of one beyond U+00FF."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise die(f"Wide character in subroutine entry ({name})") from None


def decoded(values: Values) -> bytes:
    """The content of ``file-write``: PVE encodes it itself unless the caller did (``encode=0``)."""
    content = str(values["content"])
    if not content:
        # The daemon takes ``content=`` for a parameter without a value (pve-http-server, decode_urlencoded).
        raise param_error(content="property is missing and it is not optional")
    if values.get("encode", 1):
        return latin("content", content)
    try:
        return base64.b64decode(content.replace("\n", ""), validate=True)
    except binascii.Error:
        raise param_error(content="content is not valid base64") from None


def file_answer(content: bytes, values: Values) -> dict[str, object]:
    """``file-read`` from ``offset``: at most ``count`` bytes, as characters or (``decode=0``) in base64.

    A read that ends exactly at ``count`` is called truncated too: the end of the file wasn't seen.
    """
    offset, count = int(values.get("offset", 0)), int(values.get("count", MAX_READ))
    part = content[offset : offset + count]
    shown = characters(part) if values.get("decode", 1) else base64.b64encode(part).decode()
    return {"content": shown, "bytes-read": len(part)} | ({"truncated": 1} if len(part) == count else {})


class AgentArea(Fake):
    """Mixin: ``/nodes/{node}/qemu/{vmid}/agent/...``."""

    driver: GuestDriver

    def __init__(self, **options: object) -> None:
        """Start with no guest on its way down, and with agents that are allowed everything."""
        super().__init__(**options)
        self.blocked: dict[int, tuple[str, ...]] = {}
        self.frozen: dict[int, float | None] = {}
        """Guests whose file systems are frozen, with the time of their start: another start ends it."""
        self._endings = Background()

    def routes(self) -> list[Route]:
        """The commands a guest of the lab answers; fakepve answers the others."""
        answers: dict[tuple[str, str], Callable[[FakeVm, Values], Awaitable[object]]] = {
            ("POST", "ping"): self._ping,
            ("GET", "info"): self._info,
            ("GET", "network-get-interfaces"): self._interfaces,
            ("GET", "get-host-name"): self._host_name,
            ("GET", "get-osinfo"): self._os_info,
            ("POST", "exec"): self._exec,
            ("GET", "exec-status"): self._exec_status,
            ("GET", "file-read"): self._file_read,
            ("POST", "file-write"): self._file_write,
            ("POST", "shutdown"): self._shut_down,
            ("POST", "suspend-disk"): self._shut_down,
            ("POST", "suspend-hybrid"): self._fall_asleep,
            ("POST", "suspend-ram"): self._fall_asleep,
            ("POST", "fsfreeze-freeze"): self._stop_file_systems,
            ("POST", "fsfreeze-status"): self._file_systems,
            ("POST", "fsfreeze-thaw"): self._let_file_systems_go,
            ("POST", "fstrim"): self._trim,
            ("POST", "set-user-password"): self._set_user_password,
        }
        return [
            (method, f"{AGENT}/{command}", self._asked(command, answer))
            for (method, command), answer in answers.items()
        ]

    def _asked(
        self, command: str, answer: Callable[[FakeVm, Values], Awaitable[object]]
    ) -> Callable[[Call], Awaitable[object]]:
        """A handler that asks the agent only when there is one, with PVE's errors when there is none."""

        async def ask(call: Call) -> object:
            guest = self.find(call["node"], call["vmid"])
            await self._need_agent(guest)
            refusal = self._refusal(guest, COMMANDS.get(command, command))
            if refusal and command not in CHECKED:
                return {"result": {"error": {"class": "CommandNotFound", "desc": refusal}}}
            if refusal:
                raise die(f"Agent error: {refusal}")
            try:
                return await answer(guest, call.values)
            except GuestError as error:
                raise die(str(error)) from error

        return ask

    async def _need_agent(self, guest: FakeVm) -> None:
        """PVE's three questions, in its order (PVE::QemuServer::Agent, assert_agent_available)."""
        if "agent" not in guest.config:
            raise die("No QEMU guest agent configured")
        if guest.status != "running":
            raise die(f"VM {guest.vmid} is not running")
        gone = getattr(guest, "agent_gone", False)
        if gone or not agent_enabled(guest.config) or guest.vmid not in await self.driver.running():
            raise die(NOT_RUNNING)
        if guest.agent_hangs or guest.qmpstatus in ("paused", "suspended"):
            await self.pause(AGENT_TIMEOUT)
            raise die(NOT_RUNNING)

    def _refusal(self, guest: FakeVm, command: str) -> str:
        """The agent's configuration in the guest may forbid commands, as Red Hat's images do for exec and files."""
        if f"guest-{command}" in self.blocked.get(guest.vmid, ()):
            return f"Command guest-{command} has been disabled: the command is not allowed"
        if self._is_frozen(guest) and command not in WHILE_FROZEN:
            return f"Command guest-{command} has been disabled: the agent is in frozen state"
        return ""

    def _is_frozen(self, guest: FakeVm) -> bool:
        return guest.vmid in self.frozen and self.frozen[guest.vmid] == guest.started_at

    async def _ping(self, _guest: FakeVm, _values: Values) -> object:
        return {"result": {}}

    async def _info(self, guest: FakeVm, _values: Values) -> object:
        commands = [
            {"name": name, "enabled": not self._refusal(guest, name.removeprefix("guest-")), "success-response": True}
            for name in SUPPORTED
        ]
        return {"result": {"version": "7.2.0", "supported_commands": commands}}

    async def _interfaces(self, guest: FakeVm, _values: Values) -> object:
        return {"result": await self.driver.interfaces(guest.vmid)}

    async def _read(self, guest: FakeVm, path: str, otherwise: str) -> str:
        """A text file of the guest; of one that has no files, because it only pretends, something likely."""
        try:
            return (await self.driver.read_file(guest.vmid, path)).decode()
        except GuestError:
            return otherwise

    async def _host_name(self, guest: FakeVm, _values: Values) -> object:
        name = await self._read(guest, "/proc/sys/kernel/hostname", guest.name)
        return {"result": {"host-name": name.strip()}}

    async def _os_info(self, guest: FakeVm, _values: Values) -> object:
        return {"result": os_info(await self._read(guest, "/etc/os-release", PRETENDED_RELEASE))}

    async def _shut_down(self, guest: FakeVm, _values: Values) -> None:
        """The agent powers the guest off without an answer; that it is gone is seen later."""
        self._endings.start(self.driver.shutdown(guest.vmid, SHUTDOWN_BOUND))

    async def _fall_asleep(self, guest: FakeVm, _values: Values) -> None:
        """The guest sleeps with its memory kept, until PVE resumes it; the agent gives no answer to that."""
        if guest.vmid in await self.driver.running():
            await self.driver.suspend(guest.vmid)
        guest.qmpstatus = "suspended"

    async def _stop_file_systems(self, guest: FakeVm, _values: Values) -> object:
        """A guest of the lab has one file system. It isn't stopped: only the agent behaves as if it were."""
        self.frozen[guest.vmid] = guest.started_at
        return {"result": 1}

    async def _file_systems(self, guest: FakeVm, _values: Values) -> object:
        return {"result": "frozen" if self._is_frozen(guest) else "thawed"}

    async def _let_file_systems_go(self, guest: FakeVm, _values: Values) -> object:
        were = self._is_frozen(guest)
        self.frozen.pop(guest.vmid, None)
        return {"result": int(were)}

    async def _trim(self, _guest: FakeVm, _values: Values) -> object:
        """A volume of the lab takes what its files take, so there is never anything to give back."""
        return {"result": {"paths": [{"path": "/", "trimmed": 0, "minimum": 0}]}}

    async def _set_user_password(self, guest: FakeVm, values: Values) -> object:
        given = str(values["password"])
        shadow = await self._read(guest, SHADOW, PRETENDED_SHADOW)
        changed = with_password(
            shadow, str(values["username"]), given if values.get("crypted") else crypt_password(given)
        )
        await self.driver.write_file(guest.vmid, SHADOW, changed.encode())
        return {"result": {}}

    async def _exec(self, guest: FakeVm, values: Values) -> dict[str, int]:
        data = values.get("input-data")
        stdin = None if data is None else latin("input-data", str(data))
        return {"pid": await self.driver.exec(guest.vmid, command_line(values), stdin)}

    async def _exec_status(self, guest: FakeVm, values: Values) -> dict[str, Any]:
        return await self.driver.exec_status(guest.vmid, int(values["pid"]))

    async def _file_read(self, guest: FakeVm, values: Values) -> dict[str, object]:
        return file_answer(await self.driver.read_file(guest.vmid, str(values["file"])), values)

    async def _file_write(self, guest: FakeVm, values: Values) -> None:
        await self.driver.write_file(guest.vmid, str(values["file"]), decoded(values))
