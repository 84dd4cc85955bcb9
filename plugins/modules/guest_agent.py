#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module guest_agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_agent
short_description: Freeze file systems, set a password and more in a VM through its guest agent
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Has the agent of a VM carry out one of its own commands. Programs are run by M(homelab.pve.guest_exec), files are
    kept by M(homelab.pve.guest_file), addresses are told by M(homelab.pve.guest_ip).
  - What is so already changes nothing, as with frozen file systems that are to be frozen, or a VM that is stopped and
    is to be shut down. V(fstrim), and a password that is not crypted, are carried out each time.
  - Needs the privileges C(VM.Audit) and C(VM.GuestAgent.Unrestricted) (before Proxmox VE 9, C(VM.Monitor)) on the VM.
    Instead of the second, C(VM.GuestAgent.Audit) is enough for V(ping) and V(fsfreeze-status), with
    C(VM.GuestAgent.FileSystemMgmt) for file systems, and with C(VM.PowerMgmt) for sleep and shutdown.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.guest
  - homelab.pve.attributes
options:
  command:
    description:
      - V(ping) asks whether the agent answers, V(fsfreeze-status) whether the file systems are frozen.
      - V(fsfreeze-freeze) brings the file systems to a standstill, V(fsfreeze-thaw) ends that. Meanwhile the guest
        can't write, and its agent takes little else than V(fsfreeze-thaw).
      - V(fstrim) gives blocks back that the file systems don't use. It may take longer than O(timeout) on large disks.
      - V(shutdown) and V(suspend-disk) wait until the VM is stopped, V(suspend-ram) and V(suspend-hybrid) until it
        sleeps.
      - V(set-user-password) sets the password of a user of the guest.
    type: str
    required: true
    choices:
      - ping
      - fsfreeze-status
      - fsfreeze-freeze
      - fsfreeze-thaw
      - fstrim
      - shutdown
      - suspend-disk
      - suspend-hybrid
      - suspend-ram
      - set-user-password
  username:
    description: The user, with O(command=set-user-password).
    type: str
  user_password:
    description: The password, of 5 to 1024 letters, with O(command=set-user-password).
    type: str
  crypted:
    description:
      - Whether O(user_password) is a crypt(3) hash. A user that has it already, as C(/etc/shadow) in the guest says, is
        left alone.
    type: bool
  wait_timeout:
    description: Seconds to wait for the VM to be stopped, or asleep.
    type: float
    default: 300
  agent_timeout:
    description: Seconds to wait for an agent that does not run yet, as in a VM that is booting.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: See that the agent answers
  homelab.pve.guest_agent:
    name: web
    command: ping
    agent_timeout: 60

- name: Keep the file systems still
  homelab.pve.guest_agent:
    name: web
    command: fsfreeze-freeze

- name: Let them go
  homelab.pve.guest_agent:
    name: web
    command: fsfreeze-thaw

- name: Set the password of root
  homelab.pve.guest_agent:
    name: web
    command: set-user-password
    username: root
    user_password: "{{ vault_root_hash | default('$6$salt$hash') }}"
    crypted: true
  no_log: true

- name: Shut the guest down
  homelab.pve.guest_agent:
    name: web
    command: shutdown
"""

RETURN = r"""
vmid:
  description: Id of the VM.
  type: int
  returned: success
  sample: 104
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
result:
  description:
    - What the agent answered. V(frozen) or V(thawed) for V(fsfreeze-status), the number of file systems for
      V(fsfreeze-freeze) and V(fsfreeze-thaw), a list of paths for V(fstrim). None in check mode, apart from questions.
  type: raw
  returned: success
  sample: thawed
plan:
  description: The step, in words. Without one, the reason why there is none.
  type: list
  elements: str
  returned: success
  sample: ["freeze the file systems of vm 104 (web) on father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_agent import AGENT
from ansible_collections.homelab.pve.plugins.module_utils.module import run


def main() -> None:
    """Entry point."""
    run(AGENT)


if __name__ == "__main__":
    main()
