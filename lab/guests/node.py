# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a guest a Proxmox VE node: paths inside it that the API and the guests' init agree on.

A root with :data:`API_CONFIG` is a node: its init binds :data:`LIBRARY`, mounts ``VOLUME/data`` on :data:`STATE` and
starts ``python3 -m lab.api --config API_CONFIG``, which boots further guests as children of that node.
"""

from __future__ import annotations

# Base image, the lab's code and its Python packages, read-only, the same at every depth.
LIBRARY = "/usr/lib/homelab-pve-lab"
LIBRARY_BASE = f"{LIBRARY}/base"
LIBRARY_LAB = f"{LIBRARY}/lab"
LIBRARY_PYTHON = f"{LIBRARY}/python"

# The node's own state; on the real file system, so guests' volumes below it can be overlays again.
STATE = "/var/lib/homelab-pve-lab"
VOLUMES = f"{STATE}/volumes"

API_CONFIG = "/etc/homelab-pve-lab/api.json"
API_COMMAND = ("/usr/bin/python3", "-m", "lab.api", "--config", API_CONFIG)
# A root that has this file too is a node whose API is served by a process outside of it (:mod:`lab.booted`).
SERVED_OUTSIDE = "/etc/homelab-pve-lab/served-outside"
API_LOG = "/var/log/homelab-pve-lab.log"
# PYTHONPATH for everything of the lab that runs inside a node.
PYTHON_PATH = f"{LIBRARY}:{LIBRARY_PYTHON}"
