# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""qm and pct."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.commands import client
from lab.commands.client import CommandError
from lab.commands.verbs import Verb, Verbs, formatted, read_stdin, run
from lab.commands.words import Words, pairs

GIB = 1024**3
MIB = 1024**2
# Seconds ``qm guest exec`` waits for the command unless told otherwise (PVE/CLI/qm.pm).
EXEC_TIMEOUT = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5

QEMU = "/nodes/{node}/qemu"
ONE = QEMU + "/{vmid}"
LXC = "/nodes/{node}/lxc"
CT = LXC + "/{vmid}"


def status_line(data: Mapping[str, Any], words: Words) -> str:
    """``status: running``, or with ``--verbose`` every field."""
    if words.options.get("verbose") in (None, "0"):
        return f"status: {data['status']}"
    return "\n".join(f"{key}: {value}" for key, value in sorted(data.items()) if value is not None)


def config_lines(data: Mapping[str, Any], _words: Words) -> str:
    """A configuration as ``qm config`` prints it: a line each, newlines in a description escaped."""
    shown = {key: str(value).replace("\n", "%0A") for key, value in data.items() if key != "digest"}
    return "\n".join(f"{key}: {value}" for key, value in sorted(shown.items()))


def plain(data: object, _words: Words) -> str:
    """A text as it is."""
    return str(data).rstrip("\n")


def vm_table(data: list[Mapping[str, Any]], _words: Words) -> str:
    """``qm list`` (PVE/CLI/qm.pm: the format string of its table)."""
    if not data:
        return ""
    lines = [
        "{:>10} {:<20} {:<10} {:<10} {:>12} {:<10}".format("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID")
    ]
    for row in sorted(data, key=lambda row: int(row["vmid"])):
        memory, disk = int(row.get("maxmem", 0)) // MIB, int(row.get("maxdisk", 0)) / GIB
        lines.append(
            f"{row['vmid']:>10} {row.get('name', ''):<20} {row['status']:<10} {memory:<10} {disk:>12.2f} "
            f"{row.get('pid', 0):<10}"
        )
    return "\n".join(lines)


def ct_table(data: list[Mapping[str, Any]], _words: Words) -> str:
    """``pct list``."""
    if not data:
        return ""
    lines = ["{:<10} {:<10} {:<12} {:<20}".format("VMID", "Status", "Lock", "Name")]
    for row in sorted(data, key=lambda row: int(row["vmid"])):
        lines.append(f"{row['vmid']:<10} {row['status']:<10} {row.get('lock', ''):<12} {row.get('name', ''):<20}")
    return "\n".join(lines)


def agent_result(data: object, _words: Words) -> str:
    """``qm guest cmd``: the result as indented JSON, and nothing for an empty one."""
    result = data.get("result", data) if isinstance(data, dict) else data
    return json.dumps(result, indent=3, sort_keys=True) if result else ""


def agent_command(words: Words) -> str | None:
    """``qm agent VMID COMMAND``: commands that tell are GETs, commands that do are POSTs."""
    command = words.positional[1] if len(words.positional) > 1 else ""
    telling = command.startswith(("get-", "network-", "info", "fsfreeze-status"))
    verb = Verb("GET" if telling else "POST", ONE + "/agent/" + command, ("vmid", "command"), agent_result)
    # The command is part of the path here, not a parameter.
    words.positional = words.positional[:1]
    return run("qm guest cmd", Verb(verb.method, verb.path, ("vmid",), agent_result), words)


def read_keys(words: Words) -> None:
    """On the command line ``--sshkeys`` names a file; the API takes its content, URL-encoded."""
    path = words.take("sshkeys") or words.take("sshkey")
    if not path:
        return
    try:
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"can't open '{path}' - {error.strerror}", 2) from error
    words.options["sshkeys"] = quote(content, safe="")


def create(words: Words) -> str | None:
    """``qm create``."""
    read_keys(words)
    return run("qm create", Verb("POST", QEMU, ("vmid",)), words)


def set_config(words: Words) -> str | None:
    """``qm set``: PVE says what it changes."""
    read_keys(words)
    done = " ".join(pairs(words.options))
    run("qm set", Verb("PUT", ONE + "/config", ("vmid",)), words)
    return f"update VM {words.positional[0]}: {done}"


