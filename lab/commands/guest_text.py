# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What qm and pct print alike: configurations, pending changes, trees of snapshots (PVE/GuestHelpers.pm)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from lab.commands import units
from lab.commands.command import Answered, lines

# The lines of a tree are so wide in front of the date.
TREE_WIDTH = 30
# Printable ASCII without the percent sign and the colon (encode_text in PVE/Tools.pm).
KEPT = "".join(map(chr, range(32, 127))).replace("%", "").replace(":", "")
Snapshot = Mapping[str, Any]


def escaped(key: str, value: object) -> str:
    """A value as a configuration file has it: line ends and percent signs of a description are escaped."""
    return quote(str(value), safe=KEPT) if key == "description" else str(value)


def config(answered: Answered) -> str:
    """``config``: a line each, sorted, without the digest; raw LXC settings come last."""
    data = answered.data
    shown = [f"{key}: {escaped(key, data[key])}" for key in sorted(data) if key not in ("digest", "lxc")]
    return lines([*shown, *(f"{key}: {value}" for key, value in data.get("lxc") or [])])


def pending(answered: Answered) -> str:
    """``pending``: what is, what waits, and what waits to go."""
    return lines([line for item in sorted(answered.data, key=lambda item: str(item["key"])) for line in _pending(item)])


def _pending(item: Mapping[str, Any]) -> Iterator[str]:
    key = item["key"]
    if key == "digest":
        return
    now, then = (escaped(key, item[name]) if item.get(name) is not None else None for name in ("value", "pending"))
    if now is not None:
        yield f"{'del' if item.get('delete') else 'cur'} {key}: {now}"
    if then is not None and not (now is not None and item.get("delete")):
        yield f"new {key}: {then}"


def snapshot_tree(answered: Answered) -> str:
    """``listsnapshot``: each snapshot below its parent, by their time, ``current`` last."""
    known = {item["name"]: item for item in answered.data}
    roots = [item for item in answered.data if item.get("parent") not in known]
    return lines(list(_branch(roots, answered.data, "`->")))


def _branch(here: list[Snapshot], everything: list[Snapshot], prefix: str) -> Iterator[str]:
    for item in sorted(here, key=lambda item: (item.get("snaptime") is None, item.get("snaptime") or 0)):
        about = (str(item.get("description") or "").rstrip("\n").split("\n")[0]) or "no-description"
        time = units.moment(item["snaptime"]) if item.get("snaptime") is not None else ""
        width = max(TREE_WIDTH - len(prefix), 0)
        yield f"{prefix} {item['name']:<{width}} {time:<23} {about}"
        children = [child for child in everything if child.get("parent") == item["name"]]
        yield from _branch(children, everything, f" {prefix}")
