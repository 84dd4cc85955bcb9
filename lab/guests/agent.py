# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest agent answers, taken from the guest's namespaces.

Shapes follow qemu-guest-agent's ``guest-network-get-interfaces``, ``guest-exec-status`` and ``guest-file-*``.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from lab.guests.driver import GuestError

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
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
    command = ["nsenter", f"--target={pid}", "--net", "--", "ip", "-json", "-statistics", "address"]
    code, out, err = await run(command)
    if code != 0:
        raise GuestError(f"Agent error: cannot read the guest's interfaces: {err.decode(errors='replace').strip()}")
    return [interface_entry(link) for link in json.loads(out) if link]


def exec_result(code: int, out: bytes, err: bytes) -> dict[str, Any]:
    """The answer of ``exec-status`` for a command that has ended."""
    result: dict[str, Any] = {"exited": 1}
    result |= {"signal": -code} if code < 0 else {"exitcode": code}
    if out:
        result["out-data"] = out.decode(errors="replace")
    if err:
        result["err-data"] = err.decode(errors="replace")
    return result


async def read_file(pid: int, path: str) -> bytes:
    """Contents of a file of the guest."""
    code, out, err = await run(inside(pid, ["cat", "--", path]))
    if code != 0:
        raise GuestError(_file_error(path, "r", err))
    return out


async def write_file(pid: int, path: str, content: bytes) -> None:
    """Replace the contents of a file of the guest, which keeps its owner and mode."""
    code, _, err = await run(inside(pid, ["dd", "status=none", f"of={path}"]), content)
    if code != 0:
        raise GuestError(_file_error(path, "w", err))


def _file_error(path: str, mode: str, err: bytes) -> str:
    """The agent's wording, with the reason the program gave last on its line."""
    reason = err.decode(errors="replace").strip().rpartition(": ")[2]
    return f"Agent error: failed to open file '{path}' (mode: '{mode}'): {reason}"
