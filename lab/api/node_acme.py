# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/certificates/acme/certificate``: ordered, renewed and revoked (pve-manager, PVE/API2/ACME.pm).

No authority is asked: whoever has an account gets a certificate for the domains in the node's options, from an
authority of the lab's own.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from lab.api import certificates
from lab.api.acme import ACCOUNT_FILES
from lab.api.certificates import Pair
from lab.api.fake import Call, PveError, Route, TaskError, die, param_error
from lab.api.node import NODE
from lab.api.node_certificates import CUSTOM_FILES, NodeCertificateArea
from lab.api.sections import parts_of, property_object
from lab.api.tasks import log_line

CERTIFICATE, CONFIG = f"{NODE}/certificates/acme/certificate", f"{NODE}/config"
SOON = 30 * 24 * 3600
NO_DOMAINS = PveError(400, "ACME domain list in node configuration is missing!")


def issued(names: list[str]) -> tuple[str, str]:
    """A certificate for names and its key, as PEM."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        authority = certificates.make_authority(Pair(place / "ca.pem", place / "ca.key"), "Lab ACME")
        pair = certificates.issue(authority, Pair(place / "own.pem", place / "own.key"), names)
        return pair.certificate.read_text(encoding="ascii"), pair.key.read_text(encoding="ascii")


class NodeAcmeArea(NodeCertificateArea):
    """Mixin: certificates of nodes by ACME."""

    def routes(self) -> list[Route]:
        """Order, renew, revoke."""
        return [
            ("POST", CERTIFICATE, self._order_certificate),
            ("PUT", CERTIFICATE, self._renew_certificate),
            ("DELETE", CERTIFICATE, self._revoke_certificate),
        ]

    def _acme_config(self, node: str) -> tuple[str, list[str]]:
        """Account and domains of a node (PVE/NodeConfig.pm, get_acme_conf)."""
        options = self.stored(f"nodes/{node}/config").get("", {})
        acme = property_object(str(options.get("acme", "")))
        names = [name.lower() for name in str(acme.get("domains", "")).split(";") if name]
        for key, value in sorted(options.items()):
            if key.startswith("acmedomain"):
                parts = property_object(str(value), parts_of(CONFIG, "PUT", "acmedomain[n]"))
                names.append(str(parts["domain"]).lower())
        if not names:
            raise NO_DOMAINS
        return str(acme.get("account", "default")), names

    async def _acme_work(self, call: Call, kind: str) -> str:
        account, names = self._acme_config(call["node"])

        async def body() -> None:
            if account not in self.stored(ACCOUNT_FILES):
                raise TaskError(f"ACME account config file '{account}' does not exist.")
            if kind == "acmerevoke":
                for path in CUSTOM_FILES.values():
                    self.remove_text(path)
                return
            log_line("Placing ACME order")
            for path, text in zip(CUSTOM_FILES.values(), issued(names), strict=True):
                self.write_text(path, text)

        upid: str = await self.task(call["node"], kind, "", call.user, body)
        return upid

    async def _order_certificate(self, call: Call) -> str:
        if self.text_of(CUSTOM_FILES["pem"]) and not call.get("force"):
            raise param_error(force="Custom certificate exists but 'force' is not set.")
        return await self._acme_work(call, "acmenewcert")

    async def _renew_certificate(self, call: Call) -> str:
        pem = self.text_of(CUSTOM_FILES["pem"])
        if not pem:
            raise die("No current (custom) certificate found, please order a new certificate!")
        told: dict[str, Any] = certificates.description(pem, "")
        if int(told["notafter"]) > time.time() + SOON and not call.get("force"):
            words = "Certificate does not expire within the next 30 days, and 'force' is not set."
            raise param_error(force=words)
        return await self._acme_work(call, "acmerenew")

    async def _revoke_certificate(self, call: Call) -> str:
        return await self._acme_work(call, "acmerevoke")
