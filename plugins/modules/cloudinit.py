#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module cloudinit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudinit
short_description: Bring the cloud-init drive of a VM up to date
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Writes what M(homelab.pve.vm) has set for cloud-init (C(ciuser), C(cipassword), C(sshkeys), C(nameserver), ...) to
    the VM's cloud-init drive, if something waits for that. A running VM has its drive exchanged; when its system reads
    it is up to cloud-init in the guest, by default when it boots.
  - Proxmox VE writes the drive whenever the VM starts, so this is for VMs that run, or whose drive is wanted elsewhere.
  - Proxmox VE does not tell that a name, a network card or a setting of addresses has become another one. Use O(force)
    after such a change.
  - Needs the privileges C(VM.Audit) and C(VM.Config.Cloudinit) on V(/vms/VMID).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.guest
  - homelab.pve.attributes
options:
  force:
    description: Whether the drive is written even if nothing is known to wait. Then the task is changed each time.
    type: bool
    default: false
seealso:
  - module: homelab.pve.vm
"""

EXAMPLES = r"""
- name: Give a VM another user
  homelab.pve.vm:
    vmid: 99900
    ciuser: admin

- name: Write that to its cloud-init drive
  homelab.pve.cloudinit:
    vmid: 99900
"""

RETURN = r"""
waited:
  description: What waited to be written, by name.
  type: list
  elements: dict
  returned: success
  contains:
    key:
      description: The option.
      type: str
    before:
      description: Its value on the drive, V(null) where there was none, and of an option that is to go.
      type: str
    after:
      description: Its new value, V(null) of one that is to go.
      type: str
  sample: [{key: ciuser, before: debian, after: admin}]
vmid:
  description: Id of the VM.
  type: int
  returned: success
  sample: 99900
name:
  description: Name of the VM.
  type: str
  returned: success
  sample: web
node:
  description: Node the VM is on.
  type: str
  returned: success
  sample: father
plan:
  description: The step, in words. Without one, the reason why there is none.
  type: list
  elements: str
  returned: success
  sample: ["write the cloud-init drive of vm 99900 (web)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.cloudinit import CLOUDINIT


def main() -> None:
    """Entry point."""
    run(CLOUDINIT)


if __name__ == "__main__":
    main()
