#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module guest_exec."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_exec
short_description: Run a command in a VM through its guest agent
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Runs a command in a VM as its agent's user, usually root, and waits for its end. The VM needs no network and no
    SSH, only a running C(qemu-guest-agent). Proxmox VE offers this for VMs, not for containers.
  - Works like M(ansible.builtin.command). The task is changed whenever the command ran, so say with C(changed_when)
    what counts as a change, or use O(creates) or O(removes). It fails when the command ends with another status than
    0, unless C(failed_when) says otherwise. In check mode the command isn't run, and seems to have said nothing.
  - A command is never run twice. When the answer is lost that would tell whether it was started, the task fails and
    says so.
  - Proxmox VE offers neither an environment nor a working folder for a command. Set them in O(cmd), as in
    V(cd /srv && LANG=C ./update).
  - Arguments, input and output are part of the task's result. Set C(no_log) on tasks that have secrets in them.
  - Needs the privileges C(VM.Audit) and C(VM.GuestAgent.Unrestricted) (before Proxmox VE 9, C(VM.Monitor)) on the VM.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.guest
  - homelab.pve.attributes
options:
  argv:
    description: The program and its arguments, each a word of its own. No shell looks at them. No word may be empty.
    type: list
    elements: str
  cmd:
    description: A command line for the guest's C(/bin/sh), instead of O(argv).
    type: str
  stdin:
    description:
      - What the command reads from its standard input, up to 65536 bytes, exactly as given. Without it the input is
        empty.
      - With the transports V(ssh) and V(local) the locale of C(pvesh) on the node has to be one of UTF-8 for other
        characters than ASCII, here and in the command.
    type: str
  creates:
    description:
      - Absolute path of a file or folder of the guest. When it exists, the command isn't run. Patterns are not looked
        at as such.
    type: str
  removes:
    description: Absolute path of a file or folder of the guest. When it doesn't exist, the command isn't run.
    type: str
  output_limit:
    description:
      - Bytes to return of RV(ignore:stdout) and of RV(ignore:stderr) each, from their beginning. The agent itself keeps
        16 MiB of each.
      - Bytes that are no UTF-8 are returned as U+FFFD. Have binary output encoded by the command, with C(base64) say.
    type: int
    default: 1048576
  wait:
    description:
      - Whether to wait for the command's end. With V(false) only its start can fail, and RV(pid) is all that is known
        of it. That is how to run what ends the agent too, such as a reboot.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for the command's end. A command that takes longer is not stopped; the task fails with its pid.
    type: float
    default: 300
  agent_timeout:
    description: Seconds to wait for an agent that isn't running yet, because the guest has just been started.
    type: float
    default: 0
seealso:
  - module: homelab.pve.guest_file
  - module: homelab.pve.guest_ip
"""

EXAMPLES = r"""
- name: Ask a VM for its name as soon as it has booted
  homelab.pve.guest_exec:
    vmid: 99900
    argv: [hostname]
    agent_timeout: 120
  register: answer
  changed_when: false

- name: Show it
  ansible.builtin.debug:
    var: answer.stdout

- name: Mark the guest as prepared, once
  homelab.pve.guest_exec:
    name: web
    argv: [touch, /etc/prepared]
    creates: /etc/prepared

- name: Let a shell run several commands
  homelab.pve.guest_exec:
    vmid: 99900
    cmd: hostname >> /etc/prepared; cat /etc/prepared
    removes: /etc/prepared
  changed_when: false

- name: Hand over a secret
  homelab.pve.guest_exec:
    vmid: 99900
    argv: [sh, -c, 'cat >> "$1"', sh, /root/secret]
    stdin: "{{ secret | default('sesame') }}"
    creates: /root/secret
  no_log: true
"""

RETURN = r"""
rc:
  description:
    - Exit status of the command; 128 and the signal's number when a signal ended it. V(0) also when it did not run, and
      with O(wait=false).
  type: int
  returned: always
  sample: 0
signal:
  description: Number of the signal that ended the command, V(null) when none did.
  type: int
  returned: always
  sample: 9
pid:
  description: Its process id in the guest, V(null) when it did not run.
  type: int
  returned: always
  sample: 1871
stdout:
  description: What it wrote to its standard output, without line breaks at the end.
  type: str
  returned: always
  sample: web
stdout_lines:
  description: The same by lines.
  type: list
  elements: str
  returned: always
  sample: [web]
stdout_truncated:
  description: Whether there was more.
  type: bool
  returned: always
  sample: false
stderr:
  description: What it wrote to its error output, without line breaks at the end.
  type: str
  returned: always
  sample: ""
stderr_lines:
  description: The same by lines.
  type: list
  elements: str
  returned: always
  sample: []
stderr_truncated:
  description: Whether there was more.
  type: bool
  returned: always
  sample: false
cmd:
  description: The command's words.
  type: list
  elements: str
  returned: always
  sample: [hostname]
plan:
  description: The step, in words. Without one, the reason why the command need not run.
  type: list
  elements: str
  returned: always
  sample: ["run 'hostname' in vm 99900 (web) on father"]
vmid:
  description: Id of the VM.
  type: int
  returned: always
  sample: 99900
name:
  description: Name of the VM.
  type: str
  returned: always
  sample: web
node:
  description: Node the VM is on.
  type: str
  returned: always
  sample: father
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_exec import COMMAND, guest_exec
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act


def main() -> None:
    """Entry point."""
    act(Action(COMMAND.options, guest_exec, COMMAND.writes, COMMAND.rules))


if __name__ == "__main__":
    main()
