#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ha_resource."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_resource
short_description: Declare a guest that high availability of Proxmox VE manages
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Puts a guest under the HA manager, changes what is asked of it there, or takes it out. What is not set is not
    managed; an empty value removes what is there.
  - The HA manager does what is asked for in its next pass, some seconds later; the module waits for that only where a
    guest is to be on another O(node). M(homelab.pve.ha_status_info) shows how far it is.
  - Proxmox VE 9 has rules instead of groups, see M(homelab.pve.ha_rule).
  - With O(node), a guest that is not managed yet has to be seen, too, with C(VM.Audit) on the guest.
  - Needs the privileges C(Sys.Audit) and C(Sys.Console) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  sid:
    description: The guest, as V(vm:100), V(ct:100) or just its vmid.
    type: str
    required: true
  state:
    description:
      - What the HA manager is to keep the guest in. V(present) only has it managed; what is asked for stays, and is
        V(started) for a guest it did not manage before.
      - V(enabled) is another word for V(started). V(disabled) stops the guest and does not move it, and is the way out
        of an error. V(ignored) leaves the guest to others.
      - V(absent) takes the guest out of HA, and leaves it as it is.
    type: str
    choices: [present, started, stopped, enabled, disabled, ignored, absent]
    default: present
  max_restart:
    description: How often it is tried to start the guest on its node. Proxmox VE assumes V(1).
    type: int
  max_relocate:
    description: How often the guest is moved to another node when it does not start. Proxmox VE assumes V(1).
    type: int
  failback:
    description:
      - Whether the guest goes back to a node of higher priority as soon as one is online. Proxmox VE assumes V(true).
      - Proxmox VE 8 has this in groups and refuses it here.
    type: bool
  group:
    description: HA group of the guest, on Proxmox VE 8. Proxmox VE 9 refuses it.
    type: str
  comment:
    description: A comment.
    type: str
  node:
    description:
      - Node that the guest is to be on. The HA manager moves it there, with all that a rule keeps together with it.
      - Rules about nodes come first, and call a guest back that is elsewhere than they say.
    type: str
  relocate:
    description: Whether a guest that is moved to O(node) is stopped for that instead of migrated as it runs.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until the guest is on O(node).
    type: float
    default: 600
  purge:
    description:
      - With O(state=absent), whether rules forget the guest, too, and rules about it alone are removed. Proxmox VE 9
        assumes V(true); Proxmox VE 8 refuses the option.
    type: bool
"""

EXAMPLES = r"""
- name: Keep a guest running
  homelab.pve.ha_resource:
    sid: vm:104
    state: started
    max_restart: 3
    comment: The shop.

- name: Have it stopped by the HA manager
  homelab.pve.ha_resource:
    sid: vm:104
    state: stopped

- name: Manage it no longer
  homelab.pve.ha_resource:
    sid: vm:104
    state: absent
"""

RETURN = r"""
ha_resource:
  description: What is asked of the HA manager. Options are named as this module's.
  type: dict
  returned: when the guest is managed
  sample: {sid: "vm:104", state: started, max_restart: 3, comment: The shop.}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set state of HA resource vm:104"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_resource import HA_RESOURCE


def main() -> None:
    """Entry point."""
    run(HA_RESOURCE)


if __name__ == "__main__":
    main()
