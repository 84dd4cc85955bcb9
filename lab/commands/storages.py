# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvesm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.commands.verbs import Handler, Printer, Verb, Verbs, run
from lab.commands.words import Words

KIB = 1024
NODE = "/nodes/{node}/storage"


def status_table(data: list[Mapping[str, Any]], _words: Words) -> str:
    """``pvesm status`` (PVE/CLI/pvesm.pm): sizes in KiB."""
    width = max([len(row["storage"]) for row in data] + [4])
    head = ("Name", "Type", "Status", "Total", "Used", "Available", "%")
    lines = ["{:<{width}} {:>10} {:>10} {:>15} {:>15} {:>15} {:>8}".format(*head, width=width)]
    for row in sorted(data, key=lambda row: str(row["storage"])):
        state = "active" if row.get("active") else ("inactive" if row.get("enabled") else "disabled")
        sizes = [int(row.get(key) or 0) for key in ("total", "used", "avail")]
        share = f"{100 * sizes[1] / sizes[0]:.2f}%" if sizes[0] else "N/A"
        cells = (row["storage"], row["type"], state, *(size // KIB for size in sizes), share)
        lines.append("{:<{width}} {:>10} {:>10} {:>15} {:>15} {:>15} {:>8}".format(*cells, width=width))
    return "\n".join(lines)


def content_table(data: list[Mapping[str, Any]], _words: Words) -> str:
    """``pvesm list``."""
    if not data:
        return ""
    width = max(len(row["volid"]) for row in data)
    lines = ["{:<{width}} {:>6} {:<9} {:>15} {}".format("Volid", "Format", "Type", "Size", "VMID", width=width)]
    for row in data:
        cells = (row["volid"], row["format"], row["content"], row["size"], row.get("vmid", ""))
        lines.append("{:<{width}} {:>6} {:<9} {:>15} {}".format(*cells, width=width).rstrip())
    return "\n".join(lines)


def path_of(data: Mapping[str, Any], _words: Words) -> str:
    """``pvesm path``."""
    return str(data["path"])


def quoted(data: object, _words: Words) -> str:
    """``pvesm alloc``: what was made."""
    return f"successfully created '{data}'"


def by_volume(method: str, show: Printer | None = None) -> Handler:
    """A verb whose only word is a volume id, which names the storage in the path."""

    def handle(words: Words) -> str | None:
        storage = words.positional[0].partition(":")[0] if words.positional else ""
        return run("pvesm", Verb(method, NODE + f"/{storage}/content/{{volume}}", ("volume",), show), words)

    return handle


PVESM: Verbs = {
    "status": Verb("GET", NODE, show=status_table),
    "list": Verb("GET", NODE + "/{storage}/content", ("storage",), content_table),
    "add": Verb("POST", "/storage", ("type", "storage")),
    "set": Verb("PUT", "/storage/{storage}", ("storage",)),
    "remove": Verb("DELETE", "/storage/{storage}", ("storage",)),
    "alloc": Verb("POST", NODE + "/{storage}/content", ("storage", "vmid", "filename", "size"), quoted),
    "path": by_volume("GET", path_of),
    "free": by_volume("DELETE"),
}
