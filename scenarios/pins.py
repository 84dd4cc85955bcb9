"""SSH host keys of the guests the scenarios build.

A guest is new, so its key can't be known before: the first connection pins it (``StrictHostKeyChecking=accept-new``)
in a file of its estate, and later ones must meet the same key. The file is thrown away with the guests it is about -
when they were destroyed, and when a phase built new ones - so that a rebuilt guest at the same address is no alarm.
The keys of the Proxmox VE hosts themselves are the user's: they are looked up in the user's own known_hosts (for the
lab's node: in the file the lab wrote), and no scenario makes SSH accept an unknown one. A host added by ``host add``
has a file of its own besides, named in its block of the SSH configuration, so that ssh, Ansible and ``host test`` meet
the same pin.

The playbooks give the arguments to the guests they add to the inventory; VARIABLE carries them there.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from scenarios import paths

VARIABLE = "HOMELAB_PVE_GUEST_SSH_ARGS"
LONE = "guests"
"""In place of an estate's name, for the guests of commands that belong to none."""


def known_hosts(host: str, estate: str) -> Path:
    """The file that pins the keys of an estate's guests; never the one that pins the host's own key."""
    return paths.state() / "pins" / host / (estate or LONE) / "known_hosts"


def ssh_arguments(host: str, estate: str) -> str:
    """Arguments of ssh for an estate's guests."""
    path = known_hosts(host, estate)
    paths.private_directory(path.parent)
    return shlex.join(["-o", "StrictHostKeyChecking=accept-new", "-o", f'UserKnownHostsFile="{path}"'])


def forget(host: str, estate: str) -> None:
    """Drop an estate's pins."""
    known_hosts(host, estate).unlink(missing_ok=True)
