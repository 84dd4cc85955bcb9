# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of qm that are none of the API's (PVE/CLI/qm.pm of qemu-server)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from lab.commands import client, command
from lab.commands.client import CommandError
from lab.commands.options import Values

# Seconds between two looks at a VM that is to stop.
PAUSE = 0.1
SERIALS = ("serial0", "serial1", "serial2", "serial3")


def _vm(values: Values) -> str:
    return f"/nodes/{client.node()}/qemu/{values['vmid']}"


def _config(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", f"{_vm(values)}/config")
    return found


def _current(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", f"{_vm(values)}/status/current")
    return found


def status(values: Values) -> str:
    """``qm status``: one line, or with ``--verbose`` all there is."""
    data = _current(values)
    if not values.get("verbose"):
        return f"status: {data.get('qmpstatus') or data.get('status') or 'unknown'}\n"
    shown = [line for key in sorted(data) if key not in ("cpu", "relcpu") for line in _nested("", data[key], key)]
    return command.lines(shown)


def _nested(prefix: str, value: Any, key: str | None = None) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, dict | list):
        if key is not None:
            yield f"{prefix}{key}:"
        children = sorted(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
        for name, child in children:
            yield from _nested(f"\t{prefix}", child, name)
    elif value is not None:
        yield f"{prefix}{key}: {value}" if key is not None else f"{prefix}{value}"


def showcmd(values: Values) -> str:
    """``qm showcmd``: the lab's guests have no QEMU; its command line has what the configuration decides."""
    config = _config(values)
    drives = [f"-drive '{config[key]}'" for key in sorted(config) if key.rstrip("0123456789") in ("scsi", "virtio")]
    sockets, cores = config.get("sockets", 1), config.get("cores", 1)
    name = config.get("name", f"VM {values['vmid']}")
    parts = [
        f"/usr/bin/kvm -id {values['vmid']}",
        f"-name '{name},debug-threads=on'",
        f"-smp '{sockets * cores},sockets={sockets},cores={cores},maxcpus={sockets * cores}'",
        f"-m {config.get('memory', 512)}",
        *drives,
    ]
    text = " ".join(parts)
    return text.replace(" -", " \\\n  -") + "\n" if values.get("pretty") else f"{text}\n"


def wait(values: Values) -> None:
    """``qm wait``: until the VM has stopped, or for so many seconds."""
    data = _current(values)
    if data["status"] == "stopped":
        return
    sys.stdout.write(f"waiting until VM {values['vmid']} stops (PID {data.get('pid', 0)})\n")
    sys.stdout.flush()
    limit = time.monotonic() + int(values["timeout"]) if "timeout" in values else None
    while _current(values)["status"] != "stopped":
        if limit is not None and time.monotonic() > limit:
            raise CommandError("wait failed - got timeout")
        time.sleep(PAUSE)


def unlock(values: Values) -> None:
    """``qm unlock``."""
    client.local("unlock", {"kind": "qemu", "vmid": values["vmid"], "node": client.node()})


def rescan(values: Values) -> str:
    """``qm disk rescan``: volumes that no configuration names become unused disks."""
    client.local("rescan", {"kind": "qemu", "node": client.node(), **values})
    return rescanned(values)


def rescanned(values: Values) -> str:
    """What ``qm disk rescan`` and ``pct rescan`` print."""
    note = "NOTE: running in dry-run mode, won't write changes out!\n" if values.get("dryrun") else ""
    return f"{note}rescan volumes...\n"


def import_disk(values: Values) -> str:
    """``qm disk import``: an image becomes a disk that is not plugged in, or the one named."""
    vmid, source = values["vmid"], str(values["source"])
    before = _config(values)
    if not os.path.isfile(source):  # noqa: PTH113 - pathlib takes longer to import than this command takes
        raise CommandError(f"{source}: non-existent or non-regular file")
    sys.stdout.write(f"importing disk '{source}' to VM {vmid} ...\n")
    sys.stdout.flush()
    place = str(values.get("target-disk") or _free_place(before))
    options = f",format={values['format']}" if "format" in values else ""
    changes = {place: f"{values['storage']}:0,import-from={source}{options}"}
    ended = client.follow(client.call("POST", f"{_vm(values)}/config", changes), sys.stdout.write)
    if client.is_error(ended):
        raise CommandError(ended)
    if "target-disk" not in values:
        client.call("PUT", f"{_vm(values)}/config", {"delete": place})
    after = _config(values)
    new = place if "target-disk" in values else next(key for key in sorted(after) if key not in before)
    return f"{new}: successfully imported disk '{after[new]}'\n"


def _free_place(config: dict[str, Any]) -> str:
    return next(f"scsi{number}" for number in range(31) if f"scsi{number}" not in config)


def monitor(values: Values) -> str:
    """``qm monitor``: there is no QEMU to talk to; every line is answered with that."""
    _config(values)
    sys.stdout.write(f"Entering QEMU Monitor for VM {values['vmid']} - type 'help' for help\n")
    for line in sys.stdin:
        if line.strip() in ("q", "quit"):
            break
        if line.strip():
            sys.stdout.write("ERROR: the lab's VMs have no QEMU monitor\n")
    return ""


def terminal(values: Values) -> str:
    """``qm terminal``: refuses as PVE does; the serial lines of the lab's VMs lead nowhere."""
    config, iface = _config(values), values.get("iface")
    if iface and iface not in config:
        raise CommandError(f"serial interface '{iface}' is not configured")
    if iface and config[iface] != "socket":
        raise CommandError(f"wrong serial type on interface '{iface}'")
    found = iface or next((name for name in SERIALS if config.get(name) == "socket"), None)
    if not found:
        raise CommandError("unable to find a serial interface")
    if _current(values)["status"] == "stopped":
        raise CommandError(f"VM {values['vmid']} not running")
    raise CommandError("the lab's VMs have no serial terminal: log in with ssh")


def vncproxy(values: Values) -> str:
    """``qm vncproxy``: refuses as PVE does without a ticket."""
    _config(values)
    raise CommandError("LC_PVE_TICKET not set, VNC proxy without password is forbidden")
