# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pveversion and pvecm: what they say on a node that is in no cluster."""

from __future__ import annotations

from collections.abc import Sequence

from lab.api.release import KERNEL, RELEASE, REPOSITORY_ID, VERSION
from lab.commands.client import CommandError
from lab.commands.verbs import Verbs
from lab.commands.verbs import main as run_verbs
from lab.commands.words import Words

NO_CLUSTER = "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"


def pveversion(arguments: Sequence[str]) -> str:
    """``pveversion [--verbose]``."""
    if set(arguments) & {"-v", "--verbose", "-verbose"}:
        return "\n".join(
            [
                f"proxmox-ve: {RELEASE}.0 (running kernel: {KERNEL})",
                f"pve-manager: {VERSION} (running version: {VERSION}/{REPOSITORY_ID})",
                f"proxmox-kernel-helper: {RELEASE}.0",
            ]
        )
    return f"pve-manager/{VERSION}/{REPOSITORY_ID} (running kernel: {KERNEL})"


def update_certificates(_words: Words) -> str:
    """``pvecm updatecerts``: the node's API keeps its certificate up to date by itself."""
    return "(re)generate node files\nmerge authorized SSH keys and known hosts"


def refuse(_words: Words) -> str:
    """What needs a cluster."""
    raise CommandError(NO_CLUSTER, 2)


PVECM: Verbs = {
    "updatecerts": update_certificates,
    "status": refuse,
    "nodes": refuse,
    "expected": refuse,
    "delnode": refuse,
}


def pvecm(arguments: Sequence[str]) -> str | None:
    """``pvecm``."""
    return run_verbs("pvecm", PVECM, arguments)
