# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/{apt,subscription}``: package repositories, the package index, and the subscription's key.

A node has the repositories of its seed; nothing is fetched, and no key is checked with anybody. Rules and words:
pve-manager, PVE/API2/APT.pm and Subscription.pm, and proxmox-apt, which reads and writes the files.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from lab.api.apt_sources import FOLDER, STANDARD, standard
from lab.api.fake import Call, Route, Values, check_digest, die
from lab.api.node import NODE
from lab.api.nodes import NodesArea
from lab.api.sections import SectionArea

REPOSITORIES, UPDATE, SUBSCRIPTION = f"{NODE}/apt/repositories", f"{NODE}/apt/update", f"{NODE}/subscription"
NO_KEY = {"status": "notfound", "message": "There is no subscription key"}
PRICING = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"
NO_DIGEST = "0" * 64


class RepositoryArea(SectionArea, NodesArea):
    """Mixin: repositories, updates and the subscription of nodes."""

    # What each node has before somebody changes it: file -> repositories.
    repositories: Mapping[str, tuple[Values, ...]] = {}

    def routes(self) -> list[Route]:
        """What is told and changed."""
        return [
            ("GET", REPOSITORIES, self._list_repositories),
            ("PUT", REPOSITORIES, self._add_repository),
            ("POST", REPOSITORIES, self._change_repository),
            ("GET", UPDATE, self._list_updates),
            ("POST", UPDATE, self._update_index),
            ("GET", SUBSCRIPTION, self._say_subscription),
            ("PUT", SUBSCRIPTION, self._set_subscription),
            ("POST", SUBSCRIPTION, self._check_subscription),
            ("DELETE", SUBSCRIPTION, self._drop_subscription),
        ]

    # ------------------------------------------------------------ repositories

    def _files(self, node: str) -> dict[str, Any]:
        """File -> its repositories."""
        kept: dict[str, Any] = self.stored(f"nodes/{node}/apt")
        if not kept:
            kept.update({path: list(copy.deepcopy(found)) for path, found in self.repositories.items()})
        return kept

    @staticmethod
    def _common_digest(files: Mapping[str, Any]) -> str:
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest() if files else NO_DIGEST

    @staticmethod
    def _configured(files: Mapping[str, Any], handle: str) -> Iterator[Values]:
        _, uri, component, _ = STANDARD[handle]
        for found in files.values():
            yield from (item for item in found if item["URIs"] == [uri] and component in item["Components"])

    async def _list_repositories(self, call: Call) -> Values:
        files = self._files(call["node"])
        empty: Values = {"infos": [], "errors": [], "digest": self._common_digest(files)}
        if not files:
            return {**empty, "standard-repos": [], "files": []}
        return {
            **empty,
            "standard-repos": [self._standard_row(files, handle) for handle in STANDARD],
            "files": [
                {
                    "path": path,
                    "file-type": "sources",
                    "repositories": found,
                    "digest": list(hashlib.sha256(json.dumps(found).encode()).digest()),
                }
                for path, found in sorted(files.items())
            ],
        }

    def _standard_row(self, files: Mapping[str, Any], handle: str) -> Values:
        found = list(self._configured(files, handle))
        status = {"status": int(any(item["Enabled"] for item in found))} if found else {}
        return {"handle": handle, "name": STANDARD[handle][0], **status}

    async def _add_repository(self, call: Call) -> None:
        """One that is configured already is enabled."""
        files, handle = self._files(call["node"]), call["handle"]
        if handle not in STANDARD:
            raise die(f"unknown repository handle '{handle}'")
        check_digest(self._common_digest(files), call.get("digest"))
        found = list(self._configured(files, handle))
        for item in found:
            item["Enabled"] = 1
        if not found:
            files.setdefault(f"{FOLDER}/{STANDARD[handle][3]}", []).append(standard(handle))

    async def _change_repository(self, call: Call) -> None:
        files, path, index = self._files(call["node"]), call["path"], call["index"]
        check_digest(self._common_digest(files), call.get("digest"))
        if path not in files:
            raise die(f"invalid path - {path}")
        if not 0 <= index < len(files[path]):
            raise die(f"invalid index - {index}")
        if "enabled" in call.values:
            files[path][index]["Enabled"] = int(call["enabled"])

    # ----------------------------------------------------------------- updates

    async def _list_updates(self, _call: Call) -> list[Values]:
        return []

    async def _update_index(self, call: Call) -> str:
        async def body() -> str:
            return "" if call.get("quiet") else "starting apt-get update"

        upid: str = await self.task(call["node"], "aptupdate", "", call.user, body)
        return upid

    # ------------------------------------------------------------ subscription

    def _subscription(self, node: str) -> Values:
        return self.stored(f"nodes/{node}/subscription").setdefault("", {})

    async def _say_subscription(self, call: Call) -> Values:
        node, info = call["node"], self._subscription(call["node"])
        shown: Values = {"url": PRICING, **(info or NO_KEY)}
        if not self.allowed(call.user, f"/nodes/{node}", "Sys.Audit"):
            return {name: shown[name] for name in ("status", "message", "url")}
        server = hashlib.md5(node.encode(), usedforsecurity=False).hexdigest().upper()
        return {**shown, "serverid": server, **({"sockets": 1} if info else {})}

    async def _set_subscription(self, call: Call) -> None:
        """The lab has no server of Proxmox', so each key of the right form is good."""
        told = {"status": "active", "message": "", "productname": "Proxmox VE", "checktime": int(time.time())}
        self._subscription(call["node"]).update(told, key=call["key"].strip())

    async def _check_subscription(self, call: Call) -> None:
        info = self._subscription(call["node"])
        if info:
            info["checktime"] = int(time.time())

    async def _drop_subscription(self, call: Call) -> None:
        self._subscription(call["node"]).clear()
