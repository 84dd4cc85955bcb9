#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module apt_update."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_update
short_description: Fetch the package index of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Fetches the package index of a node anew, as C(apt-get update) does. Installs nothing.
  - Needs the privilege C(Sys.Modify) on V(/nodes/NODE), and C(Sys.Audit) there with O(cache_valid_time).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  cache_valid_time:
    description:
      - Seconds for which an index is good. A younger one is not fetched again; Proxmox VE fetches it once a day by
        itself. With 0 it is fetched each time the task is run.
    type: int
    default: 0
  notify:
    description: Whether Proxmox VE notifies of packages that are new.
    type: bool
  quiet:
    description: Whether the task's log has no progress in it.
    type: bool
  wait_timeout:
    description: Seconds it may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Have a package index that is no older than an hour
  homelab.pve.apt_update:
    node: father
    cache_valid_time: 3600
"""

RETURN = r"""
last_update:
  description:
    - When the index was last fetched, in seconds since the epoch. Null if that isn't known, or wasn't asked for.
  type: int
  returned: success
  sample: 1760000000
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["fetch the package index of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.apt_update import APT_UPDATE


def main() -> None:
    """Entry point."""
    run(APT_UPDATE)


if __name__ == "__main__":
    main()