def guest_exec(words: Words) -> str:
    """``qm guest exec VMID -- COMMAND``: start it, wait for it, print what the agent tells."""
    if not words.positional:
        raise CommandError("400 not enough arguments\nqm guest exec <vmid> [<extra-args>] [OPTIONS]")
    vmid, *command = [*words.positional, *words.rest]
    base = f"/nodes/{client.node()}/qemu/{vmid}/agent"
    values: dict[str, object] = {"command": command}
    if words.take("pass-stdin", "0") == "1":
        values["input-data"] = read_stdin()
    started = client.call("POST", f"{base}/exec", values)
    if words.take("synchronous", "1") == "0":
        return json.dumps(started, indent=3, sort_keys=True)
    return json.dumps(_exec_result(base, started["pid"], float(words.take("timeout", str(EXEC_TIMEOUT)))), indent=3)


def _exec_result(base: str, pid: int, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while True:
        status: dict[str, Any] = client.call("GET", f"{base}/exec-status", {"pid": pid})
        if status.get("exited"):
            return dict(sorted(status.items()))
        if time.monotonic() > deadline:
            return {"pid": pid, "exited": 0}
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


QM: Verbs = {
    "list": Verb("GET", QEMU, show=vm_table),
    "status": Verb("GET", ONE + "/status/current", ("vmid",), status_line),
    "config": Verb("GET", ONE + "/config", ("vmid",), config_lines),
    "pending": Verb("GET", ONE + "/pending", ("vmid",), formatted),
    "create": create,
    "clone": Verb("POST", ONE + "/clone", ("vmid", "newid")),
    "destroy": Verb("DELETE", ONE, ("vmid",)),
    "template": Verb("POST", ONE + "/template", ("vmid",)),
    "set": set_config,
    "cloudinit dump": Verb("GET", ONE + "/cloudinit/dump", ("vmid", "type"), plain),
    "cloudinit pending": Verb("GET", ONE + "/cloudinit", ("vmid",), formatted),
    "resize": Verb("PUT", ONE + "/resize", ("vmid", "disk", "size")),
    "disk resize": Verb("PUT", ONE + "/resize", ("vmid", "disk", "size")),
    "unlock": Verb("PUT", ONE + "/config", ("vmid",), fixed={"delete": "lock", "skiplock": "1"}),
    "start": Verb("POST", ONE + "/status/start", ("vmid",)),
    "stop": Verb("POST", ONE + "/status/stop", ("vmid",)),
    "shutdown": Verb("POST", ONE + "/status/shutdown", ("vmid",)),
    "reboot": Verb("POST", ONE + "/status/reboot", ("vmid",)),
    "reset": Verb("POST", ONE + "/status/reset", ("vmid",)),
    "suspend": Verb("POST", ONE + "/status/suspend", ("vmid",)),
    "resume": Verb("POST", ONE + "/status/resume", ("vmid",)),
    "snapshot": Verb("POST", ONE + "/snapshot", ("vmid", "snapname")),
    "listsnapshot": Verb("GET", ONE + "/snapshot", ("vmid",), formatted),
    "delsnapshot": Verb("DELETE", ONE + "/snapshot/{snapname}", ("vmid", "snapname")),
    "rollback": Verb("POST", ONE + "/snapshot/{snapname}/rollback", ("vmid", "snapname")),
    "agent": agent_command,
    "guest cmd": agent_command,
    "guest exec": guest_exec,
    "guest exec-status": Verb("GET", ONE + "/agent/exec-status", ("vmid", "pid"), agent_result),
}

PCT: Verbs = {
    "list": Verb("GET", LXC, show=ct_table),
    "status": Verb("GET", CT + "/status/current", ("vmid",), status_line),
    "config": Verb("GET", CT + "/config", ("vmid",), config_lines),
    "pending": Verb("GET", CT + "/pending", ("vmid",), formatted),
    "create": Verb("POST", LXC, ("vmid", "ostemplate")),
    "clone": Verb("POST", CT + "/clone", ("vmid", "newid")),
    "destroy": Verb("DELETE", CT, ("vmid",)),
    "template": Verb("POST", CT + "/template", ("vmid",)),
    "set": Verb("PUT", CT + "/config", ("vmid",)),
    "resize": Verb("PUT", CT + "/resize", ("vmid", "disk", "size")),
    "start": Verb("POST", CT + "/status/start", ("vmid",)),
    "stop": Verb("POST", CT + "/status/stop", ("vmid",)),
    "shutdown": Verb("POST", CT + "/status/shutdown", ("vmid",)),
    "reboot": Verb("POST", CT + "/status/reboot", ("vmid",)),
    "snapshot": Verb("POST", CT + "/snapshot", ("vmid", "snapname")),
    "listsnapshot": Verb("GET", CT + "/snapshot", ("vmid",), formatted),
    "delsnapshot": Verb("DELETE", CT + "/snapshot/{snapname}", ("vmid", "snapname")),
    "rollback": Verb("POST", CT + "/snapshot/{snapname}/rollback", ("vmid", "snapname")),
}
