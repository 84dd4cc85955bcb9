# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest agent answers, taken from the guest's namespaces.

Shapes follow qemu-guest-agent's ``guest-network-get-interfaces``, ``guest-exec-status`` and ``guest-file-*``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from lab.guests.driver import GuestError

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
MAX_OUTPUT = 16 * 1024 * 1024
"""Bytes the agent keeps of each output stream of a command (qga, GUEST_EXEC_MAX_OUTPUT)."""

CHUNK = 64 * 1024
NEW_FILE_MODE = 0o666
"""Mode the agent gives a file it makes, whatever the umask (qga, DEFAULT_NEW_FILE_MODE)."""

_FAMILIES = {"inet": "ipv4", "inet6": "ipv6"}
_STATISTICS = {
    "rx-bytes": ("rx", "bytes"),
    "rx-packets": ("rx", "packets"),
    "rx-errs": ("rx", "errors"),
    "rx-dropped": ("rx", "dropped"),
    "tx-bytes": ("tx", "bytes"),
    "tx-packets": ("tx", "packets"),
    "tx-errs": ("tx", "errors"),
    "tx-dropped": ("tx", "dropped"),
}


def inside(pid: int, argv: list[str]) -> list[str]:
    """The command that runs ``argv`` in every namespace of the guest whose init is ``pid``."""
    return ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *argv]


def interface_entry(link: dict[str, Any]) -> dict[str, Any]:
    """One entry of the agent's list from one of ``ip -json -statistics address``."""
    entry: dict[str, Any] = {"name": link["ifname"]}
    if "address" in link:
        entry["hardware-address"] = link["address"]
    addresses = [_address_entry(info) for info in link.get("addr_info", []) if info.get("family") in _FAMILIES]
    if addresses:
        entry["ip-addresses"] = addresses
    counters = link.get("stats64", {})
    entry["statistics"] = {name: counters.get(way, {}).get(counter, 0) for name, (way, counter) in _STATISTICS.items()}
    return entry


def _address_entry(info: dict[str, Any]) -> dict[str, Any]:
    return {
        "ip-address-type": _FAMILIES[info["family"]],
        "ip-address": info["local"],
        "prefix": info["prefixlen"],
    }


async def run(argv: list[str], stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
    """Run a command to its end; returns its code (negative: the signal), output and error output."""
    process = await start(argv, stdin)
    out, err = await process.communicate(stdin)
    return process.returncode or 0, out, err


async def start(argv: list[str], stdin: bytes | None = None) -> asyncio.subprocess.Process:
    """Start a command with pipes for its output."""
    source = asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=source,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )


async def interfaces(pid: int) -> list[dict[str, Any]]:
    """Every interface of the guest with its present addresses."""
    return [interface_entry(link) for link in await links(pid, "-statistics")]


async def links(pid: int, *options: str) -> list[dict[str, Any]]:
    """What ``ip -json address`` says in the guest."""
    code, out, err = await run(["nsenter", f"--target={pid}", "--net", "--", "ip", "-json", *options, "address"])
    if code != 0:
        raise GuestError(f"Agent error: cannot read the guest's interfaces: {err.decode(errors='replace').strip()}")
    return [link for link in json.loads(out) if link]


def characters(content: bytes) -> str:
    """Bytes for JSON: PVE takes each byte for a character (qemu-server decodes base64 and leaves it at that)."""
    return content.decode("latin-1")


def exec_result(code: int, out: bytes, err: bytes) -> dict[str, Any]:
    """The answer of ``exec-status`` for a command that has ended; output beyond the agent's limit is cut off."""
    result: dict[str, Any] = {"exited": 1}
    result |= {"signal": -code} if code < 0 else {"exitcode": code}
    for name, data in (("out", out), ("err", err)):
        if data:
            result[f"{name}-data"] = characters(data[:MAX_OUTPUT])
        if len(data) > MAX_OUTPUT:
            result[f"{name}-truncated"] = 1
    return result


async def finish(process: asyncio.subprocess.Process, stdin: bytes | None) -> dict[str, Any]:
    """Wait for a command's end, keeping no more of its output than the agent does."""
    assert process.stdout and process.stderr  # noqa: S101 - both are pipes
    fed = asyncio.create_task(_feed(process, stdin))
    out, err = await asyncio.gather(_kept(process.stdout), _kept(process.stderr))
    code = await process.wait()
    await fed
    return exec_result(code, out, err)


async def _feed(process: asyncio.subprocess.Process, stdin: bytes | None) -> None:
    """Write a command's input, as far as it is read."""
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        process.stdin.write(stdin or b"")
        await process.stdin.drain()
    process.stdin.close()


async def _kept(stream: asyncio.StreamReader) -> bytes:
    """What the agent keeps of a stream, and a byte more if there was more; the rest is read and dropped."""
    kept = bytearray()
    while chunk := await stream.read(CHUNK):
        kept += chunk[: MAX_OUTPUT + 1 - len(kept)]
    return bytes(kept)


def not_executed(program: str) -> GuestError:
    """The agent's words for a program that it can't start (qga, guest-exec, with GLib's message)."""
    return GuestError(
        "Agent error: Guest agent command failed, error was "
        f"'Failed to execute child process \u201c{program}\u201d (No such file or directory)'"
    )


async def need_program(pid: int, program: str) -> None:
    """Raise GuestError when the guest has no such program."""
    code, _, _ = await run(inside(pid, ["sh", "-c", 'command -v -- "$1"', "sh", program]))
    if code != 0:
        raise not_executed(program)


def no_such_command(pid: int) -> GuestError:
    """The agent's words for a pid it didn't give out, or whose end it has told already."""
    return GuestError(f"Agent error: PID {pid} does not exist")


async def read_file(pid: int, path: str) -> bytes:
    """Contents of a file of the guest."""
    code, out, err = await run(inside(pid, ["cat", "--", path]))
    if code != 0:
        raise GuestError(file_error(path, "r", err.decode(errors="replace").strip().rpartition(": ")[2]))
    return out


WRITE = f'[ -e "$1" ]; old=$?; dd status=none of="$1" && {{ [ $old = 0 ] || chmod {NEW_FILE_MODE:o} "$1"; }}'
"""Shell program: the agent's ``file-write``."""


async def write_file(pid: int, path: str, content: bytes) -> None:
    """Replace the contents of a file of the guest, which keeps its owner and mode; everybody may write to a new one."""
    code, _, err = await run(inside(pid, ["sh", "-c", WRITE, "sh", path]), content)
    if code != 0:
        raise GuestError(file_error(path, "wb", err.decode(errors="replace").strip().rpartition(": ")[2]))


def file_error(path: str, mode: str, reason: str) -> str:
    """The agent's wording; a directory can be opened, but not read."""
    if mode == "r" and reason == DIRECTORY:
        return f"Agent error: failed to read file: {reason}"
    return f"Agent error: failed to open file '{path}' (mode: '{mode}'): {reason}"


DIRECTORY = "Is a directory"
