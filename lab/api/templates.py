# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of container templates, and fetching one (PVE/API2/Nodes.pm: aplinfo, apl_download).

The lab reaches no download server: a fetched template is a file without content, which is enough to make a
container that is a state.
"""

from __future__ import annotations

from typing import Any

from lab.api.fake import Call, Route, die, param_error, split_list
from lab.api.storage import StorageArea
from lab.api.tasks import TaskArea, log_line

APLINFO = "/nodes/{node}/aplinfo"
ARCHITECTURE = "amd64"
# package, version, what people call it
INDEX: tuple[tuple[str, str, str], ...] = (
    ("alpine-3.22-default", "20250617", "LXC default image for alpine 3.22 (20250617)"),
    ("debian-12-standard", "12.7-1", "Debian 12 Bookworm (standard)"),
    ("debian-12-standard", "12.12-1", "Debian 12 Bookworm (standard)"),
    ("debian-13-standard", "13.1-2", "Debian 13 Trixie (standard)"),
    ("ubuntu-24.04-standard", "24.04-2", "Ubuntu 24.04 Noble (standard)"),
)


def row(package: str, version: str, headline: str) -> dict[str, Any]:
    """One entry of the index."""
    suffix = "tar.xz" if package.startswith("alpine") else "tar.zst"
    return {
        "architecture": ARCHITECTURE,
        "description": headline,
        "headline": headline,
        "os": package.rpartition("-")[0],
        "package": package,
        "section": "system",
        "source": "http://download.proxmox.com/images",
        "template": f"{package}_{version}_{ARCHITECTURE}.{suffix}",
        "type": "lxc",
        "version": version,
    }


class TemplateArea(TaskArea, StorageArea):
    """Mixin: ``/nodes/{node}/aplinfo``."""

    def routes(self) -> list[Route]:
        """The index, and fetching from it."""
        return [("GET", APLINFO, self._list_templates), ("POST", APLINFO, self._fetch_template)]

    async def _list_templates(self, _call: Call) -> list[dict[str, Any]]:
        return [row(*entry) for entry in INDEX]

    async def _fetch_template(self, call: Call) -> str:
        name, storage = call["template"], call["storage"]
        if name not in {row(*entry)["template"] for entry in INDEX}:
            raise param_error(template="no such template")
        if "vztmpl" not in split_list(self._active_store(storage, call["node"]).get("content")):
            raise die(f"storage '{storage}' does not support templates")
        target = self.file_path(storage, f"vztmpl/{name}")
        shown = self._volume_path(storage, f"vztmpl/{name}", "vztmpl")

        async def body() -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
            log_line(f"download of 'http://download.proxmox.com/images/system/{name}' to '{shown}' finished")

        upid: str = await self.task(call["node"], "download", name, call.user, body)
        return upid
