# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consoles: what opens one tells its port and its ticket; nobody draws the screen behind it."""

from __future__ import annotations

import json
import secrets
from functools import partial

from aiohttp import web

from lab.api.directory import split_token
from lab.api.fake import Call, Route, Values, die
from lab.api.node import NODE
from lab.api.node_certificates import NodeCertificateArea

FIRST_PORT = 5900
SHELLS = ("vncshell", "termproxy", "spiceshell")


class ConsoleArea(NodeCertificateArea):
    """Mixin: consoles of nodes, and the certificate that those of VMs come with."""

    def routes(self) -> list[Route]:
        """The consoles of a node."""
        return [("POST", f"{NODE}/{shell}", partial(self._open_shell, shell)) for shell in SHELLS]

    async def _open_shell(self, shell: str, call: Call) -> Values:
        """A shell belongs to a user of the node, which a token is not (../golden nodes, vncshell)."""
        if split_token(call.user)[1]:
            raise die(f"value '{call.user}' does not look like a valid user name")

        async def body() -> None:
            """The worker ends when nobody has connected."""

        upid = await self.task(call["node"], shell, "", call.user, body)
        ticket = {"port": str(FIRST_PORT), "ticket": f"PVEVNC:{secrets.token_hex(64)}", "upid": upid, "user": call.user}
        return ticket | ({"cert": self.root_certificate()} if shell != "termproxy" else {})

    async def _vncproxy(self, request: web.Request) -> web.Response:
        """fakepve's answer with what a viewer needs besides: the CA's certificate and a short password."""
        answer: web.Response = await super()._vncproxy(request)
        data: Values = json.loads(answer.text or "{}").get("data") or {}
        if "ticket" not in data:
            return answer
        data |= {"cert": self.root_certificate(), "password": secrets.token_urlsafe(6), "user": data.get("user")}
        return web.json_response({"data": data})
