# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that runs: what of its configuration it has yet to see, and the restart that shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import power_step
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange

RUNNING = frozenset({"running", "paused"})
"""States of a guest that has a process."""


def unseen(kind: Kind, view: View, changes: Sequence[Change], volumes: Sequence[VolumeChange]) -> tuple[str, ...]:
    """The options whose change, made now or before, a running guest has yet to see."""
    if view.status not in RUNNING:
        return ()
    every = [*changes, *(volume.change for volume in volumes if volume.change)]
    changed = {change.key for change in every}
    real = [_for_the_running(kind, view, change) for change in every]
    new = {change.key for change in real if kind.waits(change, view.running) and not _in_force(change)}
    moved_on = {volume.key for volume in volumes if volume.waits}
    return tuple(sorted((set(view.pending) - changed) | new | moved_on))


def _for_the_running(kind: Kind, view: View, change: Change) -> Change:
    """What a change means for the guest as it runs: what has been waiting since an earlier one never happened to it."""
    text = view.running.get(change.key)
    codec = (kind.config.field_of(change.key) or change.field).codec
    return replace(change, before=None if text is None else codec.decode(text))


def _in_force(change: Change) -> bool:
    """Whether the running guest is already as it will be after the change: one that waited is taken back."""
    if change.before is None or change.after is None:
        return change.before is change.after
    return change.field.codec.same(change.before, change.after)


@dataclass(frozen=True)
class Restart:
    """Options that wait for a restart, and the step that gives them one, if allowed."""

    waiting: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def restart_for(wish: Values, status: str, guest: Guest, waiting: tuple[str, ...], *, changed: bool) -> Restart:
    """Whether the guest, in its wished state by then, is restarted."""
    allowed = {"if_needed": bool(waiting), "always": bool(waiting) or changed}.get(str(wish.get("restart")), False)
    if status != "running" or not allowed or wish["state"] not in {"present", "started"}:
        return Restart(waiting)
    return Restart(steps=(power_step(guest.path(), "reboot", guest.label, wish),))
