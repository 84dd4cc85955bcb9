# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of container templates, fetching one (PVE/API2/Nodes.pm: aplinfo, apl_download), and pulling an image.

The lab reaches no download server and no registry: a fetched template is a file without content, which is enough to
make a container that is a state. A registry has the images of ``IMAGES``.
"""

from __future__ import annotations

from typing import Any

from fakepve import storage as their_storage  # type: ignore[import-untyped]

from lab.api.fake import Call, Route, TaskError, die, param_error, split_list
from lab.api.storage import NODE_STORAGE, StorageArea, safe_name
from lab.api.tasks import TaskArea, log_line

APLINFO = "/nodes/{node}/aplinfo"
ARCHITECTURE = "amd64"
IMAGES = ("docker.io/library/alpine:3.22", "docker.io/library/debian:13")
# An image that was pulled is a plain archive (PVE/Storage.pm: VZTMPL_EXT_RE_1), which fakepve doesn't know.
their_storage.TEMPLATE_EXT = r"\.tar(?:\.(?:gz|xz|zst|bz2))?"
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
        return [
            ("GET", APLINFO, self._list_templates),
            ("POST", APLINFO, self._fetch_template),
            ("POST", NODE_STORAGE + "/oci-registry-pull", self._pull_image),
        ]

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

    async def _pull_image(self, call: Call) -> str:
        """PVE/API2/Storage/Status.pm, oci_registry_pull; the words of skopeo, without a transcript."""
        reference, storage = call["reference"], call["storage"]
        self._need_content(call, "vztmpl", "storage '{0}' is not configured for content-type '{1}'")
        name = safe_name(call.get("filename") or reference) + ".tar"
        target = self.file_path(storage, f"vztmpl/{name}")
        if target.exists():
            raise die(f"refusing to override existing file '{name}'")

        async def body() -> None:
            if reference not in IMAGES:
                raise TaskError(f"command 'skopeo copy docker://{reference} oci-archive:{target}' failed: exit code 1")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()

        upid: str = await self.task(call["node"], "ociregistrypull", name, call.user, body)
        return upid
