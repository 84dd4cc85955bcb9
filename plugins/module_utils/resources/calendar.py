# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar events, by which jobs are scheduled. Proxmox VE itself says whether a text is one."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError

ANALYSIS = "/cluster/jobs/schedule-analyze"


def check_schedule(read: Reader, text: str, option: str = "schedule") -> None:
    """Raise ConfigError for what is no calendar event (format pve-calendar-event); anybody may ask."""
    try:
        read.get(ANALYSIS, {"schedule": text, "iterations": 1})
    except PveError as error:
        if "schedule" not in error.errors:
            raise
        said = error.errors["schedule"].removeprefix("invalid format - ")
        raise ConfigError(
            f"Option '{option}': '{text}' is no calendar event such as 'mon..fri 02:30' or '*/15': {said}"
        ) from error
