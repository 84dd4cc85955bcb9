#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module state_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state_info
short_description: Export a whole Proxmox VE server as one document
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Reads everything of a server or cluster that M(homelab.pve.state) can declare, without volatile and secret values.
  - Needs the privileges C(VM.Audit), C(Datastore.Audit), C(Sys.Audit), C(Pool.Audit), C(SDN.Audit) and
    C(Mapping.Audit) on V(/), as the role C(PVEAuditor) has them. What the login may not see is left out, as is a node
    that can't be asked, and what no document says; the warnings name it. Plugins for certificate authorities need
    C(Sys.Modify) on V(/), and accounts with them are shown to V(root@pam) only, logged in with its password.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  only:
    description:
      - Kinds that are read, as V(vms) or V(ha.rules), or all of an area, as V(ha). Without it, all.
    type: list
    elements: str
  max_parallel:
    description: How many things are read at a time, from 1 to 64.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Export who may log in
  homelab.pve.state_info:
    only: [users, groups]
  register: server
"""

RETURN = r"""
document:
  description: The document, in a stable order. In place of each secret stands its placeholder.
  type: dict
  returned: success
capabilities:
  description: What can be done with a server's document.
  type: dict
  returned: success
  sample:
    supports_rollback: true
    supports_checkpoints: true
    supports_verification: true
    atomic_operations: false
timestamp:
  description: When it was read, in UTC.
  type: str
  returned: success
  sample: "2026-03-01T02:00:00.000+00:00"
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import ask
from ansible_collections.homelab.pve.plugins.module_utils.state.work import STATE_INFO


def main() -> None:
    """Entry point."""
    ask(STATE_INFO)


if __name__ == "__main__":
    main()
