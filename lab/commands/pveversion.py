# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pveversion (bin/pveversion of pve-manager): from the table of packages, without asking the API."""

from __future__ import annotations

from collections.abc import Sequence

from lab.api.release import KERNEL, PACKAGES, REPOSITORY_ID, VERSION
from lab.commands.client import CommandError
from lab.commands.command import lines
from lab.commands.options import Properties, take_apart

RUNNING = f"{VERSION}/{REPOSITORY_ID}"
NOTES = {"proxmox-ve": f" (running kernel: {KERNEL})", "pve-manager": f" (running version: {RUNNING})"}
OPTIONS: Properties = {"verbose": {"type": "boolean"}}


def pveversion(arguments: Sequence[str]) -> str:
    """``pveversion [--verbose]``; ``-v`` is short for it."""
    taken = take_apart(arguments, OPTIONS)
    if taken.complaints or taken.words:
        raise CommandError("\n".join([*taken.complaints, "USAGE: pveversion [--verbose]"]))
    if "verbose" not in taken.options:
        return f"pve-manager/{RUNNING} (running kernel: {KERNEL})\n"
    return lines([f"{name}: {version}{NOTES.get(name, '')}" for name, version in PACKAGES.items()])
