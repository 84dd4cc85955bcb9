# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's volumes, whatever they are called: what has to be done to one, and how one kind of guest does it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Values


@dataclass(frozen=True)
class VolumeChange:
    """What has to be done to one volume: set it, move it to another storage, and grow it to ``size``."""

    key: str
    change: Change | None = None
    move_to: str | None = None
    size: str | None = None
    before: str | None = None
    after: str | None = None


CompareVolume: TypeAlias = Callable[[str, str, "Json | None", "Mapping[str, Json] | None"], "VolumeChange | None"]
"""Guest's label, key, wish (None: detach) and what is there -> what has to be done.

Raises RefusedError for what would lose data, ConfigError for what can't be meant.
"""


@dataclass(frozen=True)
class Volumes:
    """How one kind of guest writes, changes and moves its volumes."""

    codec: Codec
    wanted: Callable[[Values], dict[str, Json]]
    """From the module's parameters: the wished volumes by key, None for one to detach."""

    compare: CompareVolume
    set_verb: str
    """The verb of the config request that allocates: QEMU does it in a task (POST), LXC answers when done (PUT)."""

    move_action: str
    move_parameter: str
