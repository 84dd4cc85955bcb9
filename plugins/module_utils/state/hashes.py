# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashes of what is there and of what is wished, for saved plans and for the audit."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values

VOLATILE = frozenset({"digest", "uptime", "pid", "netin", "netout", "diskread", "diskwrite"})
"""What Proxmox VE tells of a thing that changes by itself, or with what others change in the same file."""


def hash_of(value: Json) -> str:
    """SHA-256 of a value in canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def state_hash(told: Values) -> str | None:
    """SHA-256 of what a module returns about what is there; None where nothing is."""
    return hash_of(lasting(told)) if told else None


def lasting(value: Any) -> Json:  # noqa: ANN401 - JSON
    """A value without what changes by itself."""
    if isinstance(value, dict):
        return {key: lasting(below) for key, below in value.items() if key not in VOLATILE}
    return [lasting(item) for item in value] if isinstance(value, list | tuple) else value
