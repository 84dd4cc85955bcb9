# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a storage's definition tells of its secrets: of a backup server's keys, that there is one, and which.

From pve-storage (PVE/Storage/PBSPlugin.pm and ESXiPlugin.pm, on_add_hook), without a transcript. fakepve doesn't know
the type esxi; it is added to its table of types here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fakepve.storage import TYPES  # type: ignore[import-untyped]

from lab.api.fake import Values, die

KEYS = ("encryption-key", "master-pubkey")
OPTIONAL, NEEDED = (True, False), (False, False)
ESXI = ("nodes", "shared", "disable", "content", "password", "skip-cert-verification", "port")

TYPES["esxi"] = {
    "name": "esxi",
    "options": {**dict.fromkeys(ESXI, OPTIONAL), "server": NEEDED, "username": NEEDED},
    "content": ["import"],
    "default": "import",
    "formats": ["raw", "qcow2", "vmdk"],
    "format": "raw",
    "files": False,
}


def refuse_without_password(values: Mapping[str, Any]) -> None:
    """An ESXi server is not asked without one."""
    if values["type"] == "esxi" and not values.get("password"):
        raise die("missing password")


def made_key(storage: str) -> str:
    """A key as ``proxmox-backup-client key create --kdf none`` writes one; the same for the same storage."""
    data = hashlib.sha256(storage.encode()).digest()
    digest = hashlib.sha256(data).hexdigest()
    fingerprint = ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))
    return json.dumps({"kdf": None, "data": base64.b64encode(data).decode(), "fingerprint": fingerprint})


def key_for(values: Mapping[str, Any], known: str) -> tuple[Values, Values]:
    """What the definition says of keys that are given, and what the answer says. ``known``: of the key it has."""
    shown: Values = {}
    answered: Values = {}
    if values.get("encryption-key"):
        given = str(values["encryption-key"])
        key = made_key(str(values["storage"])) if given == "autogen" else given
        shown["encryption-key"] = _fingerprint(key)
        answered = {"config": {"encryption-key": key}}
    if values.get("master-pubkey"):
        if not (known or shown):
            raise die("'master-pubkey' can only be used together with 'encryption-key'")
        shown["master-pubkey"] = 1
    return shown, answered


def _fingerprint(key: str) -> object:
    try:
        found = json.loads(key)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "data" not in found:
        raise die("Value does not seems like a valid, JSON formatted encryption key!")
    return found.get("fingerprint") or 1
