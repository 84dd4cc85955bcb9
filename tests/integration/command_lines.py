# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines for the node father with a guest of its own: how each ends, and what it prints."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

MARK = "----- ended with "
ARCHIVE = "$(pvesm list local | awk '/vzdump-qemu-300/ {print $1; exit}')"


@dataclass(frozen=True)
class Line:
    """A command line, a pattern that all it prints must match, and its exit code."""

    line: str
    prints: str = ""
    code: int = 0


LINES = (
    Line("pveversion", r"pve-manager/9\.\S+ \(running kernel: \S+-pve\)\n"),
    Line("pveversion -v", r"proxmox-ve: .*\npve-manager: (?s:.)*zfsutils-linux: .*\n"),
    Line("pvesh get /version --output-format json", r'\{"release":"9\.\d".*\}\n'),
    Line("pvesh ls /", r"Dr---        access\n(?s:.)*-r---        version\n"),
    Line("pvesh get /nope", r"No 'get' handler defined for '/nope'\n", 1),
    Line("qm clone 9001 300 --name commands --full", r"creating a clone of VM 9001 with ID 300\n(?s:.)*"),
    Line("qm set 300 --memory 256", r"update VM 300: -memory 256\n"),
    Line("qm start 300"),
    Line("qm start 300", r"VM 300 already running\n", 255),
    Line("qm list", r"(?s:.)*\n +300 commands +running +256 +8\.00 \d+ *\n(?s:.)*"),
    Line("qm guest cmd 300 ping"),
    Line("qm guest exec 300 -- hostname", r'\{\n(?s:.)*"out-data" : "commands\\n"\n\}\n'),
    Line("qm snapshot 300 before"),
    Line("qm listsnapshot 300", r"`-> before +\S+ \S+ +no-description\n `-> current +You are here!\n"),
    Line("qm stop 300"),
    Line("qm rollback 300 before"),
    Line("qm status 300", r"status: stopped\n"),
    Line("qm disk resize 300 scsi0 +1G", r"Image resized\.\n"),
    Line("qm config 300", r"(?s:.)*\nname: commands\n(?s:.)*scsi0: .*size=9G\n(?s:.)*"),
    Line("qm set 300 --lock backup", r"update VM 300: -lock backup\n"),
    Line("qm destroy 300", r"VM is locked \(backup\)\n", 255),
    Line("qm unlock 300"),
    Line("vzdump 300 --storage local --compress zstd", r"INFO: (?s:.)*INFO: Backup job finished successfully\n"),
    Line("qm destroy 300 --purge", r"(?s:.)*"),
    Line(f"qmrestore {ARCHIVE} 300 --storage local-lvm", r"(?s:.)*"),
    Line("qm destroy 300", r"(?s:.)*"),
    Line(f"pvesm free {ARCHIVE}", r"Removed volume 'local:backup/vzdump-qemu-300-.*'\n"),
    Line("qm status 300", r"Configuration file 'nodes/father/qemu-server/300\.conf' does not exist\n", 2),
    Line("pvesm status", r"Name .*\nlocal +dir +active .*\nlocal-lvm +lvmthin +active .*\n"),
    Line("pveam available", r"system +\S+ +amd64\n(?s:.)*"),
    Line("pct list", r"(?s:.)*"),
    Line("pveum user add joe@pve"),
    Line("printf 'secret-one\\nsecret-one\\n' | pveum passwd joe@pve"),
    Line("printf 'secret-one\\n' | pveum ticket joe@pve", r"PVE:joe@pve:.*\n"),
    Line("pveum user delete joe@pve"),
    Line("pvecm status", r"Error: Corosync config '/etc/pve/corosync\.conf' does not exist .*\n", 2),
    Line("pvenode cert info --output-format yaml", r"---\n- filename: pve-root-ca\.pem\n(?s:.)*"),
    Line("pvenode task list --limit 1 --noborder", r"UPID .*\nUPID:father:.*\n"),
    Line("ha-manager status", r"quorum OK\n(?s:.)*"),
    Line("pve-firewall status", r"Status: disabled/running\n"),
    Line("pvesubscription get", r"(?s:.)*status: notfound\n(?s:.)*"),
    Line("qm frob", r"ERROR: unknown command 'qm frob'\nUSAGE: qm (?s:.)*", 255),
)


def script(lines: tuple[Line, ...] = LINES) -> str:
    """A shell script that runs the lines, and tells how each ended."""
    shown = (f"{{ {line.line}; }} 2>&1; echo {shlex.quote(MARK)}$?" for line in lines)
    return "export LC_ALL=C.UTF-8\n" + "\n".join(shown) + "\n"


def wrong(printed: str, lines: tuple[Line, ...] = LINES) -> list[str]:
    """The lines that ended or printed otherwise than they should."""
    found = re.findall(rf"(.*?){re.escape(MARK)}(\d+)\n", printed, re.DOTALL)
    if len(found) != len(lines):
        return [f"{len(found)} of {len(lines)} command lines ended: {printed[-500:]}"]
    pairs = zip(lines, found, strict=True)
    return [
        f"{line.line}: {code}\n{text}"
        for line, (text, code) in pairs
        if int(code) != line.code or not re.fullmatch(line.prints, text)
    ]
