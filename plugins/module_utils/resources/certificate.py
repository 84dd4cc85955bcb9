# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a node's API that isn't PVE's own: brought by the user, or ordered by ACME.

There is one place for both (pveproxy-ssl.pem; PVE::API2::Certificates, PVE::API2::ACME). PVE tells fingerprint, names
and dates of it, never its key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import CertificateError, ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_settings import ACME, ACME_DOMAIN, DOMAINS
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

FILE = "pveproxy-ssl.pem"
SOON = 30 * 24 * 3600
"""Seconds before its end from which PVE renews a certificate."""

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
PRIVATE = "PRIVATE KEY-----"
CUSTOM, ORDERED = "/nodes/{}/certificates/custom", "/nodes/{}/certificates/acme/certificate"
TOLD = ("fingerprint", "subject", "issuer", "san", "notbefore", "notafter")


def _chain(value: object) -> str:
    text = str(value).strip()
    if PRIVATE in text:
        raise ValueError("it has a private key in it. Put that into key; nothing was sent")
    fingerprint(text)
    return text


def _private(value: object) -> str:
    text = str(value).strip()
    if PRIVATE not in text:
        raise ValueError("it is no private key in PEM format")
    return text


def fingerprint(pem: str) -> str:
    """SHA-256 fingerprint of the first certificate of a chain, as PVE writes it. Raises ValueError for none."""
    found = BLOCK.search(pem)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if not der:
        raise ValueError("it has no certificate in PEM format")
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())


FIELDS = (
    Field("certificates", Codec(_chain, DESCRIPTION.decode, DESCRIPTION.encode)),
    Field("key", Codec(_private), secret=True),
    Field("force", BOOLEAN, spec={"default": True}),
    Field("restart", BOOLEAN, spec={"default": True}),
)
OPTIONS: Options = {
    "node": KEY,
    "type": {"type": "str", "choices": ["custom", "acme"], "default": "custom"},
    "state": {"type": "str", "choices": ["present", "renewed", "absent"], "default": "present"},
    "wait_timeout": {"type": "float", "default": 600},
}
MISMATCH = {
    r"do not match|does not match|Failed to load|could not load": (
        "Check that key is the private key of the first certificate in certificates."
    )
}
NO_ACCOUNT = {r"ACME account config file .* does not exist": "Register the account with the module acme_account."}


@dataclass(frozen=True)
class Found:
    """The certificate, None when PVE's own is served, and what its wish needs to be judged by."""

    row: Values | None
    domains: tuple[str, ...] = ()
    """For which the node is to have one by ACME; read for that only."""

    now: float = 0.0
    """Seconds since the epoch."""


def describe(read: Reader, wish: Values) -> Found:
    """What is there. After a change the node may serve a certificate that the connection doesn't trust."""
    node = wish["node"]
    try:
        rows = read.get(url("/nodes/{}/certificates/info", node))
    except CertificateError:
        if BOUND not in wish:
            raise
        return Found(None)
    row = next((row for row in rows if row.get("filename") == FILE), None)
    ordered = wish["type"] == "acme" and wish["state"] != "absent" and BOUND not in wish
    domains = domains_of(read.get(url("/nodes/{}/config", node)) or {}) if ordered else ()
    return Found(row, domains, time.time())


def domains_of(config: Values) -> tuple[str, ...]:
    """The domains in a node's options (PVE::NodeConfig, get_acme_conf)."""
    listed = str(ACME.decode(config.get("acme") or "").get("domains") or "").split(";")
    numbered = [ACME_DOMAIN.decode(config.get(f"acmedomain{number}") or "") for number in range(DOMAINS)]
    names = [*listed, *(str(item.get("domain") or "") for item in numbered)]
    return tuple(sorted({name.lower() for name in names if name}))


def plan(wish: Values, found: Found) -> Plan:
    """Bring, order, renew or remove it, or nothing."""
    wished = parsed(FIELDS, wish)
    if wish["state"] == "absent":
        return _removal(wish, wished, found)
    if wish["type"] == "acme":
        return _ordered(wish, wished, found)
    if wish["state"] == "renewed":
        raise ConfigError("state: renewed is for type: acme. Renew a certificate of your own where it is from.")
    return _brought(wish, wished, found)


