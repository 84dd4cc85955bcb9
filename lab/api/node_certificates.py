# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/certificates``: the cluster's CA, the node's own certificate, and one that somebody brought.

A custom certificate is kept and told (pve-manager, PVE/API2/Certificates.pm, PVE/CertHelpers.pm); the node goes on
serving its own.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lab.api import certificates
from lab.api.fake import Call, Route, Values, die, param_error
from lab.api.node import NODE
from lab.api.node_settings import NodeSettingsArea

CUSTOM = f"{NODE}/certificates/custom"
CUSTOM_FILES = {name: f"etc/pve/local/pveproxy-ssl.{name}" for name in ("pem", "key")}


def check_pair(chain: str, key: str) -> None:
    """Refuse what is no certificate, no key, or not the key of that certificate."""
    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as error:
        raise die(f"Failed to load certificate or key: {error}") from error
    encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(*encoding) != private.public_key().public_bytes(*encoding):
        raise die("Certificate and key do not match")


class NodeCertificateArea(NodeSettingsArea):
    """Mixin: certificates of nodes."""

    def routes(self) -> list[Route]:
        """The list, and the custom one."""
        return [
            ("GET", f"{NODE}/certificates/info", self._list_certificates),
            ("POST", CUSTOM, self._set_certificate),
            ("DELETE", CUSTOM, self._drop_certificate),
        ]

    def root_certificate(self) -> str:
        """The certificate of the cluster's CA, which lies beside the one that is served; empty before it is there."""
        path = self.certificate.with_name("ca.pem") if self.certificate else None
        return path.read_text(encoding="ascii") if path and path.is_file() else ""

    async def _list_certificates(self, _call: Call) -> list[Values]:
        served = self.certificate.read_text(encoding="ascii") if self.certificate else ""
        known = {
            "pve-root-ca.pem": self.root_certificate(),
            "pve-ssl.pem": served,
            "pveproxy-ssl.pem": self.text_of(CUSTOM_FILES["pem"]),
        }
        return [certificates.description(pem, name) for name, pem in known.items() if pem]

    async def _set_certificate(self, call: Call) -> Values:
        """A new certificate needs a key, or the one of before."""
        key = call.get("key") or self.text_of(CUSTOM_FILES["key"])
        if not key:
            raise param_error(key="Attempted to upload custom certificate without (existing) key.")
        if self.text_of(CUSTOM_FILES["pem"]) and not call.get("force"):
            raise die("Custom certificate file exists but force flag is not set.")
        chain = call["certificates"]
        check_pair(chain, key)
        for name, text in (("pem", chain), ("key", key)):
            self.write_text(CUSTOM_FILES[name], text)
        return certificates.description(chain, "pveproxy-ssl.pem")

    async def _drop_certificate(self, _call: Call) -> None:
        for name in CUSTOM_FILES.values():
            self.remove_text(name)
