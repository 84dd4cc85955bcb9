# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps what it keeps, and the addresses of its network.

Directories follow the XDG base directory specification; ``HOMELAB_PVE_LAB_IMAGES`` moves the image cache.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "homelab-pve"
IMAGES_VARIABLE = "HOMELAB_PVE_LAB_IMAGES"

BRIDGE = "labbr0"
GATEWAY = "10.99.0.1"
PREFIX = 24
DHCP_FIRST = "10.99.0.100"
DHCP_LAST = "10.99.0.199"
DOMAIN = "lab.internal"
IMAGE_SERVER_PORT = 8080

FATHER = "father"
FATHER_ADDRESS = "10.99.0.2"
API_PORT = 8006
SSH_PORT = 22


def state_dir() -> Path:
    """The lab instance's directory: ``$XDG_STATE_HOME/homelab-pve/lab``."""
    return platformdirs.user_state_path(APP) / "lab"


def images_dir() -> Path:
    """The cache of root images: ``HOMELAB_PVE_LAB_IMAGES``, or ``$XDG_CACHE_HOME/homelab-pve/lab``."""
    override = os.environ.get(IMAGES_VARIABLE)
    return Path(override) if override else platformdirs.user_cache_path(APP) / "lab"
