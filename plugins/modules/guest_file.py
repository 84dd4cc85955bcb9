#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module guest_file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_file
short_description: Write, read or remove a file of a VM through its guest agent
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a file of a VM hold a content, removes it, or returns what it holds. The VM needs no network and no SSH, only
    a running C(qemu-guest-agent). Proxmox VE offers this for VMs, not for containers.
  - The file is read first, and written only when it differs. Its owner and mode are given to it when it is written; of
    a file whose content is right already they are not looked at.
  - Up to 43200 bytes are written at once into the file as it is. More goes to a private file beside it, which is then
    copied over it. What was written is read again and compared.
  - Handles less than 16 MiB, the most that Proxmox VE reads of a guest's file.
  - The content is part of the task's diff. Set C(no_log) on tasks with secrets; then neither is shown.
  - Needs the privileges C(VM.Audit) and C(VM.GuestAgent.FileRead) on the VM (before Proxmox VE 9, C(VM.Audit) and
    C(VM.Monitor)), for O(state=present) also C(VM.GuestAgent.FileWrite), and C(VM.GuestAgent.Unrestricted) instead of
    both to make a new file with another mode than V(agent), to set O(mode), O(owner) or O(group), to write more than
    43200 bytes, and for O(state=absent).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.guest
  - homelab.pve.attributes
options:
  path:
    description: Absolute path of the file in the guest. Its folder has to exist.
    type: str
    required: true
  state:
    description:
      - V(present) makes the file hold O(content), or what O(src) holds.
      - V(absent) removes it.
      - V(read) returns its content, and fails when there is no such file.
    type: str
    choices: [present, absent, read]
    default: present
  content:
    description: What the file has to hold, nothing added.
    type: str
  src:
    description: A file, on the machine the module runs on, whose content the guest's file has to hold.
    type: path
  encoding:
    description:
      - How O(content) is given, and RV(content) returned. A file that is no UTF-8 text is returned in V(base64) in any
        case.
    type: str
    choices: [text, base64]
    default: text
  mode:
    description:
      - Mode the file gets when it is written, in quotes, for example V('0640').
      - Without it an existing file keeps its mode and a new one gets V(0644).
      - With V(agent) no program is run in the guest. That needs fewer privileges and works in guests without coreutils
        or busybox, such as Windows, but the agent makes new files with mode 0666, so that every user of the guest may
        write to them.
    type: raw
  owner:
    description: Account of the guest the file is given to when it is written. Without it a new file belongs to root.
    type: str
  group:
    description: Group of the guest the file is given to when it is written.
    type: str
  wait_timeout:
    description: Seconds each program that is run in the guest may take.
    type: float
    default: 60
  agent_timeout:
    description: Seconds to wait for an agent that isn't running yet, because the guest has just been started.
    type: float
    default: 0
seealso:
  - module: homelab.pve.guest_exec
"""

EXAMPLES = r"""
- name: Greet those who log in
  homelab.pve.guest_file:
    vmid: 99900
    path: /etc/motd
    content: |
      This machine is managed by Ansible.
    agent_timeout: 120

- name: Hand over a key that only one account may read
  homelab.pve.guest_file:
    name: web
    path: /etc/web.key
    content: "{{ key | default('sesame') }}"
    mode: '0640'
    group: www-data
  no_log: true

- name: Read a file
  homelab.pve.guest_file:
    vmid: 99900
    path: /etc/motd
    state: read
  register: motd

- name: Show it
  ansible.builtin.debug:
    var: motd.content

- name: Remove a file
  homelab.pve.guest_file:
    vmid: 99900
    path: /etc/web.key
    state: absent
"""

RETURN = r"""
file:
  description: Path of the file.
  type: str
  returned: success
  sample: /etc/motd
size:
  description: Size of the file in bytes.
  type: int
  returned: success; V(null) when there is no file
  sample: 36
sha256:
  description: SHA-256 of its content.
  type: str
  returned: success; V(null) when there is no file
  sample: 60df7f8bb9a3f2fd46dcdb14bd3fe8b0b2b84a3c6f3cb1ad4c8bb6c3c7bff1e0
content:
  description: What the file holds.
  type: str
  returned: O(state=read)
  sample: "This machine is managed by Ansible.\n"
encoding:
  description: Whether RV(content) is V(text) or V(base64).
  type: str
  returned: O(state=read)
  sample: text
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: [make /etc/motd in vm 99900 (web) on father, write 36 bytes to /etc/motd in vm 99900 (web) on father]
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
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_file import FILE, guest_file
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act


def main() -> None:
    """Entry point."""
    act(Action(FILE.options, guest_file, FILE.writes, FILE.rules))


if __name__ == "__main__":
    main()
