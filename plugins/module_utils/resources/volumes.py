# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's volumes, whatever they are called: what has to be done to one, and how one kind of guest does it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json, size_bytes
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError


@dataclass(frozen=True)
class VolumeChange:
    """What has to be done to one volume: set it, move it to another storage, and grow it to ``size``."""

    key: str
    change: Change | None = None
    move_to: str | None = None
    size: str | None = None
    before: str | None = None
    after: str | None = None
    delete: bool = False
    """Whether it goes, with all that is on it."""

    waits: bool = False
    """A running guest sees the change after a restart only."""


ALLOCATED = re.compile(r"^([^:/\s]+):(\d+(?:\.\d+)?)$")
"""PVE's way to ask for a new volume: ``storage:GiB``."""


def gibibytes(size: int) -> str:
    """Bytes as PVE wants a new volume's size; exact, so that the volume has the size that was wished."""
    return f"{size / 2**30:.30f}".rstrip("0").rstrip(".")


def storage_of(volume: object) -> str:
    """The storage a volume id such as ``local-lvm:vm-100-disk-0`` names."""
    return str(volume).partition(":")[0]


def grown(guest: str, volume: str, wanted: str | None, present: str | None) -> str | None:
    """The size to grow to, None when it has it. Raises RefusedError for a smaller one; ``volume`` as in a sentence."""
    if not wanted or not present:
        return None
    if size_bytes(wanted) < size_bytes(present):
        what = volume.partition(" ")[0] if " " in volume else "volume"
        raise RefusedError(
            f"Cannot shrink {volume} of {guest} from {present} to {wanted}: Proxmox VE only grows {what}s. "
            f"Set size to {present} or more, or recreate the {what}."
        )
    return wanted if size_bytes(wanted) > size_bytes(present) else None


def occupied(guest: str, key: str, held: str, option: str, other: str) -> RefusedError:
    """The refusal to put something else where a volume is; ``option`` is how to detach that."""
    return RefusedError(
        f"Cannot replace {key} of {guest}: it holds {held}. Detach that first ({option}), or use another {other}."
    )


CompareVolume: TypeAlias = Callable[[str, str, "Json | None", "Values | None"], "VolumeChange | None"]
"""Guest's label, key, wish (None: detach) and what is there -> what has to be done.

Raises RefusedError for what would lose data, ConfigError for what can't be meant.
"""


def refuse_detaching_beside_deleting(option: str, detached: Sequence[str], deleted: Sequence[str]) -> None:
    """Raise ConfigError where a second run would delete what the first has only detached.

    ``detached`` are the volumes to detach, ``deleted`` those to delete that are detached already.
    """
    if detached and deleted:
        raise ConfigError(
            f"Option '{option}': {min(detached)} is to be detached and {min(deleted)} to be deleted: what is detached "
            f"may become {min(deleted)}, and a second run would delete it. Use a task for each."
        )


Deletion: TypeAlias = Callable[[Sequence[VolumeChange], str, str], Step]
"""From what is to go with its data, the path of the guest's configuration and a reason: the step that deletes it."""


def forced(volumes: Sequence[VolumeChange], path: str, reason: str) -> Step:
    """QEMU deletes a drive's volume in the same request if it is told so."""
    return Step("PUT", path, {"delete": ",".join(sorted(volume.key for volume in volumes)), "force": True}, reason)


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
    deletion: Deletion = forced

    moves_running: bool = True
    """Whether a volume of a running guest can be moved to another storage, or taken off."""

    grows_first: bool = False
    """Whether a volume's options may wait for a restart with its size among them, so that it has to be grown before."""
