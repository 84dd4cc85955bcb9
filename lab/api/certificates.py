# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's certificate authority and the certificate it serves, as a PVE node makes them at installation.

PVE keeps the CA in ``/etc/pve/pve-root-ca.pem`` and the server's pair in ``/etc/pve/local/pve-ssl.{pem,key}``
(pve-cluster, PVE/Cluster/Setup.pm), with a subject alternative name for every name and address of the node.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=730)
# A clock that runs a little ahead or behind must not make a fresh certificate invalid.
CLOCK_SKEW = timedelta(days=1)
# OpenSSL's names of the kinds of keys.
KEY_TYPES = {"RSAPublicKey": "rsaEncryption", "ECPublicKey": "id-ecPublicKey"}


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


def general_name(name: str) -> x509.GeneralName:
    """``name`` as a subject alternative name: an address when it is one, else a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner can read, whatever the umask."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(content)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + days)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def make_authority(target: Pair, subject: str = "Proxmox Virtual Environment") -> Pair:
    """Write a new CA to ``target``; the key is readable by its owner only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    certificate = (
        _builder(subject, name, key.public_key(), CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(target.key, _key_pem(key))
    target.certificate.parent.mkdir(parents=True, exist_ok=True)
    target.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return target


def _load(pair: Pair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{pair.key} holds no elliptic curve key")
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes()), key


def issue(authority: Pair, target: Pair, names: Sequence[str]) -> Pair:
    """Write a server certificate for ``names`` (host names and addresses), signed by ``authority``."""
    issuer, issuer_key = _load(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(names[0], issuer.subject, key.public_key(), SERVER_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    write_private(target.key, _key_pem(key))
    target.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return target


def covers(pair: Pair, names: Sequence[str]) -> bool:
    """True when the certificate exists, is valid today and names everything in ``names``."""
    if not (pair.certificate.is_file() and pair.key.is_file()):
        return False
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = certificate.not_valid_after_utc > datetime.now(UTC) + CLOCK_SKEW
    return fresh and {general_name(name) for name in names} <= set(stated)


def fingerprint(certificate: Path) -> str:
    """SHA-256 fingerprint of a PEM certificate as PVE prints it: upper-case pairs joined by colons."""
    return _fingerprint(x509.load_pem_x509_certificate(certificate.read_bytes()))


def _fingerprint(certificate: x509.Certificate) -> str:
    return ":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA256()))


def _names(certificate: x509.Certificate) -> list[str]:
    """The names a certificate is for; a CA's is for none."""
    try:
        stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in stated]


def _distinguished(name: x509.Name) -> str:
    """A name as OpenSSL prints it on one line, which is what PVE shows."""
    return "".join(f"/{part.rfc4514_attribute_name}={part.value!s}" for part in name)


def description(pem: str, filename: str) -> dict[str, object]:
    """A PEM certificate, the first of a chain, as ``/nodes/{node}/certificates/info`` tells it (PVE/Certificate.pm)."""
    found = x509.load_pem_x509_certificates(pem.encode())[0]
    return {
        "filename": filename,
        "fingerprint": _fingerprint(found),
        "subject": _distinguished(found.subject),
        "issuer": _distinguished(found.issuer),
        "san": _names(found),
        "notbefore": int(found.not_valid_before_utc.timestamp()),
        "notafter": int(found.not_valid_after_utc.timestamp()),
        "public-key-type": KEY_TYPES.get(type(found.public_key()).__name__.lstrip("_"), "id-ecPublicKey"),
        "public-key-bits": getattr(found.public_key(), "key_size", 0),
        "pem": pem,
    }


def ensure(authority: Pair, server: Pair, names: Sequence[str]) -> Pair:
    """Make what is missing: the CA once, the server's certificate anew when a name or address was added."""
    if not authority.key.is_file():
        make_authority(authority)
        server.certificate.unlink(missing_ok=True)
    return server if covers(server, names) else issue(authority, server, names)
