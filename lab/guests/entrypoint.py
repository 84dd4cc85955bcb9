# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a container's configuration names as its init, and what it finds when it takes over.

Source: pve-container, PVE/LXC.pm (``entrypoint`` becomes lxc.init.cmd, ``env`` lxc.environment.runtime), lxc's
start.c (do_start) and config/common.conf.in; systemd's https://systemd.io/CONTAINER_INTERFACE.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.guests import cgroups, commands, syscalls

DEFAULT = "/sbin/init"
"""What the lab's own image has no program for; its guests have the lab's init in its place."""

SYSTEMD = "systemd"
NOTIFY_SOCKET = "/run/host/notify"
"""Where systemd says that it is up; its address is in the environment it is started with (sd_notify(3))."""

# CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_MAC_OVERRIDE, CAP_MAC_ADMIN: lxc.cap.drop of containers.
_DROPPED_CAPABILITIES = (16, 17, 25, 32, 33)
# systemd has five, each of its services that watches something has one.
_INOTIFY_OF_GUEST = 10
_INOTIFY_OF_MACHINE = 64
_ENVIRONMENT = {"container": "lxc", "TERM": "linux", "PATH": commands.PATH}


class Program(NamedTuple):
    """What a container's init is: a file, and the words it is called with."""

    path: str
    argv: list[str]

    @property
    def is_systemd(self) -> bool:
        """Whether it is systemd, by whatever name."""
        return Path(self.path).resolve().name == SYSTEMD


def program(text: str | None) -> Program | None:
    """What an ``entrypoint`` names in this root; None where the lab's own init is what is wanted.

    Raises FileNotFoundError for a program that is not here.
    """
    words = shlex.split(text or "")
    if not words:
        return None
    path = shutil.which(words[0], path=commands.PATH)
    if path is None and words[0] != DEFAULT:
        raise FileNotFoundError(f'Failed to exec "{words[0]}": the container has no such program')
    return Program(path, words) if path else None


def environment(variables: Sequence[str], *, systemd: bool) -> Mapping[str, str]:
    """What the program is started with; ``variables`` are the configuration's own."""
    given = dict(variable.split("=", 1) for variable in variables)
    return {**_ENVIRONMENT, **({"NOTIFY_SOCKET": NOTIFY_SOCKET} if systemd else {}), **given}


def prepare_for_systemd(vmid: int) -> None:
    """Give the container what systemd can't do without. Raises OSError with what to do."""
    try:
        _allow_inotify(cgroups.settle(vmid))
    except PermissionError as error:
        raise PermissionError(
            f"systemd needs a cgroup of its own for the container, and the lab may make none ({error.strerror}): run "
            "the lab as root, or start it by: systemd-run --user --scope --property=Delegate=yes ./run.sh lab up"
        ) from error


def _allow_inotify(guests: int) -> None:
    """Raise what the machine's root may have of inotify(7), where that is allowed and too little for these guests."""
    with contextlib.suppress(OSError), syscalls.mounted("proc") as proc:
        limit = proc / "sys/fs/inotify/max_user_instances"
        needed = inotify_needed(guests)
        if int(limit.read_text(encoding="utf-8")) < needed:
            limit.write_text(f"{needed}\n", encoding="utf-8")


def inotify_needed(guests: int) -> int:
    """Instances that root takes with this many guests that run systemd."""
    return _INOTIFY_OF_MACHINE + _INOTIFY_OF_GUEST * guests


def become(init: Program, variables: Sequence[str]) -> None:
    """Go on as the program, without what LXC takes from containers. Never returns; raises OSError."""
    for number in _DROPPED_CAPABILITIES:
        syscalls.drop_capability(number)
    os.execve(init.path, init.argv, environment(variables, systemd=init.is_systemd))  # noqa: S606 - as configured
