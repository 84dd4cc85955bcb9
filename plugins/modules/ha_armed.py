#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ha_armed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_armed
short_description: Arm and disarm high availability of Proxmox VE
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Disarms high availability for work on the network or on many nodes, so that no node is fenced, and arms it again.
    The module waits until the nodes' watchdogs are released, or taken again.
  - Proxmox VE 8 and 9.0 can't do that; the module refuses there.
  - Needs the privileges C(Sys.Audit) and C(Sys.Console) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description: Whether high availability is to be armed.
    type: str
    choices: [armed, disarmed]
    default: armed
  resource_mode:
    description:
      - What becomes of guests meanwhile. Needed to disarm.
      - With V(freeze) they stay as they are, and what is asked for is done when it is armed again. With V(ignore) they
        are treated as if they were not managed.
    type: str
    choices: [freeze, ignore]
  wait_timeout:
    description: Seconds to wait.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Fence no node while the switch is replaced
  homelab.pve.ha_armed:
    state: disarmed
    resource_mode: freeze

- name: Watch over them again
  homelab.pve.ha_armed:
    state: armed
"""

RETURN = r"""
armed_state:
  description: V(armed), V(standby) when there is nothing to watch over, V(disarming) or V(disarmed).
  type: str
  returned: success
  sample: disarmed
resource_mode:
  description: What becomes of guests meanwhile. Null while it is armed.
  type: str
  returned: success
  sample: freeze
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["disarm high availability"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_armed import HA_ARMED


def main() -> None:
    """Entry point."""
    run(HA_ARMED)


if __name__ == "__main__":
    main()
