"""Signatures of the audit log: whoever can write the log, but has no key, can't forge what was signed.

What is signed is the head: how many entries there are, and the hash of the last one, which by the chain stands for all
before it. The signature lies beside the log and is replaced by each newer one. With the setting ``audit.key`` every
entry is signed as it is written. Cutting the log back to an older signature, and that signature with it, can't be seen
from the files alone: whoever checks has to remember how many entries there were.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios import paths
from scenarios.errors import DriverError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SETTING = "audit.key"
CONTEXT = "homelab-pve audit log"
"""What the signed text begins with, so that a signature made for something else can't be passed off as one of ours."""


def signature_path(path: Path) -> Path:
    """The file with a log's newest signature."""
    return path.with_suffix(".sig")


def sign_as_set(path: Path, head: Mapping[str, Any]) -> None:
    """Sign a log's head if the user's settings name a key. Raises UsageError when that can't be used."""
    key = _setting()
    if key:
        sign(path, head, Path(key).expanduser())


def _setting() -> str:
    from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError  # noqa: PLC0415

    from scenarios.settings import Settings  # noqa: PLC0415 - reads YAML, which not every command needs

    try:
        return str(Settings().typed({SETTING: "path"}).get(SETTING) or "")
    except ConfigError as error:
        raise UsageError(str(error)) from error


def sign(path: Path, head: Mapping[str, Any], key: Path) -> None:
    """Sign a log's head with a private key's file."""
    private = read_private(key)
    signature = base64.b64encode(private.sign(signed_text(head))).decode()
    document = {**_signed(head), "key": fingerprint(private.public_key()), "signature": signature}
    paths.write_json(signature_path(path), document)


def _signed(head: Mapping[str, Any]) -> dict[str, Any]:
    return {name: head.get(name) for name in ("entries", "last")}


def signed_text(head: Mapping[str, Any]) -> bytes:
    """What is signed of a head."""
    return f"{CONTEXT}\n{head.get('entries')}\n{head.get('last')}\n".encode()


def read_signature(path: Path) -> dict[str, Any] | None:
    """A log's newest signature; None when it has none, empty when it is damaged."""
    try:
        content = json.loads(signature_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def problem(digests: Sequence[str], signature: Mapping[str, Any] | None, key: Ed25519PublicKey) -> str | None:
    """What is wrong with a log's signature; None when all its entries are signed by this key. Pure.

    Args:
        digests: the hash of each line.
    """
    if signature is None:
        return "it is not signed"
    count = signature.get("entries")
    if not isinstance(count, int) or count < 1 or not _is_from(key, signature):
        return f"its signature is not one of the key {fingerprint(key)}"
    if count > len(digests):
        return f"entry {len(digests) + 1} and later ones are missing: {count} were signed"
    if digests[count - 1] != signature.get("last"):
        return f"entry {count} or one before it is not what was signed"
    if count < len(digests):
        return f"the entries after {count} are not signed: sign them, or ask who wrote them"
    return None


def _is_from(key: Ed25519PublicKey, signature: Mapping[str, Any]) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    try:
        key.verify(base64.b64decode(str(signature.get("signature")), validate=True), signed_text(signature))
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(key: Ed25519PublicKey) -> str:
    """A public key as ``SHA256:...`` of its 32 bytes."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(key.public_bytes_raw()).digest()).decode().rstrip('=')}"


def generate(path: Path) -> Ed25519PublicKey:
    """Make a key pair: the private key's file (0600), and the public key's beside it, with ``.pub`` behind its name.

    Raises UsageError where there is such a file.
    """
    from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415 - costs 50 ms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    public_path = path.with_name(f"{path.name}.pub")
    for each in (path, public_path):
        if each.exists():
            raise UsageError(f"{each} exists already. Give another name, or remove it yourself.")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    public = key.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    try:
        paths.write_private(path, private.decode())
        paths.write_private(public_path, public.decode())
    except OSError as error:
        raise DriverError(f"The key can't be written: {error}.") from error
    return key.public_key()


def read_private(path: Path) -> Ed25519PrivateKey:
    """A private key, as PEM or as OpenSSH writes it, without a passphrase. Raises UsageError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - costs 50 ms
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
        load_ssh_private_key,
    )

    content = _content(path)
    load = load_ssh_private_key if b"OPENSSH" in content else load_pem_private_key
    try:
        key = load(content, password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is no private key that can be read without a passphrase: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no ed25519 key. Make one: ./run.sh audit keygen --key FILE")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """A public key, as PEM or as OpenSSH writes it. Raises UsageError for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - costs 50 ms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key  # noqa: PLC0415

    content = _content(path)
    load = load_ssh_public_key if content.startswith(b"ssh-") else load_pem_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is no ed25519 key.")
    return key


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"The key {path} can't be read: {error.strerror}.") from error
