# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells VMs from containers, as data: everything else about a guest is planned alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import ConfigTable
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import Motion
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import Volumes

Transitions: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""(wished state, present status) -> PVE's actions that lead there."""


@dataclass(frozen=True)
class Ingredients:
    """What a new guest is made of beyond its configuration."""

    params: Values = field(default_factory=dict)
    """Parameters of the create request."""

    steps: tuple[Step, ...] = ()
    """What has to be fetched first."""


def nothing_else(_read: Reader, _wish: Values, _node: str) -> Ingredients:
    """A new guest is made of its configuration alone."""
    return Ingredients()


def waits(change: Change, _config: Values) -> bool:
    """Whether a running guest with this configuration sees a change after a restart only: what its row says."""
    return change.waits


@dataclass(frozen=True)
class Kind:
    """One kind of guest."""

    type: str
    """The API's word for it: qemu or lxc."""

    title: str
    """How it is called in a sentence."""

    name_key: str
    """The option and configuration key that holds its name."""

    config: ConfigTable
    volumes: Volumes
    transitions: Transitions
    not_copied: frozenset[str]
    """Configuration keys that a clone doesn't take over from its source."""

    clone_options: tuple[str, ...]
    """Options that are handed to the clone request as they are."""

    nics: Callable[[Values], dict[str, Json]]
    """The network cards in a configuration, for people."""

    ingredients: Callable[[Reader, Values, str], Ingredients] = nothing_else
    """Reads what a new guest on a node is made of. Raises ConfigError and RefusedError for what can't be made."""

    motion: Motion | None = None
    """How it is moved to another node."""

    waits: Callable[[Change, Values], bool] = waits
    """Whether a change waits for a restart of a guest that runs with a configuration."""

    read_at_boot: re.Pattern[str] = re.compile(r"(?!)")
    """Options that PVE has in force at once, though the guest reads them at its next boot."""

    template_task: str = ""
    """Type of the task that makes a template, where PVE's answer doesn't name the task."""

    list_params: Values = field(default_factory=dict)
    """Parameters for a node's list of guests that make its rows say as much as a guest's own status."""

    @property
    def noun(self) -> str:
        """The word in labels and messages, as in ``vm 104 (web)``."""
        return KINDS[self.type]
