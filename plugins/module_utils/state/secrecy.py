# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of a document: found by its modules' options, and kept out of whatever is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HIDDEN, Values

SHORTEST = 4
"""A secret of fewer characters isn't hidden: it would be found in the middle of words."""


def secret_values(spec: Mapping[str, Values], values: Values) -> Iterator[str]:
    """The values of a module's options that are secret, in its options' options, too."""
    for name, option in spec.items():
        value = values.get(name)
        if value is None:
            continue
        if option.get("no_log"):
            yield from _texts(value)
        elif option.get("options"):
            for item in value if isinstance(value, list) else [value]:
                yield from secret_values(option["options"], item)


def _texts(value: Json) -> Iterator[str]:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, Mapping | list):
            yield from _texts(item)
        elif isinstance(item, str) and len(item) >= SHORTEST:
            yield item


def masked(value: Any, hidden: Iterable[str]) -> Json:  # noqa: ANN401 - JSON
    """A value in whose texts no secret stands."""
    if isinstance(value, str):
        for word in hidden:
            value = value.replace(word, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {key: masked(below, hidden) for key, below in value.items()}
    return [masked(item, hidden) for item in value] if isinstance(value, list | tuple) else value
