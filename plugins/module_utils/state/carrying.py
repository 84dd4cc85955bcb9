# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what was planned for a document: layer by layer, what doesn't need each other at once.

One thing that fails doesn't stop the others of its layer, nor those after it that don't name it: all errors are
collected. Every change is told to a journal before it is begun and when it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import look
from ansible_collections.homelab.pve.plugins.module_utils.many import Carrying, SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import FAILED, NONE, Action, Planned, ordered

Told = Callable[[str, Action, "Action | None"], None]
"""The journal: an event (began, ended), the action as planned, and as it ended."""


def carry_out(planned: Planned, kinds: Mapping[str, Kind], client: Client, parallel: int, told: Told) -> list[Action]:
    """Do what was planned; the actions as they ended, in their order."""
    ended: list[Action] = []
    for layer in layered(planned.actions, kinds):
        reads = SharedReads(client, tuple(item for action in layer for item in action.kind.resource.listings))
        ended += together(lambda action: _one(action, client, reads, told), layer, parallel)
    return ended


def layered(actions: Sequence[Action], kinds: Mapping[str, Kind]) -> list[list[Action]]:
    """The actions in groups that may be done at once: first what is made, in order; then what is removed, reversed."""
    rank = {kind.name: index for index, layer in enumerate(ordered(kinds.values())) for kind in layer}

    def place(action: Action) -> int:
        own = rank[action.kind.name]
        return 2 * len(rank) - own if action.values.get("state") == "absent" else own

    return [list(group) for _place, group in groupby(sorted(actions, key=place), key=place)]


def _one(action: Action, client: Client, reads: SharedReads, told: Told) -> Action:
    if action.verb == NONE:
        return action
    # What it needs may be there only now, so it is looked at again.
    seen = tried(lambda: look(action.kind.resource, action.values, reads))
    fresh = replace(action, verdict=seen)
    if fresh.verb in (NONE, FAILED):
        return fresh
    told("began", fresh, None)
    verdict = Carrying(action.kind.resource, client, TASK_TIMEOUT).one((action.values, seen))
    ended = replace(fresh, verdict=verdict)
    told("ended", fresh, ended)
    return ended
