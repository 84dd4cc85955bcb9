# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where kinds stand in a document: ``vms`` at its top, ``ha.rules`` in the mapping ``ha``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

VERSION = 1
"""Of the format of documents."""


def placed(parts: Iterable[tuple[Kind, Json]]) -> dict[str, Json]:
    """A document of these parts."""
    document: dict[str, Json] = {"version": VERSION}
    for kind, value in parts:
        *above, last = kind.name.split(".")
        inner = document
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return document


def at(document: Values, name: str) -> Json:
    """What stands in a document at a kind's place; None for nothing."""
    value: Json = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
