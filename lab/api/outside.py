# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node finds outside of itself: metadata of a file behind a URL, and what storage servers offer."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from lab.api.fake import Call, Route, Values, die
from lab.api.node import NODE
from lab.api.nodes import NodesArea
from lab.api.storage import safe_name

TIMEOUT = aiohttp.ClientTimeout(total=10)
OK = 200
# Nobody offers anything: there are no storage servers in the lab.
SCANS = ("cifs", "iscsi", "lvmthin", "nfs", "pbs")


def metadata(url: str, headers: Mapping[str, str]) -> Values:
    """What the headers of an answer tell of a file (pve-manager, PVE/API2/Nodes.pm: query_url_metadata)."""
    named = headers.get("Content-Disposition", "").partition("filename=")[2].strip('"') or url.rpartition("/")[2]
    known: Values = {"filename": safe_name(named)} if named else {}
    if headers.get("Content-Length", "").isdigit():
        known["size"] = int(headers["Content-Length"])
    if headers.get("Content-Type"):
        known["mimetype"] = headers["Content-Type"].partition(";")[0]
    return known


class OutsideArea(NodesArea):
    """Mixin: ``query-url-metadata`` and ``scan``."""

    def routes(self) -> list[Route]:
        """The URL is really asked."""
        return [
            ("GET", f"{NODE}/query-url-metadata", self._query_url),
            *(("GET", f"{NODE}/scan/{kind}", self._scan_servers) for kind in SCANS),
        ]

    async def _query_url(self, call: Call) -> Values:
        verify = bool(call.get("verify-certificates", 1))
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.head(call["url"], ssl=verify, allow_redirects=True) as answer,
            ):
                if answer.status != OK:
                    raise die(f"invalid server response: '{answer.status} {answer.reason}'")
                return metadata(str(answer.url), answer.headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise die(f"invalid server response: '500 {error}'") from error

    async def _scan_servers(self, _call: Call) -> list[Values]:
        return []
