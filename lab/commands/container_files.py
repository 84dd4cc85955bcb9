# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pct does with a container's files from outside: df, mount, unmount, fstrim, fsck, cpusets (PVE/CLI/pct.pm)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.commands import client
from lab.commands.client import CommandError
from lab.commands.command import Tree, lines, own
from lab.commands.containers import VMID

Values = Mapping[str, Any]

FLAG = {"type": "boolean", "optional": 1}
DEVICE = {"type": "string", "optional": 1}
# Where a node of the lab has its guests' volumes and the Debian root they are laid over (lab/guests/node.py).
VOLUMES = Path("/var/lib/homelab-pve-lab/volumes")
BASE = Path("/usr/lib/homelab-pve-lab/base")
COLUMNS = ("MP", "Volume", "Size", "Used", "Avail", "Use%", "Path")
MOUNTED = "mounted"


def _path(values: Values, *below: str) -> str:
    return "/".join([f"/nodes/{client.node()}/lxc/{values['vmid']}", *below])


def _config(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", _path(values, "config"))
    return found


def _is_running(values: Values) -> bool:
    return bool(client.call("GET", _path(values, "status", "current"))["status"] == "running")


def points(config: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, volume and options of the root and every mount point, the root first."""
    names = [name for name in config if name == "rootfs" or (name.startswith("mp") and name[2:].isdigit())]
    for name in sorted(names, key=lambda name: (name != "rootfs", name)):
        volume, *rest = str(config[name]).split(",")
        options = dict(part.partition("=")[::2] for part in rest)
        yield name, volume, {"mp": "/", **options}


# --------------------------------------------------------------------- df


def readable(size: float) -> str:
    """A size as ``pct df`` writes it."""
    if size < 1024:  # noqa: PLR2004 - bytes of a unit
        return str(int(size))
    for unit in "KMG":
        size /= 1024
        if size < 1024:  # noqa: PLR2004
            return f"{size:.1f}{unit}"
    return f"{size / 1024:.1f}T"


def usage_row(name: str, volume: str, path: str, total: int, used: int) -> tuple[str, ...]:
    """A row of the table."""
    share = f"{100 * used / total:.1f}" if total else "0.0"
    return (name, volume, readable(total), readable(used), readable(max(total - used, 0)), share, path)


def table(rows: list[tuple[str, ...]]) -> str:
    """The table: names to the left, figures to the right, and the path as it is."""
    wide = [max(len(row[place]) for row in [COLUMNS, *rows]) for place in range(len(COLUMNS) - 1)]
    return lines(
        [
            " ".join([f"{row[0]:<{wide[0]}}", f"{row[1]:<{wide[1]}}", *_figures(row, wide), row[6]])
            for row in [COLUMNS, *rows]
        ]
    )


def _figures(row: tuple[str, ...], wide: list[int]) -> list[str]:
    return [f"{row[place]:>{wide[place]}}" for place in range(2, 6)]


def df(values: Values) -> str:
    """``pct df``: the size a volume is said to have, and what its files take."""
    sizes: dict[str, list[int]] = client.local(
        "ct_usage", {"vmid": values["vmid"], "node": client.node(), "kind": "lxc"}
    )
    rows = []
    for name, volume, options in points(_config(values)):
        total, used = sizes[name] if name in sizes else _of_folder(volume)
        rows.append(usage_row(name, volume, options["mp"], total, used))
    return table(rows)


def _of_folder(path: str) -> tuple[int, int]:
    """A directory of the node: its whole file system, as df(1) has it."""
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize


# ------------------------------------------------------------------ mounts


def root_of(values: Values) -> Path:
    """Where the container's root is shown on the node."""
    return Path(f"/var/lib/lxc/{values['vmid']}/rootfs")


def mount_commands(config: Mapping[str, Any], root: Path) -> Iterator[list[str]]:
    """The commands that show a container's files on the node."""
    for name, volume, options in points(config):
        storage, _, file = volume.partition(":")
        folder = VOLUMES / storage / file
        if name == "rootfs":
            layers = f"lowerdir={BASE},upperdir={folder / 'root'},workdir={folder / 'work'}"
            yield ["mount", "-t", "overlay", "overlay", "-o", layers, str(root)]
        else:
            target = str(root) + "/" + options["mp"].strip("/")
            yield ["mkdir", "-p", target]
            yield ["mount", "--bind", volume if volume.startswith("/") else str(folder / "root"), target]


def mount(values: Values) -> str:
    """``pct mount``: the container is locked, and its files are on the node."""
    client.call("PUT", _path(values, "config"), {"lock": MOUNTED})
    root = root_of(values)
    root.mkdir(parents=True, exist_ok=True)
    for command in mount_commands(_config(values), root):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"command '{' '.join(command)}' failed: {done.stderr.strip()}")
    return f"mounted CT {values['vmid']} in '{root}'\n"


def unmount(values: Values) -> None:
    """``pct unmount``."""
    lock = _config(values).get("lock")
    subprocess.run(["umount", "--recursive", str(root_of(values))], capture_output=True, check=False)
    if lock != MOUNTED:
        found = f"found lock '{lock}'" if lock else "no lock found"
        raise CommandError(f"{found} trying to remove '{MOUNTED}' lock")
    client.local("unlock", {"kind": "lxc", "vmid": values["vmid"], "node": client.node()})


# ------------------------------------------------------------------ others


def fstrim(values: Values) -> str:
    """``pct fstrim``: a volume of the lab takes what its files take, so there is never anything to give back."""
    wanted = [
        options["mp"]
        for name, volume, options in points(_config(values))
        if not volume.startswith("/") and options.get("ro") != "1"
        if name == "rootfs" or not values.get("ignore-mountpoints")
    ]
    return lines([f"{str(root_of(values)) + mp.rstrip('/')}: 0 B (0 bytes) trimmed" for mp in wanted])


def fsck(values: Values) -> str:
    """``pct fsck``: PVE's refusals; a volume of the lab is a directory, whose file system is the machine's."""
    device = values.get("device", "rootfs")
    volume = {name: volume for name, volume, _ in points(_config(values))}.get(device)
    if volume is None:
        raise CommandError(f"cannot run command on non-existing mount point {device}")
    if _is_running(values):
        raise CommandError("cannot run fsck when container is running")
    if volume.startswith("/"):
        raise CommandError(f"path '{volume}' does not point to a block device")
    raise CommandError(f"unable to run fsck for '{volume}' (format == subvol)")


def cpusets(_values: Values) -> str:
    """``pct cpusets``: every container of the lab may use every processor."""
    found = client.call("GET", f"/nodes/{client.node()}/lxc")
    running = sorted(str(row["vmid"]) for row in found if row["status"] == "running")
    if not running:
        return "no running containers\n"
    members = ":  " + " ".join(str(number) for number in range(os.cpu_count() or 1))
    wide = max(map(len, running))
    rule = "-" * (len(members) + wide)
    return lines([rule, *(f"{vmid:>{wide}}{members}" for vmid in running), rule])


OUTSIDE: Tree = {
    "cpusets": own(cpusets),
    "df": own(df, ("vmid",), vmid=VMID),
    "fsck": own(fsck, ("vmid",), vmid=VMID, device=DEVICE, force={**FLAG, "default": 0}),
    "fstrim": own(fstrim, ("vmid",), vmid=VMID, ignore_mountpoints=FLAG),
    "mount": own(mount, ("vmid",), vmid=VMID),
    "unmount": own(unmount, ("vmid",), vmid=VMID),
}
