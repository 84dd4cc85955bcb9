# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's configuration and volumes: what differs from the wish, and the steps that change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Step, Values, encoded
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import GROWING, MOVING, SETTING
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import changes as config_differences
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange


def config_changes(kind: Kind, wish: Values, have: Mapping[str, Json], *, creating: bool) -> tuple[Change, ...]:
    """What differs of the options; ``creating``: secrets are set whatever is there."""
    renew = creating or wish.get("update_password") == "always"
    return config_differences(kind.config.wanted(wish), have, renew_secrets=renew)


def volume_changes(kind: Kind, wish: Values, config: Values, label: str) -> tuple[VolumeChange, ...]:
    """What has to be done to the volumes; ``label`` names the guest in refusals."""
    wanted = kind.volumes.wanted(wish)
    present = {key: kind.volumes.codec.decode(config[key]) for key in wanted if config.get(key)}
    found = (kind.volumes.compare(label, key, value, present.get(key)) for key, value in wanted.items())
    return tuple(change for change in found if change)


def volume_view(volumes: Sequence[VolumeChange], side: str) -> dict[str, Json]:
    """The volumes' part of the diff; ``side`` is before or after."""
    return {volume.key: getattr(volume, side) for volume in volumes if getattr(volume, side) is not None}


def config_step(
    kind: Kind,
    changes: Sequence[Change],
    volumes: Sequence[VolumeChange],
    path: str,
    label: str,
) -> tuple[Step, ...]:
    """One write for all of it, with the verb that suits volumes where there are some."""
    set_volumes = [volume.change for volume in volumes if volume.change]
    every = [*changes, *set_volumes]
    if not every:
        return ()
    names = ", ".join(sorted(change.key for change in every))
    verb = kind.volumes.set_verb if set_volumes else "PUT"
    return (Step(verb, path, encoded(every), f"set {names} of {label}", advice=SETTING),)


def configure(
    kind: Kind, view: View, guest: Guest, changes: Sequence[Change], volumes: Sequence[VolumeChange]
) -> tuple[Step, ...]:
    """The configuration and the volumes of a guest that is there. The first write checks that it is as it was read."""
    early = [volume for volume in volumes if kind.volumes.grows_first and volume.size and volume.change]
    later = [replace(volume, size=None) if volume in early else volume for volume in volumes]
    steps = (
        *(_grow_step(volume, guest.path(), guest.label) for volume in early),
        *config_step(kind, changes, volumes, guest.path("config"), guest.label),
        *volume_steps(kind, later, guest.path(), guest.label),
        *_delete_step(kind, volumes, guest),
    )
    return tuple(_seen_as(view, step) if step is steps[0] else step for step in steps)


def _seen_as(view: View, step: Step) -> Step:
    """A step that PVE refuses when the configuration isn't any more what was seen."""
    return replace(step, params={**step.params, "digest": view.config.get("digest")})


def volume_steps(kind: Kind, volumes: Sequence[VolumeChange], path: str, label: str) -> tuple[Step, ...]:
    """Moves to other storages, then growing."""
    moves = (_move_step(kind, volume, path, label) for volume in volumes if volume.move_to)
    grows = (_grow_step(volume, path, label) for volume in volumes if volume.size)
    return (*moves, *grows)


def _delete_step(kind: Kind, volumes: Sequence[VolumeChange], guest: Guest) -> tuple[Step, ...]:
    """What is to go with its data; a step of its own, because it is about everything a request removes."""
    gone = [volume for volume in volumes if volume.delete]
    if not gone:
        return ()
    reason = f"delete {', '.join(sorted(volume.key for volume in gone))} of {guest.label} with its data"
    return (replace(kind.volumes.deletion(gone, guest.path("config"), reason), advice=SETTING),)


def _move_step(kind: Kind, volume: VolumeChange, path: str, label: str) -> Step:
    params = {kind.volumes.move_parameter: volume.key, "storage": volume.move_to, "delete": True}
    reason = f"move {volume.key} of {label} to storage {volume.move_to}"
    return Step("POST", f"{path}/{kind.volumes.move_action}", params, reason, advice=MOVING)


def _grow_step(volume: VolumeChange, path: str, label: str) -> Step:
    params = {"disk": volume.key, "size": volume.size}
    reason = f"grow {volume.key} of {label} to {volume.size}"
    return Step("PUT", f"{path}/resize", params, reason, advice=GROWING)


def make_template(kind: Kind, path: str, label: str) -> Step:
    """The step that can't be taken back."""
    return Step("POST", f"{path}/template", {}, f"make {label} a template", unnamed_task=kind.template_task)
