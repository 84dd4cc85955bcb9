# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running without root: whether and how a range of user ids can be mapped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

MAP_OPTIONS = ("--user", "--map-auto", "--map-root-user")


def mapped(command: Sequence[str]) -> list[str]:
    """``command`` as root of the lab's user ids: itself for root, inside a user namespace otherwise."""
    if os.geteuid() == 0:
        return list(command)
    return ["unshare", *MAP_OPTIONS, "--", *command]


def obstacle() -> str | None:
    """Why guests cannot run for this user, or None when they can."""
    if os.geteuid() == 0:
        return None
    try:
        probe = subprocess.run(
            mapped(["unshare", "--net", "--mount", "true"]), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return "unshare (package util-linux) is not installed"
    return probe.stderr.strip() or f"unshare ended with {probe.returncode}" if probe.returncode else None
