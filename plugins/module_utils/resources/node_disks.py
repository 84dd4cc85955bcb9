# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of a node, and which of them are free (PVE::Diskmanage, get_disks)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError

LIST = "/nodes/{}/disks/list"
FLAGS = ("gpt", "mounted")
TEXTS = ("by_id_link", "health", "model", "parent", "serial", "type", "used", "vendor", "wwn")
UNTOLD = ("unknown", "UNKNOWN", "N/A")
"""What PVE writes where a disk doesn't say."""


def disks(
    read: Reader, node: str, *, smart: bool = False, partitions: bool = True, kind: str | None = None
) -> list[Values]:
    """The disks as PVE lists them, and their partitions. Asking for their health (``smart``) takes long."""
    params = {"include-partitions": int(partitions), "skipsmart": int(not smart), **({"type": kind} if kind else {})}
    rows: list[Values] = read.get(url(LIST, node), params)
    return rows


def shown(row: Values) -> dict[str, Json]:
    """A disk for people: None where it doesn't say."""
    texts = {name: str(row[name]).strip() if row.get(name) not in (None, "", *UNTOLD) else None for name in TEXTS}
    flags = {name: truth(row.get(name) or 0) for name in FLAGS}
    wearout = row.get("wearout")
    numbers = {
        "size": int(row.get("size") or 0),
        "rpm": _known(row.get("rpm")),
        "wearout": None if wearout in (None, *UNTOLD) else _known(wearout),
        "osdid": _known(row.get("osdid")),
    }
    return {"devpath": row["devpath"], **texts, **flags, **numbers}


def _known(number: Json) -> int | None:
    """A number; -1 stands for none."""
    return None if number is None or float(number) < 0 else int(float(number))


def called(row: Values, device: str) -> bool:
    """Whether a disk has this name."""
    return device in (row["devpath"], row.get("by_id_link"))


def check_unused(rows: Sequence[Values], devices: Sequence[str], doing: str) -> None:
    """Raise RefusedError for a device that is in use or not there. ``doing`` completes "Cannot ..."."""
    for problem in problems(rows, devices):
        raise RefusedError(f"Cannot {doing}: {problem} {_free(rows)}")


def problems(rows: Sequence[Values], devices: Sequence[str]) -> Iterator[str]:
    """Why devices can't be taken, in words. What a link below /dev/disk leads to is known to the node alone."""
    for device in devices:
        row = next((row for row in rows if called(row, device)), None)
        if row is None and not device.startswith("/dev/disk/"):
            yield f"the node has no disk {device}."
        elif row and row.get("used"):
            yield f"{device} is in use ({row['used']})."
    for device in sorted({device for device in devices if devices.count(device) > 1}):
        yield f"{device} is named twice."


def _free(rows: Sequence[Values]) -> str:
    free = [str(row["devpath"]) for row in rows if not row.get("used")]
    listed = f"Unused are {', '.join(free)}." if free else "No disk of the node is unused."
    return f"{listed} The module disk wipes a disk whose contents may be lost."