def _seen(row: Values | None) -> dict[str, Json]:
    return {name: row[name] for name in ("fingerprint", "san") if row.get(name)} if row else {}


def _removal(wish: Values, wished: Values, found: Found) -> Plan:
    node = wish["node"]
    if found.row is None:
        return Plan(reason=f"node {node} has no certificate beside its own")
    if wish["type"] == "acme":
        step = Step("DELETE", url(ORDERED, node), {}, f"revoke the certificate of node {node}", advice=NO_ACCOUNT)
    else:
        params = {"restart": int(wished["restart"])}
        step = Step("DELETE", url(CUSTOM, node), params, f"remove the certificate of node {node}")
    return Plan((step,), before=_seen(found.row))


def _brought(wish: Values, wished: Values, found: Found) -> Plan:
    node = wish["node"]
    if "certificates" not in wished:
        raise ConfigError("Option 'certificates' is needed for type: custom.")
    after = fingerprint(wished["certificates"])
    if found.row and found.row.get("fingerprint") == after:
        return Plan(reason=f"node {node} has that certificate")
    _check_force(wish, wished, found)
    if "key" not in wished and found.row is None:
        raise ConfigError(f"Option 'key' is needed: node {node} has no private key for a certificate of its own yet.")
    params = {name: wished[name] for name in ("certificates", "key") if name in wished}
    flags = {"restart": int(wished["restart"]), **({"force": 1} if found.row else {})}
    step = Step("POST", url(CUSTOM, node), {**params, **flags}, f"set the certificate of node {node}", advice=MISMATCH)
    return Plan((step,), before=_seen(found.row), after={"fingerprint": after})


def _check_force(wish: Values, wished: Values, found: Found) -> None:
    if found.row and not wished["force"]:
        names = ", ".join(str(name) for name in found.row.get("san") or []) or "no name"
        raise RefusedError(
            f"Cannot replace the certificate of node {wish['node']}: it is for {names}, and force is false. Set "
            "force to replace it."
        )


def _ordered(wish: Values, wished: Values, found: Found) -> Plan:
    node, row = wish["node"], found.row
    if not found.domains:
        raise RefusedError(
            f"Cannot order a certificate for node {node}: its options name no domain. Set acme or acmedomain0 with the "
            "module node."
        )
    names = {str(name).lower() for name in (row or {}).get("san") or []}
    missing = [name for name in found.domains if name not in names]
    after = {"san": list(found.domains)}
    if row is None or missing:
        _check_force(wish, wished, found)
        params = {"force": 1} if row else {}
        step = Step("POST", url(ORDERED, node), params, f"order a certificate for node {node}", advice=NO_ACCOUNT)
        return Plan((step,), before=_seen(row), after=after)
    ends = int(row.get("notafter") or 0)
    always = wish["state"] == "renewed"
    if not always and ends > found.now + SOON:
        return Plan(reason=f"the certificate of node {node} is for {', '.join(found.domains)}, and good for a month")
    params = {"force": 1} if ends > found.now + SOON else {}
    reason = f"renew the certificate of node {node}"
    step = Step("PUT", url(ORDERED, node), params, reason, once=always, advice=NO_ACCOUNT)
    return Plan((step,), before=_seen(row), after=after)


def shown(row: Values) -> dict[str, Json]:
    """A certificate for people."""
    return {name: row.get(name) for name in TOLD}


CERTIFICATE = Resource(
    kind="certificate",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=lambda found: {"certificate": shown(found.row)} if found.row else {},
    writes=(
        "POST /nodes/{}/certificates/custom",
        "DELETE /nodes/{}/certificates/custom",
        "POST /nodes/{}/certificates/acme/certificate",
        "PUT /nodes/{}/certificates/acme/certificate",
        "DELETE /nodes/{}/certificates/acme/certificate",
    ),
)
